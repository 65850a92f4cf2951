"""Hostile clients: what each sends to an HTTP/1.1 server, and what it may answer. A tool, and a table for tests.

    python -m tests.gateway.http.attacks HOST PORT [--path /v1/chat/completions] [--header 'authorization: Bearer …']

Raw sockets, so that no client tidies up what is sent. Each attack says how many answers it may get at most and whether
it may be served, refused or both. What always holds: never more answers than requests, never an answer that cannot be
read, never a protocol changed, and a refusal closes the connection, so that what was left unread is not read as another
request. Requests that are hidden within others ask for ``SMUGGLED``: an answer to one is one too many.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence

from tests.gateway.http.attack import EITHER, MANY, REFUSED, SERVED, SMUGGLED, Attack, Step, Target, attack, complaint


# -- the attacks ----------------------------------------------------------------------------------------------------
def _hidden(target: Target) -> bytes:
    return target.head("Content-Length: 0", line=f"POST {SMUGGLED} HTTP/1.1")


def _chunks(body: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n0%b\r\n%b\r\n" % (len(body), extension, body, extension, trailers)


def _steps(*make: Callable[[Target], bytes] | Step) -> Callable[[Target], Iterator[Step]]:
    def script(target: Target) -> Iterator[Step]:
        for step in make:
            yield step(target) if callable(step) else step

    return script


def _bytewise(make: Callable[[Target], bytes], pause: float = 0.0) -> Callable[[Target], Iterator[Step]]:
    def script(target: Target) -> Iterator[Step]:
        for byte in make(target):
            yield bytes([byte])
            if pause:
                yield pause

    return script


def _headers(*more: str, body: bytes = b"0\r\n\r\n") -> Callable[[Target], Iterator[Step]]:
    """A request with these headers about its body, and another hidden behind it."""
    return _steps(lambda t: t.head(*more) + body + _hidden(t))


def _line(line: str) -> Callable[[Target], Iterator[Step]]:
    """A request line of its own; the request has no body."""
    return _steps(lambda t: t.head("Connection: close", "Content-Length: 0", line=line.format(t)))


def _coded(body: bytes) -> Callable[[Target], Iterator[Step]]:
    return _steps(lambda t: t.head("Transfer-Encoding: chunked", "Connection: close") + body)


def _over(coding: str) -> Callable[[Target], Iterator[Step]]:
    """A body over the limit, a piece at a time: a server that refuses it need not take it all."""

    def script(target: Target) -> Iterator[Step]:
        size = target.limit + 1
        declared = f"Content-Length: {size}" if coding == "length" else "Transfer-Encoding: chunked"
        yield target.head(declared, "Connection: close")
        while size > 0:
            piece = b" " * min(size, MANY)
            yield piece if coding == "length" else b"%x\r\n%b\r\n" % (len(piece), piece)
            size -= len(piece)
        if coding == "chunks":
            yield b"0\r\n\r\n"

    return script


def _upgrade(header: str) -> Callable[[Target], Iterator[Step]]:
    """Offers to change the protocol; its body comes in a packet of its own and looks like a request: it is no JSON."""

    def script(target: Target) -> Iterator[Step]:
        hidden = _hidden(target)
        yield target.head(
            "Connection: Upgrade", header, f"Content-Length: {len(hidden)}", line=f"POST {target.path} HTTP/1.1"
        )
        yield 0.05
        yield hidden
        yield 0.05
        yield target.request()

    return script


def _endless(target: Target) -> Iterator[Step]:
    yield target.head()[:-2] + b"a: "
    for _ in range(64):
        yield b"b" * (MANY // 4)


_PROPER: Callable[[Target], bytes] = Target.request
_CHUNKED = ("Transfer-Encoding: chunked", "Connection: close")

ATTACKS: Sequence[Attack] = [
    # -- proper, if unusual: to be served ---------------------------------------------------------------------------
    Attack("proper", _steps(_PROPER), SERVED),
    Attack("one byte at a time", _bytewise(_PROPER), SERVED),
    Attack("headers that dribble", _bytewise(_PROPER, pause=0.002), SERVED),
    Attack(
        "body that dribbles",
        _steps(lambda t: t.request()[: -len(t.body)], 0.05, lambda t: t.body[:1], 0.05, lambda t: t.body[1:]),
        SERVED,
    ),
    Attack("slow reader", _steps(_PROPER, 0.1), SERVED, slow=True),
    Attack("three at once", _steps(lambda t: t.request(last=False) + _hidden(t) + t.request()), SERVED, "242"),
    Attack("half-close after the request", _steps(_PROPER, "end"), EITHER),
    Attack("chunked", _steps(lambda t: t.head(*_CHUNKED) + _chunks(t.body)), SERVED),
    Attack("chunk extensions", _steps(lambda t: t.head(*_CHUNKED) + _chunks(t.body, b';a="b"')), EITHER),
    Attack("trailers", _steps(lambda t: t.head(*_CHUNKED) + _chunks(t.body, trailers=b"x-sum: 1\r\n")), EITHER),
    Attack(
        "expects 100",
        _steps(lambda t: t.request("Expect: 100-continue")[: -len(t.body)], "100", lambda t: t.body),
        SERVED,
    ),
    Attack("expects another thing", _steps(lambda t: t.request("Expect: the-unexpected")), EITHER),
    Attack(
        "upgrade to h2c",
        _steps(
            lambda t: t.request("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__").replace(
                b"Connection: close", b"Connection: close, Upgrade, HTTP2-Settings"
            )
        ),
        SERVED,
    ),
    Attack(
        "upgrade to websocket",
        _steps(
            lambda t: t.head(
                *(
                    "Connection: close, Upgrade",
                    "Upgrade: websocket",
                    "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                ),
                line=f"GET {t.path} HTTP/1.1",
            )
        ),
        EITHER,
    ),
    Attack(
        "absolute target",
        _steps(lambda t: t.request().replace(b"POST ", b"POST http://%b:%d" % (t.host.encode(), t.port), 1)),
        EITHER,
    ),
    Attack("empty lines first", _steps(lambda t: b"\r\n\r\n" + t.request()), EITHER),
    Attack("HTTP/1.0", _steps(lambda t: t.request().replace(b"HTTP/1.1", b"HTTP/1.0", 1)), EITHER),
    Attack(
        "GET with a body",
        _steps(
            lambda t: (
                t.head(f"Content-Length: {len(_hidden(t))}", "Connection: close", line=f"GET {t.path} HTTP/1.1")
                + _hidden(t)
            )
        ),
        EITHER,
    ),
    Attack("garbage behind a request", _steps(lambda t: t.request(last=False) + b"garbage\r\n\r\n"), SERVED, "24?"),
    Attack(
        "garbage in the middle of an answer",
        _steps(lambda t: t.request(last=False), "100", b"garbage\r\n\r\n"),
        SERVED,
        "24?",
    ),
    Attack(
        "bad chunk behind a request",
        _steps(lambda t: t.request(last=False) + t.head("Transfer-Encoding: chunked") + b"z\r\n"),
        SERVED,
        "24?",
    ),
    Attack("upgrade, its body later", _upgrade("Upgrade: h2c"), SERVED, "42"),
    Attack("upgrade to websocket, its body later", _upgrade("Upgrade: websocket"), SERVED, "42"),
    Attack("connection: close, then more", _steps(lambda t: t.request() + _hidden(t)), SERVED),
    # -- where does the body end? -----------------------------------------------------------------------------------
    Attack("length and chunks", _headers("Content-Length: 5", "Transfer-Encoding: chunked"), REFUSED),
    Attack("chunks and length", _headers("Transfer-Encoding: chunked", "Content-Length: 5"), REFUSED),
    Attack("two lengths", _headers("Content-Length: 5", "Content-Length: 0"), REFUSED),
    Attack("two equal lengths", _steps(lambda t: t.request(f"Content-Length: {len(t.body)}")), EITHER),
    Attack("a list of lengths", _headers("Content-Length: 5, 5"), REFUSED),
    Attack("length with a sign", _headers("Content-Length: +5"), REFUSED),
    Attack("length below zero", _headers("Content-Length: -5"), REFUSED),
    Attack("length in hex", _headers("Content-Length: 0x5"), REFUSED),
    Attack("empty length", _headers("Content-Length:"), REFUSED),
    Attack("length beyond 64 bits", _headers("Content-Length: 18446744073709551621"), REFUSED),
    Attack("unknown transfer coding", _headers("Transfer-Encoding: xchunked"), REFUSED),
    Attack("identity", _headers("Transfer-Encoding: identity"), REFUSED),
    Attack("gzip, chunked", _headers("Transfer-Encoding: gzip, chunked"), REFUSED),
    Attack("chunked, identity", _headers("Transfer-Encoding: chunked, identity"), REFUSED),
    Attack("chunked twice", _headers("Transfer-Encoding: chunked, chunked"), REFUSED),
    Attack("two transfer codings", _headers("Transfer-Encoding: identity", "Transfer-Encoding: chunked"), REFUSED),
    Attack("two times chunked", _headers("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), REFUSED),
    Attack("vertical tab before chunked", _headers("Transfer-Encoding: \x0bchunked"), REFUSED),
    Attack("blank before the colon", _headers("Transfer-Encoding : chunked"), REFUSED),
    Attack("length with a blank before the colon", _headers("Content-Length : 5"), REFUSED),
    Attack(
        "underscore for a dash", _steps(lambda t: t.request("Content_Length: 5", "Transfer_Encoding: chunked")), EITHER
    ),
    Attack(
        "chunks in HTTP/1.0",
        _steps(lambda t: t.head("Transfer-Encoding: chunked", line=f"POST {t.path} HTTP/1.0") + _chunks(t.body)),
        REFUSED,
    ),
    Attack("chunk size not hex", _coded(b"z\r\n{}\r\n0\r\n\r\n"), REFUSED),
    Attack("chunk size with 0x", _coded(b"0x2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    Attack("chunk size below zero", _coded(b"-2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    Attack("chunk size beyond 64 bits", _coded(b"10000000000000002\r\n{}\r\n0\r\n\r\n"), REFUSED),
    Attack("chunk size with a blank", _coded(b"2 \r\n{}\r\n0\r\n\r\n"), EITHER),
    Attack("chunk longer than its size", _coded(b"1\r\n{}\r\n0\r\n\r\n"), REFUSED),
    Attack("chunks with bare line feeds", _coded(b"2\n{}\n0\n\n"), REFUSED),
    Attack("chunk extension with a bare line feed", _coded(b"2;\n{}\r\n0\r\n\r\n"), REFUSED),
    Attack("length among the trailers", _coded(b"2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"), REFUSED),
    Attack("body that is cut", _steps(lambda t: t.request()[:-1], "end"), REFUSED),
    Attack("chunks that are cut", _steps(lambda t: t.head(*_CHUNKED) + b"2\r\n{}\r\n", "end"), REFUSED),
    Attack("head that is cut", _steps(lambda t: t.head()[:-2], "end"), REFUSED),
    Attack("body over the limit, declared", _over("length"), REFUSED),
    Attack("body over the limit, in chunks", _over("chunks"), REFUSED),
    # -- heads ------------------------------------------------------------------------------------------------------
    Attack("huge header", _steps(lambda t: t.request("a: " + "b" * 1_000_000)), REFUSED),
    Attack("header that never ends", _endless, REFUSED),
    Attack("very many headers", _steps(lambda t: t.request(*["a: b"] * 100_000)), REFUSED),
    Attack(
        "huge target", _steps(lambda t: t.head("Connection: close", line=f"GET /{'a' * 1_000_000} HTTP/1.1")), REFUSED
    ),
    Attack("bare line feeds", _steps(lambda t: t.request().replace(b"\r\n", b"\n")), REFUSED),
    Attack("one bare line feed", _steps(lambda t: t.request("a: b\nTransfer-Encoding: chunked")), REFUSED),
    Attack("bare carriage return", _steps(lambda t: t.request("a: b\rTransfer-Encoding: chunked")), REFUSED),
    Attack("NUL in a header", _steps(lambda t: t.request("a: b\0c")), REFUSED),
    Attack("header without colon", _steps(lambda t: t.request("evil")), REFUSED),
    Attack("header without name", _steps(lambda t: t.request(": evil")), REFUSED),
    Attack("folded header", _steps(lambda t: t.request("a: b\r\n c: d")), REFUSED),
    Attack("blank before the first header", _steps(lambda t: t.request().replace(b"Host", b" Host", 1)), REFUSED),
    Attack("no host", _steps(lambda t: t.head("Content-Length: 0", "Connection: close", host=False)), REFUSED),
    Attack("two hosts", _steps(lambda t: t.request("Host: evil")), REFUSED),
    Attack(
        "host with a path",
        _steps(lambda t: t.head("Host: evil/a", "Content-Length: 0", "Connection: close", host=False)),
        REFUSED,
    ),
    # -- request lines ----------------------------------------------------------------------------------------------
    Attack("invalid method", _line("EVIL {0.path} HTTP/1.1"), REFUSED),
    Attack("method in lower case", _line("post {0.path} HTTP/1.1"), REFUSED),
    Attack("CONNECT", _line("CONNECT evil:443 HTTP/1.1"), REFUSED),
    Attack("TRACE", _line("TRACE {0.path} HTTP/1.1"), REFUSED),
    Attack("no target", _line("POST HTTP/1.1"), REFUSED),
    Attack("target without a slash", _line("POST evil HTTP/1.1"), REFUSED),
    Attack("blank in the target", _line("POST {0.path} evil HTTP/1.1"), REFUSED),
    Attack("control sign in the target", _line("POST {0.path}\x01 HTTP/1.1"), REFUSED),
    Attack("HTTP/0.9", _steps(b"GET /\r\n\r\n", "end"), REFUSED),
    Attack("HTTP/1.7", _line("POST {0.path} HTTP/1.7"), REFUSED),
    Attack("HTTP/2.0 in words", _line("POST {0.path} HTTP/2.0"), REFUSED),
    Attack("HTTP/2 by prior knowledge", _steps(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"), REFUSED),
    Attack("TLS in plain", _steps(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), REFUSED),
    Attack("garbage", _steps(bytes(range(256)) * 8), REFUSED),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--path", default="/")
    parser.add_argument("--header", action="append", default=[], help="sent with every request")
    parser.add_argument("--body", default="{}", help="of a request that is answered with 2xx")
    parser.add_argument("--limit", type=int, default=32_000_000, help="the server's largest body, in bytes")
    given = parser.parse_args()
    target = Target(given.host, given.port, given.path, tuple(given.header), given.body.encode(), given.limit)
    wrong = 0
    for what in ATTACKS:
        found = attack(target, what)
        told = complaint(what, found)
        wrong += told is not None
        print(f"{'ok  ' if told is None else 'BAD '} {what.name:<40} {found.statuses} {told or ''}")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
