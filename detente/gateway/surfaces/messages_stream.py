"""Chunks of a chat completion as Anthropic's events.

Owns: which block is open, and the order of events: ``message_start``; for each block ``content_block_start``, its
deltas and ``content_block_stop``; ``message_delta`` and ``message_stop``. Blocks never overlap, since clients read
them one after the other. Not here: whole replies, and what reasons and usage mean (``messages_reply``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from detente.gateway.surfaces.citations import Citation, as_anthropics, once
from detente.gateway.surfaces.completion import CallDelta, Delta, chunk_of
from detente.gateway.surfaces.messages_error import error_of, type_of
from detente.gateway.surfaces.messages_reply import begun, is_object, no_object, stopped, usage_of
from detente.gateway.surfaces.surface import Asked, Rendering, UnsayableError
from detente.providers import sse
from detente.providers.messages_usage import UNKNOWN_USE
from detente.providers.openai_usage import tokens_of
from detente.providers.tool_calls import new_id
from detente.providers.wire import Tokens

MAX_ARGUMENTS = 8 * 1024 * 1024
"""How much of a reply's calls is held, in characters: those that wait for one before them, and the open one."""


_encode = msgspec.json.encode
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%b}}\n\n'
_DELTAS = {
    "text": b'{"type":"text_delta","text":',
    "thinking": b'{"type":"thinking_delta","thinking":',
    "signature": b'{"type":"signature_delta","signature":',
    "tool_use": b'{"type":"input_json_delta","partial_json":',
    "citation": b'{"type":"citations_delta","citation":',
}
_EMPTY = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}


@dataclass(slots=True)
class _Calling:
    """A call of a tool: what has come of it, and how much of that has been shown."""

    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    shown: int = 0
    closed: bool = False

    @property
    def complete(self) -> bool:
        """Whether its input is whole: then another may begin."""
        if not self.pieces or self.pieces[-1].rstrip()[-1:] not in ("}", ""):
            return False  # cheap, since it is asked for each piece of another call
        return is_object("".join(self.pieces).strip())


