"""Streams of Anthropic's told as a chat's: what a whole reply says, however it is cut; and what is no whole stream."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.providers.wire import Failure
from tests.providers.bedrock.making import call, chunks
from tests.providers.bedrock.sketches import IDS, NAMES, OBJECTS, TEXTS
from tests.providers.claude_replies import HAIKU, HEADERS, HELLO, USAGE, Data, message, whole
from tests.providers.test_claude import direct
from tests.providers.test_messages_stream import EVENTS, TOKENS, as_events, block, delta, stop


def events_of(content: list[Data], stopped: str) -> list[Data]:
    """A message as its events, texts in two pieces."""
    found: list[Data] = [{"type": "message_start", "message": {"id": "msg_1", "usage": USAGE | {"output_tokens": 1}}}]
    for at, one in enumerate(content):
        kind = one["type"]
        if kind == "tool_use":
            text = json.dumps(one["input"])
            said = [{"type": "input_json_delta", "partial_json": text[a:b]} for a, b in ((0, 1), (1, None))]
            found.append(block(at, **{**one, "input": {}}))
        elif kind == "redacted_thinking":
            said = []
            found.append(block(at, **one))
        else:
            name = {"text": "text", "thinking": "thinking"}[kind]
            said = [{"type": f"{name}_delta", name: one[name][:2]}, {"type": f"{name}_delta", name: one[name][2:]}]
            said += [{"type": "signature_delta", "signature": one["signature"]}] if kind == "thinking" else []
            found.append(block(at, **{**one, name: ""}))
        found += [delta(at, **piece) for piece in said] + [stop(at)]
    return [
        *found,
        {"type": "message_delta", "delta": {"stop_reason": stopped}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]


def read(stream: bytes, cuts: list[int], asks_usage: bool = True) -> list[Any]:
    decoder = direct(HAIKU).decoder(call({"messages": HELLO}, stream=True, asks_usage=asks_usage), HEADERS)
    edges = [0, *sorted(cuts), len(stream)]
    return [*[decoder.feed(stream[a:b]) for a, b in pairwise(edges)], decoder.end()]


def together(pieces: list[Data]) -> Data:
    """What a client makes of chunks: the message of the whole reply."""
    found: Data = {"role": "assistant", "content": None, "refusal": None}
    for said in (piece["choices"][0]["delta"] for piece in pieces if piece["choices"]):
        for name in ("content", "reasoning_content", "reasoning_signature", "reasoning_redacted"):
            if said.get(name):
                found[name] = (found.get(name) or "") + said[name]
        for use in said.get("tool_calls", ()):
            uses = found.setdefault("tool_calls", [])
            if use["index"] == len(uses):
                uses.append({"id": use["id"], "type": "function", "function": dict(use["function"])})
            else:
                uses[use["index"]]["function"]["arguments"] += use["function"]["arguments"]
    return found


THOUGHTS = st.builds(lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign}, TEXTS, NAMES)
HIDDEN = NAMES.map(lambda data: {"type": "redacted_thinking", "data": data})
SAID = TEXTS.map(lambda text: {"type": "text", "text": text})
USE = st.fixed_dictionaries({"type": st.just("tool_use"), "id": IDS, "name": NAMES, "input": OBJECTS})
USES = st.lists(USE, max_size=2)


@settings(deadline=None, max_examples=60)
@given(st.lists(THOUGHTS | HIDDEN, max_size=1), st.lists(SAID, max_size=1), USES, st.data())
def test_a_stream_says_what_the_whole_reply_says_however_it_is_cut(
    thought: list[Data], text: list[Data], uses: list[Data], data: st.DataObject
) -> None:
    content, stopped = [*thought, *text, *uses], "tool_use" if uses else "end_turn"
    stream = as_events(events_of(content, stopped))
    parts = read(stream, data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    assert [part.failure for part in parts] == [None] * len(parts)
    pieces = chunks(b"".join(part.data for part in parts))
    reply = whole(message(content, stopped))
    (choice,) = json.loads(reply.body)["choices"]
    assert together(pieces) == choice["message"]
    assert [part.finish for part in parts if part.finish] == [reply.finish]
    assert [part.tokens for part in parts if part.tokens] == [reply.tokens]
    assert {piece["id"] for piece in pieces} == {"chatcmpl-1"}
    assert pieces[-1]["usage"]["total_tokens"] == 22


BLOCKS: list[Data] = [
    {"type": "thinking", "thinking": "hm", "signature": "s"},
    {"type": "text", "text": "hello"},
    {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}},
    {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
]


def test_blocks_that_come_whole_at_their_start_are_said() -> None:
    """As some servers write Anthropic's shape: the API itself begins each block with nothing."""
    began = [piece for at, one in enumerate(BLOCKS) for piece in (block(at, **one), stop(at))]
    first, *_, ends, last = events_of([], "tool_use")
    pieces = [piece for part in read(as_events([first, *began, ends, last]), []) for piece in chunks(part.data)]
    (choice,) = json.loads(whole(message(BLOCKS, "tool_use")).body)["choices"]
    said = together(pieces)
    for use in said["tool_calls"] + choice["message"]["tool_calls"]:
        use["function"]["arguments"] = json.loads(use["function"]["arguments"])
    assert said == choice["message"]


