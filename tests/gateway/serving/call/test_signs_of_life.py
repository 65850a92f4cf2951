"""A stream that is silent for long: its caller sees that it lives, in the shape of its path."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from detente.providers import sse
from tests.gateway.caller import STREAM, request
from tests.gateway.http.peer import run
from tests.gateway.script import FLOW, HALF, ROLE, SERVED, SSE, chunked, completion, http, play
from tests.gateway.stage import LATE, SERVING, Stage, one, two
from tests.waiting import so

pytestmark = pytest.mark.usefixtures("unhurried")


LIVELY = SERVING | {"keep-alive": "15 s"}


def test_the_caller_of_a_silent_stream_sees_that_its_call_lives_and_another_may_still_serve_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play([SSE, chunked(ROLE), "silence"]) as south,
            play([*FLOW]) as north,
            Stage(tmp_path, two(south, north, serving=LIVELY)) as stage,
        ):
            caller = await stage.caller()
            caller.send(request(STREAM))
            await so(lambda: south.silent)
            stage.passes(14)
            (connection,) = stage.state.connections
            assert not connection._exchange.begun
            stage.passes(2)
            status, fields = await caller.head()
            assert (status, fields["content-type"]) == (200, "text/event-stream; charset=utf-8")
            assert fields["x-detente-request-id"]
            assert "x-detente-deployment" not in fields  # who will serve it is not known yet
            assert await caller.chunk() == b": keep-alive\n\n"
            stage.passes(16)
            assert await caller.chunk() == b": keep-alive\n\n"
            stage.passes(LATE)
            answer = await caller.rest(status, fields)
            assert (answer.said, answer.events[-1]) == ("hello", "[DONE]")
            assert stage.records[0].deployment == "north-m"
            await caller.leave()

    run(main(), plain=True)


def test_who_was_shown_that_its_call_lives_is_told_of_its_failure_in_the_stream(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with play([gate, http(b"", "503 Busy")]) as south, Stage(tmp_path, one(south, serving=LIVELY)) as stage:
            caller = await stage.caller()
            caller.send(request(STREAM))
            await so(lambda: south.requests)
            stage.passes(16)
            head = await caller.head()
            gate.set()
            answer = await caller.rest(*head)
            assert answer.whole
            assert answer.events[-1]["error"]["detente"]["tried"] == [
                {"deployment": "south-m", "outcome": "unavailable"}
            ]
            assert b"[DONE]" not in answer.body
            (record,) = stage.records
            assert (record.outcome, record.status, record.deployment) == ("failed", 200, None)  # as the caller saw
            await caller.leave()

    run(main(), plain=True)


def test_a_stream_that_falls_silent_after_its_first_content_lives_too_and_a_whole_reply_says_nothing(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with (
            play([*HALF, gate, *FLOW[4:]], [gate, SERVED]) as south,
            Stage(tmp_path, one(south, serving=LIVELY)) as stage,
        ):
            caller = await stage.caller()
            caller.send(request(STREAM))
            head = await caller.head()
            assert b"half" in await caller.chunk()
            south.heard.set()
            stage.passes(16)
            assert await caller.chunk() == b": keep-alive\n\n"
            whole = await stage.caller()
            whole.send(request())
            await so(lambda: len(south.requests) == 2)
            stage.passes(100)
            gate.set()
            assert (await caller.rest(*head)).events[-1] == "[DONE]"
            assert (await whole.answer()).json == completion()
            await caller.leave()
            await whole.leave()

    run(main(), plain=True)


def test_a_sign_of_life_is_an_event_of_the_response_and_another_may_still_serve_it(tmp_path: Path) -> None:
    """Clients that wait for events, as Codex does, hear no comment."""

    async def main() -> None:
        async with (
            play([SSE, chunked(ROLE), "silence"]) as south,
            play([*FLOW]) as north,
            Stage(tmp_path, two(south, north, serving=LIVELY)) as stage,
        ):
            caller = await stage.caller()
            body = {"model": "m", "input": "Hi", "stream": True, "store": False}
            caller.send(request(body, path="/v1/responses"))
            await so(lambda: south.silent)
            stage.passes(16)
            head = await caller.head()
            first = await caller.chunk()
            stage.passes(16)
            second = await caller.chunk()
            stage.passes(LATE)
            rest = (await caller.rest(*head)).events
            early = [json.loads(sse.data_of(one)) for one in sse.split(first + second)]
            told = [*early, *rest]
            kinds = [one["type"].removeprefix("response.") for one in told]
            assert kinds[:3] == ["created", "in_progress", "in_progress"]
            assert next(kind for kind in kinds[3:] if kind != "in_progress") == "output_item.added"
            assert [one["sequence_number"] for one in told] == list(range(len(told)))
            assert told[-1]["response"]["id"] == told[0]["response"]["id"]
            assert told[-1]["response"]["output"][0]["content"][0]["text"] == "hello"
            assert stage.records[0].deployment == "north-m"
            await caller.leave()

    run(main(), plain=True)


def test_a_sign_of_life_is_a_ping_on_messages(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with play([SSE, gate, *FLOW[1:]]) as south, Stage(tmp_path, one(south, serving=LIVELY)) as stage:
            caller = await stage.caller()
            caller.send(request({**STREAM, "max_tokens": 10}, path="/v1/messages"))
            await so(lambda: south.requests)
            stage.passes(16)
            head = await caller.head()
            assert await caller.chunk() == b'event: ping\ndata: {"type":"ping"}\n\n'
            gate.set()
            answer = await caller.rest(*head)
            assert answer.events[-1]["type"] == "message_stop"
            assert answer.events[0]["type"] == "message_start"
            await caller.leave()

    run(main(), plain=True)
