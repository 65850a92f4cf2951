"""Streams of events as chunks of a completion: a corpus, laws, exceptions inside, and bytes that are no stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from detente.providers.bedrock.converse_stream import ConverseDecoder
from detente.providers.wire import Reply, StreamPart, Tokens
from tests.providers.bedrock.making import (
    CLAUDE,
    HEADERS,
    call,
    cases,
    chunks,
    event,
    exception,
    frame,
    said,
    sealed,
    wire,
)
from tests.providers.bedrock.service import check_event, service
from tests.providers.bedrock.sketches import JSON, replies

CORPUS = dict(cases("streams"))
USAGE = {"inputTokens": 12, "outputTokens": 7, "totalTokens": 19}
START = event("messageStart", {"role": "assistant"})
HELLO = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello"}})
STOP = event("messageStop", {"stopReason": "end_turn"})
METADATA = event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})


def decoder(*, asks_usage: bool = True, most: int | None = None) -> ConverseDecoder:
    if most is not None:
        return ConverseDecoder(CLAUDE, HEADERS, asks_usage, most)
    made = wire().decoder(call(said(), stream=True, asks_usage=asks_usage), HEADERS)
    assert isinstance(made, ConverseDecoder)
    return made


def fed(pieces: list[bytes], *, asks_usage: bool = True) -> StreamPart:
    """All that pieces meant, as one part."""
    reader, whole = decoder(asks_usage=asks_usage), StreamPart()
    for part in (reader.feed(piece) for piece in pieces):
        whole.data += part.data
        whole.content += part.content
        whole.tokens = part.tokens or whole.tokens
        whole.finish = part.finish or whole.finish
        whole.failure = part.failure or whole.failure
        whole.done = whole.done or part.done
    return whole


@pytest.mark.parametrize("name", CORPUS)
def test_shapes(name: str) -> None:
    case = CORPUS[name]
    for kind, payload in case["events"]:
        check_event(kind, payload)
    found = fed([b"".join(event(kind, payload) for kind, payload in case["events"])])
    common = {"id": "chatcmpl-4e1d7a52", "object": "chat.completion.chunk", "created": 1_795_550_400, "model": CLAUDE}
    assert chunks(found.data) == [{**common, **chunk} for chunk in case["chunks"]]
    assert (found.done, found.content > 0, found.failure) == (True, True, None)
    assert found.tokens == Tokens(*case["tokens"])
    assert found.finish == case["finish"]
    for chunk in chunks(found.data):
        ChatCompletionChunk.model_validate(chunk)


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ({"additionalModelResponseFields": {"stop_sequence": 'a "two"'}}, 'a "two"'),
        ({}, "stop_sequence"),
    ],
)
def test_a_stop_at_a_sequence_says_so(stop: dict[str, Any], said: str) -> None:
    payload = {"stopReason": "stop_sequence", **stop}
    check_event("messageStop", payload)
    found = fed([START + HELLO + event("messageStop", payload) + METADATA])
    (choice,) = chunks(found.data)[2]["choices"]
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", said)


def test_usage_is_metered_in_any_case_and_shown_to_who_asked() -> None:
    found = fed([START + HELLO + STOP + METADATA], asks_usage=False)
    assert found.tokens == Tokens(12, 7)
    assert b"usage" not in found.data
    assert [bool(chunk["choices"]) for chunk in chunks(found.data)] == [True, True, True]


def test_the_role_alone_is_no_content() -> None:
    assert not fed([START]).content
    assert not fed([START + event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": ""}})]).content
    assert fed([START + HELLO]).content


@st.composite
def streams(draw: st.DrawFn) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """A reply, and the events of a stream that says the same."""
    reply = draw(replies())
    events: list[tuple[str, Any]] = [("messageStart", {"role": "assistant"})]

    def pieces(text: str) -> list[str]:
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
        return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    for index, block in enumerate(reply["output"]["message"]["content"]):
        deltas: list[dict[str, Any]]
        if "text" in block:
            deltas = [{"text": piece} for piece in pieces(block["text"])]
        elif "toolUse" in block:
            use = block["toolUse"]
            start = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
            events.append(("contentBlockStart", {"contentBlockIndex": index, "start": start}))
            written = json.dumps(use["input"]) if use["input"] else draw(st.sampled_from(["", "{}"]))
            deltas = [{"toolUse": {"input": piece}} for piece in pieces(written)]
        else:
            thought = block["reasoningContent"]["reasoningText"]
            deltas = [{"reasoningContent": {"text": piece}} for piece in pieces(thought["text"])]
            if "signature" in thought:
                deltas.append({"reasoningContent": {"signature": thought["signature"]}})
        events += [("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
        events.append(("contentBlockStop", {"contentBlockIndex": index}))
    events.append(("messageStop", {"stopReason": reply["stopReason"]}))
    events.append(("metadata", {"usage": reply["usage"], "metrics": {"latencyMs": 1}}))
    return reply, events


def gathered(found: list[dict[str, Any]]) -> dict[str, Any]:
    """A message put together from chunks, as clients do it."""
    message: dict[str, Any] = {"content": ""}
    for chunk in found:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            for name in ("content", "reasoning_content", "reasoning_signature"):
                if delta.get(name):
                    message[name] = message.get(name, "") + delta[name]
            for use in delta.get("tool_calls", ()):
                calls = message.setdefault("tool_calls", [])
                if use["index"] == len(calls):
                    calls.append({"id": use["id"], "type": use["type"], "function": dict(use["function"])})
                else:
                    calls[use["index"]]["function"]["arguments"] += use["function"]["arguments"]
    return message


@settings(deadline=None)
@given(streams())
def test_a_stream_says_what_the_whole_reply_says(both: tuple[dict[str, Any], list[tuple[str, Any]]]) -> None:
    reply, events = both
    for kind, payload in events:
        check_event(kind, payload)
    found = fed([event(kind, payload) for kind, payload in events])
    whole = wire().decode(call(said()), HEADERS, json.dumps(reply).encode())
    assert isinstance(whole, Reply)
    assert (found.done, found.failure, found.tokens, found.finish) == (True, None, whole.tokens, whole.finish)
    expected = json.loads(whole.body)
    message = {k: v for k, v in expected["choices"][0]["message"].items() if k not in ("role", "refusal")}
    ours = gathered(chunks(found.data))
    for use in [*message.get("tool_calls", ()), *ours.get("tool_calls", ())]:
        use["function"]["arguments"] = json.loads(use["function"]["arguments"] or "{}")
    assert ours == message | {"content": message["content"] or ""}
    assert chunks(found.data)[-1]["usage"] == expected["usage"]


@settings(deadline=None)
@given(streams(), st.data())
def test_any_split_gives_the_same_events(
    both: tuple[dict[str, Any], list[tuple[str, Any]]], data: st.DataObject
) -> None:
    stream = b"".join(event(kind, payload) for kind, payload in both[1])
    if data.draw(st.booleans()):
        spoilt = bytearray(stream)
        spoilt[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
        stream = bytes(spoilt)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert fed(pieces) == fed([stream])


def test_one_byte_at_a_time() -> None:
    stream = START + HELLO + STOP + METADATA
    assert fed([stream[i : i + 1] for i in range(len(stream))]) == fed([stream])


# -- ends -----------------------------------------------------------------------------------------------------------
def test_a_stream_is_complete_with_its_usage_or_after_its_end() -> None:
    for so_far, done in ((b"", False), (START, False), (START + HELLO, False), (START + HELLO + STOP, True)):
        reader = decoder()
        assert not reader.feed(so_far).done
        last = reader.end()
        assert (last.done, last.failure is None, last.tokens) == (done, done, None)
        if last.failure is not None:
            assert (last.failure.kind, last.failure.fails_over) == ("broken", True)
    reader = decoder()
    assert reader.feed(START + HELLO + STOP + METADATA).done
    assert reader.feed(HELLO) == StreamPart(), "nothing comes after the end"
    assert reader.end() == StreamPart(done=True)


def test_a_stream_that_failed_is_never_complete() -> None:
    reader = decoder()
    failed = reader.feed(START + HELLO + exception("throttlingException", "Slow down."))
    assert failed.failure is not None
    assert reader.feed(STOP + METADATA) == StreamPart()
    assert reader.end() == StreamPart(failure=failed.failure)


def test_a_reply_that_was_malformed_fails_and_is_metered() -> None:
    found = fed([START + event("messageStop", {"stopReason": "malformed_tool_use"}) + METADATA])
    assert found.tokens == Tokens(12, 7)
    assert found.failure is not None
    assert found.failure.kind == "unavailable"
    assert not found.done
    assert found.finish is None
    reader = decoder()
    reader.feed(START + event("messageStop", {"stopReason": "malformed_tool_use"}))
    assert reader.end().failure is not None


EXCEPTIONS = {
    "throttlingException": ("throttled", 429),
    "internalServerException": ("unavailable", 503),
    "modelStreamErrorException": ("unavailable", 503),
    "serviceUnavailableException": ("unavailable", 503),
    "validationException": ("refused", 400),
    "modelTimeoutException": ("timeout", 504),
    "somethingNewException": ("broken", 502),
}


@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_exceptions_inside_a_stream(kind: str) -> None:
    found = fed([START + HELLO + exception(kind, "Slow down.") + HELLO + STOP])
    assert found.failure is not None
    assert (found.failure.kind, found.failure.status) == EXCEPTIONS[kind]
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks(found.data)] == ["", "Hello"]
    assert not found.done
    assert found.finish is None


def test_every_exception_of_the_service_is_known() -> None:
    members = service().shape_for("ConverseStreamOutput").members
    named = {name for name, shape in members.items() if shape.metadata.get("exception")}
    assert named
    assert named <= set(EXCEPTIONS)


def test_an_error_inside_a_stream() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Oh."}
    found = fed([START + frame(headers)])
    assert found.failure is not None
    assert (found.failure.kind, found.failure.error["code"]) == ("unavailable", "InternalFailure")


@pytest.mark.parametrize(
    "bad",
    [
        frame({}, b"{}"),
        frame({":message-type": "news"}, b"{}"),
        frame({":message-type": "event", ":event-type": "metadata"}, b"nonsense"),
        frame({":message-type": "event", ":event-type": "metadata"}, b"\xff"),
        frame({":message-type": "event", ":event-type": "metadata"}, b'{"start":' + b"[" * 5000),
        sealed(b"\x03abc", b"{}"),
        event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{}"}}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"image": {}}}),
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}}),
        event("metadata", {"usage": {**USAGE, "inputTokens": -1}}),
        b"data: {}\n\n" * 3,
    ],
)
def test_what_is_no_stream_of_converse_is_broken(bad: bytes) -> None:
    found = fed([START + HELLO + bad + STOP])
    assert found.failure is not None
    assert (found.failure.kind, found.failure.status) == ("broken", 502)
    assert not found.done
    assert len(chunks(found.data)) == 2, "what came before is not lost"


def test_a_call_within_a_call_is_broken() -> None:
    def start(index: int) -> bytes:
        use = {"toolUseId": f"t{index}", "name": "clock"}
        return event("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": use}})

    found = fed([START + start(0) + start(1)])
    assert found.failure is not None
    assert found.failure.kind == "broken"


@pytest.mark.parametrize(("reason", "arguments"), [("max_tokens", ["{}", ""]), ("tool_use", ["{}", "{}"])])
def test_the_last_call_of_a_stream_that_was_cut_before_its_arguments_has_none(
    reason: str, arguments: list[str]
) -> None:
    pieces = [START]
    for at in (0, 1):
        use = {"toolUse": {"toolUseId": f"t{at}", "name": "clock"}}
        pieces += [event("contentBlockStart", {"contentBlockIndex": at, "start": use})]
        pieces += [event("contentBlockStop", {"contentBlockIndex": at})]
    whole = fed([*pieces, event("messageStop", {"stopReason": reason}), METADATA])
    assert whole.done
    told = ["", ""]
    for chunk in chunks(whole.data):
        for piece in chunk["choices"][0]["delta"].get("tool_calls", ()) if chunk["choices"] else ():
            told[piece["index"]] += piece["function"]["arguments"]
    assert told == arguments


def test_events_that_are_yet_to_come_are_passed_over() -> None:
    found = fed([event("initial-response", {}) + START + event("mood", {"good": True}) + HELLO + STOP + METADATA])
    assert found.done
    assert len(chunks(found.data)) == 4


def test_memory_is_bounded() -> None:
    big = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x" * 5000}})
    reader = decoder(most=4096)
    found = reader.feed(START + big[:100])
    assert found.failure is not None
    assert found.failure.kind == "broken"
    assert "at most 4096 are read" in found.failure.error["message"]
    assert reader.feed(big[100:]) == StreamPart()


events = st.tuples(
    st.sampled_from(
        ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
    ),
    JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "contentBlockIndex": st.integers(-1, 2),
            "delta": JSON | st.dictionaries(st.sampled_from(["text", "toolUse", "reasoningContent"]), JSON, max_size=2),
            "start": JSON | st.just({"toolUse": {"toolUseId": "a", "name": "b"}}),
            "stopReason": st.sampled_from(["end_turn", "tool_use", "malformed_tool_use", "x"]) | JSON,
            "usage": JSON | st.just(USAGE),
            "serviceTier": JSON,
        },
    ),
).map(lambda found: event(*found))


@settings(max_examples=200, deadline=None)
@given(st.lists(events | st.binary(max_size=30), max_size=6))
def test_any_events_are_read_or_broken(pieces: list[bytes]) -> None:
    found = fed(pieces)
    assert found.failure is None or not found.done
    for chunk in chunks(found.data):
        ChatCompletionChunk.model_validate(chunk)
