"""Connections end: silent ones, streams that nobody takes, and all at a stop, once what is under way has ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.gateway.caller import STREAM, request
from tests.gateway.http.limited import small
from tests.gateway.http.peer import run
from tests.gateway.script import FLOW, ROLE, SERVED, SSE, chunked, delta, play
from tests.gateway.stage import LATE, Stage
from tests.waiting import so, turns


def test_a_silent_connection_is_closed_and_one_that_waits_for_us_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with play([gate, SERVED]) as south, Stage(tmp_path, small(south)) as stage:
            idle, dribbling, waiting = [await stage.caller() for _ in range(3)]
            dribbling.send(b"POST / HTTP/1.1\r\nhost")
            waiting.send(request())
            await so(lambda: south.requests and len(stage.state.connections) == 3)
            await so(lambda: any(c._reader.heading is not None for c in stage.state.connections))
            later = asyncio.get_running_loop().time() + LATE
            dribbling.send(b": a")  # a byte now and then does not help a head
            await turns()
            for connection in list(stage.state.connections):
                connection.sweep(later)
            assert await idle.closed()
            assert await dribbling.closed()
            gate.set()
            assert (await waiting.answer()).status == 200
            for caller in (idle, dribbling, waiting):
                await caller.leave()

    run(main())


def test_a_caller_who_takes_nothing_of_a_stream_is_cut_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        script = [SSE, chunked(ROLE), *[chunked(delta(content="x" * 50_000))] * 1000, "silence"]
        async with play(script) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
            caller.send(request(STREAM))
            await so(lambda: any(connection.drain for connection in stage.state.connections))
            await turns()
            (connection,), now = stage.state.connections, asyncio.get_running_loop().time()
            connection.sweep(now)  # sees what has left until now
            connection.sweep(now + LATE)
            await south.left()
            await stage.idle()
            assert stage.records[0].outcome == "abandoned"
            await caller.leave()

    run(main())


def test_a_stop_lets_a_stream_end_and_closes_what_is_idle(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        script = [SSE, chunked(ROLE), chunked(delta(content="he")), gate, *FLOW[3:]]
        async with play(script) as south, Stage(tmp_path, small(south)) as stage:
            idle, streaming = await stage.caller(), await stage.caller()
            streaming.send(request(STREAM))
            status, fields = await streaming.head()
            for connection in list(stage.state.connections):
                connection.shutdown()
            assert await idle.closed()
            gate.set()
            answer = await streaming.rest(status, fields)
            assert (answer.said, answer.events[-1]) == ("hello", "[DONE]")
            assert await streaming.closed()
            await stage.idle()
            assert stage.records[0].outcome == "complete"
            for caller in (idle, streaming):
                await caller.leave()

    run(main())


def test_a_stop_lets_a_request_that_is_coming_come_and_serves_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(request()[:-10])
            await so(lambda: any(connection._reader.reading for connection in stage.state.connections))
            (connection,) = stage.state.connections
            connection.shutdown()
            caller.send(request()[-10:])
            answer = await caller.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await caller.closed()
            await caller.leave()

    run(main())
