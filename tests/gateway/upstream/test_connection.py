"""A connection under any bytes in any pieces: replies are equal or refused, and never confused with what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import NamedTuple

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detente.gateway.http.known_head import MAX_HEAD
from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream.connection import SLICE, UpstreamConnection
from detente.gateway.upstream.deadline_sweep import Sweep
from detente.gateway.upstream.incoming_reply import MAX_BUFFERED, Incoming
from detente.gateway.upstream.origin import Origin
from detente.gateway.upstream.pool import Pool
from tests.gateway.http.behaviours import REFUSED, SERVED


class Wire(asyncio.Transport):
    """A transport that goes nowhere: what is written is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False
        self.reading: list[str] = []
        self.unflushed = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unflushed

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading.append("paused")

    def resume_reading(self) -> None:
        self.reading.append("resumed")


class Outcome(NamedTuple):
    """``body`` is None where the reply was refused, or is not complete."""

    status: int
    body: bytes | None
    failed: bool


class Bench:
    """A pool without a network, on a loop that is never run."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.events._set_running_loop(self.loop)
        try:
            self.sweep = Sweep(keep=60)
            self.pool = Pool(
                Origin("http", "provider", 80), Outbox(self.loop), self.sweep, 3, 8, lambda: pytest.fail("no TLS here")
            )
        finally:
            asyncio.events._set_running_loop(None)

    def connection(self) -> tuple[UpstreamConnection, Wire]:
        connection, wire = UpstreamConnection(self.pool, self.loop), Wire()
        connection.connection_made(wire)
        return connection, wire

    def begin(self, connection: UpstreamConnection, body: bytes = b"{}") -> Incoming:
        incoming = connection.begin(b"POST / HTTP/1.1\r\n\r\n", body, self.loop.time() + 600)
        connection.flush()  # as the turn's end would
        return incoming

    def close(self) -> None:
        self.sweep.stop()
        self.loop.close()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def outcome(incoming: Incoming) -> Outcome:
    return Outcome(incoming.status, b"".join(incoming.pieces) if incoming.over else None, incoming.failure is not None)


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The bytes, cut at these places."""
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(places) if a < b]


def feed(connection: UpstreamConnection, pieces: Sequence[bytes]) -> None:
    """As the loop would: no more bytes once the connection is closed."""
    for piece in pieces:
        if not connection.closing:
            connection.data_received(piece)


def play(
    bench: Bench, data: bytes, cuts: Sequence[int] = (), *, end: bool = False
) -> tuple[Outcome, UpstreamConnection]:
    connection, _ = bench.connection()
    incoming = bench.begin(connection)
    feed(connection, split(data, cuts))
    if end:
        if not connection.closing:
            connection.eof_received()
        connection.connection_lost(None)
    found = outcome(incoming)
    connection.fail("broken", "the example is over")
    assert connection not in bench.sweep.busy
    bench.pool.idle.clear()
    return found, connection


# -- replies made from parts ----------------------------------------------------------------------------------------
class Made(NamedTuple):
    status: int
    body: bytes
    data: bytes


NAME = st.sampled_from(["date", "x-request-id", "Server", "A", "x-very-long-" + "n" * 60])
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


@st.composite
def made(draw: st.DrawFn) -> Made:
    """A proper reply, in one of the many ways in which it may be written."""
    status = draw(st.sampled_from([200, 201, 204, 304, 400, 429, 500, 503, 599]))
    body = b"" if status in (204, 304) else draw(st.binary(max_size=60))
    headers = [f"{name}: {value}" for name, value in draw(st.lists(st.tuples(NAME, VALUE), max_size=4))]
    coded = body
    if status not in (204, 304):
        if draw(st.booleans()):
            headers.append("Transfer-Encoding: chunked")
            extension, trailer = (
                draw(st.sampled_from([b"", b";a=b"])),
                draw(st.sampled_from([b"", b"x-sum: 1\r\nb:\r\n"])),
            )
            chunks = split(body, draw(st.lists(st.integers(0, 60), max_size=4)))
            coded = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
            coded += b"0\r\n" + trailer + b"\r\n"
        else:
            headers.insert(draw(st.integers(0, len(headers))), f"Content-Length: {len(body)}")
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nlink: a\r\n\r\n"]))
    head = "\r\n".join([f"HTTP/1.1 {status} Reason", *headers]).encode() + b"\r\n\r\n"
    return Made(status, body, interim + head + coded)


