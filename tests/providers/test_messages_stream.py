"""Streams of Anthropic's own events, as Anthropic sends them and as Bedrock carries them: any bytes, in any split."""

from __future__ import annotations

import json
from base64 import b64encode
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.gateway.surfaces.messages_native import NativeRendering, named
from detente.gateway.surfaces.surface import UnsayableError
from detente.providers import sse
from detente.providers.anthropic_error import read_failure
from detente.providers.bedrock.invoke import METRICS, InvokeDecoder
from detente.providers.claude_chat_stream import ClaudeChatDecoder
from detente.providers.messages_stream import MessagesDecoder, reply_of
from detente.providers.messages_usage import UNKNOWN_USE
from detente.providers.wire import Decoder, Failure, Reply, StreamPart, Tokens
from detente.sandbox import eventstream
from tests.providers.test_chat_stream import BLANK

Data = dict[str, Any]
FUZZ = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
BEGUN = {"input_tokens": 10, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 1}


def delta(at: int, **said: str) -> Data:
    return {"type": "content_block_delta", "index": at, "delta": said}


def block(at: int, **said: Any) -> Data:
    return {"type": "content_block_start", "index": at, "content_block": said}


def stop(at: int) -> Data:
    return {"type": "content_block_stop", "index": at}


EVENTS: list[Data] = [
    {"type": "message_start", "message": {"id": "msg_1", "model": "claude-there", "content": [], "usage": BEGUN}},
    {"type": "ping"},
    block(0, type="thinking", thinking="", signature=""),
    delta(0, type="thinking_delta", thinking='"type":"error"'),
    delta(0, type="signature_delta", signature="S"),
    stop(0),
    block(1, type="text", text=""),
    delta(1, type="text_delta", text="event: error\n\ndata: héllo 😀"),
    stop(1),
    block(2, type="tool_use", id="toolu_1", name="look_up", input={}),
    delta(2, type="input_json_delta", partial_json='{"id":1}'),
    stop(2),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]
TOKENS = Tokens(15, 7, 3, 2)


def as_events(events: list[Data]) -> bytes:
    return b"".join(sse.event(json.dumps(event).encode(), event["type"]) for event in events)


def as_frames(events: list[Data]) -> bytes:
    frames = []
    for event in events:
        counted = {METRICS: {"inputTokenCount": 10}} if event["type"] == "message_stop" else {}
        held = b64encode(json.dumps(event | counted, separators=(",", ":")).encode()).decode()
        frames.append(eventstream.event("chunk", json.dumps({"bytes": held, "p": "abc"}).encode()))
    return b"".join(frames)


def read(decoder: Decoder, stream: bytes, cuts: list[int]) -> list[StreamPart]:
    edges = [0, *sorted(cuts), len(stream)]
    parts = [decoder.feed(stream[a:b]) for a, b in pairwise(edges)]
    return [*parts, decoder.end()]


def shown(parts: list[StreamPart]) -> list[Data]:
    events = sse.split(b"".join(part.data for part in parts))
    return [json.loads(data) for event in events if (data := sse.data_of(event))]  # a comment has none


