"""A stream, or a whole reply, of OpenAI's Responses API.

Owns: which events hold content, where usage, the end and a failure come. Events pass through as the provider wrote
them; once content has come, only those that may end the stream are read. Not here: ids and whom they lead to
(``gateway/surfaces/responses``), and other streams.
"""

from __future__ import annotations

from typing import Any

import msgspec

from detente.providers import sse
from detente.providers.error_object import failure_of
from detente.providers.openai_usage import told_usage_of_response, with_usage
from detente.providers.reply_head import is_odd, mended
from detente.providers.said_anything import says_anything
from detente.providers.unreadable import UNREADABLE
from detente.providers.unstreamed import is_whole, response_events
from detente.providers.wire import (
    Decoder,
    Failure,
    Members,
    Reply,
    StreamPart,
    as_reason,
    ended_early,
    failure,
    is_utf8,
)


# -- what is read of them -------------------------------------------------------------------------------------------
class _Response(msgspec.Struct):
    output: msgspec.Raw = msgspec.Raw(b"null")
    status: Any = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None
    incomplete_details: Any = None
    created_at: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    response: _Response | None = None
    delta: Any = None
    error: Any = None
    code: Any = None
    message: Any = None
    param: Any = None


class _Piece(msgspec.Struct):
    """Of an event that should hold a piece of content, what could say that it does not."""

    type: str = ""
    response: Any = None
    error: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_PIECE = msgspec.json.Decoder(_Piece)
_RESPONSE = msgspec.json.Decoder(_Response)

_BEFORE_CONTENT = frozenset(
    {
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_summary_part.added",
    }
)
"""What a provider may say before it has made anything: other events of a response hold content, or end the stream."""
_SIGNS = frozenset({"response.queued", "response.in_progress"})
"""Those of them that say nothing but that it lives."""
_DATA = b"data: "
_BEGINS = 64
"""Bytes of what a response holds by which it is told whether that is anything."""

MADE = "created_at"
"""When a response was made."""
_ENDS = ("completed", "incomplete")
_FINISH = {"max_output_tokens": "length", "content_filter": "content_filter"}


# -- streams --------------------------------------------------------------------------------------------------------
class ResponsesDecoder(Decoder):
    """Reads events.

    Parameters
    ----------
    most
        The longest event that is held, in bytes.
    """

    __slots__ = ("_content", "_done", "_events", "_failed")

    def __init__(self, most: int = sse.MAX_BYTES) -> None:
        self._events = sse.Events(most)
        self._content = False
        self._done = False
        self._failed = False

    def feed(self, data: bytes) -> StreamPart:
        if self._done or self._failed:
            return StreamPart()
        try:
            block = self._events.block(data)
        except sse.OverlongError as error:
            self._failed = True
            return StreamPart(failure=failure("broken", 502, f"the provider sent {error}"))
        if not is_utf8(block):
            self._failed = True
            return StreamPart(failure=failure("broken", 502, "the provider sent an event that is not UTF-8"))
        if self._content and (pieces := _plain(block)):
            return StreamPart(block, content=pieces)
        part, shown = StreamPart(), []
        for event in sse.split(block):
            shown.append(self._read(event, part))
            if part.done or part.failure is not None:
                break
        part.data = b"".join(shown)
        return part

    def _read(self, event: bytes, part: StreamPart) -> bytes:
        """What one event means, and how the caller is shown it; nothing, where it is not."""
        data = sse.data_of(event)
        if not data.strip():  # a comment keeps the connection alive: our own caller is told so by us, before content
            return event if self._content and not sse.is_blank(event, data) else b""
        if sse.is_done(data):
            return b""  # no part of this API, and the gateway's to say where it is
        try:
            found = _EVENT.decode(data)
        except UNREADABLE:
            if _is_sign(data):
                return b""
            return self._fail(part, failure("broken", 502, "the provider sent an event that cannot be read"))
        response = found.response
        if response is not None and is_odd(None, response.created_at):
            members = msgspec.json.decode(data, type=Members)
            members["response"] = msgspec.Raw(mended(bytes(members["response"]), MADE, names=False))
            data = msgspec.json.encode(members)
            event = sse.with_data(event, data)
        if response is not None and bytes(response.usage) != b"null":
            part.tokens, told = told_usage_of_response(response.usage)
            if told is not response.usage:
                members = msgspec.json.decode(data, type=Members)
                members["response"] = msgspec.Raw(with_usage(bytes(members["response"]), told))
                event = sse.with_data(event, msgspec.json.encode(members))
        match found.type:
            case "response.completed" | "response.incomplete":
                failed = _failed(response)
                cut = found.type == "response.incomplete"
                if failed is None and not (self._content or _answers(response, cut=cut)):
                    failed = failure("broken", 502, "the provider ended a response that holds no answer")
                if failed is not None:
                    return self._fail(part, failed)
                self._done = part.done = self._content = True
                part.content += 1
                part.finish = _finish(response)
            case "response.failed" | "response.cancelled":
                return self._fail(part, failure_of(response.error if response else None))
            case "error":
                own = {"code": found.code, "message": found.message, "param": found.param}
                return self._fail(part, failure_of(found.error or own))
            case "" if found.error:
                return self._fail(part, failure_of(found.error))
            case "keepalive":
                return event if self._content else b""
            case _ if _is_content(found):
                self._content = True
                part.content += 1
        return event

    def _fail(self, part: StreamPart, why: Failure) -> bytes:
        self._failed = True
        part.failure = why
        return b""

    def end(self) -> StreamPart:
        if self._done or self._failed:
            return StreamPart(done=self._done)
        if is_whole(whole := self._events.rest):
            return self._whole(whole)
        part = self.feed(sse.BLANK) if self._events.lacks_end else StreamPart()
        if part.done:
            return part
        self._failed = True
        return StreamPart(failure=ended_early(part))

    def _whole(self, body: bytes) -> StreamPart:
        """A response that came whole, though a stream was asked for."""
        self._events, found = sse.Events(), reply_of_response(body)
        try:
            part = self.feed(response_events(found.body)) if isinstance(found, Reply) else StreamPart(failure=found)
        except UNREADABLE:
            part = StreamPart(failure=failure("broken", 502, "the provider's reply holds an item that cannot be read"))
        if part.done:
            return part
        self._failed = True
        return StreamPart(failure=part.failure or ended_early(part))


