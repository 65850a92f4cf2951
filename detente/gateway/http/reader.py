"""A request as it is read: within bounds, and refused where it could be read in two ways (RFC 9112, section 11).

Owns: llhttp's events, what of a head is refused before its body is read, and every bound on what is held. Not here:
the connection, its silence and its order (``protocol``), and who may ask (``app``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import httptools

from detente.gateway.http.exchange import HeaderLines, RequestHead

MAX_HEAD = 64 * 1024
"""Bytes of a request's line and headers; of one header that is not whole, one read of the socket more."""
MAX_HEADERS = 100
_REPEATED = "a header that may be given once is given twice"
_LONG = f"a head of over {MAX_HEAD} bytes"

_ONCE = frozenset({b"host", b"authorization", b"api-key", b"x-api-key", b"content-type", b"content-encoding"})
_OFFERS = frozenset({b"upgrade", b"http2-settings"})


class Rules(Protocol):
    """What is refused before it is read."""

    @property
    def max_body(self) -> int:
        """The largest body, in bytes."""

    def refusal(self, head: RequestHead) -> tuple[int, HeaderLines, bytes] | None:
        """A reply that is given before any of the body is read; None where the body is wanted."""


class Asker(Protocol):
    """Where requests come from."""

    def expected(self) -> None:
        """A caller waits to be told that it may send the body of a request."""

    def asked(self, head: RequestHead, body: bytes) -> None:
        """A request is whole."""


class NoRequestError(Exception):
    """What came is refused: the status and a sentence, or a whole reply."""

    def __init__(self, status: int, message: str, given: tuple[int, HeaderLines, bytes] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.given = status, message, given


@lru_cache(maxsize=64)
def _target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a target. Raises NoRequestError where it is not a path. Cached: most are one of few."""
    try:
        found = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        raise NoRequestError(400, "a target that is not a path") from None
    return found.path or b"/", found.query or b""


class Reader:
    """Reads the requests of one connection."""

    def __init__(self, rules: Rules, asker: Asker) -> None:
        self._rules, self._asker = rules, asker
        self._parser = httptools.HttpRequestParser(self)
        self._head = RequestHead()
        self._body: list[bytes] = []
        self._size = self._head_bytes = 0
        self._barren = 0  # bytes that came since the last progress: the parser holds them, and has told of none
        self._url = b""
        self._now = 0.0
        self._offered = False
        self._most = 0  # bytes of a body, as the rules have it when its head is whole
        self.heading: float | None = None
        """Since when a head has been coming; None while there is none, or it is whole."""
        self.reading = False
        """Whether a request has begun to come, and is not whole."""

    def feed(self, data: bytes, now: float) -> None:
        """Read on. Raises NoRequestError where what came is no request: then nothing more is to be read."""
        self._now = now
        self._barren += len(data)
        while True:
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as offer:
                data = self._declined() + data[offer.args[0] :]
            except httptools.HttpParserCallbackError as error:
                if not isinstance(error.__context__, NoRequestError):
                    raise
                raise error.__context__ from None
            except httptools.HttpParserError as error:
                raise NoRequestError(400, f"not a request: {error}") from None
        if self._barren > MAX_HEAD:
            raise NoRequestError(431, f"a head, or what follows a body, of over {MAX_HEAD} bytes")

    @property
    def method(self) -> bytes:
        """Of the request whose head came last; empty until it is whole."""
        return self._head.method

    def _declined(self) -> bytes:
        """The head of a request that offers to upgrade, without its offer: it is served as it stands (RFC 9110, 7.8).

        The parser takes what follows such a head for another protocol, so that it reads this one in its place.
        """
        head = self._head
        if head.method == b"CONNECT":
            raise NoRequestError(400, "the connection cannot be upgraded")
        if head.repeated:
            raise NoRequestError(400, _REPEATED)
        self._parser, self._offered = httptools.HttpRequestParser(self), False
        stated = {name: value for name, value in head.headers.items() if name not in _OFFERS}
        named = [token.strip() for token in stated.pop(b"connection", b"").split(b",")]
        if kept := b", ".join(token for token in named if token.lower() not in _OFFERS):
            stated[b"connection"] = kept
        lines = b"".join([b"%b: %b\r\n" % pair for pair in stated.items()])
        return b"%b %b HTTP/%b\r\n%b\r\n" % (head.method, self._url, head.version.encode(), lines)

    # -- the parser's events -----------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        """A request begins."""
        self._head = RequestHead()
        self._body = []
        self._size = self._head_bytes = self._barren = 0
        self._url = b""
        self.heading = self._now
        self.reading = True

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        self._url += url
        self._head_bytes += len(url)
        if self._head_bytes > MAX_HEAD:
            raise NoRequestError(431, _LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer is left out, as nobody here may depend on one."""
        self._head_bytes += len(name) + len(value) + 4
        head = self._head
        if self._head_bytes > MAX_HEAD:
            raise NoRequestError(431, _LONG)
        if head.method:
            return
        headers = head.headers
        name = name.lower()
        if name in headers:
            if name in _ONCE:
                head.repeated = True
            value = headers[name] + b", " + value
        headers[name] = value
        if len(headers) > MAX_HEADERS:
            raise NoRequestError(431, f"over {MAX_HEADERS} headers")

    def on_headers_complete(self) -> None:
        """The head is whole: refuse now what need not be read to its end."""
        head = self._head
        head.method = self._parser.get_method()
        head.version = self._parser.get_http_version()
        if self._parser.should_upgrade():
            self._offered = True
            return
        self.heading = None
        head.keep_alive = self._parser.should_keep_alive()
        if head.version not in ("1.1", "1.0"):
            raise NoRequestError(505, f"HTTP/{head.version} is not supported")
        encoding = head.headers.get(b"transfer-encoding")
        if encoding is not None and (encoding.lower() != b"chunked" or head.version == "1.0"):
            raise NoRequestError(501, "a transfer encoding other than `chunked`")
        if head.repeated:
            raise NoRequestError(400, _REPEATED)
        if b"host" not in head.headers and head.version == "1.1":
            raise NoRequestError(400, "no `host` header")
        head.path, head.query = _target(self._url)
        stated, self._most = head.headers.get(b"content-length"), self._rules.max_body
        if stated is not None and int(stated) > self._most:
            raise NoRequestError(413, f"a body of {int(stated)} bytes; at most {self._most} are read")
        refusal = self._rules.refusal(head)
        if refusal is not None:
            raise NoRequestError(refusal[0], "", refusal)
        if head.headers.get(b"expect", b"").lower() == b"100-continue" and head.version == "1.1":
            self._asker.expected()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._size += len(body)
        self._barren = 0
        if self._size > self._most:
            raise NoRequestError(413, f"a body of over {self._most} bytes")
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole, unless it is read again without its offer."""
        if self._offered:
            return
        self.reading = False
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._barren = 0
        self._asker.asked(self._head, body)