CUTS = st.lists(st.integers(0, 400), max_size=8)


SIMILAR = [
    b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\na: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\na: c\r\n\r\n",
    b"HTTP/1.1 429 No\r\ncontent-length: %d\r\na: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n",
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 0, 1, 2, 3]), st.binary(max_size=20), st.sampled_from([b"", b"", b"x"]), CUTS
        ),
        max_size=6,
    )
)
def test_a_reply_with_the_head_of_the_one_before_is_what_it_is_on_a_new_connection(
    bench: Bench, replies: list[tuple[int, bytes, bytes, list[int]]]
) -> None:
    connection, _ = bench.connection()
    for which, body, tail, cuts in replies:
        data = SIMILAR[which] % len(body) + body + tail
        incoming = bench.begin(connection)
        feed(connection, split(data, cuts))
        fresh, _ = bench.connection()
        expected = bench.begin(fresh)
        feed(fresh, split(data, cuts))
        assert (outcome(incoming), connection.closing) == (outcome(expected), fresh.closing)
        fresh.fail("broken", "the example is over")
        if connection.closing:
            connection, _ = bench.connection()
    connection.fail("broken", "the example is over")
    bench.pool.idle.clear()


@given(st.lists(st.tuples(made(), CUTS), min_size=1, max_size=5))
def test_replies_on_one_connection_arrive_equal_however_they_are_cut(
    bench: Bench, replies: list[tuple[Made, list[int]]]
) -> None:
    connection, wire = bench.connection()
    for reply, cuts in replies:
        incoming = bench.begin(connection)
        feed(connection, split(reply.data, cuts))
        assert outcome(incoming) == Outcome(reply.status, reply.body, False)
        assert bench.pool.take() is connection
    assert not wire.aborted


@given(made(), st.binary(min_size=1, max_size=40), CUTS)
def test_what_follows_a_reply_closes_the_connection(bench: Bench, reply: Made, more: bytes, cuts: list[int]) -> None:
    found, connection = play(bench, reply.data + more, cuts)
    assert found == Outcome(reply.status, reply.body, False)
    # llhttp passes over line breaks between replies: they cannot be taken for one.
    assert connection.closing or not more.strip(b"\r\n")


@given(made(), CUTS, st.data())
def test_a_cut_reply_is_never_complete(bench: Bench, reply: Made, cuts: list[int], data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(reply.data) - 1))
    found, connection = play(bench, reply.data[:length], cuts, end=True)
    assert found.body is None
    assert found.failed
    assert connection.closing


# -- bytes that nobody made -----------------------------------------------------------------------------------------
def _flattened(script: Sequence[object]) -> bytes:
    return b"".join(step for step in script if isinstance(step, bytes))


