"""A stream, or a whole reply, of Anthropic's Messages API, in its own shape.

Owns: which events hold content, where usage, the end and a failure come. Events pass through as the provider wrote
them; only those that may carry more than content are read. Not here: what a usage says (``messages_usage``) and
an error means (``anthropic_error``), the model's name in them (``gateway/surfaces/messages_native``), and requests
(``anthropic``, ``bedrock/invoke``).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from detente.providers import sse
from detente.providers.anthropic_error import AnthropicError, error_inside, failure_of
from detente.providers.message_shape import BlockPlaces, ContentBlock, as_taken, end_as_taken, is_taken, taken
from detente.providers.messages_usage import ENDING, UNKNOWN_USE, WHOLE, MessagesUsage, Metered, told_usage
from detente.providers.openai_usage import with_usage
from detente.providers.reply_head import is_odd, mended
from detente.providers.said_anything import says_anything
from detente.providers.unreadable import UNREADABLE
from detente.providers.unstreamed import is_whole, message_events
from detente.providers.wire import (
    Around,
    Decoder,
    Failure,
    Members,
    Reply,
    StreamPart,
    Tokens,
    as_reason,
    ended_early,
    failure,
    is_utf8,
)

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""OpenAI's reasons to finish, in which records are kept, by Anthropic's to stop."""


# -- what is read of them -------------------------------------------------------------------------------------------
class _Started(msgspec.Struct):
    usage: Any = None
    id: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    index: Any = None
    content_block: ContentBlock | None = None
    message: _Started | None = None
    delta: dict[str, Any] | None = None
    usage: Any = None
    error: AnthropicError | str | None = None


class _Whole(msgspec.Struct):
    content: list[msgspec.Raw]
    model: msgspec.Raw = msgspec.Raw(b"")
    stop_reason: Any = None
    stop_sequence: Any = None
    usage: Any = None
    id: Any = None
    type: Any = None
    role: Any = None


class _Piece(msgspec.Struct):
    """Of an event that should hold a piece of content, what could say that it does not."""

    type: str = ""
    error: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_PIECE = msgspec.json.Decoder(_Piece)
_WHOLE = msgspec.json.Decoder(_Whole)
STOPPED = b'{"type":"message_stop"}'
"""The data of the event that ends a stream."""
_NAME = re.compile(r"[a-z_]{1,60}")
EMPTY = b'""}'
"""How a piece ends that says nothing."""
_DELTA = "content_block_delta"
HEAD = b"event: content_block_delta\ndata: "
"""How an event with a piece of content begins."""
_TEXTS = b'"text":"', b'"thinking":"', b'"partial_json":"'
_ENDS = b'"}}\n\n'
"""How a piece of content ends whose text is its last member, as of these."""


def reply_of(body: bytes) -> Reply | Failure:
    """A whole reply of status 200. One that cannot be read is a ``broken`` failure."""
    if not is_utf8(body):
        return failure("broken", 502, "the provider's reply is not UTF-8")
    message = taken(body)
    if message is not None and (tokens := message.usage.tokens) is not None:  # as it nearly always is
        return Reply(body, tokens, finish_of(message.stop_reason), bytes(message.model))
    return _mended(body)


def _mended(body: bytes) -> Reply | Failure:
    """A whole reply that clients would not take as it came, as they take it."""
    try:
        found = _WHOLE.decode(body)
    except UNREADABLE:
        return error_inside(body) or failure("broken", 502, "the provider's reply is not one of Anthropic's messages")
    if not found.stop_reason and not any(map(says_anything, found.content)):
        return failure("broken", 502, "the provider's reply has status 200 and holds no answer")
    usage, told = told_usage(found.usage, WHOLE)
    if told is not None:
        body = with_usage(body, told)
    if is_odd(found.id):
        body = mended(body)
    if not is_taken(found.type, found.role, found.stop_reason, found.stop_sequence, found.content):
        body = as_taken(body)
    return Reply(body, usage.tokens if usage else None, finish_of(found.stop_reason), bytes(found.model))


def finish_of(stop: Any) -> str | None:
    """OpenAI's reason to finish; of one that it has no word for, Anthropic's own."""
    reason = as_reason(stop)
    return FINISH.get(reason, reason) if reason else None


class _Counted(msgspec.Struct):
    input_tokens: Metered


class _CountedAtBedrock(msgspec.Struct, rename="camel"):
    input_tokens: Metered


