"""Callers who do not read what they asked for: they are waited for, and cut in the end."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from pathlib import Path

import pytest

from detente.gateway.http import protocol
from detente.gateway.http.protocol import Connection
from tests.gateway.caller import HELLO, Caller, request
from tests.gateway.http.limited import small
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, completion, http, play
from tests.gateway.stage import LATE, Stage
from tests.waiting import so, turns

PAGE = request(path="/metrics", method="GET", key=None)


async def deaf(stage: Stage) -> tuple[Caller, Connection, int]:
    """A caller who asks for pages and takes none, until the gateway has stopped answering; how many it asked for."""
    caller, asked = await stage.caller(limit=1000), 0
    caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
    while not (there := list(stage.state.connections)) or there[0].drain is None or there[0]._exchange is not None:
        caller.send(PAGE * 20)
        asked += 20
        await turns()
    caller.send(PAGE * 5)
    return caller, there[0], asked + 5


def test_requests_wait_until_the_replies_before_them_are_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller, connection, asked = await deaf(stage)
            await so(lambda: connection._queued)
            assert connection.drain is not None
            assert connection._exchange is None, "nothing more is answered"
            assert 0 < len(connection._queued) <= protocol.PIECE // len(PAGE) + 1
            answered = connection._written
            await turns()
            assert connection._written == answered
            assert connection.transport.get_write_buffer_size() < 2 * protocol.WRITE_HIGH
            caller.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for _ in range(asked):
                assert (await caller.answer()).status == 200
            assert (connection._queued, connection._paused, connection.drain) == (deque(), False, None)
            caller.send(request())
            assert (await caller.answer()).status == 200
            await caller.leave()

    run(main())


def test_who_takes_no_reply_and_asks_on_is_closed_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller, connection, _ = await deaf(stage)
            await turns()
            now = asyncio.get_running_loop().time()
            connection.sweep(now)  # what had left until then
            connection.sweep(now + LATE - 10)
            assert not connection.transport.is_closing()
            caller.send(PAGE)
            connection.sweep(now + LATE)
            await stage.idle()
            await caller.leave()

    run(main())


def test_requests_wait_as_bytes_however_many_come_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(["turns", SERVED]) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            page = request(path="/healthz", method="GET", key=None)
            n = 5 * protocol.PIECE // len(page)
            large = request(json.dumps(HELLO).encode().ljust(protocol.PIECE * 3))
            caller.send(request() + page * n + large + page)
            await so(lambda: any(connection._queued for connection in stage.state.connections))
            (connection,) = stage.state.connections
            assert len(connection._queued) <= protocol.PIECE // len(page) + 1
            statuses = [(await caller.answer()).status for _ in range(n + 3)]
            assert statuses == [200] * (n + 3)
            assert len(south.requests) == 2
            await caller.leave()

    run(main())


@pytest.mark.parametrize("encrypted", [False, True])
def test_who_takes_a_large_reply_slowly_is_not_cut(tmp_path: Path, certificate: Path, encrypted: bool) -> None:
    ours = theirs = None
    if encrypted:
        ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        ours.load_cert_chain(certificate)
        theirs.check_hostname, theirs.verify_mode = False, ssl.CERT_NONE

    async def main() -> None:
        size, step = 30_000_000, 1_500_000
        async with play(http(completion("x" * size))) as south, Stage(tmp_path, small(south), tls=ours) as stage:
            caller = await stage.caller(limit=10_000, tls=theirs)
            caller.send(request())
            now, taken = asyncio.get_running_loop().time(), len(await caller.reader.readexactly(step))
            (connection,) = stage.state.connections
            while taken < size // 2:
                await turns()
                now += LATE / 2  # each time less than the longest silence, together much more
                connection.sweep(now)
                taken += len(await caller.reader.readexactly(step))
            while not connection.transport.is_closing():  # it takes nothing more
                await turns()
                connection.sweep(now := now + LATE)
            await stage.idle()
            await caller.leave()

    run(main())
