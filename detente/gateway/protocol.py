"""HTTP/1.1 as the gateway serves it: one connection, its requests one after the other.

Owns: reading requests within bounds, refusing what two readers could read in two ways (RFC 9112, section 11), and
back-pressure. It stands in for uvicorn's own protocol (``Config(http=…)``), which keeps sockets,
TLS and the graceful stop: it saves a framework's share of every request. Not here: what a path answers (``app``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import httptools

from detente.gateway.exchange import JSON, Exchange, Head, Pairs, top
from detente.gateway.outbox import Outbox
from detente.gateway.silence import Silence

MOST_HEAD = 64 * 1024
"""Bytes of a request's line and headers; of one header that is not whole, one read of the socket more."""
MOST_HEADERS = 100
LINGER = 2.0
"""Seconds that a refused connection stays open, so that its caller reads the refusal and no reset."""
WRITE_HIGH = 256 * 1024
"""Bytes of a reply that wait for a slow caller before its provider is read no further."""
PIECE = 16 * 1024
"""Bytes that are parsed at a time: a read of the socket may hold thousands of requests, and they wait as bytes. More
than so many of a reply do not wait for the end of the turn."""

_ONCE = frozenset({b"host", b"authorization", b"api-key", b"x-api-key", b"content-type", b"content-encoding"})