def count_of(body: bytes, kind: type[_Counted | _CountedAtBedrock] = _Counted) -> Reply | Failure:
    """How many tokens a request would take, as Anthropic says it. To be told costs nothing."""
    try:
        found = msgspec.json.decode(body, type=kind)
    except UNREADABLE:
        return failure("broken", 502, "the provider's reply is no count of tokens")
    return Reply(b'{"input_tokens":%d}' % found.input_tokens, Tokens(0, 0))


def count_at_bedrock(body: bytes) -> Reply | Failure:
    """The same as Bedrock says it."""
    return count_of(body, _CountedAtBedrock)


# -- streams --------------------------------------------------------------------------------------------------------
class ToldEvent(NamedTuple):
    """An event as it is shown: its type, by which clients want it named (empty: as it came), and its data.

    ``mark`` is a comment that is shown before it.
    """

    kind: str
    data: bytes
    mark: bytes = b""


class MessagesDecoder(Decoder):
    """Reads server-sent events.

    Parameters
    ----------
    most
        The longest event that is held, in bytes.
    """

    __slots__ = ("_content", "_done", "_events", "_failed", "_places", "_stopped", "_usage", "around")

    def __init__(self, most: int = sse.MAX_BYTES) -> None:
        self._events = sse.Events(most)
        self._usage: MessagesUsage | None = None
        self._places = BlockPlaces()
        self._content = self._done = self._failed = self._stopped = False
        self.around: Around | None = None

    def feed(self, data: bytes) -> StreamPart:
        if self.around is not None and self.around.fits(data):
            return StreamPart(data, 1)
        part = self._fed(data)
        if self._done or self._failed or self._events.open:
            self.around = None
        return part

    def _fed(self, data: bytes) -> StreamPart:
        """What bytes mean that are no event like the one before it."""
        if self._done or self._failed:
            return StreamPart()
        try:
            block = self._events.block(data)
        except sse.OverlongError as error:
            return self._over(self._fail(StreamPart(), failure("broken", 502, f"the provider sent {error}")), [])
        if not is_utf8(block):
            why = failure("broken", 502, "the provider sent an event that is not UTF-8")
            return self._over(self._fail(StreamPart(), why), [])
        if self._content and not self._places.odd and (pieces := _plain(block)):
            if pieces == 1:
                self.around = _around(block) or self.around
            return StreamPart(block, content=pieces)
        part = StreamPart()
        shown: list[bytes] = []
        for event in sse.split(block):
            if sse.is_done(data := sse.data_of(event)) or sse.is_blank(event, data):
                continue  # OpenAI's mark, which some write here; or nothing
            name = sse.name_of(event)
            told = self.read(data, part, name.decode())
            if part.failure is not None:
                break
            if told is None:
                continue
            if told.kind and not name:
                event = sse.event(told.data, told.kind)
            elif told.data is not data:
                event = sse.with_data(event, told.data)
            shown.append(told.mark + event if told.mark else event)
            if part.done:
                break
        return self._over(part, shown)

    def read(self, data: bytes, part: StreamPart, name: str = "") -> ToldEvent | None:
        """What one event means, and how it is told; None of one that nobody is shown.

        ``name``: as which it came. An error is one by its type, by its name, or as it has nothing but that to say.
        """
        if not data:
            return ToldEvent("", data)  # a comment keeps the connection alive
        mark = b""
        try:
            event = _EVENT.decode(data)
        except UNREADABLE:
            if not self._stopped:  # behind the reason to stop nothing of the content can be in it
                self._fail(part, failure("broken", 502, "the provider sent an event that cannot be read"))
            return None
        if name == "error" or (event.error and not event.type):
            self._fail(part, failure_of(event.error))
            return None
        match event.type:
            case "content_block_delta":  # an empty piece says nothing
                made = any(said for name, said in (event.delta or {}).items() if name != "type")
                self._content |= made
                part.content += made
                if (piece := self._places.piece(data, event.index, event.delta)) is None:
                    self._fail(part, failure("broken", 502, "the provider sent a piece of a block that did not begin"))
                    return None
                start, data = piece
                mark = sse.event(start, "content_block_start") if start else b""
            case "content_block_stop":
                data = self._places.stopped(data, event.index)
            case "content_block_start":  # a call of a tool, or a redacted thought, is whole or named at its start
                named = event.content_block is not None and event.content_block.type not in ("text", "thinking")
                self._content |= named
                part.content += named
                if event.content_block is None:
                    return None  # its first piece says how it would have begun
                data = self._places.started(data, event.index, event.content_block)
            case "message_start" if event.message is not None:
                _, told = self._metered(event.message.usage, WHOLE)
                if told is not None or is_odd(event.message.id):
                    members = msgspec.json.decode(data, type=Members)
                    message = mended(bytes(members["message"]))
                    members["message"] = msgspec.Raw(message if told is None else with_usage(message, told))
                    data = msgspec.json.encode(members)
            case "message_delta":
                known, told = self._metered(event.usage, ENDING)
                if known:  # what the start says of output is no total: a stream cut before is unknown
                    part.tokens = self._usage.tokens if self._usage else None
                if told is not None:
                    data = with_usage(data, told)
                if event.delta is not None and not all(
                    isinstance(event.delta.get(name), str | None) for name in ("stop_reason", "stop_sequence")
                ):
                    data = end_as_taken(data)
                mark = b"" if part.tokens is not None else UNKNOWN_USE
                if event.delta is not None and (stop := event.delta.get("stop_reason")):
                    part.finish = finish_of(stop)
                    self._stopped = True
            case "message_stop" if not self._stopped:
                self._fail(part, failure("broken", 502, "the provider ended the stream without a reason to stop"))
            case "message_stop":
                self._done = part.done = True
            case "error":
                self._fail(part, failure_of(event.error))
        return ToldEvent(event.type if _NAME.fullmatch(event.type) else "", data, mark)

    def _metered(self, stated: Any, needed: tuple[str, ...]) -> tuple[bool, msgspec.Raw | None]:
        """Take what is stated of the use so far; whether it can be read, and how it is told, if not as it is."""
        usage, told = told_usage(stated, needed)
        if usage is not None:
            self._usage = usage.after(self._usage)
        return usage is not None, told

    def _fail(self, part: StreamPart, why: Failure) -> StreamPart:
        self._failed = True
        part.failure = why
        return part

    def _over(self, part: StreamPart, shown: list[bytes]) -> StreamPart:
        """A part with what is shown of it. What fails behind the reason to stop spoils no answer: it is complete."""
        if part.failure is not None and self._stopped:
            part.failure, part.done = None, True
            self._failed, self._done = False, True
            shown.append(sse.event(STOPPED, "message_stop"))
        part.data = b"".join(shown)
        return part

    def end(self) -> StreamPart:
        if self._done or self._failed:
            return StreamPart(done=self._done)
        if not self._stopped and is_whole(whole := self._events.rest):
            return self._whole(whole)
        part = self.feed(sse.BLANK) if self._events.lacks_end else StreamPart()
        if self._stopped and not part.done:  # complete but for its last mark, which its caller wants to see
            part.data += sse.event(STOPPED, "message_stop")
            self.read(STOPPED, part)
        return part if part.done else self._fail(StreamPart(), ended_early(part))

    def _whole(self, body: bytes) -> StreamPart:
        """A message that came whole, though a stream was asked for."""
        self._events = sse.Events()
        part = self.feed(told) if isinstance(told := events_of(body), bytes) else StreamPart(failure=told)
        return part if part.done else self._fail(StreamPart(), part.failure or ended_early(part))


