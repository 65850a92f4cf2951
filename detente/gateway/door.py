"""The door: uvicorn's HTTP protocol with what it leaves open shut.

Owns: which requests are refused before any application sees them, because they are too large in the head, say two
things about where they end, or are in a version that nobody speaks; and that a refusal never lands in an answer to
another request. Not here: the limit of bodies, paths and keys (``app``).

What uvicorn gets wrong by itself is written down in ``tests/gateway/http/test_attacks.py``. Give it to uvicorn with
``http=Door`` and ``ws="none"``.
"""

from __future__ import annotations

import re
from typing import Any

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 65_536
"""Bytes of a head; and of anything else that comes without a body's progress: chunk extensions, trailers."""
MOST_QUEUED = 64
"""Requests that wait on one connection while another is answered."""
_HOST = re.compile(rb"[A-Za-z0-9._~:\[\]-]*")
_UPGRADE = frozenset({b"upgrade", b"http2-settings"})


class _RefusedError(Exception):
    """Stops the parser at a head that is refused."""


class Door(HttpToolsProtocol):
    """One connection of a caller."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asked = False  # whether there was a request: before it, there is no cycle
        self._shut = False
        self._barren = 0  # bytes since the last progress
        self._why = (400, "the request cannot be read as HTTP/1.1")
        self._plain = b""  # a head whose offer to change the protocol is passed over
        self._offered = False

    def connection_made(self, transport: Any) -> None:
        """A caller is there, and has as long for a head as between two requests (uvicorn's ``timeout_keep_alive``)."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    # -- bytes ----------------------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        """Bytes of requests; of nothing, once one was refused."""
        if self._shut:
            return
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(*self._why)
            return
        if self._barren > MOST_HEAD:
            self._refuse(431, f"the request's head has more than {MOST_HEAD} bytes")

    def _feed(self, data: bytes) -> None:
        """Parse, passing over offers to change the protocol.

        llhttp leaves the body of a request that offers one unread, and would read it as the next request. Such a head
        is read again without its offer, and what follows it as it was meant: RFC 9110, 7.8 lets a server ignore one.
        """
        while True:
            self._barren += len(data)
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._offered = False
                self._barren = 0
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(self._plain)
                data = data[upgrade.args[0] :]
            else:
                return

    # -- the parser's events --------------------------------------------------------------------------------------
    def on_headers_complete(self) -> None:
        """A head is complete: refused, passed over, or a request."""
        version = self.parser.get_http_version()
        names = [name for name, _ in self.headers]
        if self._barren > MOST_HEAD:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > MOST_HEAD:
                self._stop(431, f"the request's head has more than {MOST_HEAD} bytes")
        if version not in ("1.1", "1.0"):
            self._stop(505, "HTTP/1.1 is spoken here")
        if names.count(b"host") != 1:
            if version == "1.1" or b"host" in names:
                self._stop(400, "a request has one `host` header")
        elif not _HOST.fullmatch(self.headers[names.index(b"host")][1]):
            self._stop(400, "`host` is a name and perhaps a port")
        if b"transfer-encoding" in names:
            codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
            if codings != [b"chunked"] or version != "1.1":
                self._stop(400, "a body is sent with its `content-length`, or in the transfer coding `chunked` alone")
        if self.parser.should_upgrade():
            self._offered, self._plain = True, self._without_offer()
            return
        if len(self.pipeline) >= MOST_QUEUED:
            self._stop(400, f"at most {MOST_QUEUED} requests wait on one connection")
        self._barren = 0
        self._unset_keepalive_if_required()
        self._asked = True
        super().on_headers_complete()
        self.headers = []  # trailers must not be added to the headers that the application has

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._barren = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        if not self._offered:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is complete: after a refusal, the last one that is owed closes the connection."""
        last = not self.pipeline
        super().on_response_complete()
        if self._shut and last:
            self.transport.close()

    def _without_offer(self) -> bytes:
        kept = [(name, value) for name, value in self.headers if name not in _UPGRADE]
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/1.1"]
        for name, value in kept:
            if name == b"connection":
                options = [option for option in value.split(b",") if option.strip().lower() not in _UPGRADE]
                value = b",".join(options)
            lines.append(name + b": " + value)
        return b"\r\n".join([*lines, b"", b""])

    # -- refusals -------------------------------------------------------------------------------------------------
    def _stop(self, status: int, message: str) -> None:
        self._why = (status, message)
        raise _RefusedError

    def _refuse(self, status: int, message: str) -> None:
        """Read no more. Answers that are owed to earlier requests are given; the refusal only where none is."""
        self._shut = True
        cycle = self.cycle
        if self._asked and cycle.more_body:  # the request whose body is being read is the one that is refused
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
                return
            if cycle.response_started:
                self.transport.close()
                return
        elif self._asked and not cycle.response_complete:
            return
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        body = msgspec.json.encode({"error": error})
        reason = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}.get(
            status, b"HTTP Version Not Supported"
        )
        head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, reason, len(body)) + body)
        self.transport.close()
