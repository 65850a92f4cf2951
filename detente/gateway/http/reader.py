"""A request as it is read: within bounds, and refused where it could be read in two ways (RFC 9112, section 11).

Owns: llhttp's events, what of a head is refused before its body is read, and every bound on what is held. Not here:
the connection, its silence and its order (``protocol``), and who may ask (``app``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import httptools
import msgspec

from detente.gateway.http.exchange import HeaderLines, RequestHead
from detente.gateway.http.known_head import MAX_HEAD, MAX_HEADS, KnownHead, known_head

MAX_HEADERS = 100
_OTHERWISE = frozenset({b"transfer-encoding", b"expect"})
"""Headers of a request that is more than a head and so many bytes."""
_ONCE = frozenset({b"host", b"authorization", b"api-key", b"x-api-key", b"content-type", b"content-encoding"})
_OFFERS = frozenset({b"upgrade", b"http2-settings"})


class _KnownRequest(msgspec.Struct, frozen=True):
    """The head of a request, as it is known again, what was read in it, and the rules by which it was let in."""

    known: KnownHead
    head: RequestHead
    epoch: object


class Rules(Protocol):
    """What is refused before it is read."""

    @property
    def max_body(self) -> int:
        """The largest body, in bytes."""

    @property
    def epoch(self) -> object:
        """Another object once what ``refusal`` says of a head may be another.

        A key that expires makes no other: its head is read each time.
        """

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
        self._head: RequestHead | None = None
        self._pairs: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._barren = 0  # bytes that came since the last progress: all that is held of a head, or after a body
        self._url = b""
        self._now = 0.0
        self._offered = False
        self._most = 0  # bytes of a body, as the rules have it when its head is whole
        self.heading: float | None = None
        """Since when a head has been coming; None while there is none, or it is whole."""
        self.reading = False
        """Whether a request has begun to come, and is not whole."""
        self._known: _KnownRequest | None = None
        """The head that came last, where it may be known again."""
        self._tries = MAX_HEADS
        self._begun = b""  # what a head is read from that began at the beginning of a read
        self._missing = 0  # bytes of the body behind a head that was known again

    def feed(self, data: bytes, now: float) -> None:
        """Read on. Raises NoRequestError where what came is no request: then nothing more is to be read."""
        self._now = now
        if self._missing:
            data = self._behind(data)
            if not data:
                return
        if not (self.reading or self._barren):  # between two requests
            if self._known is not None and self._again(self._known, data):
                return
            self._begun = data
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

    def _again(self, before: _KnownRequest, data: bytes) -> bool:
        """Take a request whose head is that of the one before it; whether it is, and nothing comes behind it."""
        starts = before.known.starts(data)
        if starts is None or before.epoch is not self._rules.epoch:
            return False
        length, start = starts
        missing = length + start - len(data)
        if missing < 0 or length > self._rules.max_body:
            return False
        self._tries = MAX_HEADS
        self._head, body = before.head, data[start:]  # shared: changed in it is only that its connection ends
        if missing == 0:
            self._asker.asked(before.head, body)
        else:
            self.reading, self._missing = True, missing
            self._body = [body] if body else []
        return True

    def _behind(self, data: bytes) -> bytes:
        """Take more of the body behind a head that was known again. What comes behind that."""
        missing = self._missing
        self._body.append(data if len(data) <= missing else data[:missing])
        self._missing = max(0, missing - len(data))
        if not self._missing:
            self._whole()
        return data[missing:]

    def _whole(self) -> None:
        """All of a request has come."""
        assert self._head is not None, "a message has a head"
        self.reading = False
        pieces, self._body = self._body, []
        self._asker.asked(self._head, pieces[0] if len(pieces) == 1 else b"".join(pieces))

    @property
    def method(self) -> bytes:
        """Of the request whose head came last; empty until it is whole."""
        return self._head.method if self._head is not None else b""

    def _declined(self) -> bytes:
        """The head of a request that offers to upgrade, without its offer: it is served as it stands (RFC 9110, 7.8).

        The parser takes what follows such a head for another protocol, so that it reads this one in its place.
        """
        head = self._head
        if head is None or head.method == b"CONNECT":
            raise NoRequestError(400, "the connection cannot be upgraded")
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
        self._head = None
        self._pairs = []
        self._body = []
        self._size = self._barren = 0
        self._url = b""
        self.heading = self._now
        self.reading = True

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer is left out, as nobody here may depend on one."""
        if self._head is None:
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: refuse now what need not be read to its end."""
        pairs, parser = self._pairs, self._parser
        begun, self._begun = self._begun, b""
        if self._barren or len(pairs) > MAX_HEADERS:  # else all of it came in one piece
            self._must_be_short()
        headers = {name.lower(): value for name, value in pairs}
        version = parser.get_http_version()
        head = self._head = RequestHead(parser.get_method(), version, headers, parser.should_keep_alive())
        if len(headers) != len(pairs):
            headers = head.headers = _merged(pairs)
        if parser.should_upgrade():
            self._offered = True
            return
        self.heading = None
        if version != "1.1" and version != "1.0":
            raise NoRequestError(505, f"HTTP/{version} is not supported")
        if b"transfer-encoding" in headers and (
            headers[b"transfer-encoding"].lower() != b"chunked" or version == "1.0"
        ):
            raise NoRequestError(501, "a transfer encoding other than `chunked`")
        if b"host" not in headers and version == "1.1":
            raise NoRequestError(400, "no `host` header")
        head.path, head.query = _target(self._url)
        most = self._most = self._rules.max_body
        if b"content-length" in headers and (stated := int(headers[b"content-length"])) > most:
            raise NoRequestError(413, f"a body of {stated} bytes; at most {most} are read")
        refusal = self._rules.refusal(head)
        if refusal is not None:
            raise NoRequestError(refusal[0], "", refusal)
        self._known = None
        if begun and self._tries and len(headers) == len(pairs):
            self._known = self._knowing(begun, head)
        if b"expect" in headers and headers[b"expect"].lower() == b"100-continue" and version == "1.1":
            self._asker.expected()

    def _knowing(self, begun: bytes, head: RequestHead) -> _KnownRequest | None:
        """A head as it may be known again; None of one that is to be read each time.

        That is one without a key, as its length may be refused, and one whose key expires, as time alone changes what
        is said of it.
        """
        headers, key = head.headers, head.key
        if head.version != "1.1" or not head.keep_alive or not _OTHERWISE.isdisjoint(headers):
            return None
        if key is None or key.expires is not None:
            return None
        self._tries -= 1
        known = known_head(begun, len(headers), headers.get(b"content-length", b""))
        if known is None:
            return None
        others = {name: value for name, value in headers.items() if name != b"content-length"}
        return _KnownRequest(known, msgspec.structs.replace(head, headers=others), self._rules.epoch)

    def _must_be_short(self) -> None:
        """Refuse a head with too many headers, or of too many bytes."""
        if len(self._url) + sum([len(name) + len(value) + 4 for name, value in self._pairs]) > MAX_HEAD:
            raise NoRequestError(431, f"a head of over {MAX_HEAD} bytes")
        if len(self._pairs) > MAX_HEADERS:
            raise NoRequestError(431, f"over {MAX_HEADERS} headers")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        size = self._size = self._size + len(body)
        self._barren = 0
        if size > self._most:
            raise NoRequestError(413, f"a body of over {self._most} bytes")
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole, unless it is read again without its offer."""
        if self._offered:
            return
        self._barren = 0
        self._whole()


def _merged(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers of which some are given more than once. Raises NoRequestError of one that may be given once."""
    headers: dict[bytes, bytes] = {}
    for name, value in ((name.lower(), value) for name, value in pairs):
        if name in headers and name in _ONCE:
            raise NoRequestError(400, "a header that may be given once is given twice")
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers
