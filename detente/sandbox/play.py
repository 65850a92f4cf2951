"""Playing a reply on a connection: in the deployment's rhythm, with a fault laid over it.

Owns: when each piece is sent, and what faults do to replies once they are on the wire. Not here: what is answered
(faces), and which fault it is (``faults``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from detente.live.fault import Fault
from detente.providers.outgoing import HeaderPairs
from detente.sandbox.listener import Link
from detente.sandbox.reply import Streamed, Whole
from detente.sandbox.seat import Rhythm

TOGETHER = 64
"""Pieces sent before others get their turn."""
IN_REPLY = ("stall", "cut", "malformed", "exception")


@dataclass
class Stage:
    """One call's side of a connection.

    ``sent`` counts the tokens of content that were handed to the client.
    """

    link: Link
    receive: Any
    send: Any
    clock: Callable[[], float]
    started: bool = False
    sent: int = 0

    async def head(self, status: int, headers: HeaderPairs) -> None:
        """The status line and the headers."""
        self.started = True
        encoded = [(name.encode("latin-1"), _header(value)) for name, value in headers]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    async def body(self, data: bytes, *, more: bool = True) -> None:
        """Part of the body."""
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def until(self, due: float) -> None:
        """Sleep until a time, or until the client leaves."""
        await self.link.pause(due - self.clock())

    async def leave(self, *, at_once: bool = False) -> None:
        """End the connection, and wait until it has ended."""
        if at_once:
            self.link.abort()
        else:
            self.link.cut()
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def whole(reply: Whole, rhythm: Rhythm, fault: Fault | None, stage: Stage) -> str:
    """Play a reply in one piece; how it ended: ``served``, ``refused``, ``failed`` or ``abandoned``."""
    if reply.counts is not None:
        await stage.until(stage.clock() + rhythm.first + rhythm.each * max(0, reply.counts.output - 1))
    if fault is not None and fault.kind == "slow-first-byte":
        await stage.until(stage.clock() + fault.silence)
    if stage.link.gone():
        return "abandoned"
    body = reply.body
    if fault is not None and fault.kind == "malformed":
        body = body[: len(body) // 2]
    await stage.head(reply.status, (*reply.headers, ("content-length", str(len(body)))))
    half = len(body) // 2
    if fault is not None and fault.kind in ("cut", "stall"):
        await stage.body(body[:half])
        if fault.kind == "cut":
            await stage.leave()
            return "failed"
        await stage.until(stage.clock() + fault.silence)
        body = body[half:]
    if stage.link.gone():
        return "abandoned"
    await stage.body(body, more=False)
    stage.sent = 0 if reply.counts is None else reply.counts.output
    if fault is not None and fault.kind == "malformed":
        return "failed"
    return "refused" if reply.status >= 400 else "served"


async def streamed(reply: Streamed, rhythm: Rhythm, fault: Fault | None, stage: Stage) -> str:
    """Play a stream; how it ended: ``served``, ``failed`` or ``abandoned``."""
    due = stage.clock() + rhythm.first
    await stage.until(due)
    if fault is not None and fault.kind == "slow-first-byte":
        await stage.until(stage.clock() + fault.silence)
    await stage.head(200, reply.headers)
    strikes = fault if fault is not None and fault.kind in IN_REPLY else None
    shown = 0
    for piece in reply.pieces:
        if piece.tokens or piece.ends:
            if strikes is not None and (piece.ends or shown >= (strikes.after or 0)):
                if await _strike(strikes, reply, stage):
                    return "failed"
                strikes = None
                due = stage.clock()
            await stage.until(due)
            due += piece.tokens * rhythm.each
        if stage.link.gone():
            return "abandoned"
        if shown % TOGETHER == TOGETHER - 1:
            await asyncio.sleep(0)
        stage.sent += piece.tokens
        shown += bool(piece.tokens and piece.data)
        if piece.data:
            await stage.body(piece.data)
    await stage.body(b"", more=False)
    return "abandoned" if stage.link.gone() else "served"


async def _strike(fault: Fault, reply: Streamed, stage: Stage) -> bool:
    """Let a fault strike within a stream; whether that ends it."""
    if fault.kind == "stall":
        await stage.until(stage.clock() + fault.silence)
        return False
    if fault.kind == "cut":
        await stage.leave()
        return True
    await stage.body(reply.exception if fault.kind == "exception" else reply.malformed)
    await stage.body(b"", more=False)
    return True


def _header(value: str) -> bytes:
    """A value as a header may hold it: names of deployments may be of any alphabet."""
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in value).encode()
