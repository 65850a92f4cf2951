"""A listener: one loopback port that can stop listening and come back, and the connections it accepted.

Owns: sockets. uvicorn's protocol speaks HTTP on them; what a server must not do, and a fault must (close in the middle
of a reply, drop a connection without one), is done here, below it. Not here: what is answered.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

MAX_HEAD = 65_536
MAX_CONNECTIONS = 4_000
KEEP_ALIVE = 75
BACKLOG = 2_048

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


class Link(HttpToolsProtocol):
    """One connection: uvicorn's, with a bound on heads, a sleep that ends with it, and two ways to end it."""

    def __init__(self, config: Config, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, state, {}, loop)
        self.app_state = {"link": self}
        self._in_head, self._head = True, 0
        self._lost = False
        self._sleeper: asyncio.Future[None] | None = None

    def gone(self) -> bool:
        """Whether the client has left, or was left."""
        return self._lost or self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake who sleeps for this client."""
        self._lost = True
        super().connection_lost(exc)
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and hold no head that never ends."""
        super().data_received(data)
        self._head = self._head + len(data) if self._in_head else 0
        if self._head > MAX_HEAD and not self.gone():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._in_head = False
        super().on_headers_complete()

    async def pause(self, seconds: float) -> None:
        """Sleep, or until the client leaves."""
        if seconds <= 0 or self.gone():
            return
        self._sleeper = self.loop.create_future()
        handle = self.loop.call_later(seconds, self._wake)
        try:
            await self._sleeper
        finally:
            handle.cancel()
            self._sleeper = None

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def cut(self) -> None:
        """Close after what was written, however unfinished."""
        self.transport.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        self.transport.abort()


class Listener:
    """One port, held from the first to the last: a socket that never listens is bound to it, beside the one that does.

    Where nothing listens a connection is refused, and no other program can take the port meanwhile.
    """

    def __init__(self, app: AsgiApp, host: str, port: int) -> None:
        self._config = Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            limit_concurrency=MAX_CONNECTIONS,
        )
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._host = host
        self._holder = self._bound(port)
        # Only now: a port that another sandbox holds must be refused, and the sockets that listen share this one's.
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.port: int = self._holder.getsockname()[1]

    def _bound(self, port: int, *, shared: bool = False) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind((self._host, port))
        except OSError:
            made.close()
            raise
        made.setblocking(False)
        return made

    @property
    def listening(self) -> bool:
        """Whether a connection would be accepted."""
        return self._server is not None

    @property
    def address(self) -> str:
        """Its base address."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def open(self) -> None:
        """Listen."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: Link(self._config, self._state, loop), sock=self._bound(self.port, shared=True), backlog=BACKLOG
            )

    async def close(self) -> None:
        """Stop listening, and drop every connection; the port stays held."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for link in list(self._state.connections):
            link.transport.abort()
        if server is not None:
            await server.wait_closed()

    async def end(self) -> None:
        """Close, let the port go, and wait for the calls under way."""
        await self.close()
        self._holder.close()
        await self._drained()

    async def _drained(self) -> None:
        """Until the calls under way have seen that their clients are gone."""
        tasks = list(self._state.tasks)
        _, late = await asyncio.wait(tasks, timeout=1) if tasks else (set(), set())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
