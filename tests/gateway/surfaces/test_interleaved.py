"""Thinking in several steps: each thought keeps its place and its own signature, to the caller and back to Claude."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.providers.wire import Reply
from tests.gateway.surfaces.corpora import (
    MESSAGES,
    PLAIN,
    Data,
    accumulated,
    asked,
    dumped,
    events,
    rendered,
    translated,
)
from tests.gateway.surfaces.test_responses_chat import SURFACE as RESPONSES
from tests.gateway.surfaces.test_responses_chat import asked as responses_asked
from tests.providers.bedrock.making import HEADERS, call, chunks, encoded, event, said, wire
from tests.providers.bedrock.service import check_event, check_reply, check_request

CLAUDE = "us.anthropic.claude-opus-4-6-v1"
TOOL = {"name": "f", "input_schema": {"type": "object"}}
USAGE = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
A = {"reasoningContent": {"reasoningText": {"text": "A", "signature": "SIGA"}}}
B = {"reasoningContent": {"reasoningText": {"text": "B", "signature": "SIGB"}}}
OMITTED = {"reasoningContent": {"reasoningText": {"text": "", "signature": "SIGC"}}}
HELLO, BYE = {"text": "héllo 😀"}, {"text": "bye"}


def use(name: str) -> Data:
    return {"toolUse": {"toolUseId": name, "name": "f", "input": {"q": 1}}}


REPLIES: dict[str, list[Data]] = {
    "text between": [A, HELLO, B, use("t1")],
    "one after the other": [A, B, use("t1")],
    "without their text": [OMITTED, OMITTED, HELLO],
    "after text": [HELLO, A, use("t1")],
    "between calls": [A, use("t1"), B, use("t2"), OMITTED],
    "at the end": [A, HELLO, B],
}
STEPS = st.lists(st.tuples(st.sampled_from([A, B, OMITTED]), st.booleans(), st.integers(0, 2)), min_size=1, max_size=4)


def blocks_of(steps: list[tuple[Data, bool, int]]) -> list[Data]:
    found: list[Data] = []
    for at, (thought, text, calls) in enumerate(steps):
        found += [thought, *([HELLO] if text else []), *(use(f"t{at}.{n}") for n in range(calls))]
    return found


def whole(blocks: list[Data]) -> Reply:
    body = {"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "end_turn", "usage": USAGE}
    check_reply("Converse", {**body, "metrics": {"latencyMs": 1}})
    found = wire(CLAUDE).decode(call(said()), HEADERS, dumped(body))
    assert isinstance(found, Reply)
    return found


def streamed(blocks: list[Data]) -> bytes:
    events: list[tuple[str, Any]] = [("messageStart", {"role": "assistant"})]
    for at, block in enumerate(blocks):
        deltas: list[Data] = [block]
        if "toolUse" in block:
            start = {"toolUse": {name: block["toolUse"][name] for name in ("toolUseId", "name")}}
            events.append(("contentBlockStart", {"contentBlockIndex": at, "start": start}))
            deltas = [{"toolUse": {"input": json.dumps(block["toolUse"]["input"])}}]
        if "reasoningContent" in block:
            thought = block["reasoningContent"]["reasoningText"]
            deltas = [{"reasoningContent": {name: thought[name]}} for name in ("text", "signature")]
        events += [("contentBlockDelta", {"contentBlockIndex": at, "delta": delta}) for delta in deltas]
        events.append(("contentBlockStop", {"contentBlockIndex": at}))
    events += [("messageStop", {"stopReason": "end_turn"}), ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})]
    for kind, payload in events:
        check_event(kind, payload)
    part = wire(CLAUDE).decoder(call(said(), stream=True), HEADERS).feed(b"".join(event(*found) for found in events))
    assert part.done
    return part.data


def survives(blocks: list[Data]) -> None:
    reply = whole(blocks)
    content = json.loads(MESSAGES.whole(asked(), reply, "here"))["content"]
    stream = streamed(blocks)
    assert accumulated(rendered(MESSAGES.streamed(asked(stream=True), "here"), stream))["content"] == content
    ids = [block["id"] for block in content if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": id_, "content": "1"} for id_ in ids]
    after: Data = {"role": "user", "content": [*results, {"type": "text", "text": "Go on."}]}
    before: Data = {"role": "user", "content": "Hi"}
    body = PLAIN | {"tools": [TOOL], "messages": [before, {"role": "assistant", "content": content}, after]}
    sent = json.loads(wire(CLAUDE).encode(translated(dumped(body)).call).body)
    check_request("Converse", CLAUDE, sent)
    assert sent["messages"][1]["content"] == blocks
    # a caller of chat completions sends the message back as it came, or as it is put together from chunks
    function = {"type": "function", "function": {"name": "f"}}
    for message in (json.loads(reply.body)["choices"][0]["message"], gathered(stream)):
        told = [{"role": "tool", "tool_call_id": id_, "content": "1"} for id_ in ids]
        turns = [{"role": "user", "content": "Hi"}, message, *told, {"role": "user", "content": "Go on."}]
        found = encoded({"messages": turns, "tools": [function]}, CLAUDE)
        assert found["messages"][1]["content"] == blocks


def survives_as_items(blocks: list[Data]) -> None:
    """A caller of responses sends the items of the answer back, as they came whole or at the end of a stream."""
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    given = responses_asked(tools=[tool])
    answers = [json.loads(RESPONSES.whole(given, whole(blocks), "here"))]
    told = events(rendered(RESPONSES.streamed(given, "here"), streamed(blocks)))
    answers.append(told[-1][1]["response"])
    for answer in answers:
        results = [
            {"type": "function_call_output", "call_id": item["call_id"], "output": "1"}
            for item in answer["output"]
            if item["type"] == "function_call"
        ]
        before, after = ({"role": "user", "content": text} for text in ("Hi", "Go on."))
        found = responses_asked(tools=[tool], input=[before, *answer["output"], *results, after])
        sent = json.loads(wire(CLAUDE).encode(found.call).body)
        assert sent["messages"][1]["content"] == blocks


def gathered(stream: bytes) -> Data:
    message: Data = {"role": "assistant", "content": ""}
    for chunk in chunks(stream):
        delta = chunk["choices"][0]["delta"]
        for name in ("content", "reasoning_content", "reasoning_signature"):
            if delta.get(name):
                message[name] = message.get(name, "") + delta[name]
        for piece in delta.get("later_reasoning", ()):
            later = message.setdefault("later_reasoning", [])
            if piece["index"] == len(later):
                later.append(dict(piece))
            else:
                for name in ("reasoning_content", "reasoning_signature"):
                    later[piece["index"]][name] = later[piece["index"]].get(name, "") + piece.get(name, "")
        for piece in delta.get("tool_calls", ()):
            calls = message.setdefault("tool_calls", [])
            if piece["index"] == len(calls):
                calls.append({"id": piece["id"], "type": "function", "function": dict(piece["function"])})
            else:
                calls[-1]["function"]["arguments"] += piece["function"]["arguments"]
    return message


@pytest.mark.parametrize("name", REPLIES)
def test_every_thought_keeps_its_place_and_its_signature(name: str) -> None:
    survives(REPLIES[name])
    survives_as_items(REPLIES[name])


@settings(deadline=None)
@given(STEPS)
def test_any_steps_survive(steps: list[tuple[Data, bool, int]]) -> None:
    survives(blocks_of(steps))
    survives_as_items(blocks_of(steps))


def test_a_thought_is_never_told_with_anothers_signature() -> None:
    message = json.loads(whole([A, HELLO, B, BYE]).body)["choices"][0]["message"]
    assert (message["reasoning_content"], message["reasoning_signature"]) == ("A", "SIGA")
    (later,) = message["later_reasoning"]
    assert later == {"characters": 7, "calls": 0, "reasoning_content": "B", "reasoning_signature": "SIGB"}
