"""A connection to an origin: one exchange at a time, strictly framed.

Owns: the socket's events, llhttp's, and when a connection may serve again. Not here: who gets it next (``pool``), which
heads are refused (``heads``), and when patience ends (``deadline_sweep``).

A connection that has shown any doubt about where a reply ends is closed and never serves again: bytes that nobody asked
for, while idle or after a reply, would be taken for the next reply.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools
import msgspec

from detente.gateway.http.known_head import MAX_HEAD, MAX_HEADS, KnownHead, known_head
from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream.deadline_sweep import Sweep
from detente.gateway.upstream.error import ErrorKind, UpstreamError
from detente.gateway.upstream.heads import ends_with_connection, reply_head
from detente.gateway.upstream.incoming_reply import WHOLE, Incoming, Patience
from detente.gateway.upstream.origin import Origin

SLICE = 131_072
"""A request's body beyond this goes out in slices, as the socket takes them."""
STALE = 0.5
"""Seconds within which a kept connection shows that its peer had closed it: the time of a round trip between
continents, with room. One that closes later had the request and may have worked on it, so that to send it again could
pay twice."""


class _StopError(Exception):
    """Stops the parser: nothing after this byte is to be read."""


class _KnownReply(msgspec.Struct, frozen=True):
    """The head of a reply of status 200, as it is known again, and what was read in it."""

    known: KnownHead
    headers: dict[str, str]


class ConnectionOwner(Protocol):
    """What a connection needs of the pool that it belongs to."""

    @property
    def origin(self) -> Origin:
        """Whom it is connected to."""

    @property
    def outbox(self) -> Outbox:
        """Where its requests go out."""

    @property
    def sweep(self) -> Sweep:
        """What ends an exchange that takes too long."""

    def opened(self, connection: UpstreamConnection) -> None:
        """Its socket is open."""

    def release(self, connection: UpstreamConnection) -> None:
        """It is free for another exchange."""

    def lost(self, connection: UpstreamConnection) -> None:
        """Its socket is closed."""


