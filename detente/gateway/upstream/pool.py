"""The connections to one origin.

Owns: which are idle, how many there may be, who waits for one, and opening them. Not here: what is said on them
(``connection``).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream.connection import UpstreamConnection
from detente.gateway.upstream.deadline_sweep import Sweep
from detente.gateway.upstream.error import ErrorKind, UpstreamError
from detente.gateway.upstream.origin import Origin
from detente.gateway.upstream.trust import FileError
from detente.gateway.upstream.tunnel import Proxy, ProxyError, through

_PROBES = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 30),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 10),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
)
"""A machine that is gone is noticed within a minute, also while a whole reply is awaited, which may be silent long."""


class Pool:
    """At most ``most`` connections to one origin. The one used last is used next, so that the others can grow old."""

    def __init__(
        self,
        origin: Origin,
        outbox: Outbox,
        sweep: Sweep,
        connect: float,
        most: int,
        tls: Callable[[], ssl.SSLContext],
        proxy: Callable[[], Proxy | None] = lambda: None,
    ) -> None:
        self.origin, self.outbox, self.sweep = origin, outbox, sweep
        self.idle: list[UpstreamConnection] = []
        self.open: set[UpstreamConnection] = set()
        self.connect, self._most, self._tls, self._proxy = connect, most, tls, proxy
        self._loop = asyncio.get_running_loop()
        self._taken = 0  # open connections, and those being opened
        self._waiting: deque[asyncio.Future[UpstreamConnection | None]] = deque()
        self._closed: asyncio.Future[None] | None = None

    @property
    def oldest(self) -> float | None:
        """Since when the one that has been idle longest is idle; None where there is none."""
        return self.idle[0].since if self.idle else None

    def take(self) -> UpstreamConnection | None:
        """An idle connection, if there is one."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closing:
                return connection
        return None

    def release(self, connection: UpstreamConnection) -> None:
        """A connection is free."""
        connection.since = self._loop.time()
        if self.sweep.stopped:
            connection.abort()
        elif not (self._waiting and self._hand_over(connection)):
            self.idle.append(connection)

    def opened(self, connection: UpstreamConnection) -> None:
        """A connection's socket is open."""
        self.open.add(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection has closed. Of one that was given up before, nothing is heard again."""
        if connection not in self.open:
            return
        self.open.discard(connection)
        if self._closed is not None and not self.open and not self._closed.done():
            self._closed.set_result(None)
        if connection in self.idle:
            self.idle.remove(connection)
        self._vacate()

    def expire(self, before: float) -> None:
        """Close what has been idle since before then: the peer will close it soon, perhaps under a request."""
        while self.idle and self.idle[0].since < before:
            self.idle.pop(0).abort()

    async def connection(self, until: float, *, fresh: bool = False) -> UpstreamConnection:
        """A connection: a new one, or where the limit is reached the next that is free, unless it is to be fresh.

        Raises
        ------
        UpstreamError
            ``unreachable``, in plain words; ``timeout`` where there was none by the connect deadline, and ``busy``
            where there was not even leave to open one.
        """
        now, waits = self._loop.time(), True
        if self.sweep.stopped:
            raise UpstreamError("unreachable", self.origin, "is not called: the gateway is stopping", sent=False)
        try:
            async with asyncio.timeout_at(min(now + self.connect, until)) as patience:
                given = await self._turn(fresh)
                waits = False
                return given or await self._new()
        except (FileError, ProxyError) as error:
            what = "could not be reached"
            raise UpstreamError("unreachable", self.origin, what, sent=False, own=str(error)) from None
        except (OSError, UnicodeError) as error:
            if patience.expired():
                which = f"within {self.connect:g} s (connect deadline)"
                if until < now + self.connect:
                    which = "within the total time of the call (total deadline)"
                if waits:
                    which += f": all {self._most} are in use"
                kind: ErrorKind = "busy" if waits else "timeout"
                raise UpstreamError(kind, self.origin, f"had no connection {which}", sent=False) from None
            raise UpstreamError("unreachable", self.origin, reason(error), sent=False) from None

    async def close(self) -> None:
        """Close every connection, and wait until their sockets are closed."""
        for connection in tuple(self.open):
            connection.fail("broken", "was cancelled: the gateway is stopping")
        if self.open:
            self._closed = self._closed or self._loop.create_future()
            await self._closed

    # -- turns --------------------------------------------------------------------------------------------------------
    async def _turn(self, fresh: bool) -> UpstreamConnection | None:
        """A freed connection, or None: leave to open one, which is counted already."""
        front = False
        while front or self._taken >= self._most:
            waiter: asyncio.Future[UpstreamConnection | None] = self._loop.create_future()
            (self._waiting.appendleft if front else self._waiting.append)(waiter)
            try:
                given = await waiter
            except asyncio.CancelledError:
                if not waiter.cancelled():  # it was given as we left
                    self._pass_on(waiter.result())
                raise
            if given is None or not (fresh or given.closing):
                return given
            given.abort()
            front = given in self.open  # its place is ours when it has closed, if it has not yet
        self._taken += 1
        return None

    def _pass_on(self, given: UpstreamConnection | None) -> None:
        if given is None:
            self._vacate()
        elif not given.closing:
            self.release(given)

    def _hand_over(self, given: UpstreamConnection | None) -> bool:
        """Give a connection, or leave to open one, to who waits longest."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(given)
                return True
        return False

    def _vacate(self) -> None:
        """One connection fewer."""
        if not self._hand_over(None):
            self._taken -= 1

    async def _new(self) -> UpstreamConnection:
        connection = UpstreamConnection(self, self._loop)
        try:
            proxy = self._proxy()
            await (self._open(connection) if proxy is None else self._through(connection, proxy))
        except BaseException:
            # Nobody waits for it any more. Its place is free at once: uvloop may close the socket without a word.
            connection.abort()
            if connection.open:
                self.lost(connection)
            else:
                self._vacate()
            raise
        _probe(connection.transport)
        if self.sweep.stopped:
            connection.abort()
        if connection.closing:  # closed as it was made: nobody would tell a request on it
            raise ConnectionAbortedError
        return connection

    async def _open(self, connection: UpstreamConnection) -> None:
        """Connect to the origin itself."""
        secure = self.origin.scheme == "https"
        await self._loop.create_connection(
            lambda: connection,
            self.origin.host,
            self.origin.port,
            ssl=self._tls() if secure else None,
            server_hostname=self.origin.host if secure else None,
            ssl_handshake_timeout=self.connect if secure else None,
        )

    async def _through(self, connection: UpstreamConnection, proxy: Proxy) -> None:
        """Connect to the origin through a proxy, which sees no more of it than its name where it is ``https``."""
        tls = self._tls() if self.origin.scheme == "https" else None
        await through(self._loop, proxy, self.origin, connection, tls, timeout=self.connect)


def _probe(transport: asyncio.Transport) -> None:
    """Have the system look now and then whether the other machine is still there."""
    below = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it has closed already
        for level, option, value in _PROBES:
            if hasattr(socket, option):
                below.setsockopt(level, getattr(socket, option), value)


def reason(error: OSError | UnicodeError) -> str:
    """Why there is no connection, in plain words."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "could not be reached: its name does not resolve"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"could not be trusted: its certificate does not verify ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"could not be reached: the TLS handshake failed ({error.reason or 'no reason given'})"
    if isinstance(error, ConnectionRefusedError):
        return "could not be reached: it refuses connections"
    return f"could not be reached: {error.strerror or 'the connection was closed as it was made'}"
