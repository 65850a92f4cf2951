"""The sweep: one coarse timer that ends what has waited too long.

Owns: the deadlines of exchanges under way, and the age of idle connections. No exchange has a timer of its own. Not
here: the deadline for a connection (``pool``), which is rarely awaited and has its own.

A deadline is noticed up to ``GRAIN`` seconds late, and one between two pieces of content, which counts from the
sweep that saw the last, up to twice that. The timer stops when nothing is under way and nothing idle is left to expire.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from detente.gateway.upstream.error import ErrorKind
from detente.gateway.upstream.incoming_reply import Incoming

GRAIN = 0.05
"""Seconds between two looks."""


def overdue(incoming: Incoming, now: float) -> str | None:
    """Which deadline a reply has missed, in words; None while it is in time."""
    if now >= incoming.until:
        return "had not finished within the total time of the call (total deadline)"
    patience, waited = incoming.patience, now - incoming.since
    if not incoming.spoken:
        return f"sent no content within {patience.first:g} s (first-byte deadline)" if waited > patience.first else None
    return f"sent no more content for {patience.idle:g} s (idle deadline)" if waited > patience.idle else None


class Watched(Protocol):
    """A connection with an exchange under way."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Whose clock it goes by."""

    @property
    def incoming(self) -> Incoming | None:
        """The reply that is awaited."""

    @property
    def paused(self) -> bool:
        """Whether its reader, and not its provider, is what holds the reply up."""

    def fail(self, kind: ErrorKind, what: str) -> None:
        """End the exchange, and the connection with it."""


class Idle(Protocol):
    """The idle connections to one origin."""

    @property
    def oldest(self) -> float | None:
        """Since when the one that has been idle longest is idle; None where there is none."""

    def expire(self, before: float) -> None:
        """Close what has been idle since before then."""


class Sweep:
    """Looks after everything under way of one client. Times are the loop's, in seconds."""

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self.busy: set[Watched] = set()
        """With an exchange under way: whoever ends it leaves."""
        self.pools: list[Idle] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self.stopped = False

    def watch(self, connection: Watched) -> None:
        """An exchange begins."""
        self.busy.add(connection)
        if not self._running:
            self._running = True
            self._arm(connection.loop, GRAIN)

    def stop(self) -> None:
        """No more looks, and no more exchanges."""
        self.stopped, self._running = True, False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(delay, self._tick, loop)

    def look(self, now: float) -> None:
        """End what is late by now, and close what has been idle for too long."""
        for connection in tuple(self.busy):
            self._judge(connection, now)
        for pool in self.pools:
            pool.expire(now - self.keep)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Time for a look. A turn later: uvloop's timers come before what arrived while this process did not run."""
        self._timer = None
        loop.call_soon(loop.call_soon, self._look_again, loop, loop.time())

    def _look_again(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        if self.stopped:
            return
        self.look(now)
        self._running = bool(self.busy)
        if self._running:
            self._arm(loop, GRAIN)
        elif oldest := [since for pool in self.pools if (since := pool.oldest) is not None]:
            self._arm(loop, max(min(oldest) + self.keep - now, GRAIN))

    def _judge(self, connection: Watched, now: float) -> None:
        incoming = connection.incoming
        if incoming is None:
            return
        # While the reader is what holds a reply up, its provider cannot be late.
        if connection.paused or (incoming.spoken and incoming.stirred):
            incoming.stirred, incoming.since = False, now
        late = overdue(incoming, now)
        if late is not None:
            connection.fail("timeout", late)
