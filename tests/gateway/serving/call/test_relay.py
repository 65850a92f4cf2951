"""Calls from socket to socket: who is asked, what the caller sees, and what is recorded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.gateway.deciding import health
from detente.gateway.deciding.policy import Policy
from detente.gateway.serving.call import provider_call
from detente.providers import sse
from tests.gateway.http.peer import nobody, run
from tests.gateway.stage import (
    DEADLINES,
    DONE,
    FLOW,
    HALF,
    HELLO,
    LAST,
    LATE,
    ROLE,
    SECRET,
    SERVED,
    SERVING,
    SSE,
    STREAM,
    USED,
    Stage,
    authorities,
    case_data,
    chunked,
    completion,
    delta,
    event,
    http,
    one,
    play,
    refusal,
    request,
    two,
)
from tests.waiting import AGES, so, turns


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly a test runs, what rests still rests, and what may come late still may."""
    monkeypatch.setattr(health, "FIRST_REST", AGES)
    monkeypatch.setattr(health, "LONGEST_REST", AGES)
    monkeypatch.setattr(provider_call, "LAST_BYTES", AGES)


# -- a call -----------------------------------------------------------------------------------------------------------
def test_a_call_is_passed_on_answered_recorded_and_disclosed(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(completion())) as south, Stage(tmp_path, one(south)) as stage:
            body = {**HELLO, "temperature": 0.25, "metadata": {"a": [1, None]}}
            answer = await stage.ask(body)
            assert answer.status == 200
            assert answer.json == completion()
            assert south.asked == [{**body, "model": "m"}]
            head = south.requests[0][0]
            assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
            assert f"\r\nauthorization: Bearer {SECRET}\r\n".encode() in head
            assert head.count(b"uthorization") == 1  # the caller's key stays here
            (record,) = stage.records
            assert (record.outcome, record.status, record.deployment, record.why) == (
                "complete",
                200,
                "south-m",
                "price",
            )
            assert (record.workload, record.key, record.model) == ("chat", "chat-key", "m")
            assert record.labels == {"team": "sales"}
            assert record.usage is not None
            assert (record.usage.input, record.usage.output) == (10, 5)
            assert record.cost == "0.000030000"
            assert record.case == stage.policy.case.hash
            assert record.at == "2026-03-10T12:00:00Z"
            assert [(a.deployment, a.outcome) for a in record.attempts] == [("south-m", "served")]
            assert answer.headers["x-detente-request-id"] == answer.headers["x-request-id"] == record.id
            assert answer.headers["x-detente-deployment"] == "south-m"
            assert answer.headers["x-detente-cost"] == "0.000030000 usd"
            assert "x-detente-clause" not in answer.headers

    run(main())


def test_headers_can_be_switched_off(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(completion())) as south:
            data = one(south, serving={"deadlines": DEADLINES, "headers": False})
            async with Stage(tmp_path, data) as stage:
                assert not [name for name in (await stage.ask()).headers if name.startswith("x-detente")]

    run(main())


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": 10}, {"prompt_tokens": -1, "completion_tokens": 2}])
def test_use_that_a_provider_does_not_state_is_unknown_and_has_no_cost(tmp_path: Path, usage: dict[str, int]) -> None:
    async def main() -> None:
        async with (
            play(http(completion(usage=usage))) as south,
            Stage(tmp_path, one(south)) as stage,
        ):
            answer = await stage.ask()
            assert answer.status == 200
            assert "x-detente-cost" not in answer.headers
            (record,) = stage.records
            assert record.usage is None
            assert record.cost is None
            counted = b'detente_usage_unknown_total{deployment="south-m",workload="chat"} 1.0'
            assert counted in (await stage.page("/metrics")).body

    run(main())