@pytest.mark.parametrize(("made", "decoder"), [(as_events, MessagesDecoder), (as_frames, InvokeDecoder)])
@FUZZ
@given(st.data())
def test_what_goes_in_comes_out_however_it_is_cut(made: Any, decoder: Any, data: st.DataObject) -> None:
    stream = made(EVENTS)
    parts = read(decoder(), stream, data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    assert shown(parts) == EVENTS
    assert [part.failure for part in parts] == [None] * len(parts)
    assert any(part.done for part in parts)
    assert [part.tokens for part in parts if part.tokens][-1] == TOKENS
    assert [part.finish for part in parts if part.finish] == ["tool_calls"]
    names = [sse.name_of(event).decode() for event in sse.split(b"".join(part.data for part in parts))]
    assert names == [event["type"] for event in EVENTS]


@pytest.mark.parametrize(("made", "decoder"), [(as_events, MessagesDecoder), (as_frames, InvokeDecoder)])
def test_headers_wait_for_content_and_pings_are_none(made: Any, decoder: Any) -> None:
    reading = decoder()
    assert [reading.feed(made([event])).content for event in EVENTS[:4]] == [0, 0, 0, 1]
    assert reading.feed(made(EVENTS[4:9])).content >= 1
    assert decoder().feed(made([EVENTS[9]])).content == 1
    assert decoder().feed(made([block(0, type="redacted_thinking", data="A")])).content == 1


@pytest.mark.parametrize(("made", "decoder"), [(as_events, MessagesDecoder), (as_frames, InvokeDecoder)])
def test_a_stream_that_ends_early_is_broken(made: Any, decoder: Any) -> None:
    reading = decoder()
    assert reading.feed(made(EVENTS[:-2])).failure is None
    assert reading.end().failure.kind == "broken"
    unstated = decoder().feed(made([*EVENTS[:-2], EVENTS[-1]]))
    assert (unstated.failure.kind, unstated.done) == ("broken", False)


@pytest.mark.parametrize(("made", "decoder"), [(as_events, MessagesDecoder), (as_frames, InvokeDecoder)])
@pytest.mark.parametrize("cut", [b"", b"event: message_st"])
def test_a_stream_that_is_complete_but_for_its_last_mark_is_complete(made: Any, decoder: Any, cut: bytes) -> None:
    """Its caller sees the mark all the same."""
    stream = made(EVENTS[:-1]) + (cut if made is as_events else b"")
    parts = read(decoder(), stream, [])
    assert (parts[-1].done, parts[-1].failure) == (True, None)
    assert shown(parts) == EVENTS
    assert [part.tokens for part in parts if part.tokens][-1] == TOKENS


@pytest.mark.parametrize(("made", "decoder"), [(as_events, MessagesDecoder), (as_frames, InvokeDecoder)])
@pytest.mark.parametrize("before", [2, 9])
def test_an_event_that_is_not_utf_8_is_broken(made: Any, decoder: Any, before: int) -> None:
    """Before any content, and after it, where events are not read."""
    spoilt = made([delta(1, type="text_delta", text="a")])
    if made is as_events:
        spoilt = spoilt.replace(b'"a"', b'"\xff"')
    else:
        bad = b64encode(b'{"type":"content_block_delta","index":1,"delta":{"text":"\xff"}}').decode()
        spoilt = eventstream.event("chunk", json.dumps({"bytes": bad}).encode())
    reading = decoder()
    reading.feed(made(EVENTS[:before]))
    found = reading.feed(spoilt)
    assert found.failure is not None
    assert (found.failure.kind, found.data) == ("broken", b"")
    assert "UTF-8" in found.failure.error["message"]


UNREADABLE = [
    b'{"type":"conte',
    b"not json",
    b"<html>502 Bad Gateway</html>",
    b'{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}',
    b'{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}} oops',
    b'{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b\\"}}',
]


@pytest.mark.parametrize("spoilt", ["@@@@", "====", "@", "=", "@@"])
def test_a_frame_whose_base64_is_none_is_broken(spoilt: str) -> None:
    """Letters that base64 does not have were passed over, and the text was told without what they stood for."""
    event = json.dumps(delta(1, type="text_delta", text="pay 1000000 EUR")).encode()
    at = (event.index(b"000") + 2) // 3 * 4  # four letters are three bytes: noughts
    written = b64encode(event).decode()
    reading = InvokeDecoder()
    reading.feed(as_frames(EVENTS[:9]))
    payload = json.dumps({"bytes": written[:at] + spoilt + written[at + 4 :]}).encode()
    found = reading.feed(eventstream.event("chunk", payload))
    assert (found.failure.kind if found.failure else None, b"pay" in found.data) == ("broken", False)


@pytest.mark.parametrize("made", [MessagesDecoder, InvokeDecoder])
@pytest.mark.parametrize("before", [2, 9])
@pytest.mark.parametrize("data", UNREADABLE)
def test_an_event_of_content_that_cannot_be_read_is_broken(made: type[Decoder], before: int, data: bytes) -> None:
    """Before any content, and after it, behind one and before another: it may have held content."""
    whole = [delta(1, type="text_delta", text="a")] if before == 9 else []
    if made is MessagesDecoder:
        stream = as_events(whole) + sse.event(data, "content_block_delta") + as_events(EVENTS[7:8])
    else:
        held = json.dumps({"bytes": b64encode(data).decode()}).encode()
        stream = as_frames(whole) + eventstream.event("chunk", held) + as_frames(EVENTS[7:8])
    reading = made()
    reading.feed((as_events if made is MessagesDecoder else as_frames)(EVENTS[:before]))
    found = reading.feed(stream)
    assert found.failure is not None
    assert found.failure.kind == "broken"
    assert shown([found]) == whole


@pytest.mark.parametrize("data", [b'{"type":"conte', b"<html>", b"[DONE] ", b"[done]"])
def test_what_cannot_be_read_behind_the_reason_to_stop_spoils_nothing(data: bytes) -> None:
    stream = as_events(EVENTS[:-1]) + sse.event(data, "message_stop") + as_events(EVENTS[-1:])
    parts = read(MessagesDecoder(), stream, [])
    assert (shown(parts), [part.failure for part in parts], parts[0].done) == (EVENTS, [None, None], True)
    translated = read(ClaudeChatDecoder("claude", {}, True, {}), stream, [])
    assert ([part.failure for part in translated], translated[0].done) == ([None, None], True)


@pytest.mark.parametrize("name", ["content_block_delta", "error"])
@pytest.mark.parametrize("type_", [{}, {"type": "error"}])
@pytest.mark.parametrize("before", [2, 9])
def test_an_error_is_one_by_whatever_name_it_comes(name: str, type_: Data, before: int) -> None:
    error = type_ | {"error": {"type": "rate_limit_error", "message": "slow down"}}
    reading = MessagesDecoder()
    reading.feed(as_events(EVENTS[:before]))
    found = reading.feed(sse.event(json.dumps(error).encode(), name))
    assert found.failure is not None
    assert (found.failure.kind, found.data) == ("throttled", b"")


@pytest.mark.parametrize(("made", "decoder"), [(as_events, MessagesDecoder), (as_frames, InvokeDecoder)])
def test_what_the_start_says_of_use_is_no_total(made: Any, decoder: Any) -> None:
    """A stream that is cut before its ``message_delta``: what it used is not known."""
    reading = decoder()
    assert [reading.feed(made([event])).tokens for event in EVENTS[:-2]] == [None] * (len(EVENTS) - 2)
    assert reading.feed(made(EVENTS[-2:])).tokens == TOKENS


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_are_a_failure(data: bytes) -> None:
    for decoder in (MessagesDecoder(), InvokeDecoder()):
        parts = read(decoder, data, [])
        assert any(part.failure is not None for part in parts)


@pytest.mark.parametrize(
    ("type_", "kind", "status"),
    [
        ("overloaded_error", "unavailable", 503),
        ("rate_limit_error", "throttled", 429),
        ("api_error", "unavailable", 503),
        ("invalid_request_error", "refused", 400),
        ("authentication_error", "credential", 502),
        ("new_error", "unavailable", 503),
    ],
)
def test_errors_within_a_stream_and_instead_of_one(type_: str, kind: str, status: int) -> None:
    error = {"type": "error", "error": {"type": type_, "message": "No."}}
    part = MessagesDecoder().feed(as_events([EVENTS[0], error]))
    assert part.failure is not None
    assert (part.failure.kind, part.failure.status) == (kind, status)
    assert shown([part]) == EVENTS[:1]
    assert part.failure.passing is (kind == "unavailable")
    found = read_failure(529, json.dumps(error).encode(), 2.0)
    assert (found.kind, found.status) == (kind, status)


def test_a_frame_that_is_an_exception_is_what_it_says() -> None:
    reading = InvokeDecoder()
    reading.feed(as_frames(EVENTS[:4]))
    part = reading.feed(eventstream.exception("throttlingException", b'{"message":"Too many"}'))
    assert part.failure is not None
    assert part.failure.kind == "throttled"
    spoilt = InvokeDecoder().feed(eventstream.spoiled(as_frames(EVENTS[:1])))
    assert spoilt.failure is not None
    assert spoilt.failure.kind == "broken"


def test_a_statuss_meaning_without_a_body() -> None:
    kinds = {status: read_failure(status, b"", None).kind for status in (400, 401, 403, 404, 413, 429, 500, 529)}
    assert kinds == {
        400: "refused",
        401: "credential",
        403: "credential",
        404: "unavailable",
        413: "refused",
        429: "throttled",
        500: "unavailable",
        529: "unavailable",
    }


# -- whole replies ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("usage", [None, [], "x", {"input_tokens": 1.5}, {"input_tokens": -1, "output_tokens": 1}, {}])
def test_a_usage_that_cannot_be_read_is_unknown_and_spoils_no_reply(usage: Any) -> None:
    """Anthropic's clients take nothing but numbers: a count that nobody knows is 0, and a stream is marked."""
    unknown = {"input_tokens": 0, "output_tokens": 0}
    told = {"type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"}
    found = reply_of(json.dumps({**told, "usage": usage}).encode())
    assert isinstance(found, Reply)
    assert (found.tokens, found.finish) == (None, "stop")
    assert json.loads(found.body) == {**told, "usage": unknown}
    for reading, written in ((MessagesDecoder(), as_events), (InvokeDecoder(), as_frames)):
        message = {"id": "msg_1", "content": [], "usage": usage}
        ends = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
        parts = read(
            reading, written([{"type": "message_start", "message": message}, *EVENTS[6:9], ends, EVENTS[-1]]), []
        )
        assert (parts[0].failure, parts[0].tokens) == (None, None)
        first, *_, last, _ = shown(parts)
        assert (first["message"]["usage"], last["usage"]) == (unknown, {"output_tokens": 0})
        assert b"".join(part.data for part in parts).count(UNKNOWN_USE) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"cache_creation": "no"},
        {"output_tokens_details": []},
        {"iterations": "x"},
        {"iterations": [{"type": "message"}]},  # clients add their counts up
    ],
    ids=str,
)
def test_of_a_usage_that_is_written_oddly_the_counts_are_told(more: Data) -> None:
    odd = {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 4, **more}
    found = reply_of(json.dumps({"content": [], "stop_reason": "end_turn", "usage": odd}).encode())
    assert isinstance(found, Reply)
    assert found.tokens == Tokens(7, 2, 4)
    assert json.loads(found.body)["usage"] == {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 4}


