"""A reply as it goes on the wire, before time and faults are laid over it.

Owns: the values. Not here: sending them (``play``), and what they hold (each face).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from detente.providers.outgoing import HeaderPairs
from detente.sandbox.ask import Counts

Json = dict[str, Any]
JSON = (("content-type", "application/json"),)
EVENTS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))


@dataclass(frozen=True, slots=True)
class Whole:
    """A reply in one piece; ``counts`` is what it took, None for an error."""

    status: int
    body: bytes
    headers: HeaderPairs = JSON
    counts: Counts | None = None


class Piece(NamedTuple):
    """Part of a stream.

    ``tokens`` is how much content it holds: none for what frames content. ``ends`` says that it tells the end of it.
    Content that is generated and not shown has no ``data``.
    """

    data: bytes
    tokens: int = 0
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Streamed:
    """A reply piece by piece.

    ``exception`` is what ends it when an error strikes after its head; ``malformed`` is a piece that cannot be read.
    """

    pieces: Iterator[Piece]
    exception: bytes
    malformed: bytes
    headers: HeaderPairs = EVENTS
    counts: Counts | None = None


def json_bytes(found: Mapping[str, Any]) -> bytes:
    """A JSON body."""
    return msgspec.json.encode(found)


def sse(found: Mapping[str, Any], event: str | None = None) -> bytes:
    """A server-sent event."""
    named = b"event: " + event.encode() + b"\n" if event else b""
    return named + b"data: " + msgspec.json.encode(found) + b"\n\n"


DONE = b"data: [DONE]\n\n"