class MessagesRendering(Rendering):
    """Renders one stream."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._events = sse.Events()
        self._started = False
        self._blocks = 0
        self._open: str | None = None
        self._later = -1
        """Which of the later thoughts is shown."""
        self._calls: dict[int, _Calling] = {}
        self._current: _Calling | None = None
        self._held = 0
        self._finish: str | None = None
        self._stopped_at: Any = None
        self._refused = False
        self._tokens: Tokens | None = None
        self._id: str | None = None
        self._cited: dict[str, Citation] = {}
        """What is cited, by its address."""
        self._told = 0
        """How much of that was told."""

    def feed(self, data: bytes) -> bytes:
        """Events for what these chunks hold. Raises ``UnsayableError``."""
        return b"".join(piece for event in self._events.feed(data) for piece in self._event(event))

    def close(self) -> bytes:
        """The last block's end, why the message ends, and what it took."""
        pieces = [*self._start(), *self._end_calls(), *self._cite_rest(), *self._end_block()]
        for calling in self._calls.values():
            if self._finish != "length" and not is_object("".join(calling.pieces).strip() or "{}"):
                raise no_object(calling.name)
        finish = "content_filter" if self._refused else self._finish
        reason, sequence = stopped(self._asked, finish, self._stopped_at, bool(self._calls))
        delta = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": sequence}}
        if self._tokens is None:
            pieces.append(UNKNOWN_USE)
        pieces.append(sse.event(_encode(delta | {"usage": usage_of(self._tokens)}), "message_delta"))
        pieces.append(sse.event(b'{"type":"message_stop"}', "message_stop"))
        return b"".join(pieces)

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """An error event, and no ``message_stop``."""
        return sse.event(_encode(error_of(error, type_of(error))), "error")

    # -- one chunk --
    def _event(self, event: bytes) -> Iterator[bytes]:
        chunk = chunk_of(event, "message")
        if chunk is None:
            return
        self._id = self._id or chunk.id
        if bytes(chunk.usage) != b"null":
            self._tokens = tokens_of(chunk.usage)
        if chunk.citations or chunk.search_results:
            once(chunk.sources, self._cited)
        for choice in chunk.choices or ():
            if isinstance(choice.delta, Delta):
                yield from self._delta(choice.delta)
            if choice.finish_reason:
                self._finish, self._stopped_at = choice.finish_reason, choice.stop_reason

    def _delta(self, delta: Delta) -> Iterator[bytes]:
        if thought := delta.reasoning_content:
            yield from self._write("thinking", thought)
        if signature := delta.reasoning_signature:
            yield from self._write("thinking", signature, "signature")
        if delta.reasoning_redacted:
            yield from self._begin("redacted_thinking", {"data": delta.reasoning_redacted})
        for later in delta.later_reasoning or ():
            if later.index != self._later:
                self._later = later.index
                yield from self._end_calls()
                if later.reasoning_redacted:
                    yield from self._begin("redacted_thinking", {"data": later.reasoning_redacted})
                else:
                    yield from self._begin("thinking", _EMPTY["thinking"])
            if later.reasoning_content:
                yield from self._write("thinking", later.reasoning_content)
            if later.reasoning_signature:
                yield from self._write("thinking", later.reasoning_signature, "signature")
        self._refused |= bool(delta.refusal)
        if text := delta.content + delta.refusal:
            yield from self._write("text", text)
        once(delta.annotations, self._cited)
        for call in delta.tool_calls or ():
            yield from self._call(call)

    def _write(self, kind: str, text: str, what: str = "") -> Iterator[bytes]:
        if self._open != kind:
            yield from self._end_calls()
            yield from self._begin(kind, _EMPTY[kind])
        yield self._piece(what or kind, text)

    def _piece(self, kind: str, text: Any) -> bytes:
        return _DELTA % (self._blocks - 1, _DELTAS[kind] + _encode(text))

    # -- blocks --
    def _start(self) -> Iterator[bytes]:
        """Nothing is counted yet when a message begins: counts are running totals, and its end holds the last ones."""
        if self._started:
            return
        self._started = True
        yield sse.event(_encode(begun(self._id, self._asked.shown_model())), "message_start")

    def _begin(self, kind: str, empty: Mapping[str, Any]) -> Iterator[bytes]:
        yield from self._start()
        yield from self._end_block()
        block = {"type": "content_block_start", "index": self._blocks, "content_block": {"type": kind, **empty}}
        yield sse.event(_encode(block), "content_block_start")
        self._open = kind
        self._blocks += 1

    def _cite_rest(self) -> Iterator[bytes]:
        """What is cited after the last text, in a text of its own."""
        if len(self._cited) > self._told and self._open != "text":
            yield from self._begin("text", _EMPTY["text"])

    def _end_block(self) -> Iterator[bytes]:
        if self._open == "text":
            for citation in as_anthropics(list(self._cited.values())[self._told :]):
                yield self._piece("citation", citation)
            self._told = len(self._cited)
        if self._open is not None:
            stop = {"type": "content_block_stop", "index": self._blocks - 1}
            yield sse.event(_encode(stop), "content_block_stop")
            self._open = None

    # -- calls of tools --
    def _call(self, delta: CallDelta) -> Iterator[bytes]:
        """Providers may write several calls at once: one is shown as it comes, and others wait until it is whole."""
        calling = self._calls.setdefault(delta.index, _Calling())
        if calling.id and delta.id and delta.id != calling.id:
            raise UnsayableError("the provider gave two tool calls the same index")
        calling.id, calling.name = calling.id or delta.id, calling.name or self._name(delta)
        text = delta.function.arguments if delta.function else ""
        if calling.closed and text.strip():
            raise UnsayableError("the provider continued a tool call that was already complete")
        if text and not calling.closed:
            self._held += len(text)
            if self._held > MAX_ARGUMENTS:
                raise UnsayableError(f"the model calls tools with more than {MAX_ARGUMENTS:,} characters")
            calling.pieces.append(text)
        if self._current is not None and self._current is not calling and self._current.complete:
            self._current.closed, self._current = True, None
        if self._current is None and not calling.closed:
            yield from self._show_next()
        elif self._current is calling:
            yield from self._show(calling)

    @staticmethod
    def _name(delta: CallDelta) -> str:
        return (delta.function.name if delta.function else None) or ""

    def _show_next(self) -> Iterator[bytes]:
        """Begin the first call that waits, and go on to those behind it as long as they are whole."""
        for calling in self._calls.values():
            if calling.closed:
                continue
            if not calling.name or (self._current is not None and not self._current.complete):
                return
            if self._current is not None:
                self._current.closed = True
            self._current = calling
            yield from self._begin_call(calling)

    def _begin_call(self, calling: _Calling) -> Iterator[bytes]:
        if not calling.name:
            raise UnsayableError("the provider's call of a tool names no tool")
        calling.id = calling.id or new_id()
        yield from self._begin("tool_use", {"id": calling.id, "name": calling.name, "input": {}})
        yield from self._show(calling)

    def _show(self, calling: _Calling) -> Iterator[bytes]:
        for text in calling.pieces[calling.shown :]:
            yield self._piece("tool_use", text)
        calling.shown = len(calling.pieces)

    def _end_calls(self) -> Iterator[bytes]:
        """All calls are as whole as they will be."""
        if self._current is not None:
            self._current.closed, self._current = True, None
        for calling in self._calls.values():
            if not calling.closed:
                yield from self._begin_call(calling)
                calling.closed = True