@pytest.mark.parametrize(
    "usage", [{"input_tokens": 5.0, "output_tokens": 3.0}, {"input_tokens": "5", "output_tokens": "3"}]
)
def test_whole_numbers_of_another_type_are_counted_as_in_openais_usage(usage: Any) -> None:
    body = json.dumps({"content": [], "stop_reason": "end_turn", "usage": usage}).encode()
    found = reply_of(body)
    assert isinstance(found, Reply)
    assert found.tokens == Tokens(5, 3)
    assert json.loads(found.body)["usage"] == {"input_tokens": 5, "output_tokens": 3}


def test_a_stream_that_does_not_begin_with_its_message_is_told_with_one() -> None:
    """Clients cannot read a block before a message has begun."""
    told = NativeRendering("asked").feed(as_events(EVENTS[1:]))
    ping, first, *rest = [json.loads(sse.data_of(event)) for event in sse.split(told)]
    assert (ping, rest) == ({"type": "ping"}, EVENTS[2:])
    assert (first["type"], first["message"]["model"], first["message"]["content"]) == ("message_start", "asked", [])


def test_a_whole_reply_is_metered_and_named_as_it_was_asked_for() -> None:
    text = b'{"id":"msg_1","model":"there","content":[{"n":1.10}],"stop_reason":"max_tokens","usage":%b}'
    body = text % json.dumps(BEGUN).encode()
    found = reply_of(body)
    assert isinstance(found, Reply)
    assert (found.tokens, found.finish) == (Tokens(15, 1, 3, 2), "length")
    assert named(body, "claude").startswith(b'{"id":"msg_1","model":"claude","content":[{"n":1.10}]')
    assert isinstance(reply_of(b"<html>"), Failure)
    assert isinstance(reply_of(b'{"error":{}}'), Failure)


