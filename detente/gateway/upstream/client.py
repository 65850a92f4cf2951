"""The client: sends a request to an origin and gives back its reply.

Owns: which pool a request uses, and sending it again where a kept connection turned out to be closed. Not here: whether
another deployment is tried (``relay``).
"""

from __future__ import annotations

import os
import ssl
from functools import partial

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream.deadline_sweep import Sweep
from detente.gateway.upstream.heads import request_head
from detente.gateway.upstream.incoming_reply import WHOLE, Incoming, Patience
from detente.gateway.upstream.origin import Origin, parsed
from detente.gateway.upstream.pool import Pool
from detente.gateway.upstream.trust import Trust
from detente.gateway.upstream.tunnel import proxy_to
from detente.live.connection import ConnectionSpec
from detente.providers.outgoing import HeaderPairs, Outgoing

Base = str | tuple[str, ConnectionSpec]
"""An address, with how it is connected to where that is not as usual."""


class Upstream:
    """Connections to all providers, within one event loop.

    Parameters
    ----------
    outbox
        Where requests go out.
    connect
        Seconds for a connection (or a turn, where the limit is reached), TLS included.
    max_connections
        To one origin.
    keep
        Seconds for which an idle connection is kept.
    tls
        What is trusted. By default the system's store; OpenSSL reads ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` instead
        where they are set.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        connect: float,
        max_connections: int = 1024,
        keep: float = 60.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._outbox, self._connect, self._most = outbox, connect, max_connections
        self.trust = Trust(tls)
        self._sweep = Sweep(keep)
        self._pools: dict[tuple[Origin, ConnectionSpec | None], Pool] = {}
        self._bases: dict[Base, tuple[Pool, str, str]] = {}

    def follow(self, *, connect: float) -> None:
        """Keep another deadline for connections from the next one on, and read the files of certificates again."""
        self._connect = connect
        self.trust.again()
        for pool in self._pools.values():
            pool.connect = connect

    async def send(
        self,
        base: str,
        outgoing: Outgoing,
        headers: HeaderPairs,
        until: float,
        patience: Patience = WHOLE,
        spec: ConnectionSpec | None = None,
    ) -> Incoming:
        """Send a request and wait for the head of its reply. Whoever gets the reply closes it.

        Parameters
        ----------
        base
            ``http(s)://host[:port][/path]``; the target is appended to the path.
        headers
            What authorizes the request, sent beside its own headers.
        until
            The loop's time by which all must be over: the total deadline.
        patience
            How long the reply may keep its reader waiting until then. ``sweep`` says how exactly that is kept.
        spec
            By which proxy, and with which certificates, where not as usual.

        Raises
        ------
        UpstreamError
            For whatever a network or a provider does.
        ValueError
            For a request or a base that cannot be sent as it is; nothing was sent.
        """
        pool, host, path = self._bases.get(base if spec is None else (base, spec)) or self._base(base, spec)
        head = request_head(host, path, outgoing, headers)
        connection = pool.take() or await pool.connection(until)
        incoming = connection.begin(head, outgoing.body, until, patience)
        try:
            await incoming.more()
        except BaseException:
            incoming.close()
            raise
        if incoming.stale:
            # The peer had closed it while it was kept, and has not seen the request. Once: a new one cannot be stale.
            incoming = (await pool.connection(until, fresh=True)).begin(head, outgoing.body, until, patience)
            await incoming.wait()
        if incoming.failure is not None:
            raise incoming.failure
        return incoming

    async def close(self) -> None:
        """Close all connections. What is under way fails."""
        self._sweep.stop()
        for pool in self._pools.values():
            await pool.close()

    def _base(self, base: str, spec: ConnectionSpec | None) -> tuple[Pool, str, str]:
        origin, path = parsed(base)
        pool = self._pools.get((origin, spec))
        if pool is None:
            tls, proxy = partial(self.trust.context, spec), partial(proxy_to, origin, spec, os.environ)
            pool = Pool(origin, self._outbox, self._sweep, self._connect, self._most, tls, proxy)
            self._pools[origin, spec] = pool
            self._sweep.pools.append(pool)
        known = self._bases[base if spec is None else (base, spec)] = pool, origin.authority, path
        return known
