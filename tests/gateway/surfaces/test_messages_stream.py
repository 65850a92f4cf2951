"""Chunks as Anthropic's events: the corpus, accumulated by Anthropic's own client; any split; errors."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from detente.gateway.surfaces.surface import Rendering, UnsayableError
from detente.providers.wire import failure
from tests.gateway.surfaces.corpora import (
    ANY_JSON,
    FUZZ,
    LAW,
    MESSAGES,
    Data,
    accumulated,
    asked,
    corpus,
    event,
    events,
    rendered,
    shape,
)

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
STREAMS = corpus("messages_streams")


def rendering(**changed: Any) -> Rendering:
    return MESSAGES.streamed(asked(stream=True, **changed), "a")


def stream_of(name: str) -> tuple[Rendering, bytes, Data]:
    expected = shape("messages_streams", name)
    return rendering(stop_sequences=expected.get("stop")), b"".join(map(event, expected["chunks"])), expected


@pytest.mark.parametrize("name", STREAMS)
def test_anthropics_client_makes_the_message_of_a_stream(name: str) -> None:
    made, stream, expected = stream_of(name)
    found = accumulated(rendered(made, stream))
    assert found["content"] == expected["content"]
    assert found["stop_reason"] == expected["stop_reason"]
    assert found["stop_sequence"] == expected.get("stop_sequence")
    assert found["usage"] == expected["usage"]


@pytest.mark.parametrize("name", STREAMS)
def test_events_are_anthropics_in_anthropics_order(name: str) -> None:
    made, stream, expected = stream_of(name)
    found = events(rendered(made, stream))
    for kind, data in found:
        assert data["type"] == kind
        EVENT.validate_python(data, strict=True)
    assert [kind for kind, _ in found[:1] + found[-2:]] == ["message_start", "message_delta", "message_stop"]
    order = []
    for kind, data in found[1:-2]:
        what = {"content_block_start": "start", "content_block_delta": "delta", "content_block_stop": "stop"}[kind]
        order.append(f"start {data['content_block']['type']}" if what == "start" else what)
        assert data["index"] == sum(word.startswith("start") for word in order) - 1
    assert order == expected["order"]


@LAW
@given(st.sampled_from(STREAMS), st.data())
def test_any_split_of_a_stream_gives_the_same_events(name: str, data: st.DataObject) -> None:
    made, stream, _ = stream_of(name)
    again = stream_of(name)[0]
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    if shape("messages_streams", name)["chunks"]:  # else there is no id to tell, and each message gets its own
        assert rendered(made, stream, cuts) == rendered(again, stream)


def test_events_come_as_soon_as_there_is_content() -> None:
    made = rendering()
    assert made.feed(event({"id": "chatcmpl-1", "choices": [{"delta": {"role": "assistant", "content": ""}}]})) == b""
    first = events(made.feed(event({"id": "chatcmpl-1", "choices": [{"delta": {"content": "a"}}]})))
    assert [kind for kind, _ in first] == ["message_start", "content_block_start", "content_block_delta"]
    assert first[0][1]["message"]["id"] == "msg_1"
    assert [kind for kind, _ in events(made.feed(event({"choices": [{"delta": {"content": "b"}}]})))] == [
        "content_block_delta"
    ]


def delta(**members: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": members}]})


def call(at: int, arguments: str = "", **members: Any) -> Data:
    name = {"name": members.pop("name")} if "name" in members else {}
    return {"index": at, "function": {"arguments": arguments, **name}, **members}


@pytest.mark.parametrize(
    "stream",
    [
        b"data: {\n\n",
        b"data: \xff\n\n",
        b"data: []\n\n",
        event({"choices": [{"index": 1, "delta": {"content": "a"}}]}),
        delta(tool_calls=[call(0, "{}", id="a", name="b")]) + delta(content="c") + delta(tool_calls=[call(0, "{}")]),
        delta(tool_calls=[call(0, "{}", id="a")]) + delta(content="c"),
        delta(tool_calls=[call(0, "x" * 5_000_000, id="a", name="b")]) + delta(tool_calls=[call(0, "x" * 5_000_000)]),
        delta(tool_calls=[call(0, "[1,2]", id="a", name="b")]),
        delta(tool_calls=[call(0, '{"x": tru', id="a", name="b")]),
        delta(tool_calls=[call(0, "{}", id="a", name="b"), call(1, '{"x"', id="c", name="d")]),
        delta(tool_calls=[call(0, '{"x":1}', id="a", name="b")]) + delta(tool_calls=[call(0, "", id="c", name="d")]),
    ],
    ids=[
        *("cut", "not-text", "a-list", "second-choice", "goes-on", "no-name", "too-long"),
        *("list-as-input", "half-an-input", "half-the-second", "two-in-one-place"),
    ],
)
def test_what_cannot_be_said_ends_the_stream(stream: bytes) -> None:
    made = rendering()
    with pytest.raises(UnsayableError):
        rendered(made, stream)


def test_an_input_that_max_tokens_cut_is_shown_as_far_as_it_came() -> None:
    cut = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
    said = events(rendered(rendering(), delta(tool_calls=[call(0, '{"x": tru', id="a", name="b")]) + cut))
    assert [d["delta"]["stop_reason"] for name, d in said if name == "message_delta"] == ["max_tokens"]


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("throttled", 429, "rate_limit_error"),
        ("unavailable", 503, "overloaded_error"),
        ("timeout", 504, "timeout_error"),
        ("broken", 502, "api_error"),
        ("filtered", 400, "invalid_request_error"),
    ],
)
def test_a_failed_stream_raises_in_anthropics_client_and_looks_in_no_way_complete(
    kind: Any, status: int, expected: str
) -> None:
    made = rendering()
    begun = made.feed(delta(content="a"))
    failed = made.fail(failure(kind, status, "it broke").error)
    assert b"message_stop" not in failed
    with pytest.raises(anthropic.APIStatusError) as caught:
        accumulated(begun + failed)
    assert caught.value.body == {"type": "error", "error": {"type": expected, "message": "it broke"}}


def test_a_failed_stream_says_which_clause_decided() -> None:
    said = rendering().fail({"message": "no", "type": "x", "detente": {"clause": "eu-only"}})
    assert events(said)[0][1]["error"]["detente"] == {"clause": "eu-only"}


@FUZZ
@given(
    st.lists(
        st.builds(lambda delta: event({"choices": [{"delta": delta}]}), ANY_JSON)
        | st.builds(lambda calls: delta(tool_calls=calls), ANY_JSON)
        | ANY_JSON.map(event)
        | st.binary(max_size=30),
        max_size=4,
    )
)
def test_any_stream_is_said_or_is_not(pieces: list[bytes]) -> None:
    made = rendering()
    try:
        found = b"".join(map(made.feed, pieces)) + made.close()
    except UnsayableError:
        return
    assert all(json.loads(json.dumps(data))["type"] == kind for kind, data in events(found))