def test_a_stream_is_named_as_it_was_asked_for_and_else_stays_as_it_is() -> None:
    rendering = NativeRendering("claude")
    first = rendering.feed(b": hello\n\n" + as_events(EVENTS[:1]))
    assert b'"model": "claude"' in first
    assert first.startswith(b": hello\n\n")
    rest = as_events(EVENTS[1:])
    assert rendering.feed(rest) == rest
    assert rendering.close() == b""
    with pytest.raises(UnsayableError):
        NativeRendering("claude").feed(b"event: message_start\ndata: {}\n\n")
    failed = NativeRendering("claude").fail({"message": "gone", "code": "unavailable"})
    assert failed.startswith(b"event: error\n")
    assert b'"type":"overloaded_error"' in failed


def test_events_that_come_without_their_names_are_named() -> None:
    """Anthropic's own clients go by the name: of nameless events they see nothing, and no error."""
    nameless = b"".join(b": note\n\ndata: " + json.dumps(event).encode() + b"\n\n" for event in EVENTS)
    parts = read(MessagesDecoder(), nameless, [400])
    events = [event for event in sse.split(b"".join(part.data for part in parts)) if not event.startswith(b":")]
    assert [sse.name_of(event).decode() for event in events] == [event["type"] for event in EVENTS]
    assert [json.loads(sse.data_of(event)) for event in events] == EVENTS
    assert parts[-1].done
    told = NativeRendering("asked").feed(b"".join(part.data for part in parts))
    assert b'"model": "asked"' in told
    assert b"claude-there" not in told