def events_of(body: bytes) -> bytes | Failure:
    """A whole reply as the events of a stream."""
    found = reply_of(body)
    try:
        return message_events(found.body) if isinstance(found, Reply) else found
    except UNREADABLE:
        return failure("broken", 502, "the provider's reply holds a block that cannot be read")


def is_piece(data: bytes) -> bool:
    """Whether the data of an event can be read, and are a piece of content and nothing else."""
    try:
        piece = _PIECE.decode(data)
    except UNREADABLE:
        return False
    return piece.type == _DELTA and piece.error is None


def _plain(block: bytes) -> int:
    """How many events there are, if each is a piece of content and nothing else; else none: each is looked into.

    Each is a name and one line, and none is empty.
    """
    if block.count(EMPTY):  # of bytes, `count` is faster than `in`
        return 0
    events = block[:-2].split(b"\n\n")
    for event in events:
        if not event.startswith(HEAD) or event.count(b"\n") != 1 or not is_piece(event[len(HEAD) :]):
            return 0
    return len(events)


def _around(event: bytes) -> Around | None:
    """Of a piece of content and nothing else, what stands about its text, where that ends the event and is plain."""
    end = len(event) - len(_ENDS)
    at = event.rfind(b'"', 0, end) + 1
    if not event.endswith(_ENDS) or event[end - 1 : end] == b"\\" or not event.endswith(_TEXTS, 0, at):
        return None
    return Around(event[:at], event[end:])