class UpstreamConnection(asyncio.Protocol):
    """One connection. ``since`` is when it last became idle."""

    def __init__(self, pool: ConnectionOwner, loop: asyncio.AbstractEventLoop) -> None:
        self.pool, self.loop = pool, loop
        self.transport: asyncio.Transport  # from when it is open
        self.open = False
        self.since = 0.0
        self.closing = False
        self.incoming: Incoming | None = None
        self.paused = False
        self._used = False
        self._parser = httptools.HttpResponseParser(self)
        self._pairs: list[tuple[bytes, bytes]] = []
        self._doubt: str | None = None
        self._heading = True
        self._complete = False
        self._chunk_over = self._between = False  # whether its last chunk was whole, and what came ended with that
        self._keeps = True
        self._barren = 0  # bytes since the last progress: none means that no byte of a reply was seen
        self._request = b""  # waits for the turn's end
        self._unsent: memoryview | None = None
        self._sliced = False
        self._choked = False
        self._known: _KnownReply | None = None  # the head that came last, where it may be known again
        self._begun = b""  # what a head is read from that began at the beginning of a read
        self._tries = MAX_HEADS

    # -- an exchange ----------------------------------------------------------------------------------------------
    def begin(self, head: bytes, body: bytes, until: float, patience: Patience = WHOLE) -> Incoming:
        """Send a request. Its reply is to be waited for, from the head on."""
        pool, loop = self.pool, self.loop
        self.incoming = incoming = Incoming(self, pool.origin, loop, loop.time(), until, patience)
        pool.sweep.watch(self)
        self._heading, self._complete = True, False
        self._chunk_over = self._between = False
        self._barren = 0
        if len(body) <= SLICE:
            self._request = head + body
            pool.outbox.put(self)
        else:
            self._sliced, self._unsent = True, memoryview(body)
            self.transport.write(head)
            self._send()
        return incoming

    def flush(self) -> None:
        """Send a request that has waited for its turn."""
        request, self._request = self._request, b""
        if request and not self.closing:
            self.transport.write(request)

    def _send(self) -> None:
        while self._unsent is not None and not self._choked:
            part, rest = self._unsent[:SLICE], self._unsent[SLICE:]
            self._unsent = rest if rest else None
            self.transport.write(part)

    def fail(self, kind: ErrorKind, what: str) -> None:
        """End the exchange under way, if any, and the connection with it."""
        incoming, self.incoming = self.incoming, None
        sent = not self._request
        self.abort()
        if incoming is not None:
            self.pool.sweep.busy.discard(self)
            incoming.stale = incoming.stale or not sent
            incoming.fail(UpstreamError(kind, self.pool.origin, what, sent=sent))

    def abort(self) -> None:
        """Close at once. The pool learns of it when the socket is closed."""
        self.closing = True
        self._request, self._unsent = b"", None
        if self.open:
            self.transport.abort()

    def resume(self) -> None:
        """The reader has taken what was held: go on."""
        if self.paused and not self.closing:
            self.paused = False
            if self.incoming is not None:
                self.incoming.stirred = True  # its provider has as long again
            self.transport.resume_reading()

    def _finish(self, incoming: Incoming) -> None:
        """The reply is complete: the connection may serve again, unless there is a doubt about it."""
        incoming.over, incoming.connection = True, None
        self.incoming = None
        pool = self.pool
        pool.sweep.busy.discard(self)
        # A request that is answered before it is sent leaves its peer in the middle of it.
        if self._sliced:
            self._keeps = self._keeps and not self.transport.get_write_buffer_size()
            self._sliced = False
        if self.paused:
            self.resume()
        if self._keeps and self._unsent is None:
            self._used = True
            pool.release(self)
        else:
            self.abort()

    # -- the socket's events --------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.transport = cast(asyncio.Transport, transport)
        if self.closing:  # whoever it was made for did not wait for it
            self.transport.abort()
            return
        self.open = True
        self.pool.opened(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of the reply, or bytes that nobody asked for."""
        incoming = self.incoming
        if incoming is None:
            self.abort()
            return
        if self._request:  # it speaks before it was asked
            self.fail("broken", "sent bytes that were not expected")
            return
        if not self._barren:  # a reply begins
            if self._known is not None and self._again(self._known, incoming, data):
                return
            self._begun = data
        if self._between and (known := incoming.known) is not None and known(data):
            return  # a whole chunk: whoever reads them is as far as before
        held = incoming.held
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._keeps = False
            if not self._complete:
                self.fail("broken", self._doubt or f"sent what cannot be read as HTTP/1.1 ({error})")
                return
        self._between = self._chunk_over and data.endswith(b"\r\n")  # else the next chunk's head has begun
        if self._complete:
            self._finish(incoming)
        elif incoming.held != held:
            self._barren = 1
            if incoming.held > incoming.limit:
                self.paused = True
                self.transport.pause_reading()
        elif self._barren > MAX_HEAD:
            self.fail("broken", f"sent more than {MAX_HEAD} bytes of head, chunk extensions or trailers")
            return
        if incoming.status:
            incoming.wake()

    def _again(self, before: _KnownReply, incoming: Incoming, data: bytes) -> bool:
        """Take a reply that has come whole, and has the head of the one before it; whether it is one."""
        starts = before.known.starts(data)
        if starts is None or starts[0] + starts[1] != len(data):
            return False
        self._tries = MAX_HEADS
        incoming.status, incoming.headers = 200, before.headers
        incoming.pieces.append(data[starts[1] :])
        incoming.held += starts[0]
        self._complete = True
        self._finish(incoming)
        incoming.wake()
        return True

    def eof_received(self) -> None:
        """The peer will send nothing more: a body that has a stated end and still awaits it is cut."""
        incoming = self.incoming
        if incoming is not None and incoming.status and ends_with_connection(incoming.status, incoming.headers):
            self._keeps = False
            self._finish(incoming)
            incoming.wake()
            return
        self._cut()
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._cut()
        self.closing = True
        self.pool.lost(self)

    def _cut(self) -> None:
        incoming = self.incoming
        if incoming is None:
            return
        if incoming.status:
            what = "closed the connection within its reply"
        elif self._barren:
            what = "closed the connection within the head of its reply"
        else:
            what = "closed the connection before it replied"
            incoming.stale = self._used and self.loop.time() - incoming.since < STALE
        self.fail("broken", what)

    def pause_writing(self) -> None:
        """The socket takes no more for now."""
        self._choked = True

    def resume_writing(self) -> None:
        """The socket takes more."""
        self._choked = False
        self._send()

    # -- the parser's events --------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        """A reply begins: one of ours, or bytes after it."""
        if self._complete:
            raise _StopError

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or after the body a trailer, which is not read."""
        if self._heading:
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is complete, if it is not an interim one."""
        parser = self._parser
        status, version = parser.get_status_code(), parser.get_http_version()
        pairs, self._pairs = self._pairs, []
        begun, self._begun = self._begun, b""
        incoming = self.incoming
        if incoming is None or (100 <= status < 200 and status != 101):
            return
        headers, self._doubt = reply_head(status, version, pairs)
        if self._barren > MAX_HEAD and sum(len(name) + len(value) + 4 for name, value in pairs) > MAX_HEAD:
            self._doubt = f"sent a head of more than {MAX_HEAD} bytes"
        if self._doubt is not None:
            raise _StopError
        self._heading = False
        incoming.status, incoming.headers = status, headers
        if self._unsent is not None and status >= 400:  # answered early: the peer wants no more of the request
            self._unsent = None
            self._keeps = False
        if version != "1.1":
            self._keeps = False
        self._known = None
        if begun and self._tries and status == 200 and self._keeps and len(headers) == len(pairs):
            self._tries -= 1
            known = known_head(begun, len(pairs), headers.get("content-length", "").encode())
            self._known = _KnownReply(known, headers) if known is not None else None

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        incoming = self.incoming
        if incoming is not None:
            incoming.pieces.append(body)
            incoming.held += len(body)

    def on_chunk_header(self) -> None:
        """A chunk begins."""
        self._chunk_over = False

    def on_chunk_complete(self) -> None:
        """A chunk ends, its line end included."""
        self._chunk_over = True

    def on_message_complete(self) -> None:
        """A reply ends: ours, or an interim one."""
        if not self._heading:
            self._complete = True
            if not self._parser.should_keep_alive():
                self._keeps = False
