"""What passes through in Anthropic's own shape: replies and streams of deployments that speak it.

Owns: that a reply names the model that was asked for, and that a stream which another deployment goes on with stays one
message; nothing else of it changes. Not here: what events mean (``providers/messages_stream``), and translation
(``messages_reply``, ``messages_stream``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from detente.gateway.surfaces.messages_error import error_of, type_of
from detente.gateway.surfaces.messages_reply import begun
from detente.gateway.surfaces.naming import renamed, text_of
from detente.gateway.surfaces.surface import Asked, BlockPlace, Rendering, UnsayableError
from detente.providers import sse
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Around, Members

_START = b"event: message_start"
_WITHIN = (b"event: content_block", b"event: message_delta")
"""What comes within a message: clients cannot read it before one has begun."""


def named(body: bytes, model: str, known: bytes = b"") -> bytes:
    """A message under the name that its caller asked for; ``known`` as ``renamed``. Raises ``UnsayableError``."""
    return renamed(body, text_of(model), known)


class NativeRendering(Rendering):
    """Events as they come; the first one names the model."""

    def __init__(self, model: str) -> None:
        self._model, self._started = model, False
        self._rest: _Rest | None = None

    def feed(self, data: bytes) -> bytes:
        """The same events."""
        if self._rest is not None:
            return b"".join([piece for event in sse.split(data) for piece in self._rest.told(event)])
        if self._started or not data:
            return data
        return b"".join([self._first(event) for event in sse.split(data)])

    def begins(self, around: Around) -> bytes | None:
        """As they came, once the message has begun."""
        return around.before if self._started and self._rest is None else None

    def _first(self, event: bytes) -> bytes:
        if not self._started and event.startswith(_WITHIN):
            self._started = True
            return sse.event(msgspec.json.encode(begun(None, self._model)), "message_start") + event
        if self._started or not event.startswith(_START):
            return event
        self._started = True
        try:
            members = msgspec.json.decode(sse.data_of(event), type=Members)
            members["message"] = msgspec.Raw(named(bytes(members["message"]), self._model))
        except (*UNREADABLE, KeyError):
            raise UnsayableError("the provider's stream does not begin with a message") from None
        return sse.event(msgspec.json.encode(members), "message_start")

    def goes_on(self, asked: Asked, deployment: str, place: BlockPlace) -> None:
        """Its blocks follow those of before; a text goes on within the one that is open."""
        self._rest = _Rest(place)

    def close(self) -> bytes:
        """Nothing: ``message_stop`` has come."""
        return b""

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """Anthropic's error event."""
        return sse.event(msgspec.json.encode(error_of(error, type_of(error))), "error")


class _Piece(msgspec.Struct):
    """Of an event, what says which block it is of."""

    type: str = ""
    index: int | None = None
    content_block: dict[str, Any] | None = None


class _Rest:
    """A message of its own as the rest of another, of which a caller has the beginning."""

    def __init__(self, place: BlockPlace) -> None:
        self._place, self._shift = place, place.begun
        self._met = False
        """Whether its own first block, or its end, has come: then the block that was open is gone on with, or ended."""

    def told(self, event: bytes) -> Iterator[bytes]:
        """An event as part of the one message. Raises ``UnsayableError``."""
        data = sse.data_of(event)
        if not data:
            yield event  # a comment
            return
        try:
            piece = msgspec.json.decode(data, type=_Piece)
            members = msgspec.json.decode(data, type=Members)
        except UNREADABLE:
            raise UnsayableError("the provider sent an event that cannot be read") from None
        if piece.type == "message_start":
            return  # its caller has had one
        if not self._met and piece.type in ("content_block_start", "message_delta"):
            self._met = True
            block = piece.content_block or {}
            if self._place.open == block.get("type") == "text":
                self._shift = self._place.begun - 1
                if text := block.get("text"):
                    delta = {"type": "text_delta", "text": text}
                    said = {"type": "content_block_delta", "index": self._shift, "delta": delta}
                    yield sse.event(msgspec.json.encode(said), "content_block_delta")
                return
            if self._place.open:
                yield sse.event(block_end(self._place.begun - 1), "content_block_stop")
        if piece.index is None:
            yield event
            return
        members["index"] = msgspec.Raw(b"%d" % (piece.index + self._shift))
        yield sse.event(msgspec.json.encode(members), piece.type)


def block_end(index: int) -> bytes:
    """The data of the event that ends a block."""
    return b'{"type":"content_block_stop","index":%d}' % index
