"""What passes through in Anthropic's own shape: replies and streams of deployments that speak it.

Owns: that a reply names the model that was asked for; nothing else of it changes. Not here: what events mean
(``providers/messages_stream``), and translation (``messages_reply``, ``messages_stream``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from detente.gateway.surfaces.messages_error import error_of, type_of
from detente.gateway.surfaces.naming import renamed, text_of
from detente.gateway.surfaces.surface import Rendering, UnsayableError
from detente.providers import sse
from detente.providers.wire import Members

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_START = b"event: message_start"


def named(body: bytes, model: str, known: bytes = b"") -> bytes:
    """A message under the name that its caller asked for; ``known`` as ``renamed``. Raises ``UnsayableError``."""
    return renamed(body, text_of(model), known)


class NativeRendering(Rendering):
    """Events as they come; the first one names the model."""

    def __init__(self, model: str) -> None:
        self._model, self._started = model, False

    def feed(self, data: bytes) -> bytes:
        """The same events."""
        if self._started or not data:
            return data
        return b"".join([self._first(event) for event in sse.split(data)])

    def _first(self, event: bytes) -> bytes:
        if self._started or not event.startswith(_START):
            return event
        self._started = True
        try:
            members = msgspec.json.decode(sse.data_of(event), type=Members)
            members["message"] = msgspec.Raw(named(bytes(members["message"]), self._model))
        except (*_UNREADABLE, KeyError):
            raise UnsayableError("the provider's stream does not begin with a message") from None
        return sse.event(msgspec.json.encode(members), "message_start")

    def close(self) -> bytes:
        """Nothing: ``message_stop`` has come."""
        return b""

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """Anthropic's error event."""
        return sse.event(msgspec.json.encode(error_of(error, type_of(error))), "error")
