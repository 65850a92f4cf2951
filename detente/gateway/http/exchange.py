"""An exchange: a request that has come whole, and its reply as it goes out.

Owns: what of a request's head is kept, and the bytes of a reply: its head, its framing, its end. Not here: reading
requests and the connection (``protocol``), and what is answered (``app``, ``relay``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol

import msgspec

from detente.gateway.surfaces.surface import Surface
from detente.live.key import Key

HeaderLines = bytes
"""Headers as they are sent: `name: value`, each with the end of its line."""
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_STATUS = {code: b"HTTP/1.1 %d %b\r\n" % (code, phrase) for code, phrase in _REASONS.items()}
JSON: HeaderLines = b"content-type: application/json\r\n"


class RequestHead(msgspec.Struct):
    """A request's line and headers, names in lower case."""

    method: bytes = b""
    version: str = "1.1"
    headers: dict[bytes, bytes] = {}
    keep_alive: bool = True
    path: bytes = b""
    query: bytes = b""
    key: Key | None = None
    """The key that was presented, once the application has looked."""
    surface: Surface | None = None
    """What answers its path, likewise."""


class Way(Protocol):
    """What an exchange needs of the connection that it came on."""

    @property
    def internal(self) -> bool:
        """Whether it came on the address of the operators."""

    @property
    def drain(self) -> asyncio.Future[None] | None:
        """What to wait for before more is sent: the caller is slow."""

    def write(self, data: bytes) -> None:
        """Bytes of a reply."""

    def replied(self, keep: bool) -> None:
        """A reply is complete."""

    def abort(self) -> None:
        """Cut the connection."""


class Exchange(msgspec.Struct, eq=False):
    """A request that has come whole, and its reply.

    A reply is either ``reply``, or ``begin``, any number of ``send``, and ``finish``.
    """

    head: RequestHead
    body: bytes
    connection: Way
    begun: bool = False
    done: bool = False
    chunked: bool = False
    """Whether its reply goes out in chunks."""
    lives: Callable[[], None] | None = None
    """What to do where nothing was sent for a while: say that the reply is still being made. None: nothing."""

    def reply(self, status: int, headers: HeaderLines, body: bytes) -> None:
        """A whole reply."""
        self.begun = self.done = True
        self.lives = None
        head, connection = self.head, self.connection
        framing = b"content-length: %d\r\n" % len(body)
        connection.write(top(status, headers, framing, head.keep_alive, b"" if head.method == b"HEAD" else body))
        connection.replied(head.keep_alive)

    def begin(self, status: int, headers: HeaderLines, data: bytes) -> None:
        """The head of a reply whose end is not known yet, and its first bytes."""
        self.begun = True
        self.chunked = self.head.version == "1.1"
        if not self.chunked:
            self.head.keep_alive = False
        framing = b"transfer-encoding: chunked\r\n" if self.chunked else b""
        self.connection.write(top(status, headers, framing, self.head.keep_alive) + self._framed(data))

    def send(self, data: bytes) -> None:
        """More of it. Look at ``waits`` afterwards."""
        if data:
            self.connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def finish(self, data: bytes = b"") -> None:
        """The last of it."""
        self.done, self.lives = True, None
        self.connection.write(self._framed(data) + (b"0\r\n\r\n" if self.chunked else b""))
        self.connection.replied(self.head.keep_alive)

    def cut(self) -> None:
        """End a reply that cannot be completed, so that it looks cut."""
        self.done, self.lives = True, None
        self.connection.abort()

    @property
    def internal(self) -> bool:
        """Whether it came on the address where metrics are read, and not where calls are."""
        return self.connection.internal

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked and data else data

    @property
    def waits(self) -> asyncio.Future[None] | None:
        """What to wait for before more is sent: the caller is slow."""
        return self.connection.drain


class _Clock:
    """The ``date`` header, made once a second."""

    def __init__(self) -> None:
        self.line = b""

    def tick(self, at: float) -> None:
        self.line = b"date: %b\r\n" % formatdate(at, usegmt=True).encode()


DATE = _Clock()


def top(status: int, headers: HeaderLines, framing: bytes, keep: bool, body: bytes = b"") -> bytes:
    """The head of a reply, and what follows it at once."""
    closing = b"" if keep else b"connection: close\r\n"
    return b"".join((_STATUS[status], headers, framing, closing, DATE.line, b"\r\n", body))
