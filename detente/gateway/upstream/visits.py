"""Visits: one file of a public host each, on a connection of its own.

Owns: that a name is resolved once, that every address of it is public, and that one of these is connected to: a name
that leads elsewhere by then leads nobody there. Not here: which hosts may be visited (``live/fetch``), and what is
made of a file (``serving/call/fetching``).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream.connection import UpstreamConnection
from detente.gateway.upstream.deadline_sweep import Sweep
from detente.gateway.upstream.error import UpstreamError
from detente.gateway.upstream.heads import request_head
from detente.gateway.upstream.incoming_reply import Incoming
from detente.gateway.upstream.origin import Origin
from detente.gateway.upstream.pool import reason
from detente.gateway.upstream.public import is_public
from detente.gateway.upstream.trust import FileError, Trust
from detente.gateway.upstream.tunnel import ProxyError, proxy_to, through
from detente.providers.outgoing import Outgoing

HEADERS = (("accept", "image/png, image/jpeg, image/gif, image/webp, application/pdf"), ("user-agent", "detente"))
"""Nothing of the caller's goes along."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, asked beside the loop."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _Visit:
    """What a connection needs to know for one exchange."""

    def __init__(self, origin: Origin, outbox: Outbox, sweep: Sweep) -> None:
        self.origin, self.outbox, self.sweep = origin, outbox, sweep

    def opened(self, connection: UpstreamConnection) -> None:
        """It is open."""

    def release(self, connection: UpstreamConnection) -> None:
        """It has served."""
        connection.abort()

    def lost(self, connection: UpstreamConnection) -> None:
        """It is closed."""


class Visits:
    """Visits of one event loop.

    Parameters
    ----------
    trust
        Whom a connection trusts.
    resolve
        What finds the addresses of a name.
    public
        Which addresses may be connected to.
    """

    def __init__(self, trust: Trust, *, resolve: Resolve = resolved, public: Callable[[str], bool] = is_public) -> None:
        self._trust, self._resolve, self._public = trust, resolve, public
        self._loop = asyncio.get_running_loop()
        self._outbox, self._sweep = Outbox(self._loop), Sweep(keep=0.0)

    async def get(self, origin: Origin, target: str, until: float) -> Incoming:
        """Ask for a file, and wait for the head of the reply. Whoever gets it closes it.

        Parameters
        ----------
        target
            Path and query.
        until
            The loop's time by which all must be over.

        Raises
        ------
        UpstreamError
            For whatever a network or a host does, and where an address is not public.
        ValueError
            For a target that cannot be sent as it is.
        """
        head = request_head(origin.authority, "", Outgoing(target, HEADERS, b"", "GET"), ())
        try:
            async with asyncio.timeout_at(until):
                connection = await self._connected(origin)
        except TimeoutError:
            raise UpstreamError("timeout", origin, "could not be reached in time", sent=False) from None
        except (FileError, ProxyError) as error:
            raise UpstreamError("unreachable", origin, "could not be reached", sent=False, own=str(error)) from None
        except (OSError, UnicodeError) as error:
            raise UpstreamError("unreachable", origin, reason(error), sent=False) from None
        incoming = connection.begin(head, b"", until)
        await incoming.wait()
        if incoming.failure is not None:
            raise incoming.failure
        return incoming

    def close(self) -> None:
        """No more visits."""
        self._sweep.stop()

    async def _connected(self, origin: Origin) -> UpstreamConnection:
        addresses = await self._resolve(origin.host, origin.port)
        if not addresses or not all(map(self._public, addresses)):
            raise UpstreamError("unreachable", origin, "leads to an address that is not public", sent=False)
        connection = UpstreamConnection(_Visit(origin, self._outbox, self._sweep), self._loop)
        try:
            await self._open(connection, origin, addresses[0])
        except BaseException:
            connection.abort()
            raise
        if connection.closing:
            raise ConnectionAbortedError
        return connection

    async def _open(self, connection: UpstreamConnection, origin: Origin, address: str) -> None:
        """Connect to one address, by the proxy of the environment where there is one; TLS is spoken with the name."""
        tls = self._trust.context(None) if origin.scheme == "https" else None
        if (proxy := proxy_to(origin, None, os.environ)) is not None:
            there = origin._replace(host=address)
            await through(self._loop, proxy, there, connection, tls, name=origin.host)
            return
        name = origin.host if tls is not None else None
        await self._loop.create_connection(lambda: connection, address, origin.port, ssl=tls, server_hostname=name)
