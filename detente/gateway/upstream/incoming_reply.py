"""A reply as it comes in.

Owns: what of a reply has arrived and is not yet taken, and its reader's wait for more. Not here: the socket and the
grammar (``connection``), and deadlines (``deadline_sweep``).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

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

    @property
    def paused(self) -> bool:
        """Whether it reads no further until what is held was taken."""

    def resume(self) -> None:
        """The reader has taken what was held: go on."""

    def fail(self, kind: ErrorKind, what: str) -> None:
        """End the reply, and the connection with it."""


class Incoming(msgspec.Struct, eq=False):
    """One reply. A caller uses ``status``, ``headers``, ``read`` or ``piece``, ``speaks``, and always ``close``.

    The other members are for the connection, which fills them, and for the sweep, which watches ``since``.
    """

    connection: BodySource | None
    origin: Origin
    loop: asyncio.AbstractEventLoop
    since: float
    until: float
    patience: Patience = WHOLE
    status: int = 0
    """The reply's status; 0 until its head is complete."""
    headers: dict[str, str] = {}
    """By name in lower case; of one that occurs twice, the last."""
    over: bool = False
    """Whether the reply has arrived to its proper end."""
    failure: UpstreamError | None = None
    stale: bool = False
    """Whether it failed only because the connection had been closed before the request came."""
    pieces: list[bytes] = []
    held: int = 0
    limit: int = MAX_BUFFERED
    spoken: bool = False
    """Whether its first content has come, as its reader says."""
    stirred: bool = False
    waiter: asyncio.Future[None] | None = None
    known: Callable[[bytes], bool] | None = None
    """What passes on, unread, a chunk like the one before it, as the connection had it from the socket, and says
    whether it was one. Stated by what takes the pieces, with each that it takes."""
    _take: Callable[[bytes], bool] | None = None
    _defect: Exception | None = None

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
        return self.whole(most)

    def whole(self, most: int) -> bytes:
        """The whole body where it has come already, and is no longer than that; else nothing: then ``read`` it."""
        if not self.over or self.held > most:
            return b""
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
        return self._taken()

    async def pour(self, take: Callable[[bytes], bool]) -> None:
        """Have each piece taken as it comes, in the turn in which it comes, until no more is wanted, or ``ended``.

        Parameters
        ----------
        take
            What takes a piece, and says whether it wants more now. What it raises is raised here.

        Raises
        ------
        UpstreamError
            As ``piece`` does.
        """
        while True:
            while self.pieces:
                if not take(self._taken()):
                    return
            if self.failure is not None:
                raise self.failure
            if self.over:
                return
            self._take = take
            try:
                await self.wait()
                wanted = self._take is not None
            finally:
                self._take = self.known = None
            if self._defect is not None:
                raise self._defect
            if not wanted:
                return

    @property
    def ended(self) -> bool:
        """Whether all of it was taken, to its proper end."""
        return self.over and not self.pieces

    def _taken(self) -> bytes:
        """What has come and was not yet taken."""
        pieces, self.pieces = self.pieces, []
        self.held = 0
        connection = self.connection
        if connection is not None and connection.paused:
            connection.resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Done with it.

        Where the reply is not complete its connection closes at once: so a caller who leaves cancels the call.
        """
        connection = self.connection
        if connection is not None:
            connection.fail("broken", "was left before its reply was complete")
        if self.pieces:
            self.pieces = []

    def leave(self, by: float) -> None:
        """Done with it, and no more content comes.

        The end of its body may still come, by the loop's time ``by``: then the connection serves again.
        """
        self.until = min(self.until, by)

    def speaks(self) -> None:
        """The first content has come: from now on it is late where no more comes, which ``stirred`` tells."""
        self.spoken, self.since, self.stirred = True, self.loop.time(), True

    async def wait(self) -> None:
        """Until there is more to know: the head, a piece, the end or a failure. One who stops waiting gives up."""
        waiter = self.more()
        try:
            await waiter
        except BaseException:
            self.close()
            raise

    def more(self) -> asyncio.Future[None]:
        """What to wait for until there is more to know. Whoever stops waiting closes it. Raises UpstreamError."""
        if self.failure is not None:
            raise self.failure
        waiter = self.waiter = self.loop.create_future()
        return waiter

    def _too_long(self, most: int) -> UpstreamError:
        self.close()
        self.failure = UpstreamError("broken", self.origin, f"sent a body of more than {most} bytes", sent=True)
        return self.failure

    # -- the connection's side ------------------------------------------------------------------------------------
    def wake(self) -> None:
        """Tell the reader that there is more to know, unless it has a piece taken, and that is all."""
        if (take := self._take) is not None and self.pieces:
            try:
                wants = take(self._taken())
            except Exception as defect:  # the reader's to raise: the connection knows nothing of it
                self._defect, wants = defect, False
            if wants and not self.over and self.failure is None:
                return
            if not wants:
                self._take = self.known = None
        waiter, self.waiter = self.waiter, None
        # Only woken, never failed: a reader who was cancelled meanwhile would leave an exception that nobody sees.
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def fail(self, failure: UpstreamError) -> None:
        """It ends here, and not well."""
        self.connection, self.failure = None, failure
        self.wake()
