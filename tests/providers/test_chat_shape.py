"""Chat completions that typed clients raise at, passed through: what is told otherwise, and what is no answer."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from detente.providers.chat_stream import ChatDecoder
from detente.providers.sse import data_of, split
from detente.providers.wire import Failure, Reply
from tests.gateway.script import DONE, completion, delta, event
from tests.providers.openai_wires import OWN, call

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TEXTS = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
GONE = "(gone)"
"""In place of a value: the member is not there."""
WHOLE: list[tuple[str, Any, Any]] = [
    ("object", GONE, "chat.completion"),
    ("object", "text", "chat.completion"),
    ("created", None, 0),
    ("created", GONE, 0),
    ("service_tier", ["x"], None),
    ("system_fingerprint", 7, None),
    ("choices.0.index", GONE, 0),
    ("choices.0.index", "0", 0),
    ("choices.0.logprobs", [], None),
    ("choices.0.finish_reason", 7, "length"),
    ("choices.0.finish_reason", "", None),
    ("choices.0.message.role", GONE, "assistant"),
    ("choices.0.message.role", "model", "assistant"),
    ("choices.0.message.content", TEXTS, "hello"),
    ("choices.0.message.content", [], ""),
    ("choices.0.message.refusal", {}, None),
    ("choices.0.message.reasoning", {"a": 1}, None),
    ("choices.0.message.annotations", ["x", {"type": "url_citation"}], [{"type": "url_citation"}]),
    ("choices.0.message.tool_calls", {}, GONE),
    ("choices.0.message.tool_calls", [CALL | {"type": 7}], [CALL]),
    (
        "choices.0.message.tool_calls",
        [CALL | {"function": {"name": "f", "arguments": {"a": 1}}}],
        "a call of an object",
    ),
]
"""(member, what its provider wrote there, what its caller is told)."""
PIECES: list[tuple[str, Any, Any]] = [
    ("object", "chat.completion", "chat.completion.chunk"),
    ("created", GONE, 0),
    ("choices.0.index", GONE, 0),
    ("choices.0.logprobs", "", None),
    ("choices.0.finish_reason", {}, None),
    ("choices.0.delta.role", "", "assistant"),
    ("choices.0.delta.content", TEXTS, "hello"),
    ("choices.0.delta.reasoning_content", 7, None),
    ("choices.0.delta.tool_calls", "", GONE),
]
IN_DOUBT: list[tuple[str, Any]] = [
    ("content", 7),
    ("content", ["x"]),
    ("content", [*TEXTS, {"type": "image_url"}]),
    ("tool_calls", 7),
    ("tool_calls", [7]),
    ("tool_calls", [CALL | {"function": "f"}]),
    ("tool_calls", [CALL | {"function": {"name": 7, "arguments": "{}"}}]),
    ("tool_calls", [CALL | {"function": {"name": "f", "arguments": [1]}}]),
]
"""Content that cannot be read without a guess."""


def put(reply: Any, path: str, value: Any) -> Any:
    found = reply = deepcopy(reply)
    *steps, last = path.split(".")
    for step in steps:
        found = found[int(step) if step.isdecimal() else step]
    if value == GONE:
        found.pop(last, None)
    else:
        found[last] = value
    return reply


def chunk(finish: str | None = None, **said: Any) -> Any:
    return json.loads(data_of(delta(finish, **said)))


def streamed(*chunks: Any) -> list[Any]:
    """What a caller is shown of them."""
    return [json.loads(data_of(one)) for one in split(ChatDecoder(False).feed(b"".join(map(event, chunks))).data)]


@pytest.mark.parametrize(("path", "value", "told"), WHOLE, ids=str)
def test_a_whole_completion_is_told_as_clients_take_it(path: str, value: Any, told: Any) -> None:
    """Nothing else of it changes."""
    found = OWN.decode(call(), {}, json.dumps(put(completion(), path, value)).encode())
    assert isinstance(found, Reply)
    if told == "a call of an object":
        told = [CALL | {"function": {"name": "f", "arguments": '{"a":1}'}}]
    assert json.loads(found.body) == put(completion(), path, told)


@pytest.mark.parametrize(("path", "value", "told"), PIECES, ids=str)
def test_so_is_each_chunk_of_a_stream(path: str, value: Any, told: Any) -> None:
    """Also one of nothing but text, behind others: a server writes its chunks alike."""
    flow = [chunk(content="a"), chunk(content="b"), chunk("stop")]
    assert streamed(*[put(one, path, value) for one in flow[:2]], flow[2]) == [
        *[put(one, path, told) for one in flow[:2]],
        flow[2],
    ]


@pytest.mark.parametrize(("member", "value"), IN_DOUBT, ids=str)
def test_content_that_cannot_be_read_is_no_answer(member: str, value: Any) -> None:
    whole = put(completion(), f"choices.0.message.{member}", value)
    assert isinstance(found := OWN.decode(call(), {}, json.dumps(whole).encode()), Failure)
    assert found.fails_over
    part = ChatDecoder(False).feed(event(put(chunk(content="a"), f"choices.0.delta.{member}", value)))
    assert part.failure is not None
    assert (part.data, part.content) == (b"", 0)


def test_references_beside_a_text_in_parts_are_told_beside_it() -> None:
    """As Mistral cites: what has no text is none of the answer, and nothing of it is lost."""
    cited = {"type": "reference", "reference_ids": [0, 7]}
    parts = [{"type": "text", "text": "Paris"}, cited, {"type": "text", "text": "."}]
    found = OWN.decode(call(), {}, json.dumps(put(completion(), "choices.0.message.content", parts)).encode())
    assert isinstance(found, Reply)
    told = json.loads(found.body)["choices"][0]["message"]
    assert (told["content"], told["references"]) == ("Paris.", [cited])
    flow = [chunk(content=parts[:1]), chunk(content=parts[1:2]), chunk(content=parts[2:]), chunk("stop")]
    deltas = [one["choices"][0]["delta"] for one in streamed(*flow)]
    assert [delta.get("content") for delta in deltas] == ["Paris", "", ".", None]
    assert [delta.get("references") for delta in deltas] == [None, [cited], None, None]


def test_a_text_in_place_of_a_message_is_its_content_and_each_choice_has_its_number() -> None:
    choices = [{"text": text, "finish_reason": "stop"} for text in ("a", "b")]
    found = OWN.decode(call(n=2), {}, json.dumps(completion() | {"choices": choices}).encode())
    assert isinstance(found, Reply)
    said = json.loads(found.body)["choices"]
    assert [(one["index"], one["message"]) for one in said] == [
        (at, {"content": text, "role": "assistant"}) for at, text in enumerate("ab")
    ]


def test_a_completion_without_an_id_is_given_one_and_a_stream_one_for_all_its_chunks() -> None:
    found = OWN.decode(call(), {}, json.dumps(put(completion(), "id", GONE)).encode())
    assert isinstance(found, Reply)
    assert json.loads(found.body)["id"].startswith("chatcmpl-")
    shown = streamed(*[put(chunk(content=text), "id", GONE) for text in "abc"])
    assert len({one["id"] for one in shown}) == 1
    named = streamed(chunk(content="a"), *[put(chunk(tool_calls=None, content=text), "id", None) for text in "bc"])
    assert named[0]["id"] == "chatcmpl-1"


# -- calls in pieces --------------------------------------------------------------------------------------------------
def piece(**more: Any) -> Any:
    return chunk(tool_calls=[{"index": 0, **more}])


@pytest.mark.parametrize("said", [{}, {"function": None}, {"function": ""}])
def test_a_piece_of_a_call_that_calls_nothing_has_an_empty_function(said: Any) -> None:
    """Clients look into it. A call of a custom tool has none."""
    shown = streamed(piece(**CALL), piece(**said), piece(custom={"input": "x"}))
    assert [one["choices"][0]["delta"]["tool_calls"][0] for one in shown[1:]] == [
        {"index": 0, "function": {}},
        {"index": 0, "custom": {"input": "x"}},
    ]


def test_a_call_is_told_once_it_is_named() -> None:
    """The Vercel AI SDK takes no first piece without a name. What came before is told with it."""
    first = piece(id="c", type="function", function={"arguments": '{"a"'})
    shown = streamed(first, piece(function={"name": "f", "arguments": ":1"}), piece(function={"arguments": "}"}))
    told = [call for one in shown for call in one["choices"][0]["delta"].get("tool_calls", ())]
    function = {"name": "f", "arguments": '{"a":1'}
    assert told == [
        {"index": 0, "id": "c", "type": "function", "function": function},
        {"index": 0, "function": {"arguments": "}"}},
    ]


def test_a_call_that_is_never_named_is_no_answer() -> None:
    decoder = ChatDecoder(False)
    decoder.feed(event(piece(id="c", function={"arguments": "{}"})))
    part = decoder.feed(event(chunk("tool_calls")) + DONE)
    assert part.failure is not None
    assert (part.data, part.done) == (b"", False)
