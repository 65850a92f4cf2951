"""What goes out in one turn of the event loop, sent together when its calls have run.

To write to a peer that has nothing to do wakes it, and the waking costs the writer more than the write: between two
cores of one machine an interrupt of several microseconds. One write after the other wakes each peer once; between two
replies' work the peers fall asleep again. Over a turn of 32 calls this saves a quarter of a call's CPU time
(``bench/gateway``). A turn is as long as there is to do: a quiet gateway sends at once.

Owns: when is sent. Not here: what, and whether the peer takes it (the two connections).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

MAX_AT_ONCE = 32
"""Connections that wait to be sent to, at most: what the first of them waits for is bounded."""


class Sender(Protocol):
    """A connection that has gathered something to send."""

    def flush(self) -> None:
        """Send it, if there still is any. Raises nothing."""


class Outbox:
    """Of one event loop."""

    __slots__ = ("_due", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: list[Sender] = []

    def put(self, sender: Sender) -> None:
        """Have a connection send soon, in the order of asking."""
        due = self._due
        due.append(sender)
        waiting = len(due)
        if waiting == 1:
            self._loop.call_soon(self._send)
        elif waiting >= MAX_AT_ONCE:
            self._send()

    def _send(self) -> None:
        due, self._due = self._due, []
        for sender in due:
            sender.flush()
