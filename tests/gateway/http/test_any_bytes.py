"""Any bytes in any pieces are the same requests, as another parser reads them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from types import SimpleNamespace

import h11
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.http.exchange import Exchange, HeaderLines, RequestHead
from detente.gateway.http.outbox import Outbox
from detente.gateway.http.protocol import Connection
from detente.live.key import Key, hash_of
from tests.gateway.http.attack import read as answers_in
from tests.gateway.http.peer import run

ANYBODY = Key.model_validate({"id": "anybody", "workload": "any", "hash": hash_of("any")})


class Echo:
    """An application that answers with what it understood, a line a request."""

    max_body, max_connections, idle, keep_alive = 1000, 100, 5.0, 15.0
    metrics_port: int | None = None
    epoch: object = None

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.outbox = Outbox(asyncio.get_running_loop())
        self.understood: list[tuple[bytes, bytes, bytes]] = []

    def refusal(self, head: RequestHead) -> tuple[int, HeaderLines, bytes] | None:
        head.key = ANYBODY
        return (401, b"", b"") if b"x-stranger" in head.headers else None

    def malformed(self, status: int, message: str) -> bytes:
        return message.encode()

    def withhold(self, exchange: Exchange, failed: OSError) -> None:
        raise failed

    async def serve(self, exchange: Exchange) -> None:
        self.understood.append((exchange.head.method, exchange.head.path, exchange.body))
        await asyncio.sleep(0)
        exchange.reply(200, b"", b"ok")


class Wire(asyncio.Transport):
    """A socket that takes all."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed, self.reading = b"", False, True

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True

    abort = close


async def fed(parts: list[bytes], turns: int = 0) -> tuple[Echo, Wire]:
    """What comes of bytes, in these pieces, with so many turns of the loop after each."""
    app, wire, loop = Echo(), Wire(), asyncio.get_running_loop()
    state = SimpleNamespace(connections=set(), tasks=set())
    connection = Connection(app, None, state, {}, loop)
    connection.connection_made(wire)
    for part in parts:
        while not wire.reading and not wire.closed:
            await asyncio.sleep(0)
        if wire.closed:
            break
        connection.data_received(part)
        for _ in range(turns):
            await asyncio.sleep(0)
    connection.eof_received()
    connection.connection_lost(None)
    return app, wire


def by_h11(raw: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """The requests that another reader sees."""
    other, found = h11.Connection(h11.SERVER), []
    other.receive_data(raw)
    try:
        while True:
            seen = other.next_event()
            if isinstance(seen, h11.Request):
                request, body = seen, b""
            elif isinstance(seen, h11.Data):
                body += seen.data
            elif isinstance(seen, h11.EndOfMessage):
                found.append((request.method, request.target.partition(b"?")[0], body))
                other.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                other.send(h11.EndOfMessage())
                other.start_next_cycle()
            else:
                return found
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return found


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello",
                b"POST /b?c=d HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\nhello\r\n\r\nyou",
                b"GET /c HTTP/1.1\r\nhost: a\r\n\r\n",
                b"POST /d HTTP/1.1\r\n",
                b"host: a\r\n",
                b"x-stranger: 1\r\n",
                b"content-length: 5\r\n",
                b"transfer-encoding: chunked\r\n",
                b"connection: close\r\n",
                b"upgrade: h2c\r\nconnection: upgrade\r\n",
                b"expect: 100-continue\r\n",
                b"a: " + b"b" * 70_000 + b"\r\n",
                b"\r\n",
                b"hello",
                b"5\r\nhello\r\n",
                b"0\r\n\r\n",
                b"3e9\r\n" + b"x" * 1001 + b"\r\n",
            ]
        ),
        st.binary(max_size=20),
    ),
    max_size=8,
)


@given(pieces=PIECES, cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_any_bytes_in_any_pieces_are_the_same_requests_and_never_confused(pieces: list[bytes], cuts: list[int]) -> None:
    raw = b"".join(pieces)
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    parts = [raw[a:b] for a, b in pairwise(places)]
    (whole, wire), (split, other) = run(fed([raw]), plain=True), run(fed(parts), plain=True)
    # Requests that were read before what is none are answered one by one, or at once only the first of them.
    for mine, theirs in [
        (whole.understood, split.understood),
        (whole.understood, by_h11(raw)),
        (split.understood, by_h11(raw)),
    ]:
        assert all(a == b for a, b in zip(mine, theirs, strict=False))
    for app, seen in ((whole, wire), (split, other)):
        answers = answers_in(seen.written)
        assert not answers.left
        assert answers.final.count(200) == len(app.understood)
        assert len(answers.final) <= len(app.understood) + 1  # one refusal, and then no more


HEADS = [
    b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\nb: c\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length:  %d\r\n\r\n",
    b"POST /d HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\nb: c\r\n\r\n",
    b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\nconnection: close\r\n\r\n",
]


@given(
    asked=st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2, 3]), st.binary(max_size=30)), max_size=6),
    cuts=st.lists(st.integers(0, 200), max_size=4),
)
def test_requests_with_the_head_of_the_one_before_are_as_another_reader_sees_them(
    asked: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    """Each comes in a piece of its own, as clients send them, or is cut where it may be."""
    raws = [HEADS[which] % len(body) + body for which, body in asked]
    parts = []
    for raw in raws:
        places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
        parts += [raw[a:b] for a, b in pairwise(places)]
    app, wire = run(fed(parts, turns=4), plain=True)
    assert app.understood == by_h11(b"".join(raws))
    assert answers_in(wire.written).final.count(200) == len(app.understood)