def _is_sign(data: bytes) -> bool:
    """Whether an event says that a response lives, and nothing more: whatever it holds, it may be left out."""
    try:
        return _PIECE.decode(data).type in _SIGNS
    except UNREADABLE:
        return False


def _is_content(event: _Event) -> bool:
    """Whether an event holds anything that was made: a ping, one of another kind and an empty piece do not."""
    if event.type.endswith(".delta") and not event.delta:
        return False
    return event.type.startswith("response.") and event.type not in _BEFORE_CONTENT


def _plain(block: bytes) -> int:
    """How many events there are, if each is a piece of content and nothing else; else none: each is looked into.

    Each is one line, with a name before it or without. None carries a response or an error, is empty or is cut short.
    """
    if block.count(b'""'):  # of bytes, `count` is faster than `in`
        return 0
    events = block[:-2].split(b"\n\n")
    try:
        for event in events:
            name, _, data = event.partition(_DATA)
            if data.count(b"\n") or (name and not name.endswith(b"\n")) or name.count(b"\n") > 1:
                return 0
            piece = _PIECE.decode(data)
            if not piece.type.endswith(".delta") or piece.response is not None or piece.error is not None:
                return 0
    except UNREADABLE:
        return 0
    return len(events)


# -- whole replies --------------------------------------------------------------------------------------------------
def reply_of_response(body: bytes) -> Reply | Failure:
    """A whole reply of status 200.

    One that cannot be read is a ``broken`` failure, and one that says of itself that it failed is what its error says.
    """
    try:
        found = _RESPONSE.decode(body)
    except UNREADABLE:
        return failure("broken", 502, "the provider's reply is not JSON of the expected shape")
    if (failed := _failed(found)) is not None:
        return failed
    ends = found.status in _ENDS or found.incomplete_details
    if not _answers(found) or not (ends or says_anything(found.output)):
        return failure("broken", 502, "the provider's reply has status 200 and holds no answer")
    tokens, told = told_usage_of_response(found.usage)
    if told is not found.usage:
        body = with_usage(body, told)
    if is_odd(None, found.created_at):
        body = mended(body, MADE, names=False)
    return Reply(body, tokens, _finish(found))


def _failed(response: _Response | None) -> Failure | None:
    """What a response says that went wrong; None where it says nothing of the kind."""
    if response is not None and (response.error or response.status in ("failed", "cancelled")):
        return failure_of(response.error)
    return None


def _answers(response: _Response | None, *, cut: bool = False) -> bool:
    """Whether it holds items; of one that was ``cut``, by its limit say, there may be none."""
    if response is None:
        return False
    begins = bytes(memoryview(response.output)[:_BEGINS])
    cut = cut or response.status == "incomplete" or bool(response.incomplete_details)
    return begins[:1] == b"[" and (cut or not begins[1:].lstrip().startswith(b"]"))


def _finish(response: _Response | None) -> str | None:
    """Why it ended, in the words of chat completions."""
    if response is None:
        return None
    details = response.incomplete_details
    if isinstance(details, dict) and (reason := as_reason(details.get("reason"))):
        return _FINISH.get(reason, reason)
    return "stop" if response.status == "completed" else None
