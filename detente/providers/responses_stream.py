"""A stream, or a whole reply, of OpenAI's Responses API.

Owns: which events hold content, where usage, the end and a failure come. Events pass through as the provider wrote
them; once content has come, only those that may end the stream are read. Not here: ids and whom they lead to
(``gateway/surfaces/responses``), and other streams.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from detente.providers import sse
from detente.providers.chat_stream import InputDetails, OutputDetails
from detente.providers.wire import (
    FOREIGN,
    MAX_TOKENS,
    Decoder,
    Failure,
    FailureKind,
    Reply,
    StreamPart,
    Tokens,
    as_reason,
    as_text,
    failure,
    foreign,
    is_utf8,
    says_too_long,
    too_long,
)


# -- what is read of them -------------------------------------------------------------------------------------------
class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class _Error(NamedTuple):
    code: str = ""
    message: str = ""
    param: str | None = None


class _Response(msgspec.Struct):
    output: msgspec.Raw = msgspec.Raw(b"null")
    status: Any = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None
    incomplete_details: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    response: _Response | None = None
    error: Any = None
    code: Any = None
    message: Any = None
    param: Any = None


_USAGE = msgspec.json.Decoder(_Usage | None)
_EVENT = msgspec.json.Decoder(_Event)
_RESPONSE = msgspec.json.Decoder(_Response)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_DONE = b"[DONE]"

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
"""What a provider may say before it has made anything: all other events hold content, or end the stream."""

_FINISH = {"max_output_tokens": "length", "content_filter": "content_filter"}

# OpenAI's codes of a response that failed. What is not named here may go better elsewhere.
_THROTTLED = frozenset({"rate_limit_exceeded", "too_many_requests", "429"})
_FILTERED = frozenset(
    {"content_filter", "bio_policy", "misalignment_policy_violation", "image_content_policy_violation"}
)
_REFUSED = frozenset(
    {
        *("invalid_prompt", "invalid_request_error", "data_residency_mismatch"),
        *("invalid_image", "invalid_image_format", "invalid_image_mode", "invalid_image_url", "invalid_base64_image"),
        *("image_too_large", "image_too_small", "image_parse_error", "image_file_too_large", "image_file_not_found"),
        *("empty_image_file", "failed_to_download_image", "unsupported_image_media_type"),
    }
)


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
        if self._content and _is_plain(block):
            return StreamPart(block, content=block.count(b"\n\n"))
        part, shown = StreamPart(), []
        for event in sse.split(block):
            if self._read(event, part):
                shown.append(event)
            if part.done or part.failure is not None:
                break
        part.data = b"".join(shown)
        return part

    def _read(self, event: bytes, part: StreamPart) -> bool:
        """What one event means; whether the caller is shown it."""
        data = sse.data_of(event)
        if not data:  # a comment keeps the connection alive: our own caller is told so by us, before content
            return self._content
        if data == _DONE:
            return False  # no part of this API, and the gateway's to say where it is
        try:
            found = _EVENT.decode(data)
        except _UNREADABLE:
            return self._fail(part, failure("broken", 502, "the provider sent an event that cannot be read"))
        response = found.response
        if response is not None and bytes(response.usage) != b"null":
            part.tokens = _tokens(response.usage)
        match found.type:
            case "response.completed" | "response.incomplete":
                self._done = part.done = self._content = True
                part.content += 1
                part.finish = _finish(response)
            case "response.failed" | "response.cancelled":
                return self._fail(part, _failure(response.error if response else None))
            case "error":
                own = {"code": found.code, "message": found.message, "param": found.param}
                return self._fail(part, _failure(found.error or own))
            case "" if found.error:
                return self._fail(part, _failure(found.error))
            case "keepalive":
                return self._content
            case type_ if type_ not in _BEFORE_CONTENT:
                self._content = True
                part.content += 1
        return True

    def _fail(self, part: StreamPart, why: Failure) -> bool:
        self._failed = True
        part.failure = why
        return False

    def end(self) -> StreamPart:
        if self._done or self._failed:
            return StreamPart(done=self._done)
        self._failed = True
        return StreamPart(failure=failure("broken", 502, "the provider's stream ended before it was complete"))


def _is_plain(block: bytes) -> bool:
    """Whether events hold nothing but content: none carries a response or an error, or is cut short.

    Text that a model wrote cannot look like a member: its quotation marks are escaped.
    """
    if b'"response"' in block or b'"error"' in block:
        return False
    return block.count(b"}\n\n") == block.count(b"\n\n")


# -- whole replies --------------------------------------------------------------------------------------------------
def reply_of_response(body: bytes) -> Reply | Failure:
    """A whole reply of status 200.

    One that cannot be read is a ``broken`` failure, and one that says of itself that it failed is what its error says.
    """
    try:
        found = _RESPONSE.decode(body)
    except _UNREADABLE:
        return failure("broken", 502, "the provider's reply is not JSON of the expected shape")
    if found.error or found.status in ("failed", "cancelled"):
        return _failure(found.error)
    if bytes(memoryview(found.output)[:1]) != b"[":
        return failure("broken", 502, "the provider's reply has status 200 and holds no answer")
    return Reply(body, _tokens(found.usage), _finish(found))


def tokens_of_response(body: bytes) -> Tokens | None:
    """What a whole reply says it took; None where it does not say (§12)."""
    try:
        return _tokens(_RESPONSE.decode(body).usage)
    except _UNREADABLE:
        return None


def _tokens(said: bytes) -> Tokens | None:
    """What a ``usage`` says; None where it says nothing, or is none: unknown, and the reply as good (§12)."""
    try:
        usage = _USAGE.decode(said)
    except _UNREADABLE:
        return None
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    given, made = usage.input_tokens, usage.output_tokens
    read = (usage.input_tokens_details.cached_tokens if usage.input_tokens_details else None) or 0
    wrote = (usage.input_tokens_details.cache_write_tokens if usage.input_tokens_details else None) or 0
    thought = (usage.output_tokens_details.reasoning_tokens if usage.output_tokens_details else None) or 0
    if min(given, made, read, wrote, thought) < 0 or read + wrote > given or thought > made:
        return None  # contradicts itself: not known
    if max(given, made) > MAX_TOKENS:
        return None
    return Tokens(given, made, cached=read, written=wrote, reasoning=thought)


def _finish(response: _Response | None) -> str | None:
    """Why it ended, in the words of chat completions."""
    if response is None:
        return None
    details = response.incomplete_details
    if isinstance(details, dict) and (reason := as_reason(details.get("reason"))):
        return _FINISH.get(reason, reason)
    return "stop" if response.status == "completed" else None


def _error_of(stated: Any) -> _Error:
    """An error, whatever is written in it: an object, or a sentence."""
    if not isinstance(stated, dict):
        return _Error(message=as_text(stated))
    code = stated.get("code")
    number = str(code) if isinstance(code, int) else ""
    return _Error(as_text(code) or number, as_text(stated.get("message")), as_text(stated.get("param")) or None)


def _failure(stated: Any) -> Failure:
    code, message, param = _error_of(stated)
    if says_too_long(code):
        return too_long(message[:2000], param)
    if code == FOREIGN:
        return foreign()
    kind, status = _kind(code)
    if kind in ("refused", "filtered"):
        told = {"message": message[:2000], "type": "invalid_request_error", "param": param}
        return Failure(kind, status, {**told, "code": code})
    return failure(kind, status, "the provider ended the response with an error" + (f" ({code[:100]})" if code else ""))


def _kind(code: str) -> tuple[FailureKind, int]:
    """(what kind of failure, which status a caller is told if nobody else serves the call)."""
    if code in _THROTTLED:
        return "throttled", 429
    if code in _FILTERED:
        return "filtered", 400
    if code in _REFUSED:
        return "refused", 400
    return ("timeout", 504) if code == "vector_store_timeout" else ("unavailable", 503)