SEEDS = [data for b in [*SERVED, *REFUSED] if len(data := _flattened(b.script)) < 1000]
CRUMBS = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b" ", b":", b"\t", b";", b",", b"\0", b"\xff", b"0\r\n\r\n", b"5\r\n", b"100"),
        *(b"HTTP/1.0", b"HTTP/1.1 200 OK\r\n", b"content-length: 3\r\n", b"transfer-encoding: chunked\r\n"),
        b"Connection: close\r\n",
    ]
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A reply with bytes put in, taken out or changed."""
    data = draw(st.one_of(st.sampled_from(SEEDS), made().map(lambda m: m.data)))
    for _ in range(draw(st.integers(1, 4))):
        at, width = draw(st.integers(0, len(data))), draw(st.integers(0, 6))
        data = data[:at] + draw(st.one_of(st.just(b""), CRUMBS, st.binary(max_size=3))) + data[at + width :]
    return data


def by_h11(data: bytes, end: bool) -> Outcome | None:
    """What h11 makes of the bytes as a reply, and of their end: None where it refuses them."""
    other = h11.Connection(h11.CLIENT)
    other.send(h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", "0")]))
    other.send(h11.EndOfMessage())
    body, status = b"", 0
    try:
        other.receive_data(data)
        if end:
            other.receive_data(b"")
        while True:
            event = other.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Outcome(status, body, False)
            elif event is h11.NEED_DATA or event is h11.PAUSED:
                return Outcome(status, None, False)
    except h11.RemoteProtocolError:
        return None


@given(st.one_of(mangled(), st.binary(max_size=80)), CUTS, st.booleans())
@example(b"HTTP/1.1 200 OK\r\na:\r\nContent-Length: 5\r\n\r\nhello", [20], False)
def test_any_bytes_are_served_or_refused_whatever_the_pieces(
    bench: Bench, data: bytes, cuts: list[int], end: bool
) -> None:
    at_once, _ = play(bench, data, end=end)
    in_pieces, _ = play(bench, data, cuts, end=end)
    assert at_once._replace(status=0) == in_pieces._replace(status=0)
    assert at_once.body is None or at_once.status == in_pieces.status
    assert not (end and not at_once.failed and at_once.body is None)  # nobody waits for ever
    if in_pieces.body is not None:
        other = by_h11(data, end)  # an independent reader either agrees or refuses
        assert other is None or other == in_pieces


# -- limits ---------------------------------------------------------------------------------------------------------
def test_a_head_of_exactly_the_limit_passes_and_one_beyond_is_refused(bench: Bench) -> None:
    room = MAX_HEAD - len("content-length: 5\r\n") - len("a: \r\n")
    for extra, cuts in [(0, []), (1, []), (1, [30_000])]:
        data = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\na: " + b"b" * (room + extra) + b"\r\n\r\nhello"
        found, _ = play(bench, data, cuts)
        assert found.failed == bool(extra)


def test_an_unread_body_pauses_the_connection_and_taking_it_resumes(bench: Bench) -> None:
    connection, wire = bench.connection()
    incoming = bench.begin(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n")
    while not wire.reading:
        connection.data_received(b"x" * 10_000)
    assert MAX_BUFFERED < incoming.held <= MAX_BUFFERED + 10_000
    first = incoming.piece()
    with pytest.raises(StopIteration) as done:  # it is there: nothing is waited for
        first.send(None)
    assert len(done.value.value) > MAX_BUFFERED
    assert wire.reading == ["paused", "resumed"]
    assert incoming.held == 0
    incoming.close()
    assert wire.aborted


def test_a_large_request_goes_out_as_the_socket_takes_it(bench: Bench) -> None:
    connection, wire = bench.connection()
    body = bytes(range(256)) * 4096
    connection.pause_writing()
    bench.begin(connection, body)
    assert wire.written == b"POST / HTTP/1.1\r\n\r\n"
    connection.resume_writing()
    assert wire.written.endswith(body)
    assert wire.written.count(body) == 1


@pytest.mark.parametrize("status", ["200 OK", "413 Too Large", "429 Slow"])
def test_a_reply_to_a_request_that_is_still_going_out_is_served_and_the_connection_closed(
    bench: Bench, status: str
) -> None:
    connection, wire = bench.connection()
    connection.pause_writing()
    incoming = bench.begin(connection, b"x" * (SLICE + 1))
    connection.data_received(f"HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\nhello".encode())
    assert outcome(incoming) == Outcome(int(status[:3]), b"hello", False)
    assert wire.aborted


def test_a_request_that_its_peer_has_not_taken_whole_closes_the_connection(bench: Bench) -> None:
    connection, wire = bench.connection()
    bench.begin(connection, b"x" * (SLICE + 1))
    wire.unflushed = 7
    connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
    assert wire.aborted


SPOKE_OR_LEFT: list[Callable[[UpstreamConnection], object]] = [
    lambda connection: connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    lambda connection: connection.eof_received(),
    lambda connection: connection.connection_lost(None),
]


@pytest.mark.parametrize("happens", SPOKE_OR_LEFT)
def test_a_peer_that_speaks_or_leaves_before_the_request_goes_out_has_not_had_it(
    happens: Callable[[UpstreamConnection], object],
) -> None:
    bench = Bench()  # of its own: an outbox in which many have waited sends at once
    with closing(bench):
        connection, wire = bench.connection()
        incoming = connection.begin(b"POST / HTTP/1.1\r\n\r\n", b"{}", bench.loop.time() + 600)
        happens(connection)
        connection.flush()
        assert incoming.failure is not None
        assert not incoming.failure.sent
        assert incoming.stale  # so that it is sent again, elsewhere
        assert not wire.written
        assert connection not in bench.pool.idle


def test_bytes_on_an_idle_connection_close_it(bench: Bench) -> None:
    connection, wire = bench.connection()
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
    assert wire.aborted
