"""An attack on an HTTP/1.1 server: what is sent over a raw socket, what is read back, and what may be complained of."""

from __future__ import annotations

import contextlib
import re
import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.waiting import PATIENCE

SMUGGLED = "/smuggled"
MANY = 1 << 20


@dataclass(frozen=True)
class Target:
    """A server, and a request to it that is answered with 2xx. ``limit`` is its largest body, in bytes."""

    host: str
    port: int
    path: str = "/"
    headers: tuple[str, ...] = ()
    body: bytes = b"{}"
    limit: int = 32_000_000

    def head(self, *more: str, line: str | None = None, host: bool = True, end: str = "\r\n") -> bytes:
        lines = [line or f"POST {self.path} HTTP/1.1", *([f"Host: {self.host}:{self.port}"] if host else [])]
        return end.join([*lines, *self.headers, *more, "", ""]).encode("latin-1")

    def request(self, *more: str, last: bool = True, body: bytes | None = None) -> bytes:
        body = self.body if body is None else body
        closing = ["Connection: close"] if last else []
        return self.head(f"Content-Length: {len(body)}", *closing, *more) + body


Step = bytes | float | Literal["end", "100"]
"""Bytes are sent, a number is waited for in seconds or until there is an answer, ``end`` half-closes, and ``100`` waits
for an interim reply."""
Ways = frozenset[Literal["served", "refused"]]
SERVED: Ways = frozenset({"served"})
REFUSED: Ways = frozenset({"refused"})
EITHER: Ways = SERVED | REFUSED


@dataclass(frozen=True)
class Attack:
    """``script`` makes the steps; ``answers`` are the statuses' first digits where it is served, one a request.

    A digit with ``?`` is of an answer that need not come.
    """

    name: str
    script: Callable[[Target], Iterator[Step]]
    ways: Ways
    answers: str = "2"
    slow: bool = False
    """Reads its answer one byte at a time."""


@dataclass
class Found:
    """What came back. ``left`` are bytes that are no whole answer; ``closed`` says whether the server hung up."""

    statuses: list[int] = field(default_factory=list)
    left: bytes = b""
    closed: bool = False

    @property
    def final(self) -> list[int]:
        return [status for status in self.statuses if status >= 200 or status == 101]


def read(raw: bytes) -> Found:
    """The answers in some bytes."""
    found = Found()
    while raw:
        head, mark, rest = raw.partition(b"\r\n\r\n")
        status_line, *lines = head.split(b"\r\n")
        if not mark or not status_line.startswith(b"HTTP/1.") or not status_line[9:12].isdigit():
            break
        status = int(status_line[9:12])
        fields = {n.strip().lower(): v.strip() for n, _, v in (line.partition(b":") for line in lines)}
        if status < 200 or status in (204, 304):
            size = 0
        elif fields.get(b"transfer-encoding", b"").lower() == b"chunked":
            size = _chunked(rest)
        elif b"content-length" in fields:
            size = int(fields[b"content-length"])
        else:
            size = len(rest)  # to the end of the connection
        if size < 0 or size > len(rest):
            break
        found.statuses.append(status)
        raw = rest[size:]
    found.left = raw
    return found


def _chunked(data: bytes) -> int:
    """How many bytes a chunked body takes; -1 where it is not whole."""
    at = 0
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return -1
        size = int(data[at:line].partition(b";")[0], 16)
        at = line + 2 + size + 2
        if at > len(data):
            return -1
        if not size:
            return at


def attack(target: Target, what: Attack, patience: float = 2.0) -> Found:
    """Send it, and read until the server hangs up or says nothing more for so long, in seconds."""
    raw = b""
    with socket.create_connection((target.host, target.port), timeout=PATIENCE) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if what.slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        closed = False
        with contextlib.suppress(ConnectionError):
            for step in what.script(target):
                if isinstance(step, bytes):
                    sock.sendall(step)
                elif isinstance(step, float):
                    select.select([sock], [], [], step)
                elif step == "end":
                    sock.shutdown(socket.SHUT_WR)
                elif select.select([sock], [], [], patience)[0]:
                    raw += sock.recv(65_536)
                if isinstance(step, bytes) and len(step) >= MANY // 4 and select.select([sock], [], [], 0)[0]:
                    break  # it has answered, or hung up: no more of this
        while not closed:
            if not select.select([sock], [], [], patience)[0]:
                break
            try:
                piece = sock.recv(1 if what.slow else 65_536)
            except ConnectionError:
                piece = b""
            closed = not piece
            raw += piece
    found = read(raw)
    found.closed = closed
    return found


def complaint(what: Attack, found: Found) -> str | None:
    """What the server did wrong, in a sentence; None where it did well."""
    final = found.final
    if 101 in final:
        return "it changed the protocol"
    most = sum(sign.isdigit() for sign in what.answers)
    if len(final) > most:
        return f"{len(final)} answers ({final}) to {most} request(s)"
    if found.left:
        return f"an answer that cannot be read: {found.left[:40]!r}"
    wrong = bool(final) and final[-1] >= 400
    served = bool(final) and re.fullmatch(what.answers, "".join(str(status)[0] for status in final)) is not None
    if served and "served" in what.ways:
        return None if found.closed else "it was asked to close the connection, and left it open"
    if not final or wrong:
        if "refused" not in what.ways:
            return f"it was not served: {final or 'no answer'}"
        return None if found.closed else f"it was refused ({final or 'no answer'}), and the connection left open"
    return f"it was served ({final}), and ought to be refused" if what.ways == REFUSED else f"answers: {final}"
