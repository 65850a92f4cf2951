"""The two heads of an exchange: ours is built, the provider's is judged. Pure.

Owns: what may stand in a request's head, and which reply heads are refused because their body's end is in doubt, or its
coding. Not here: the grammar of HTTP, which llhttp keeps in its strict mode (``connection``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from detente.providers.outgoing import HeaderPairs, Outgoing

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"/[!-~]*")
# Replies to other methods have other rules for their bodies (HEAD has none, CONNECT is a tunnel).
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
# These are the connection's to say: from anyone else they would contradict what is really sent.
_OURS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "accept-encoding"),
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect"),
    }
)
_ODD = frozenset({"transfer-encoding", "content-encoding"})
"""Headers of a reply without which nothing of a plain one can be in doubt."""
_BODILESS = frozenset({204, 304})


@lru_cache(maxsize=1024)
def _checked(name: str) -> str:
    """A header's name, if it may be sent. Cached: there are few."""
    if not _TOKEN.fullmatch(name):
        raise ValueError("a header's name is not a token: nothing was sent")
    if name.lower() in _OURS:
        raise ValueError(f"the header `{name.lower()}` is the connection's own to send")
    return name


@lru_cache(maxsize=1024)
def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()


def request_head(host: str, path: str, outgoing: Outgoing, authorization: HeaderPairs) -> bytes:
    """The head of a request.

    Raises
    ------
    ValueError
        Where a value could end its line and begin another (a line break, NUL or another control sign), is not ASCII,
        or contradicts what the connection says itself. The message names the header and never shows its value.
    """
    method, body = outgoing.method, outgoing.body
    before, behind = _around(method, host, path, outgoing.target, outgoing.headers, authorization)
    length = f"content-length: {len(body)}\r\n" if body or method != "GET" else ""
    return f"{before}{length}{behind}".encode("ascii")


@lru_cache(maxsize=1024)
def _around(
    method: str, host: str, path: str, target: str, headers: HeaderPairs, authorization: HeaderPairs
) -> tuple[str, str]:
    """What stands before a call's length, and behind it. Cached: a key authorizes all calls of a deployment alike.

    A signature is of one call: it is cached to no use, and crowds out no key that is in use.
    """
    opening, more = _opening(method, host, path, target, headers)
    return opening, more + "".join([_line(name, value) for name, value in authorization]) + "\r\n"


@lru_cache(maxsize=1024)
def _opening(method: str, host: str, path: str, target: str, headers: HeaderPairs) -> tuple[str, str]:
    """What stands before a call's length, and behind it. Cached, for it is the same for all calls of a deployment.

    What authorizes a call is not in it.
    """
    if method not in _METHODS:
        raise ValueError("a request's method is GET, POST, PUT, PATCH or DELETE")
    if not _TARGET.fullmatch(target):
        raise ValueError("a request's target begins with `/` and holds no blank, line break or sign beyond ASCII")
    opening = f"{method} {path}{target} HTTP/1.1\r\nhost: {host}\r\naccept-encoding: identity\r\n"
    return opening, "".join([_line(name, value) for name, value in headers])


def _line(name: str, value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError(
            f"the value of the header `{_checked(name)}` holds a line break or another sign beyond "
            "printable ASCII: nothing was sent"
        )
    return f"{_checked(name)}: {value}\r\n"


def reply_head(status: int, version: str, pairs: Sequence[tuple[bytes, bytes]]) -> tuple[dict[str, str], str | None]:
    """The headers of a reply by name, in lower case, and why it is refused, if it is.

    llhttp has refused what breaks the grammar. Here stands what is well formed and still leaves the body's end or its
    coding in doubt. A body without a length ends where its connection does (``ends_with_connection``): that is no
    doubt, since every body that a provider is asked for says itself whether it is whole.
    """
    headers = {_name(name): value.decode("latin-1") for name, value in pairs}
    plain = version == "1.1" and 200 <= status <= 599 and len(headers) == len(pairs) and _ODD.isdisjoint(headers)
    return headers, None if plain else _doubt(status, version, pairs, headers)


def ends_with_connection(status: int, headers: dict[str, str]) -> bool:
    """Whether the body of such a reply is over where its peer closes the connection, in order and not by a reset.

    A JSON text that is cut cannot be read, and a stream that is cut lacks its reason to finish: so whoever reads the
    body finds out, as nobody can from its framing (RFC 9112, section 6.3, the last rule).
    """
    return status not in _BODILESS and "content-length" not in headers and "transfer-encoding" not in headers


def _doubt(status: int, version: str, pairs: Sequence[tuple[bytes, bytes]], headers: dict[str, str]) -> str | None:
    if version not in ("1.1", "1.0"):
        return f"replied in HTTP/{version} to a request in HTTP/1.1"
    if not 200 <= status <= 599:
        return f"replied with the status {status}, which is no answer to a request"
    encoding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if encoding is not None:
        if length is not None:
            return "gave its body two lengths: `content-length` and `transfer-encoding`"
        if encoding.strip().lower() != "chunked" or version == "1.0":
            return "sent its body in a transfer coding other than `chunked` of HTTP/1.1"
    if len(headers) != len(pairs):
        names = [name.lower() for name, _ in pairs]
        for name in (b"transfer-encoding", b"content-length", b"content-encoding"):
            if names.count(name) > 1:
                return f"sent `{name.decode()}` more than once"
    coding = headers.get("content-encoding")
    if coding is not None and coding.strip().lower() not in ("identity", ""):
        return "compressed its body, which it was asked not to"
    return None
