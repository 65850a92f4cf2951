"""A stream of ConverseStream as OpenAI's chunks of a chat completion.

Owns: what each event becomes, where usage and the end come, and exceptions inside a stream. Not here: frames
(``frames``), and whole replies (``reply``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from detente.providers.bedrock.citations import Cited, annotations_of
from detente.providers.bedrock.converse_reply import (
    SEQUENCE,
    Thought,
    broken,
    created_of,
    finish_of,
    id_of,
    later_thought,
    sequence_of,
    tier_of,
    tokens_of,
    told_of,
)
from detente.providers.bedrock.event_frames import MAX_BYTES, Frame, FrameError, Frames
from detente.providers.bedrock.failures import named, text_of
from detente.providers.openai_usage import usage_of
from detente.providers.sse import OverlongError
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Decoder, Failure, Headers, StreamPart


class _UseStart(msgspec.Struct, rename="camel"):
    tool_use_id: str
    name: str


class _Start(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    tool_use: _UseStart | None = None


class _Use(msgspec.Struct):
    input: str = ""


class _Delta(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    text: str | None = None
    tool_use: _Use | None = None
    reasoning_content: Thought | None = None
    citation: Cited | None = None


class _Event(msgspec.Struct, rename="camel"):
    """Any event of a stream; ``p`` pads it against those who measure its length, and is not read."""

    content_block_index: int = 0
    start: _Start | None = None
    delta: _Delta | None = None
    stop_reason: Any = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    service_tier: Any = None
    additional_model_response_fields: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_TEXT = msgspec.json.Encoder()


AnyPiece = TypeVar("AnyPiece")
"""A frame, or an event."""


class ConverseDecoder(Decoder):
    """Reads a stream of events.

    Parameters
    ----------
    model
        As chunks name it.
    headers
        Of the reply.
    asks_usage
        Whether the caller asked for the chunk that holds the usage; else it is hidden.
    most
        The largest frame, in bytes.
    names
        The whole names of tools whose names were shortened, by the short ones.
    """

    __slots__ = (
        "_asks_usage",
        "_block",
        "_calls",
        "_characters",
        "_cited",
        "_done",
        "_empty",
        "_failure",
        "_first",
        "_frames",
        "_head",
        "_later",
        "_names",
        "_reason",
        "_silent",
        "_since",
        "_tail",
        "_text",
        "_thought",
    )

    def __init__(
        self,
        model: str,
        headers: Headers,
        asks_usage: bool,
        most: int = MAX_BYTES,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._head = self._named(model, headers)
        self._tail = b',"usage":null}\n\n' if asks_usage else b"}\n\n"
        self._asks_usage = asks_usage
        self._names = names
        self._frames = Frames(most)
        self._calls = -1
        self._block: int | None = None
        """The block that holds a call of a tool."""
        self._silent = False
        """Whether that call has no arguments yet."""
        self._empty = False
        """Whether the last call is over, and has none: it was cut before them where the reply ends at its limit."""
        self._characters = 0
        """Of the content so far."""
        self._text = -1
        """The block of the last text, and what of the content is before it."""
        self._since = 0
        self._cited: list[Cited] = []
        """What that text cites."""
        self._first: int | None = None
        """The block that holds the thought that begins the reply."""
        self._later = -1
        self._thought: int | None = None
        """The block that holds the last of the later thoughts."""
        self._reason: str | Failure | None = None
        """Why it ends, in OpenAI's words, once that was said; or that what the model said could not be read."""
        self._done = False
        self._failure: Failure | None = None

    @staticmethod
    def _named(model: str, headers: Headers) -> bytes:
        """How each chunk begins."""
        head = {"id": id_of(headers), "object": "chat.completion.chunk", "created": created_of(headers), "model": model}
        return b"data: " + msgspec.json.encode(head)[:-1]

    def feed(self, data: bytes) -> StreamPart:
        return self._fed(data, self._frames.feed, self._read)

    def _fed(
        self,
        data: bytes,
        split: Callable[[bytes], Iterable[AnyPiece]],
        read: Callable[[AnyPiece, StreamPart, list[bytes]], None],
    ) -> StreamPart:
        """What some bytes say, by the pieces that they hold: up to the end, or to what cannot be read."""
        part = StreamPart()
        if self._done or self._failure is not None:
            return part
        shown: list[bytes] = []
        try:
            for piece in split(data):
                read(piece, part, shown)
                if part.done or part.failure is not None:
                    break
        except (FrameError, OverlongError) as error:
            part.failure = broken(str(error))
        except UNREADABLE:
            part.failure = broken("an event that cannot be read")
        if part.failure is not None and isinstance(self._reason, str):  # behind it: that spoils no answer
            part.failure = None
            self._close(part, shown)
        self._done, self._failure = part.done, part.failure
        part.data = b"".join(shown)
        return part

    def _close(self, part: StreamPart, shown: list[bytes]) -> None:
        """It is complete, though its last event has not come."""
        part.done = True

    def end(self) -> StreamPart:
        if self._failure is None and not self._done:
            if self._reason is None:
                self._failure = broken("a stream that ended before it was complete")
            elif isinstance(self._reason, Failure):
                self._failure = self._reason
        self._done = self._failure is None
        return StreamPart(failure=self._failure, done=self._done)

    def _read(self, frame: Frame, part: StreamPart, shown: list[bytes]) -> None:
        """One frame."""
        headers = frame.headers
        kind = headers.get(":message-type")
        if kind == "exception":
            part.failure = named(headers.get(":exception-type", ""), text_of(frame.payload))
        elif kind == "error":
            part.failure = named(headers.get(":error-code", ""), headers.get(":error-message", ""))
        elif kind != "event":
            part.failure = broken("a frame that is neither an event nor an exception")
        else:
            self._take(headers.get(":event-type", ""), frame.payload, part, shown)

    def _take(self, kind: str, payload: bytes, part: StreamPart, shown: list[bytes]) -> None:
        """One event."""
        if kind in _READERS:
            _READERS[kind](self, _EVENT.decode(payload), part, shown)

    def _begin(self, event: _Event, part: StreamPart, shown: list[bytes]) -> None:
        shown.append(self._chunk(b'{"role":"assistant","content":"","refusal":null}'))

    def _start(self, event: _Event, part: StreamPart, shown: list[bytes]) -> None:
        use = event.start.tool_use if event.start is not None else None
        if use is None:
            return
        if self._block is not None:
            part.failure = broken("a call of a tool that begins within another")
            return
        self._told_empty(shown)
        self._calls += 1
        self._block, self._silent = event.content_block_index, True
        function = {"name": self._names.get(use.name, use.name), "arguments": ""}
        call = {"index": self._calls, "id": use.tool_use_id, "type": "function", "function": function}
        shown.append(self._chunk(msgspec.json.encode({"tool_calls": [call]})))
        part.content += 1

    def _delta(self, event: _Event, part: StreamPart, shown: list[bytes]) -> None:
        delta = event.delta
        self._told_empty(shown)
        if delta is None:
            part.failure = broken("a piece that says nothing")
        elif delta.citation is not None:
            self._cited.append(delta.citation)
        elif delta.text:
            if event.content_block_index != self._text:
                self._text, self._since = event.content_block_index, self._characters
            self._characters += len(delta.text)
            shown.append(self._chunk(b'{"content":' + _TEXT.encode(delta.text) + b"}"))
            part.content += 1
        elif delta.tool_use is not None:
            if event.content_block_index != self._block:
                part.failure = broken("arguments of a call that did not begin")
            elif delta.tool_use.input:
                self._silent = False
                shown.append(self._arguments(delta.tool_use.input))
                part.content += 1
        elif delta.reasoning_content is not None:
            thought = self._reasoning(event.content_block_index, delta.reasoning_content)
            if thought:
                shown.append(self._chunk(msgspec.json.encode(thought)))
                part.content += 1

    def _reasoning(self, block: int, said: Thought) -> dict[str, Any]:
        """A piece of the thought that begins the reply, or of a later one."""
        thought = {"reasoning_content": said.text} if said.text else {}
        if said.signature:
            thought["reasoning_signature"] = said.signature
        if said.redacted_content:
            thought = {"reasoning_redacted": said.redacted_content}
        if not thought:
            return thought
        if self._first is None and not (self._characters or self._calls >= 0 or self._later >= 0):
            self._first = block
        if block == self._first:
            return thought
        if block == self._thought:
            return {"later_reasoning": [{"index": self._later, **thought}]}
        self._thought = block
        self._later += 1
        begun = later_thought(said.text, said.signature, self._characters, self._calls + 1, said.redacted_content)
        return {"later_reasoning": [{"index": self._later, **begun}]}

    def _stop(self, event: _Event, part: StreamPart, shown: list[bytes]) -> None:
        """The end of a block. A call without arguments has an empty object of them, once it is known to be whole."""
        if event.content_block_index == self._block:
            self._empty, self._block = self._silent, None
        self._told_cited(shown)

    def _told_cited(self, shown: list[bytes]) -> None:
        """Say what a text cites that is over."""
        cited, self._cited = self._cited, []
        if told := annotations_of(cited, self._since, self._characters):
            shown.append(self._chunk(msgspec.json.encode({"annotations": told})))

    def _told_empty(self, shown: list[bytes]) -> None:
        """Say of a call without arguments that it has none."""
        if self._empty:
            shown.append(self._arguments("{}"))
        self._empty = False

    def _finish(self, event: _Event, part: StreamPart, shown: list[bytes]) -> None:
        self._reason = finish_of(event.stop_reason)
        part.finish = None if isinstance(self._reason, Failure) else self._reason
        self._told_cited(shown)
        if part.finish != "length":
            self._told_empty(shown)
        if part.finish is not None:
            told = told_of(part.finish)
            if event.stop_reason == SEQUENCE:
                told["stop_reason"] = sequence_of(event.additional_model_response_fields)
            shown.append(self._chunk(b"{}", told))

    def _metadata(self, event: _Event, part: StreamPart, shown: list[bytes]) -> None:
        """What was metered, which is the last event. A reply that is not finished was metered too."""
        part.tokens = tokens_of(event.usage)
        if self._reason is None:
            part.failure = broken("usage before the reply was complete")
        elif isinstance(self._reason, Failure):
            part.failure = self._reason
        else:
            part.done = True
            if self._asks_usage and part.tokens is not None:
                last: dict[str, Any] = {"choices": [], "usage": usage_of(part.tokens)}
                tier = tier_of(event.service_tier)
                if tier is not None:
                    last["service_tier"] = tier
                shown.append(self._head + b"," + msgspec.json.encode(last)[1:] + b"\n\n")

    def _arguments(self, text: str) -> bytes:
        function = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (self._calls, _TEXT.encode(text))
        return self._chunk(function)

    def _chunk(self, delta: bytes, ends: Mapping[str, str] = MappingProxyType({})) -> bytes:
        finish = msgspec.json.encode(ends)[1:] if ends else b'"finish_reason":null}'
        return self._head + b',"choices":[{"index":0,"delta":%b,"logprobs":null,%b]' % (delta, finish) + self._tail


_READERS = {
    "messageStart": ConverseDecoder._begin,
    "contentBlockStart": ConverseDecoder._start,
    "contentBlockDelta": ConverseDecoder._delta,
    "contentBlockStop": ConverseDecoder._stop,
    "messageStop": ConverseDecoder._finish,
    "metadata": ConverseDecoder._metadata,
}
"""Events that are read; others (``initial-response``, and what is yet to come) say nothing of a completion."""