class Application(Protocol):
    """What answers requests."""

    connections: set[Connection]
    """Those that are open, for ``sweep``."""
    outbox: Outbox
    """Where replies go out."""

    @property
    def most_body(self) -> int:
        """The largest body, in bytes."""

    @property
    def idle(self) -> float:
        """Seconds of silence after which a connection is closed."""

    def refusal(self, head: Head) -> tuple[int, Pairs, bytes] | None:
        """A reply that is given before any of the body is read; None where the body is wanted."""

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer a request. The task is cancelled when the caller leaves."""

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
        self._parser = httptools.HttpRequestParser(self)
        self._queued: deque[Exchange] = deque()
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._head = Head()
        self._body: list[bytes] = []
        self._size = self._head_bytes = 0
        self._barren = 0  # bytes that came since the last progress: the parser holds them, and has told of none
        self._url = self._unread = b""
        self._refused = self._stopping = self._paused = False
        self._arrives_since: float | None = None
        self.drain: asyncio.Future[None] | None = None
        self.transport: asyncio.Transport
        self._silence: Silence
        self._unsent: list[bytes] = []
        self._written = self._sent = 0  # bytes: of replies, and given to the transport

    # -- the transport -----------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's is no asyncio.Transport by class
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        self._silence = Silence(self.transport, self._loop.time())
        self._state.connections.add(self)
        self._app.connections.add(self)

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
        self._silence.since = self._loop.time()
        if self._refused:
            return
        if self._queued:  # what was under way when reading was paused
            self._unread += data
        elif len(data) <= PIECE:
            self._parse(data)
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
            self._parse(data[at : at + PIECE])

    def _parse(self, data: bytes) -> None:
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
            if self._barren > MOST_HEAD:
                self._refuse(_NoRequestError(431, f"a head, or what follows a body, of over {MOST_HEAD} bytes"))
        except httptools.HttpParserUpgrade:
            self._refuse(_NoRequestError(400, "the connection cannot be upgraded"))
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, _NoRequestError):
                raise
            self._refuse(error.__context__)
        except httptools.HttpParserError as error:
            self._refuse(_NoRequestError(400, f"not a request: {error}"))

    # -- the parser's callbacks --------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        """A request begins."""
        self._head = Head()
        self._body = []
        self._size = self._head_bytes = self._barren = 0
        self._url = b""
        self._arrives_since = self._silence.since

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer is left out, as nobody here may depend on one."""
        self._count(len(name) + len(value) + 4)
        if self._head.method:
            return
        headers = self._head.headers
        name = name.lower()
        if name in headers:
            if name in _ONCE:
                self._head.repeated = True
            value = headers[name] + b", " + value
        headers[name] = value
        if len(headers) > MOST_HEADERS:
            raise _NoRequestError(431, f"over {MOST_HEADERS} headers")

    def _count(self, n: int) -> None:
        self._head_bytes += n
        if self._head_bytes > MOST_HEAD:
            raise _NoRequestError(431, f"a head of over {MOST_HEAD} bytes")

    def on_headers_complete(self) -> None:
        """The head is whole: refuse now what need not be read to its end."""
        head = self._head
        head.method = self._parser.get_method()
        head.version = self._parser.get_http_version()
        head.keep_alive = self._parser.should_keep_alive() and not self._stopping
        if head.version not in ("1.1", "1.0"):
            raise _NoRequestError(505, f"HTTP/{head.version} is not spoken here")
        encoding = head.headers.get(b"transfer-encoding")
        if encoding is not None and (encoding.lower() != b"chunked" or head.version == "1.0"):
            raise _NoRequestError(501, "a transfer encoding other than `chunked`")
        if head.repeated:
            raise _NoRequestError(400, "a header that may be given once is given twice")
        if b"host" not in head.headers and head.version == "1.1":
            raise _NoRequestError(400, "no `host` header")
        try:
            url = httptools.parse_url(self._url)
        except httptools.HttpParserInvalidURLError:
            raise _NoRequestError(400, "a target that is not a path") from None
        head.path, head.query = url.path or b"/", url.query or b""
        stated = head.headers.get(b"content-length")
        if stated is not None and int(stated) > self._app.most_body:
            raise _NoRequestError(413, f"a body of {int(stated)} bytes; at most {self._app.most_body} are read")
        refusal = self._app.refusal(head)
        if refusal is not None:
            raise _NoRequestError(refusal[0], "", refusal)
        waits = head.headers.get(b"expect", b"").lower() == b"100-continue"
        if waits and head.version == "1.1" and self._exchange is None:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._size += len(body)
        self._barren = 0
        if self._size > self._app.most_body:
            raise _NoRequestError(413, f"a body of over {self._app.most_body} bytes")
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        exchange = Exchange(self._head, self)
        exchange.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._barren = 0
        self._arrives_since = None
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
        # Uvicorn waits for connections, which outlast their tasks: its own set of tasks is left empty.
        self._task = self._loop.create_task(self._answered(exchange))

    async def _answered(self, exchange: Exchange) -> None:
        try:
            await self._app.serve(exchange)
        except Exception as defect:
            # ``serve`` answers every error of its own; what is left is a defect, and the caller must not wait for ever.
            self._loop.call_exception_handler({"message": "a request was not answered", "exception": defect})
            self.abort()

    def write(self, data: bytes) -> None:
        """Bytes of a reply: they go out with the turn's, or at once where they are many."""
        self._unsent.append(data)
        self._written += len(data)
        if self._written - self._sent > PIECE:
            self.flush()
        elif len(self._unsent) == 1:
            self._app.outbox.put(self)

    def flush(self) -> None:
        """Send what was written."""
        unsent, self._unsent = self._unsent, []
        if unsent and not self.transport.is_closing():
            self._sent = self._written
            self.transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def replied(self, keep: bool) -> None:
        """A reply is complete: on to the next request, or the end."""
        self._exchange = None
        self._task = None
        if self._queued or self._unread:
            self.flush()  # whether the caller takes replies is seen before the next is made
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

    def _refuse(self, refused: _NoRequestError) -> None:
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
        self.write(top(status, headers, b"content-length: %d\r\n" % len(body), keep=False) + body)
        self._loop.call_later(LINGER, self.transport.close)

    # -- from outside ------------------------------------------------------------------------------------------
    def sweep(self, now: float) -> None:
        """Close a connection that has been silent for too long: in a request, between two, or in taking a reply.

        A head must come whole within that time, so that one sent byte by byte holds nothing for long.
        """
        self._silence.look(self._sent, now)
        since = self._silence.since
        if self._arrives_since is not None and not self._head.method:
            since = self._arrives_since
        waits_for_us = self._exchange is not None and self.drain is None
        if not waits_for_us and now - since > self._app.idle:
            self.transport.abort()

    def shutdown(self) -> None:
        """The server stops: finish what is under way."""
        self._stopping = True
        if self._exchange is None:
            self._close()
        else:
            self._exchange.head.keep_alive = False


class _NoRequestError(Exception):
    """What came is refused: the status and a sentence, or a whole reply."""

    def __init__(self, status: int, message: str, given: tuple[int, Pairs, bytes] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.given = status, message, given


def protocol(app: Application) -> Callable[..., Connection]:
    """What uvicorn makes connections with."""

    def make(config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> Connection:
        return Connection(app, config, server_state, app_state, _loop)

    return make
