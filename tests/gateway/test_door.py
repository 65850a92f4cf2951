"""The door under any bytes in any pieces: requests are answered in order, and a refusal never answers another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from detente.gateway.door import MOST_HEAD, MOST_QUEUED, Door
from tests.gateway.http.attacks import Found, read


class Wire(asyncio.Transport):
    """A transport that goes nowhere: what is written is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.closed:
            self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body, in two pieces."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", scope["raw_path"])]})
    await send({"type": "http.response.body", "body": body[:3], "more_body": True})
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": body[3:]})


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as made:
        yield made


CONFIG = uvicorn.Config(echo, http=Door, ws="none", lifespan="off", log_config=None)


def play(runner: asyncio.Runner, data: bytes, cuts: Sequence[int] = ()) -> tuple[Found, bytes]:
    """What is answered to some bytes, cut at these places, when the caller then leaves."""

    async def main() -> tuple[Found, bytes]:
        state, wire = ServerState(), Wire()
        door = Door(CONFIG, state, {}, asyncio.get_running_loop())
        door.connection_made(wire)
        places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
        for start, stop in pairwise(places):
            if start < stop and not wire.closed:
                door.data_received(data[start:stop])
                await asyncio.sleep(0)
        quiet, before = 0, b""
        while state.tasks and quiet < 10:  # answers that are owed; one whose request is not whole never comes
            await asyncio.sleep(0)
            quiet, before = (quiet + 1 if before == wire.written else 0), wire.written
        found = read(wire.written)
        found.closed = wire.closed
        door.connection_lost(None)
        while state.tasks:
            await asyncio.sleep(0)
        return found, wire.written

    return runner.run(main())


BODY = st.binary(max_size=20)
HOST = b"Host: a\r\n"


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A proper request, and its body."""
    body = draw(BODY)
    more = draw(
        st.sampled_from([b"", b"X-A: b\r\n", b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"Expect: nothing\r\n"])
    )
    if draw(st.booleans()):
        trailer = draw(st.sampled_from([b"", b"x-sum: 1\r\n"]))
        chunk = b"%x;a=b\r\n%b\r\n" % (len(body), body) if body else b""
        return (
            b"POST /x HTTP/1.1\r\n"
            + HOST
            + more
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + chunk
            + b"0\r\n"
            + trailer
            + b"\r\n",
            body,
        )
    return b"POST /x HTTP/1.1\r\n" + HOST + more + b"Content-Length: %d\r\n\r\n" % len(body) + body, body


CUTS = st.lists(st.integers(0, 600), max_size=8)
JUNK = st.one_of(
    st.binary(min_size=1, max_size=30),
    st.sampled_from(
        [
            b"POST /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
            b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        ]
    ),
)


@given(st.lists(requests(), min_size=1, max_size=4), CUTS)
def test_proper_requests_are_answered_in_order(
    runner: asyncio.Runner, sent: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    found, raw = play(runner, b"".join(data for data, _ in sent), cuts)
    assert found.statuses == [200] * len(sent)
    assert not found.left
    assert not found.closed
    assert [_unchunked(answer) for answer in raw.split(b"HTTP/1.1 200 OK\r\n")[1:]] == [body for _, body in sent]


def _unchunked(answer: bytes) -> bytes:
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


@given(st.lists(requests(), max_size=3), JUNK, CUTS)
def test_a_refusal_never_answers_another_request(
    runner: asyncio.Runner, sent: list[tuple[bytes, bytes]], junk: bytes, cuts: list[int]
) -> None:
    found, _ = play(runner, b"".join(data for data, _ in sent) + junk, cuts)
    assert not found.left
    assert found.statuses[: len(sent)] == [200] * len(sent)
    assert found.statuses[len(sent) :] in ([], [400], [431], [505])
    assert found.closed or len(found.statuses) == len(sent)


def test_too_many_requests_at_once_are_refused_and_those_before_answered(runner: asyncio.Runner) -> None:
    found, _ = play(runner, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * (MOST_QUEUED + 9))
    assert found.statuses == [200] * (MOST_QUEUED + 1)
    assert found.closed


def test_a_head_of_exactly_the_limit_passes_and_one_beyond_is_refused(runner: asyncio.Runner) -> None:
    room = MOST_HEAD - len("/") - len("host: a\r\n") - len("a: \r\n")
    for extra, cuts in [(0, []), (1, []), (1, [30_000])]:
        data = b"GET / HTTP/1.1\r\nhost: a\r\na: " + b"b" * (room + extra) + b"\r\n\r\n"
        assert play(runner, data, cuts)[0].statuses == [431 if extra else 200]