# -- failing over -----------------------------------------------------------------------------------------------------
FAILURES: dict[str, tuple[Any, str]] = {
    "429": (http(refusal("429"), "429 Too Many Requests", retry_after_ms="700000"), "throttled"),
    "503": (http(b"<html>busy</html>", "503 Service Unavailable"), "unavailable"),
    "500": (http(refusal("server_error"), "500 Oops"), "unavailable"),
    "401": (http(refusal("invalid_api_key"), "401 Unauthorized"), "credential"),
    "no such deployment": (http(refusal("DeploymentNotFound"), "404 Not Found"), "unavailable"),
    "cut before its head": ("close", "broken"),
    "cut in its head": ([b"HTTP/1.1 200 OK\r\ncont", "close"], "broken"),
    "cut in its body": ([http(completion())[:-3], "close"], "broken"),
    "reset": ("reset", "broken"),
    "no JSON": (http(b"<html>"), "broken"),
    "two lengths": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "broken"),
    "an error with status 200": (http(refusal("oops")), "broken"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_before_any_content_fails_over(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        script, kind = FAILURES[name]
        async with play(script) as south, play(SERVED) as north, Stage(tmp_path, two(south, north)) as stage:
            answer = await stage.ask()
            assert (answer.status, answer.headers["x-detente-deployment"]) == (200, "north-m")
            (record,) = stage.records
            attempts = [(a.deployment, a.outcome) for a in record.attempts]
            if name != "an error with status 200":
                assert attempts[0] == ("south-m", kind)
            assert attempts[1:] == [("north-m", "served")]
            assert len(south.requests) == 1

    run(main())


@pytest.mark.parametrize(
    "script", [["silence"], [SSE, "silence"], [SSE, chunked(ROLE), chunked(b": alive\n\n"), "silence"]]
)
def test_a_stream_without_content_by_its_deadline_fails_over_whatever_else_came(
    tmp_path: Path, script: list[Any]
) -> None:
    async def main() -> None:
        async with (
            play(script) as south,
            play([*FLOW]) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            call = asyncio.create_task(stage.ask(STREAM))
            await so(lambda: south.silent)
            await so(lambda: len(script) == 1 or stage.awaited.status)
            stage.passes(LATE)
            answer = await call
            assert (answer.status, answer.headers["x-detente-deployment"]) == (200, "north-m")
            assert b"alive" not in answer.body
            (record,) = stage.records
            assert [(a.outcome, a.used) for a in record.attempts] == [("timeout", "unknown"), ("served", None)]
            assert record.usage is not None
            assert record.usage.input == 10  # of the one that served
            counted = b'detente_usage_unknown_total{deployment="south-m",workload="chat"} 1.0'
            assert counted in (await stage.page("/metrics")).body
            await south.left()  # nothing is left running there

    run(main(), plain=True)


@pytest.mark.parametrize("before", [[], [SERVED[:20]]])
def test_a_whole_reply_has_all_the_time_of_its_call(tmp_path: Path, before: list[Any]) -> None:
    """A long reply is silent until it is there: to ask elsewhere meanwhile would pay for it twice."""

    async def main() -> None:
        gate = asyncio.Event()
        script = [*before, gate, SERVED[20:] if before else SERVED]
        async with play(script) as south, play(SERVED) as north, Stage(tmp_path, two(south, north)) as stage:
            call = asyncio.create_task(stage.ask())
            await so(lambda: south.requests)
            await turns()
            stage.passes(5 * LATE)
            gate.set()
            answer = await call
            assert (answer.status, answer.headers["x-detente-deployment"]) == (200, "south-m")
            assert [a.outcome for a in stage.records[0].attempts] == ["served"]
            assert north.requests == []

    run(main(), plain=True)


def test_a_call_that_asks_for_reasoning_has_longer_for_its_first_content(tmp_path: Path) -> None:
    async def main() -> None:
        deadlines = DEADLINES | {"first-byte": "100 s", "reasoning": "2000 s"}
        async with play([SSE, chunked(ROLE), "silence"]) as south, play([*FLOW]) as north:
            data = two(south, north, serving=SERVING | {"deadlines": deadlines})
            async with Stage(tmp_path, data) as stage:
                call = asyncio.create_task(stage.ask({**STREAM, "reasoning_effort": "high"}))
                await so(lambda: south.silent)
                await so(lambda: stage.awaited.status)
                stage.passes(1900)
                assert not stage.awaited.failure
                stage.passes(200)
                assert (await call).headers["x-detente-deployment"] == "north-m"

    run(main(), plain=True)


# -- signs of life ----------------------------------------------------------------------------------------------------
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


def test_a_provider_that_refuses_connections_fails_over(tmp_path: Path) -> None:
    async def main() -> None:
        with nobody() as gone:
            async with play(SERVED) as north, Stage(tmp_path, case_data({"south": gone, "north": north.base})) as stage:
                assert (await stage.ask()).headers["x-detente-deployment"] == "north-m"
                assert [a.outcome for a in stage.records[0].attempts] == ["unreachable", "served"]

    run(main())


STREAMS_THAT_FAIL_EARLY: dict[str, Any] = {
    "cut after the head": [SSE, "close"],
    "cut after a role": [SSE, chunked(ROLE), "reset"],
    "ended without content": [SSE, chunked(ROLE), LAST],
    "an error before content": [SSE, chunked(event(refusal("server_error"))), LAST],
    "its limit, in the stream": [SSE, chunked(event(refusal("rate_limit_exceeded"))), LAST],
    "no chunk of a completion": [SSE, chunked(event("what?")), LAST],
}


@pytest.mark.parametrize("name", STREAMS_THAT_FAIL_EARLY)
def test_a_stream_that_fails_before_content_fails_over_and_nothing_of_it_is_seen(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with (
            play(STREAMS_THAT_FAIL_EARLY[name]) as south,
            play([*FLOW]) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            answer = await stage.ask(STREAM)
            assert answer.headers["x-detente-deployment"] == "north-m"
            assert answer.said == "hello"
            assert answer.events[-1] == "[DONE]"
            assert [e for e in answer.events if e != "[DONE]" and "error" in e] == []
            assert len([e for e in answer.events if "role" in str(e)]) == 1
            assert [a.deployment for a in stage.records[0].attempts] == ["south-m", "north-m"]

    run(main())


REFUSALS: dict[str, tuple[str, Any, int]] = {
    "wrong": ("400 Bad Request", refusal("invalid_value", "temperature is too high"), 400),
    "filtered": ("400 Bad Request", refusal("content_filter", "the prompt was filtered"), 400),
    "too large": ("413 Too Large", refusal("too_large", "smaller, please"), 413),
    "unprocessable": ("422 Unprocessable", refusal("unprocessable", "what is this"), 422),
    "state not found": ("404 Not Found", refusal("previous_response_not_found", "no such response"), 404),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", REFUSALS)
def test_a_request_that_is_itself_wrong_does_not_fail_over(tmp_path: Path, name: str, stream: bool) -> None:
    async def main() -> None:
        status, said, told = REFUSALS[name]
        async with (
            play(http(said, status)) as south,
            play(SERVED) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            answer = await stage.ask(STREAM if stream else None)
            assert answer.status == told
            error = answer.json["error"]
            assert (error["message"], error["code"]) == (said["error"]["message"], said["error"]["code"])
            assert error["detente"]["tried"] == [
                {"deployment": "south-m", "outcome": "filtered" if name == "filtered" else "refused"}
            ]
            assert north.requests == []
            (record,) = stage.records
            assert (record.outcome, record.status) == ("refused", told)
            assert stage.load.health("south-m").failures == 0  # it is not the provider's fault

    run(main())


def test_a_content_filter_within_a_stream_does_not_fail_over(tmp_path: Path) -> None:
    async def main() -> None:
        script = [SSE, chunked(event(refusal("content_filter", "filtered"))), LAST]
        async with play(script) as south, play([*FLOW]) as north, Stage(tmp_path, two(south, north)) as stage:
            answer = await stage.ask(STREAM)
            assert (answer.status, answer.json["error"]["code"]) == (400, "content_filter")
            assert north.requests == []

    run(main())


def test_a_reply_that_is_filtered_is_a_reply(tmp_path: Path) -> None:
    async def main() -> None:
        filtered = completion()
        filtered["choices"][0]["finish_reason"] = "content_filter"
        async with play(http(filtered)) as south, play(SERVED) as north, Stage(tmp_path, two(south, north)) as stage:
            assert (await stage.ask()).json == filtered
            assert stage.records[0].finish == "content_filter"

    run(main())


def test_where_all_fail_the_last_failure_is_told_with_what_was_tried(tmp_path: Path) -> None:
    async def main() -> None:
        busy = http(refusal("429", "secret plans"), "429 Too Many Requests", retry_after="700")
        async with (
            play(http(b"", "503 Busy")) as south,
            play(busy) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            answer = await stage.ask()
            assert (answer.status, answer.headers["retry-after"]) == (429, "700")
            error = answer.json["error"]
            assert error["type"] == "rate_limit_error"
            assert [t["outcome"] for t in error["detente"]["tried"]] == ["unavailable", "throttled"]
            assert stage.records[0].outcome == "failed"
            # North rests until it may be asked again, and South once more is asked alone.
            await stage.ask()
            assert (len(south.requests), len(north.requests)) == (2, 1)

    run(main())


def test_where_all_rest_the_caller_is_told_when_to_come_back_and_nobody_is_asked(tmp_path: Path) -> None:
    async def main() -> None:
        busy = http(refusal("429"), "429 Too Many Requests", retry_after_ms="900000")
        async with play(busy) as south, Stage(tmp_path, one(south)) as stage:
            await stage.ask()
            answer = await stage.ask()
            assert answer.status == 429  # it is only at its limit: clients know how to wait for that
            assert answer.json["error"]["type"] == "rate_limit_error"
            assert 1 <= int(answer.headers["retry-after"]) <= 900
            assert answer.json["error"]["detente"]["resting"] == ["south-m"]
            assert len(south.requests) == 1
            record = stage.records[1]
            assert (record.outcome, list(record.attempts)) == ("failed", [])
            assert record.usage is not None
            assert (record.usage.input, record.usage.output) == (0, 0)  # nobody was asked: known, and nothing

    run(main())


def test_where_any_rests_after_failures_the_caller_is_told_of_an_outage(tmp_path: Path) -> None:
    async def main() -> None:
        busy, down = http(refusal("429"), "429 Too Many Requests", retry_after="900"), http(b"", "503 Down")
        async with play(busy) as south, play(down) as north, Stage(tmp_path, two(south, north)) as stage:
            for _ in range(3):
                await stage.ask()
            answer = await stage.ask()
            assert (answer.status, answer.json["error"]["type"]) == (503, "upstream_error")
            assert answer.json["error"]["detente"]["resting"] == ["south-m", "north-m"]

    run(main())


def test_a_deployment_that_trips_is_tried_by_one_call_and_then_serves_again(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        fails = [http(b"", "503 Busy")]
        async with (
            play(fails, fails, fails, [gate, http(completion())], http(completion())) as south,
            play(SERVED) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            for _ in range(4):
                assert (await stage.ask()).headers["x-detente-deployment"] == "north-m"
            assert len(south.requests) == 3  # the fourth call did not ask it
            health = stage.load._health
            health["south-m"] = replace(health["south-m"], rests_until=0.0)  # its rest is over
            probe = asyncio.create_task(stage.ask())
            await so(lambda: len(south.requests) == 4)
            assert (await stage.ask()).headers["x-detente-deployment"] == "north-m"
            gate.set()
            assert (await probe).headers["x-detente-deployment"] == "south-m"
            assert (await stage.ask()).headers["x-detente-deployment"] == "south-m"

    run(main())


def test_the_total_deadline_ends_a_call_also_where_more_could_be_asked(tmp_path: Path) -> None:
    async def main() -> None:
        async with play("silence") as south, play("silence") as north:
            data = two(south, north, serving=SERVING | {"deadlines": DEADLINES | {"total": "300 s"}})
            async with Stage(tmp_path, data) as stage:
                call = asyncio.create_task(stage.ask())
                await so(lambda: south.silent)
                stage.passes(301)
                answer = await call
                assert answer.status == 504
                assert "total deadline" in answer.json["error"]["message"]
                assert north.requests == []
                assert [a.outcome for a in stage.records[0].attempts] == ["timeout"]
                assert stage.records[0].usage is None  # it may have been at work
                assert stage.load.health("south-m").failures == 1

    run(main(), plain=True)


def test_who_is_given_what_others_left_of_the_total_is_not_blamed_for_its_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(http(b"", "503 Service Unavailable")) as south, play("silence") as north:
            data = two(south, north, serving=SERVING | {"deadlines": DEADLINES | {"total": "300 s"}})
            async with Stage(tmp_path, data) as stage:
                call = asyncio.create_task(stage.ask())
                await so(lambda: north.silent)
                stage.passes(301)
                assert (await call).status == 504
                assert [a.outcome for a in stage.records[0].attempts] == ["unavailable", "timeout"]
                assert [stage.load.health(d).failures for d in ("south-m", "north-m")] == [1, 0]

    run(main(), plain=True)


# -- streams ----------------------------------------------------------------------------------------------------------
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


# -- what is recorded, and when ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_is_in_the_journal_before_its_last_byte_is_sent(tmp_path: Path, stream: bool) -> None:
    async def main() -> None:
        async with (
            play([*FLOW] if stream else http(completion())) as south,
            Stage(tmp_path, one(south)) as stage,
        ):
            seen: list[int] = []
            written = stage.state.connections

            caller = await stage.caller()
            await so(lambda: written)
            (connection,) = written
            send = connection.write

            def watched(data: bytes) -> None:
                if data.endswith(b"0\r\n\r\n") or (not stream and b"hello" in data):
                    seen.append(len(stage.records))
                send(data)

            connection.write = watched
            caller.send(request(STREAM if stream else None))
            assert (await caller.answer()).status == 200
            assert seen == [1]
            await caller.leave()

    run(main())


def _full(fd: int, data: bytes) -> int:
    raise OSError(28, "No space left on device")


def test_while_the_journal_cannot_be_written_nothing_is_given_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        flow = [*HALF, *FLOW[-3:]]
        async with (
            play(http(completion("secret")), flow, http(completion())) as south,
            Stage(tmp_path, one(south)) as stage,
        ):
            with monkeypatch.context() as patch:
                patch.setattr("detente.ledger.journals.journal.os.write", _full)
                answer = await stage.ask()
                assert answer.status == 503
                assert b"secret" not in answer.body
                assert "could not be recorded" in answer.json["error"]["message"]
                stage.app.unrecorded = ""
                unseen = await stage.ask(STREAM, south)
                assert unseen.status == 503
                assert b"half" not in unseen.body
                not_ready = await stage.page("/readyz")
                assert not_ready.status == 503
                assert "No space left" in not_ready.json["why"]
                assert (await stage.page("/healthz")).status == 200
                for body in (None, STREAM):  # of those that come later nobody is asked
                    later = await stage.ask(body)
                    assert later.status == 503
                    assert "calls are not forwarded" in later.json["error"]["message"]
                assert len(south.requests) == 2
                stage.app.unrecorded = ""
                assert (await stage.ask(b"{}")).status == 503  # refusals are recorded too
            assert (await stage.ask()).status == 503
            stage.app.unrecorded = ""  # as the worker's probe finds that it can be written again
            assert (await stage.ask()).status == 200
            assert len(south.requests) == 3
            assert (await stage.page("/readyz")).status == 200
            assert [r.outcome for r in stage.records] == ["complete"]

    run(main())


def test_a_stream_whose_end_cannot_be_written_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with play([*HALF, *FLOW[-3:]]) as south, Stage(tmp_path, one(south)) as stage:
            caller = await stage.caller()
            caller.send(request(STREAM))
            head = await caller.head()
            with monkeypatch.context() as patch:
                patch.setattr("detente.ledger.journals.journal.os.write", _full)
                south.heard.set()
                cut = await caller.rest(*head)
            assert not cut.whole
            assert b"[DONE]" not in cut.body
            assert [r.outcome for r in stage.records] == ["begun"]  # that is known of it, and no more
            await caller.leave()

    run(main())


def test_what_a_stream_began_is_on_record_before_its_caller_sees_any_of_it(tmp_path: Path) -> None:
    """Whoever kills the gateway then leaves that much."""

    async def main() -> None:
        async with play([*HALF, *FLOW[4:]]) as south, Stage(tmp_path, one(south)) as stage:
            caller = await stage.caller()
            caller.send(request(STREAM))
            head = await caller.head()
            (begun,) = stage.records
            assert (begun.outcome, begun.status, begun.deployment) == ("begun", 200, "south-m")
            assert begun.usage is None
            south.heard.set()
            await caller.rest(*head)
            (record,) = stage.records  # its end stands for it
            assert (record.id, record.outcome) == (begun.id, "complete")
            await caller.leave()

    run(main())


def test_a_journal_that_is_to_be_synced_before_each_reply_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with play(http(completion())) as south:
            data = one(south, serving={"deadlines": DEADLINES, "sync": "each"})
            async with Stage(tmp_path, data) as stage:
                synced: list[int] = []
                monkeypatch.setattr("detente.ledger.journals.journal.os.fdatasync", synced.append)
                await stage.ask()
                assert len(synced) == 1

    run(main())


def test_a_call_ends_by_the_policy_that_it_began_with(tmp_path: Path) -> None:
    """The case is read again, without the second deployment, while a call is at the first."""

    async def main() -> None:
        gate = asyncio.Event()
        async with (
            play([gate, http(b"", "503 Busy")]) as south,
            play(SERVED) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            call = asyncio.create_task(stage.ask())
            await so(lambda: south.requests)
            smaller = Policy.of(Case.of(one(south)))
            stage.app.follow(smaller, authorities(smaller))
            gate.set()
            answer = await call
            assert answer.status in (200, 503)  # served by it, or told why not
            assert len(stage.records) == 1

    run(main())