def test_openais_mark_at_the_end_of_a_stream_is_not_shown() -> None:
    """Some that speak this shape write it, some in place of the last event."""
    events = [sse.event(json.dumps(said).encode(), said["type"]) for said in EVENTS]
    for upto in (None, -1):
        decoder = MessagesDecoder()
        first, last = decoder.feed(b"".join([*events[:upto], b"data: [DONE]\n\n"])), decoder.end()
        assert (first.failure, last.failure, last.done) == (None, None, True)
        assert b"DONE" not in first.data + last.data
        assert (first.data + last.data).count(b"event: message_stop") == 1


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("overloaded_error", "unavailable"), ("invalid_request_error", "refused"), ("odd", "unavailable")],
)
def test_an_error_inside_of_a_reply_with_status_200_is_what_it_says(type_: str, kind: str) -> None:
    found = reply_of(json.dumps({"type": "error", "error": {"type": type_, "message": "no"}}).encode())
    assert isinstance(found, Failure)
    assert found.kind == kind


@pytest.mark.parametrize("decoder", [MessagesDecoder, InvokeDecoder])
@pytest.mark.parametrize("said", [delta(0, type="text_delta", text=""), delta(0, type="thinking_delta", thinking="")])
def test_an_empty_piece_is_no_content_before_the_first_or_after(decoder: type[Decoder], said: Data) -> None:
    written = as_events if decoder is MessagesDecoder else as_frames
    text = delta(0, type="text_delta", text='a""}')
    reader = decoder()
    assert not reader.feed(written([*EVENTS[:2], block(0, type="text", text=""), said])).content
    assert [reader.feed(written([one])).content for one in (text, said, {"type": "ping"}, text)] == [1, 0, 0, 1]


@pytest.mark.parametrize("blank", BLANK)
def test_an_event_of_nothing_is_left_out_wherever_it_stands(blank: bytes) -> None:
    """Some clients would read it as JSON, and lose the rest."""
    for at in range(len(EVENTS)):
        stream = as_events(EVENTS[:at]) + blank + as_events(EVENTS[at:])
        assert b"".join(part.data for part in read(MessagesDecoder(), stream, [])) == as_events(EVENTS)
        whole = read(ClaudeChatDecoder("claude", {}, True, {}), stream, [])
        assert (whole[0].failure, whole[0].done) == (None, True)


def test_a_frame_of_nothing_is_left_out() -> None:
    nothing = eventstream.event("chunk", b'{"bytes":""}')
    for at in range(len(EVENTS)):
        stream = as_frames(EVENTS[:at]) + nothing + as_frames(EVENTS[at:])
        assert shown(read(InvokeDecoder(), stream, [])) == EVENTS
