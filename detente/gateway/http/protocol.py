"""HTTP/1.1 as the gateway serves it: one connection, its requests one after the other.

Owns: the order of requests and their replies, back-pressure, and when a connection ends. It stands in for uvicorn's own
protocol (``Config(http=…)``), which keeps sockets, TLS and the graceful stop: it saves a framework's share of every
request. Not here: reading requests (``reader``), and what a path answers (``app``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from detente.gateway.http.exchange import JSON, Exchange, RequestHead, top
from detente.gateway.http.outbox import Outbox
from detente.gateway.http.reader import NoRequestError, Reader, Rules
from detente.gateway.http.silence import Silence

LINGER = 2.0
"""Seconds that a refused connection stays open, so that its caller reads the refusal and no reset."""
WRITE_HIGH = 256 * 1024
"""Bytes of a reply that wait for a slow caller before its provider is read no further."""
PIECE = 16 * 1024
"""Bytes that are parsed at a time: a read of the socket may hold thousands of requests, and they wait as bytes. More
than so many of a reply do not wait for the end of the turn."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Application(Rules, Protocol):
    """What answers requests."""

    connections: set[Connection]
    """Those that are open, for ``sweep``."""
    outbox: Outbox
    """Where replies go out."""
    metrics_port: int | None
    """The port of the operators' address, where there is one."""

    @property
    def idle(self) -> float:
        """Seconds of silence after which a connection is closed."""

    @property
    def max_connections(self) -> int:
        """How many may be open at a time."""

    @property
    def keep_alive(self) -> float:
        """Seconds of silence after which who waits for a stream is sent a sign of life."""

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer a request. The task is cancelled when the caller leaves. Raises OSError of ``withhold``."""

    def withhold(self, exchange: Exchange, failed: OSError) -> None:
        """Answer a request whose reply could not be recorded."""

    def malformed(self, status: int, message: str) -> bytes:
        """The body of a reply to what is not a request."""


class Connection(asyncio.Protocol):
    """One caller's connection.

    ``config``, ``server_state``, ``app_state`` and ``_loop`` are what uvicorn gives its protocols.
    """

    def __init__(
        self,
        app: Application,
        config: Any,
        server_state: Any,
        app_state: Any,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._app = app
        self._state = server_state
        self._loop = _loop or asyncio.get_event_loop()
        self._reader = Reader(app, self)
        self._queued: deque[Exchange] = deque()
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._unread = b""
        self._refused = self._stopping = self._paused = self._expected = False
        self.drain: asyncio.Future[None] | None = None
        self.internal = False
        self.transport: asyncio.Transport
        self._silence: Silence
        self._unsent: list[bytes] = []
        self._written = self._sent = 0  # bytes: of replies, and given to the transport
        self._told = 0  # bytes of replies at the last look
        self._quiet = 0.0  # since when no more of a reply was written, as far as a look can tell

    # -- the transport -----------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's is no asyncio.Transport by class
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        self._silence = Silence(self.transport, self._loop.time())
        if self._app.metrics_port is not None:
            self.internal = transport.get_extra_info("sockname")[1] == self._app.metrics_port
        self._state.connections.add(self)
        self._app.connections.add(self)
        if len(self._app.connections) > self._app.max_connections:
            self._refuse(NoRequestError(503, "all connections are in use; try again later"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has left: what is under way for it ends at once."""
        self._state.connections.discard(self)
        self._app.connections.discard(self)
        self._queued.clear()
        self._unsent.clear()
        if self._task is not None:
            self._task.cancel()
        if self.drain is not None and not self.drain.done():
            self.drain.set_result(None)
        self.drain = None

    def eof_received(self) -> bool:
        """The caller closed its side: taken as leaving, as it cannot be told from a connection that is gone."""
        self.flush()  # what was said already it may still hear
        return False

    def pause_writing(self) -> None:
        """The caller is slow."""
        if self.drain is None:
            self.drain = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self.drain is not None and not self.drain.done():
            self.drain.set_result(None)
        self.drain = None
        if self._exchange is None:
            self._next()

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        now = self._silence.since = self._loop.time()
        if self._refused:
            return
        if self._queued:  # what was under way when reading was paused
            self._unread += data
        elif len(data) <= PIECE:
            try:
                self._reader.feed(data, now)
            except NoRequestError as refused:
                self._refuse(refused)
        else:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        """Parse, until a request has to wait."""
        for at in range(0, len(data), PIECE):
            if self._refused:
                return
            if self._queued:
                self._unread = data[at:]
                return
            try:
                self._reader.feed(data[at : at + PIECE], self._silence.since)
            except NoRequestError as refused:
                self._refuse(refused)

    # -- what the reader has read ------------------------------------------------------------------------------
    def expected(self) -> None:
        """A caller waits to be told that it may send the body of a request."""
        if self._exchange is None:
            self.write(_CONTINUE)
        else:
            self._expected = True  # once the replies before it have gone

    def asked(self, head: RequestHead, body: bytes) -> None:
        """A request is whole."""
        self._expected = False
        if self._stopping:
            head.keep_alive = False
        exchange = Exchange(head, body, self)
        if self._exchange is None and self.drain is None:
            self._start(exchange)
            return
        # Pipelined: it waits until the replies before it have gone, and no more is read.
        self._queued.append(exchange)
        if not self._paused:
            self._paused = True
            self.transport.pause_reading()

    # -- replies -----------------------------------------------------------------------------------------------
    def _start(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._quiet = self._silence.since
        # Uvicorn waits for connections, which outlast their tasks: its own set of tasks is left empty.
        # Made here and named, since a loop takes a quarter longer to make one and to find a name for it.
        self._task = asyncio.Task(self._answered(exchange), loop=self._loop, name="call")

    async def _answered(self, exchange: Exchange) -> None:
        try:
            await self._app.serve(exchange)
        except OSError as failed:
            self._app.withhold(exchange, failed)
        except Exception as defect:
            # ``serve`` answers every error of its own; what is left is a defect, and the caller must not wait for ever.
            self._loop.call_exception_handler({"message": "a request was not answered", "exception": defect})
            self.abort()

    def write(self, data: bytes) -> None:
        """Bytes of a reply: they go out with the turn's, or at once where they are many."""
        unsent = self._unsent
        unsent.append(data)
        written = self._written = self._written + len(data)
        if written - self._sent > PIECE:
            self.flush()
        elif len(unsent) == 1:
            self._app.outbox.put(self)  # last: it may send at once

    def flush(self) -> None:
        """Send what was written."""
        unsent, self._unsent = self._unsent, []
        if unsent and not self.transport.is_closing():
            self._sent = self._written
            self.transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def replied(self, keep: bool) -> None:
        """A reply is complete: on to the next request, or the end."""
        self._exchange = self._task = None
        if self._queued or self._unread:
            self.flush()  # whether the caller takes replies is seen before the next is made
        elif keep and not (self._stopping or self._expected or self._paused):
            return
        if keep and not self._stopping:
            self._next()
        else:
            self._close()

    def _next(self) -> None:
        """On to the next request, once the replies before it have gone: a caller who takes none is given no more."""
        if self.drain is not None or self._refused:
            return
        if self._queued:
            self._start(self._queued.popleft())
            return
        if self._unread:
            unread, self._unread = self._unread, b""
            self._feed(unread)  # the first request in it starts, and the others wait
        if self._expected and self._exchange is None:
            self._expected = False
            self.write(_CONTINUE)
        if self._paused and not self._queued and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def _close(self) -> None:
        """Hang up, after what was written has gone."""
        self._refused = True
        self._queued.clear()
        self._unread = b""
        self.flush()
        self.transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._refused = True
        self._unsent.clear()
        self.transport.abort()

    def _refuse(self, refused: NoRequestError) -> None:
        """Answer what is not a request, and listen no more. Replies before it come first, and end the connection."""
        if self._exchange is not None:
            self._refused = self._stopping = True
            self._queued.clear()
            return
        if self._queued:  # a refusal now would look like the reply to the first of them
            self._close()
            return
        self._refused = True
        status, headers, body = refused.given or (
            refused.status,
            JSON,
            self._app.malformed(refused.status, refused.message),
        )
        framing, bodiless = b"content-length: %d\r\n" % len(body), self._reader.method == b"HEAD"
        self.write(top(status, headers, framing, keep=False, body=b"" if bodiless else body))
        self._loop.call_later(LINGER, self.transport.close)

    # -- from outside ------------------------------------------------------------------------------------------
    def sweep(self, now: float) -> None:
        """Close a connection that has been silent for too long: in a request, between two, or in taking a reply.

        A head must come whole within that time, so that one sent byte by byte holds nothing for long.
        """
        self._live(now)
        self._silence.look(self._sent, now)
        since = self._silence.since if self._reader.heading is None else self._reader.heading
        waits_for_us = self._exchange is not None and self.drain is None
        if not waits_for_us and now - since > self._app.idle:
            self.transport.abort()

    def _live(self, now: float) -> None:
        """A reply that is being made and says nothing for a while shows that it is alive."""
        if self._written != self._told:
            self._told, self._quiet = self._written, now
        exchange = self._exchange
        if exchange is None or exchange.lives is None or self.drain is not None:
            return
        if now - self._quiet >= self._app.keep_alive:
            self._quiet = now
            exchange.lives()
            self._told = self._written

    def shutdown(self) -> None:
        """The server stops: finish what is under way, and what is still coming."""
        self._stopping = True
        if self._exchange is not None:
            self._exchange.head.keep_alive = False
        elif not self._reader.reading:
            self._close()


def protocol(app: Application) -> Callable[..., Connection]:
    """What uvicorn makes connections with."""

    def make(config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> Connection:
        return Connection(app, config, server_state, app_state, _loop)

    return make
