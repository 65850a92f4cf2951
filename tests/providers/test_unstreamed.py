"""Whole replies to calls that asked for a stream: what their events come to is what they said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from detente.providers import sse
from detente.providers.claude_chat_stream import ClaudeChatDecoder
from detente.providers.messages_stream import MessagesDecoder
from detente.providers.responses_stream import ResponsesDecoder
from detente.providers.wire import Decoder, StreamPart, Tokens
from tests.builders import Data
from tests.gateway.surfaces.corpora import accumulated

MESSAGE: Data = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "there",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        {"type": "redacted_thinking", "data": "R"},
        {"type": "text", "text": "hello"},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 7},
}
SAID: Data = {"type": "output_text", "text": "hello", "annotations": [{"type": "url_citation"}], "logprobs": []}
RESPONSE: Data = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "output": [
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "content": None},
        {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [SAID]},
        {"id": "msg_2", "type": "message", "status": "completed", "content": [{"type": "refusal", "refusal": "no"}]},
        {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "look", "arguments": '{"a": 1}'},
        {"id": "ctc_1", "type": "custom_tool_call", "call_id": "d", "name": "edit", "input": "x"},
        {"id": "ws_1", "type": "web_search_call", "action": {"type": "search"}},
    ],
    "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12},
}


def last(decoder: Decoder, body: bytes, most: int = 1_000_000) -> StreamPart:
    """The part that ends a stream; nothing is told before."""
    for at in range(0, len(body), most):
        assert decoder.feed(body[at : at + most]) == StreamPart()
    return decoder.end()


def events(data: bytes) -> Iterator[Any]:
    for event in sse.split(data):
        told = json.loads(sse.data_of(event))
        assert sse.name_of(event).decode() == told["type"]
        yield told


@pytest.mark.parametrize("most", [7, 1_000_000])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_message(most: int, indent: int | None) -> None:
    part = last(MessagesDecoder(), json.dumps(MESSAGE, indent=indent).encode(), most)
    assert (part.done, part.failure, part.tokens, part.finish) == (True, None, Tokens(5, 7), "tool_calls")
    found = accumulated(part.data)
    assert {name: found[name] for name in ("content", "stop_reason", "id")} == {
        name: MESSAGE[name] for name in ("content", "stop_reason", "id")
    }


def test_a_message_as_a_chat() -> None:
    part = last(ClaudeChatDecoder("there", {}, True, {}), json.dumps(MESSAGE).encode())
    assert (part.done, part.failure, part.tokens, part.finish) == (True, None, Tokens(5, 7), "tool_calls")
    chunks = [json.loads(sse.data_of(event)) for event in sse.split(part.data)]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "hello"
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    assert json.loads("".join(call.get("arguments", "") for call in calls)) == {"a": 1}


@pytest.mark.parametrize("most", [7, 1_000_000])
def test_a_response(most: int) -> None:
    part = last(ResponsesDecoder(), json.dumps(RESPONSE).encode(), most)
    assert (part.done, part.failure, part.tokens, part.finish) == (True, None, Tokens(5, 7), "stop")
    told = list(events(part.data))
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert (told[0]["type"], told[0]["response"]["output"]) == ("response.created", [])
    assert (told[-1]["type"], told[-1]["response"]) == ("response.completed", RESPONSE)
    done = [event["item"] for event in told if event["type"] == "response.output_item.done"]
    assert done == RESPONSE["output"]
    pieces = {event["type"]: event["delta"] for event in told if event["type"].endswith(".delta")}
    assert pieces == {
        "response.reasoning_summary_text.delta": "hm",
        "response.output_text.delta": "hello",
        "response.refusal.delta": "no",
        "response.function_call_arguments.delta": '{"a": 1}',
        "response.custom_tool_call_input.delta": "x",
    }


def test_a_response_that_was_cut_is_incomplete() -> None:
    cut = RESPONSE | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    part = last(ResponsesDecoder(), json.dumps(cut).encode())
    assert (part.done, part.finish) == (True, "length")
    assert list(events(part.data))[-1]["type"] == "response.incomplete"


NONE: dict[str, Any] = {
    "nothing": {},
    "half a reply": '{"id": "x", "content": [{"type": "text", "text": "hel',
    "no reason to stop": MESSAGE | {"stop_reason": None, "status": "failed"},
    "a block that is none": MESSAGE | {"content": ["hello"], "output": ["hello"]},
    "citations that are none": MESSAGE
    | {"content": [{"type": "text", "text": "a", "citations": 5}], "output": [{"summary": 5}]},
}


@pytest.mark.parametrize("name", NONE)
@pytest.mark.parametrize("made", [MessagesDecoder, ResponsesDecoder, lambda: ClaudeChatDecoder("m", {}, True, {})])
def test_what_is_no_reply_is_a_failure(name: str, made: Any) -> None:
    body = NONE[name] if isinstance(NONE[name], str) else json.dumps(NONE[name])
    part = last(made(), body.encode())
    assert (part.done, part.data) == (False, b"")
    assert part.failure is not None
    assert part.failure.fails_over


@pytest.mark.parametrize(
    ("made", "error", "kind"),
    [
        (MessagesDecoder, {"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}, "throttled"),
        (ResponsesDecoder, {"error": {"code": "rate_limit_exceeded", "message": "x"}}, "throttled"),
        (ResponsesDecoder, RESPONSE | {"status": "failed", "error": {"code": "server_error"}}, "unavailable"),
    ],
)
def test_an_error_that_came_whole_is_what_it_says(made: Any, error: Data, kind: str) -> None:
    failed = last(made(), json.dumps(error).encode()).failure
    assert failed is not None
    assert failed.kind == kind