def test_a_block_that_a_completion_cannot_hold_is_no_answer_however_it_comes() -> None:
    """Without it the reply would say less."""
    first, ends, last = events_of([], "end_turn")
    stream = as_events([first, block(0, type="sound", data="x"), stop(0), ends, last])
    failed = [part.failure for part in read(stream, []) if part.failure is not None]
    assert {why.kind for why in failed} == {"broken"}
    found = whole(message([{"type": "sound", "data": "x"}]))
    assert isinstance(found, Failure)
    assert found.kind == "broken"


@pytest.mark.parametrize("usage", [None, [1], {"output_tokens": -5}], ids=str)
def test_what_the_start_says_of_use_is_no_total(usage: Any) -> None:
    first, ends, last = events_of([], "end_turn")
    stream = as_events([first, block(0, type="text", text="hi"), stop(0), {**ends, "usage": usage}, last])
    parts = read(stream, [])
    assert [part.tokens for part in parts] == [None] * len(parts)
    assert parts[0].done
    assert [part.tokens for part in read(as_events([first, last]), [])] == [None, None]


def test_openais_mark_at_the_end_says_nothing() -> None:
    first, *rest = events_of([BLOCKS[1]], "end_turn")
    for named in (rest, rest[:-1]):
        parts = read(as_events([first, *named]) + b"data: [DONE]\n\n", [])
        assert parts[-1].done
        assert all(part.failure is None for part in parts)


def test_usage_is_hidden_from_a_caller_who_did_not_ask() -> None:
    parts = read(as_events(EVENTS), [], asks_usage=False)
    assert [part.tokens for part in parts if part.tokens] == [TOKENS]
    assert all(piece["choices"] for piece in chunks(b"".join(part.data for part in parts)))


def test_headers_wait_for_content_and_pings_are_none() -> None:
    decoder = direct(HAIKU).decoder(call({"messages": HELLO}, stream=True), HEADERS)
    assert [decoder.feed(as_events([event])).content for event in EVENTS[:4]] == [0, 0, 0, 1]


def test_a_stream_that_ends_early_or_with_an_error_is_no_whole_one() -> None:
    assert read(as_events(EVENTS[:-2]), [])[-1].failure.kind == "broken"
    (unstated, _) = read(as_events([*EVENTS[:-2], EVENTS[-1]]), [])
    assert unstated.failure.error["message"] == "the provider ended the stream without a reason to stop"
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    (part, _) = read(as_events([*EVENTS[:4], overloaded]), [])
    assert (part.failure.kind, part.content) == ("unavailable", 1)
    (spoilt, _) = read(b"data: {\n\n", [])
    assert spoilt.failure.error["message"] == "the provider sent an event that cannot be read"


def test_a_stream_that_is_complete_but_for_its_last_mark_is_complete() -> None:
    whole, cut = read(as_events(EVENTS), []), read(as_events(EVENTS[:-1]), [])
    assert (cut[-1].done, cut[-1].failure) == (True, None)
    assert b"".join(part.data for part in cut) == b"".join(part.data for part in whole)
    assert [part.tokens for part in cut if part.tokens] == [TOKENS]
