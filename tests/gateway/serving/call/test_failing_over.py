"""A provider that fails before any content: another serves the call, and where none does, its caller is told why."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.deciding.health import WELL
from tests.builders import Data
from tests.gateway.caller import STREAM
from tests.gateway.http.peer import nobody, run
from tests.gateway.script import FLOW, LAST, ROLE, SERVED, SSE, chunked, completion, event, http, play, refusal
from tests.gateway.stage import DEADLINES, LATE, SERVING, Stage, case_data, one, two
from tests.waiting import so, turns

pytestmark = pytest.mark.usefixtures("unhurried")


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


@pytest.mark.parametrize("asks", [{"reasoning_effort": "high"}, {"reasoning": {"max_tokens": 2000}}], ids=str)
def test_a_call_that_asks_for_reasoning_has_longer_for_its_first_content(tmp_path: Path, asks: Data) -> None:
    async def main() -> None:
        deadlines = DEADLINES | {"first-byte": "100 s", "reasoning": "2000 s"}
        async with play([SSE, chunked(ROLE), "silence"]) as south, play([*FLOW]) as north:
            data = two(south, north, serving=SERVING | {"deadlines": deadlines})
            async with Stage(tmp_path, data) as stage:
                call = asyncio.create_task(stage.ask({**STREAM, **asks}))
                await so(lambda: south.silent)
                await so(lambda: stage.awaited.status)
                stage.passes(1900)
                assert not stage.awaited.failure
                stage.passes(200)
                assert (await call).headers["x-detente-deployment"] == "north-m"

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
        busy = http(refusal("429", "secret plans"), "429 Too Many Requests", retry_after="200")
        async with (
            play(http(b"", "503 Busy")) as south,
            play(busy) as north,
            Stage(tmp_path, two(south, north)) as stage,
        ):
            answer = await stage.ask()
            assert (answer.status, answer.headers["retry-after"]) == (429, "200")
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
            known = stage.load._known["south-m"]
            assert known.health is not None
            known.health = replace(known.health, rests_until=0.0)  # its rest is over
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


SIGNED = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
THOUGHT: Data = {
    "model": "m",
    "max_tokens": 9,
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [SIGNED, {"type": "text", "text": "a"}]},
        {"role": "user", "content": "go on"},
    ],
}
"""What no deployment of chat completions can be told: it is told to leave reasoning out."""


@pytest.mark.parametrize("rests", [("south-m",), ("south-m", "north-m")], ids=["one", "all"])
def test_what_no_deployment_can_do_is_a_mistake_also_while_some_of_them_rest(
    tmp_path: Path, rests: tuple[str, ...]
) -> None:
    """To be told to come back would lead to nothing, and hide the remedy."""

    async def main() -> None:
        async with play(SERVED) as south, play(SERVED) as north, Stage(tmp_path, two(south, north)) as stage:
            for name in rests:
                stage.load._known[name].health = WELL.told(asyncio.get_running_loop().time(), 200)
            answer = await stage.ask(THOUGHT, path="/v1/messages")
            assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")
            assert "lenient: [reasoning]" in answer.json["error"]["message"]
            assert "retry-after" not in answer.headers
            told = answer.json["error"]["detente"]
            assert {said["deployment"] for said in told["cannot"]} == {"south-m", "north-m"}
            assert "resting" not in told
            assert stage.records[0].outcome == "refused"
            assert (await stage.ask()).status == (429 if len(rests) > 1 else 200)  # a call that they can do

    run(main())
