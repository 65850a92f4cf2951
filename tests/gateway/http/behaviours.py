"""Hostile servers: what each sends in answer to a request, and what a client may make of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.gateway.http.peer import Script, Step, reply

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
HELLO = reply(b"hello")


@dataclass(frozen=True)
class Behaviour:
    """``body`` is what the client delivers, None where it refuses the reply as broken. ``kept`` says whether the
    connection may serve again."""

    name: str
    script: Script
    body: bytes | None = b"hello"
    status: int = 200
    kept: bool = False


def bytewise(data: bytes) -> Script:
    """One byte at a time, each in a packet of its own."""
    steps: list[Step] = []
    for i in range(len(data)):
        steps += [data[i : i + 1], "turns"]
    return steps


SERVED = [
    Behaviour("proper", [HELLO], kept=True),
    Behaviour("one byte at a time", bytewise(HELLO), kept=True),
    Behaviour("no body", [reply(b"")], body=b"", kept=True),
    Behaviour("chunked", [CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"], kept=True),
    Behaviour("chunked, one byte at a time", bytewise(CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), kept=True),
    Behaviour("upper case", [OK + b"TRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"], kept=True),
    Behaviour("chunk extensions", [CHUNKED + b'5;a="b"\r\nhello\r\n0;c=d\r\n\r\n'], kept=True),
    Behaviour("trailers", [CHUNKED + b"5\r\nhello\r\n0\r\nx-checksum: 1\r\ncontent-type: evil/one\r\n\r\n"], kept=True),
    Behaviour("empty header values", [OK + b"a:\r\nb: \r\ncontent-length: 5\r\nc:\r\n\r\nhello"], kept=True),
    Behaviour("no reason phrase", [b"HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello"], kept=True),
    Behaviour("100 first", [b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO], kept=True),
    Behaviour(
        "103 and 102 first",
        [b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", b"HTTP/1.1 102 Busy\r\n\r\n", HELLO],
        kept=True,
    ),
    Behaviour("interim with a length", [b"HTTP/1.1 100 Continue\r\ncontent-length: 9\r\n\r\n" + HELLO], kept=True),
    Behaviour("204", [b"HTTP/1.1 204 No Content\r\n\r\n"], body=b"", status=204, kept=True),
    Behaviour("304 with a length", [b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n"], b"", 304, kept=True),
    Behaviour("upgrade offered, not taken", [reply(b"hello", "upgrade: h2c", "connection: upgrade")], kept=True),
    Behaviour("error status", [reply(b"hello", status="503 Busy")], status=503, kept=True),
    Behaviour("slow sender", [HELLO[:9], "turns", HELLO[9:30], "turns", HELLO[30:-3], "turns", HELLO[-3:]], kept=True),
    Behaviour("asks to close", [reply(b"hello", "connection: close"), "close"]),
    Behaviour("asks to close and does not", [reply(b"hello", "connection: close")]),
    Behaviour("half-close after the reply", [HELLO, "end", "silence"]),
    Behaviour("HTTP/1.0 with a length", [b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", "close"]),
    Behaviour(
        "HTTP/1.0 that keeps alive", [b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello"]
    ),
    Behaviour("body that ends with the connection", [OK + b"\r\nhel", "turns", b"lo", "close"]),
    Behaviour("HTTP/1.0 that ends with the connection", [b"HTTP/1.0 200 OK\r\n\r\nhello", "close"]),
    Behaviour("an error that ends with the connection", [b"HTTP/1.1 503 Busy\r\n\r\nhello", "close"], status=503),
    Behaviour("half-close as its end", [OK + b"\r\nhello", "end", "silence"]),
    # The reply is whole; what follows it belongs to nothing and must not be taken for the next reply.
    Behaviour("garbage after the reply", [HELLO + b"garbage"]),
    Behaviour("garbage after chunks", [CHUNKED + b"5\r\nhello\r\n0\r\n\r\ngarbage"]),
    Behaviour("half a head after the reply", [HELLO + b"HTTP/1.1 200 OK\r\ncontent-le"]),
    Behaviour("two replies", [HELLO + reply(b"evil")]),
    Behaviour("two replies, the second late", [HELLO, "turns", reply(b"evil")]),
    Behaviour("an interim reply after the reply", [HELLO + b"HTTP/1.1 100 Continue\r\n\r\n"]),
    Behaviour("204 with a body", [b"HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nevil"], body=b"", status=204),
    Behaviour("304 with a body", [b"HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\nevil"], body=b"", status=304),
    Behaviour(
        "204 with chunks", [b"HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n"], b"", 204
    ),
    Behaviour("body longer than its length", [reply(b"hello") + b"evil"]),
]

_BROKEN: list[tuple[str, Script]] = [
    ("length and chunks", [OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]),
    ("chunks and length", [OK + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]),
    ("two lengths", [OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"]),
    ("two equal lengths", [OK + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello"]),
    ("a list of lengths", [OK + b"content-length: 5, 5\r\n\r\nhello"]),
    ("length with a sign", [OK + b"content-length: +5\r\n\r\nhello"]),
    ("length below zero", [OK + b"content-length: -5\r\n\r\nhello"]),
    ("length in hex", [OK + b"content-length: 0x5\r\n\r\nhello"]),
    ("length beyond 64 bits", [OK + b"content-length: 18446744073709551621\r\n\r\nhello"]),
    ("empty length", [OK + b"content-length:\r\n\r\nhello"]),
    ("chunk size not hex", [CHUNKED + b"z\r\nhello\r\n0\r\n\r\n"]),
    ("chunk size with 0x", [CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n"]),
    ("chunk size below zero", [CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"]),
    ("chunk size beyond 64 bits", [CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n"]),
    ("chunk longer than its size", [CHUNKED + b"4\r\nhello\r\n0\r\n\r\n"]),
    ("chunk with bare line feeds", [CHUNKED + b"5\nhello\n0\n\n"]),
    ("length among the trailers", [CHUNKED + b"5\r\nhello\r\n0\r\ncontent-length: 4\r\n\r\nevil"]),
    ("transfer coding other than chunked", [OK + b"transfer-encoding: gzip\r\n\r\nhello", "close"]),
    ("chunked and another", [OK + b"transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]),
    ("chunked, then another", [OK + b"transfer-encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]),
    ("chunked twice", [OK + b"transfer-encoding: chunked\r\n" * 2 + b"\r\n5\r\nhello\r\n0\r\n\r\n"]),
    (
        "two transfer codings",
        [OK + b"transfer-encoding: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    ),
    ("transfer coding unlike chunked", [OK + b"transfer-encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]),
    ("chunks in HTTP/1.0", [b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]),
    ("compressed", [reply(b"hello", "content-encoding: gzip")]),
    ("HTTP/0.9", [b"hello", "close"]),
    ("HTTP/2.0", [b"HTTP/2.0 200 OK\r\ncontent-length: 5\r\n\r\nhello"]),
    ("HTTP/1.7", [b"HTTP/1.7 200 OK\r\ncontent-length: 5\r\n\r\nhello"]),
    ("another protocol", [b"SSH-2.0-OpenSSH_9.6\r\n"]),
    ("TLS alert in plain", [b"\x15\x03\x01\x00\x02\x02\x46", "close"]),
    ("status of two digits", [b"HTTP/1.1 20 OK\r\ncontent-length: 5\r\n\r\nhello"]),
    ("status 000", [b"HTTP/1.1 000 OK\r\ncontent-length: 5\r\n\r\nhello"]),
    ("status 600", [b"HTTP/1.1 600 OK\r\ncontent-length: 5\r\n\r\nhello"]),
    ("101", [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhello"]),
    ("101 without a protocol", [b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + HELLO]),
    ("header without colon", [OK + b"evil\r\ncontent-length: 5\r\n\r\nhello"]),
    ("blank before the colon", [OK + b"content-length : 5\r\n\r\nhello"]),
    ("header without name", [OK + b": evil\r\ncontent-length: 5\r\n\r\nhello"]),
    ("folded header", [OK + b"a: b\r\n content-length: 9\r\ncontent-length: 5\r\n\r\nhello"]),
    ("NUL in a header", [OK + b"a: b\0c\r\ncontent-length: 5\r\n\r\nhello"]),
    ("bare carriage return in a header", [OK + b"a: b\rcontent-length: 9\r\ncontent-length: 5\r\n\r\nhello"]),
    ("bare line feeds", [b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello"]),
    ("huge header", [OK + b"a: " + b"b" * 70_000 + b"\r\ncontent-length: 5\r\n\r\nhello"]),
    ("huge header that never ends", [OK + b"a: ", *[b"b" * 30_000] * 4, "silence"]),
    ("very many headers", [OK + b"a: b\r\n" * 12_000 + b"content-length: 5\r\n\r\nhello"]),
    ("interim replies without end", [*[b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * 500] * 5, "silence"]),
    ("chunk extension that never ends", [CHUNKED + b"5;", *[b"a" * 40_000] * 9, "silence"]),
    (
        "trailers that never end",
        [CHUNKED + b"5\r\nhello\r\n0\r\n", *[b"a: " + b"b" * 40_000 + b"\r\n"] * 9, "silence"],
    ),
    ("trailer that never ends", [CHUNKED + b"5\r\nhello\r\n0\r\na: ", *[b"b" * 40_000] * 9, "silence"]),
    ("closed before the reply", ["close"]),
    ("reset before the reply", ["reset"]),
    ("half-close before the reply", ["end", "silence"]),
    ("half-close within the body", [HELLO[:-2], "end", "silence"]),
    ("reset within the body", [HELLO[:-2], "turns", "reset"]),
    ("reset within a body without a length", [OK + b"\r\nhel", "turns", "reset"]),
    ("cut before the last chunk", [CHUNKED + b"5\r\nhello\r\n", "close"]),
    ("cut within the last chunk", [CHUNKED + b"5\r\nhello\r\n0\r\n", "close"]),
    ("interim reply, then closed", [b"HTTP/1.1 100 Continue\r\n\r\n", "close"]),
]
REFUSED = [Behaviour(name, script, body=None) for name, script in _BROKEN]

SMALL = [reply(b"hello"), CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"]
"""Small replies, for cutting at every byte."""
