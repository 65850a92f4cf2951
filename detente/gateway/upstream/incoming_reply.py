"""A reply as it comes in.

Owns: what of a reply has arrived and is not yet taken, and its reader's wait for more. Not here: the socket and the
grammar (``connection``), and deadlines (``deadline_sweep``).
"""

from __future__ import annotations

import asyncio
import math
from typing import NamedTuple, Protocol

from detente.gateway.upstream.error import ErrorKind, UpstreamError
from detente.gateway.upstream.origin import Origin

MAX_BUFFERED = 262_144
"""Bytes of a body that wait for their reader before the connection stops reading. One more read may come on top."""


class Patience(NamedTuple):
    """How long a reply may keep its reader waiting, in seconds, beside the total deadline.

    ``first`` is for its first content, from when the request goes out: what comes before counts for nothing. ``idle``
    is between two pieces of it after that.
    """

    first: float = math.inf
    idle: float = math.inf


WHOLE = Patience()
"""Of a whole reply: nothing can be said of it before its end."""


class BodySource(Protocol):
    """What a reply needs of the connection that it comes on."""

    def resume(self) -> None:
        """The reader has taken what was held: go on."""

    def fail(self, kind: ErrorKind, what: str) -> None:
        """End the reply, and the connection with it."""


class Incoming:
    """One reply. A caller uses ``status``, ``headers``, ``read`` or ``piece``, ``speaks``, and always ``close``.

    The other members are for the connection, which fills them, and for the sweep, which watches ``since``.
    """

    __slots__ = (
        *("_waiter", "connection", "failure", "headers", "held", "limit", "loop", "origin", "over", "patience"),
        *("pieces", "since", "spoken", "stale", "status", "stirred", "until"),
    )

    def __init__(
        self,
        connection: BodySource,
        origin: Origin,
        loop: asyncio.AbstractEventLoop,
        since: float,
        until: float,
        patience: Patience = WHOLE,
    ) -> None:
        self.status = 0
        """The reply's status; 0 until its head is complete."""
        self.headers: dict[str, str] = {}
        """By name in lower case; of one that occurs twice, the last."""
        self.over = False
        """Whether the reply has arrived to its proper end."""
        self.failure: UpstreamError | None = None
        self.stale = False
        """Whether it failed only because the connection had been closed before the request came."""
        self.pieces: list[bytes] = []
        self.held = 0
        self.limit = MAX_BUFFERED
        self.connection: BodySource | None = connection
        self.origin, self.loop = origin, loop
        self.since, self.until, self.patience = since, until, patience
        self.spoken = False
        """Whether its first content has come, as its reader says."""
        self.stirred = False
        self._waiter: asyncio.Future[None] | None = None

    # -- the reader's side ----------------------------------------------------------------------------------------
    async def read(self, most: int) -> bytes:
        """The whole body.

        Raises
        ------
        UpstreamError
            ``broken`` where it was cut, cannot be read or is longer than ``most`` bytes; ``timeout``.
        """
        if not self.over:
            await self._gather(most)
        if self.failure is not None:
            raise self.failure
        if self.held > most:
            raise self._too_long(most)
        pieces, self.pieces = self.pieces, []
        self.held = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _gather(self, most: int) -> None:
        """Let all of the body come, as long as it is not longer than that."""
        if int(self.headers.get("content-length", 0)) > most:  # do not wait for what is refused in any case
            raise self._too_long(most)
        self.limit = max(most, MAX_BUFFERED)
        if self.connection is not None:
            self.connection.resume()
        while not (self.over or self.failure is not None or self.held > most):
            await self.wait()

    async def piece(self) -> bytes:
        """What has arrived of the body and was not yet taken, or else the next of it; ``b""`` at its proper end.

        Raises
        ------
        UpstreamError
            ``broken`` where it was cut or cannot be read, ``timeout`` where it stalled: after what came before.
        """
        while not self.pieces:
            if self.failure is not None:
                raise self.failure
            if self.over:
                return b""
            await self.wait()
        pieces, self.pieces = self.pieces, []
        self.held = 0
        if self.connection is not None:
            self.connection.resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Done with it.

        Where the reply is not complete its connection closes at once: so a caller who leaves cancels the call.
        """
        connection = self.connection
        if connection is not None:
            connection.fail("broken", "was left before its reply was complete")
        self.pieces = []

    def leave(self, by: float) -> None:
        """Done with it, and no more content comes.

        The end of its body may still come, by the loop's time ``by``: then the connection serves again.
        """
        self.until = min(self.until, by)

    def speaks(self) -> None:
        """Content has come: from now on it is late where no more comes, whatever else does."""
        if not self.spoken:
            self.spoken, self.since = True, self.loop.time()
        self.stirred = True

    async def wait(self) -> None:
        """Until there is more to know: the head, a piece, the end or a failure. One who stops waiting gives up."""
        if self.failure is not None:
            raise self.failure
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        except BaseException:
            self.close()
            raise

    def _too_long(self, most: int) -> UpstreamError:
        self.close()
        self.failure = UpstreamError("broken", self.origin, f"sent a body of more than {most} bytes", sent=True)
        return self.failure

    # -- the connection's side ------------------------------------------------------------------------------------
    def wake(self) -> None:
        """Tell the reader that there is more to know."""
        waiter, self._waiter = self._waiter, None
        # Only woken, never failed: a reader who was cancelled meanwhile would leave an exception that nobody sees.
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def fail(self, failure: UpstreamError) -> None:
        """It ends here, and not well."""
        self.connection, self.failure = None, failure
        self.wake()
