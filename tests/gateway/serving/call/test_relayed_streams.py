"""Streams: event by event, cut, left by their callers, and slower than they are read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.serving.call import provider_call
from tests.gateway.caller import STREAM, request
from tests.gateway.http.peer import run
from tests.gateway.script import DONE, FLOW, HALF, LAST, ROLE, SERVED, SSE, USED, chunked, delta, event, play, refusal
from tests.gateway.stage import DEADLINES, LATE, SERVING, Stage, one, two
from tests.waiting import so, turns

pytestmark = pytest.mark.usefixtures("unhurried")


def test_a_stream_passes_event_by_event_and_its_head_waits_for_content(tmp_path: Path) -> None:
    async def main() -> None:
        gates = [asyncio.Event() for _ in range(3)]
        script = [SSE, chunked(ROLE), gates[0], chunked(delta(content="he")), gates[1], chunked(delta(content="llo"))]
        script += [gates[2], chunked(delta("stop") + USED + DONE) + LAST]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            caller = await stage.caller()
            caller.send(request(STREAM))
            await so(lambda: south.requests)
            await turns()
            assert not stage.records
            (exchange,) = [c._exchange for c in stage.state.connections]
            assert not exchange.begun  # a role alone is no content
            gates[0].set()
            status, fields = await caller.head()
            assert (status, fields["content-type"]) == (200, "text/event-stream; charset=utf-8")
            assert fields["x-detente-deployment"] == "south-m"
            assert await caller.chunk() == ROLE + delta(content="he")
            gates[1].set()
            assert await caller.chunk() == delta(content="llo")
            gates[2].set()
            rest = await caller.rest(status, fields)
            assert rest.body == delta("stop") + DONE  # the usage was not asked for
            assert south.asked[0]["stream_options"] == {"include_usage": True}
            (record,) = stage.records
            assert (record.outcome, record.stream, record.finish, record.pieces) == ("complete", True, "stop", 3)
            assert record.usage is not None
            assert record.cost == "0.000030000"
            await caller.leave()

    run(main())


@pytest.mark.parametrize("asks", [True, False])
def test_the_usage_of_a_stream_is_shown_to_who_asked(tmp_path: Path, asks: bool) -> None:
    async def main() -> None:
        async with play([*FLOW]) as south, Stage(tmp_path, one(south)) as stage:
            options = {"stream_options": {"include_usage": True, "other": 1}} if asks else {}
            answer = await stage.ask({**STREAM, **options})
            assert (USED in answer.body) is asks
            assert south.asked[0]["stream_options"] == {"include_usage": True, **({"other": 1} if asks else {})}
            assert stage.records[0].usage is not None

    run(main())


CUTS: dict[str, list[Any]] = {
    "closed": ["close"],
    "reset": ["reset"],
    "ended without its end": [LAST],
    "an error": [chunked(event(refusal("server_error", "told by the provider"))), LAST],
    "stalled": ["silence"],
    "a chunk that is none": [b"zz\r\n"],
}


@pytest.mark.parametrize("name", CUTS)
def test_a_stream_that_fails_after_content_looks_failed(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with (
            play([*HALF, *CUTS[name]]) as south,
            play([*FLOW]) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            caller = await stage.caller()
            caller.send(request(STREAM))
            status, fields = await caller.head()
            south.heard.set()
            if name == "stalled":
                await so(lambda: south.silent)
                stage.passes(LATE)
            answer = await caller.rest(status, fields)
            assert (answer.status, answer.said) == (200, "half")
            assert b"[DONE]" not in answer.body
            assert answer.events[-1]["error"]["message"]
            caller.send(request(method="GET", path="/healthz"))  # whole in its framing: the connection serves on
            assert (await caller.answer()).status == 200
            assert north.requests == []
            (record,) = stage.records
            assert (record.outcome, record.deployment, record.pieces) == ("cut", "south-m", 1)
            assert answer.events[-1]["error"]["detente"]["request"] == record.id
            assert record.usage is None  # what it used was never said
            assert record.cost is None
            await caller.leave()

    run(main(), plain=True)


def test_the_total_deadline_ends_a_stream_that_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        more = [step for _ in range(20) for step in (chunked(delta(content="x")), "turns")]
        async with play([SSE, chunked(ROLE), *more, "silence"]) as south:
            data = one(south, serving=SERVING | {"deadlines": DEADLINES | {"total": "300 s"}})
            async with Stage(tmp_path, data) as stage:
                call = asyncio.create_task(stage.ask(STREAM))
                await so(lambda: south.silent)
                stage.passes(301)
                answer = await call
                assert "total deadline" in answer.events[-1]["error"]["message"]
                assert stage.records[0].outcome == "cut"
                assert stage.load.health("south-m").failures == 0  # it did what it was asked
                await south.left()

    run(main(), plain=True)


@pytest.mark.parametrize("when", ["before the head", "before content", "after content"])
def test_a_caller_who_leaves_drops_the_provider_at_once_and_is_recorded(tmp_path: Path, when: str) -> None:
    async def main() -> None:
        script = {
            "before the head": ["silence"],
            "before content": [SSE, chunked(ROLE), "silence"],
            "after content": [SSE, chunked(ROLE), chunked(delta(content="half")), "silence"],
        }[when]
        async with play(script) as south, play(SERVED) as north, Stage(tmp_path, two(south, north)) as stage:
            caller = await stage.caller()
            caller.send(request(STREAM))
            if when == "after content":
                await caller.head()
            await so(lambda: south.requests)
            await turns()
            await caller.leave()
            await south.left()
            await stage.idle()
            (record,) = stage.records
            seen = 200 if when == "after content" else 499
            assert (record.outcome, record.status, record.deployment) == ("abandoned", seen, "south-m")
            assert record.attempts[-1].used == "unknown"
            assert record.usage is None
            assert record.cost is None
            assert record.pieces == (when == "after content")
            assert north.requests == []
            assert stage.load.health("south-m").failures == 0

    run(main())


def test_a_caller_who_half_closes_has_left(tmp_path: Path) -> None:
    async def main() -> None:
        async with play("silence") as south, Stage(tmp_path, one(south)) as stage:
            caller = await stage.caller()
            caller.send(request())
            await so(lambda: south.requests)
            caller.writer.write_eof()
            await south.left()
            await caller.leave()
            await stage.idle()
            assert stage.records[0].outcome == "abandoned"

    run(main())


def test_a_caller_who_does_not_read_stops_the_provider_being_read(tmp_path: Path) -> None:
    async def main() -> None:
        piece = chunked(delta(content="x" * 50_000))
        most = 4000  # 200 MB: more than any buffer
        script = [SSE, chunked(ROLE), *[piece] * most, chunked(delta("stop") + DONE), LAST, "silence"]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            caller = await stage.caller()
            caller.writer.transport.get_extra_info("socket").setsockopt(1, 8, 65_536)
            caller.reader._limit = 65_536  # type: ignore[attr-defined]
            caller.send(request(STREAM))
            await caller.head()
            transport = next(iter(stage.state.connections)).transport
            (pool,) = stage.app.upstream._pools.values()
            (upstream,) = pool.open
            await so(lambda: upstream.paused)
            await turns()
            assert not south.silent  # it has not said all
            assert transport.get_write_buffer_size() < 1_000_000
            assert upstream.incoming is not None
            assert upstream.incoming.held < 1_000_000
            await caller.leave()
            await south.left()
            await stage.idle()
            assert stage.records[0].outcome == "abandoned"

    run(main())


def test_a_stream_leaves_its_connection_to_the_next_call(tmp_path: Path) -> None:
    """Also where the end of the body comes a little after the event that says so, as providers send it."""

    async def main() -> None:
        script = [*FLOW[:-1], "heard", LAST]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            for _ in range(3):
                south.heard.clear()
                assert (await stage.ask(STREAM)).said == "hello"
                (pool,) = stage.app.upstream._pools.values()
                assert not pool.idle
                south.heard.set()
                await so(lambda: pool.idle)  # noqa: B023 (awaited here)
            assert south.connections == 1

    run(main())


def test_a_stream_whose_body_does_not_end_holds_nothing_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_call, "LAST_BYTES", 0.0)

    async def main() -> None:
        async with play([*FLOW[:-1], "silence"]) as south, Stage(tmp_path, one(south)) as stage:
            assert (await stage.ask(STREAM)).events[-1] == "[DONE]"
            assert stage.records[0].outcome == "complete"
            await south.left()

    run(main())
