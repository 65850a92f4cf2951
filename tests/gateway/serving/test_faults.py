"""The faults that providers are known for, in public catalogues and reports: what the caller sees, and who is asked.

FailoverBench (github.com/failoverbench/failoverbench, catalogue 0.1) numbers sixteen of them; the table names those. A
scripted provider plays each, on a clock that the test moves.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.deciding import health
from detente.providers.too_long import says_too_long
from tests.builders import tokens
from tests.gateway.caller import HELLO, STREAM, request
from tests.gateway.http.peer import run
from tests.gateway.script import FLOW, LAST, ROLE, SERVED, SSE, USED, chunked, delta, event, http, play, refusal
from tests.gateway.stage import DEADLINES, LATE, PATIENT, Stage, deployment, one, two
from tests.waiting import so

WORDS = [SSE, *map(chunked, (ROLE, delta(content="he"), delta(content="llo"), delta("stop"), USED))]
"""A stream that is complete but for its mark."""
BUSY = http(refusal("overloaded"), "503 Service Unavailable")
TOO_LONG = http(refusal("context_length_exceeded", "maximum context length is 8192 tokens"), "400 Bad Request")


def limited(**headers: str) -> bytes:
    return http(refusal("rate_limit_exceeded"), "429 Too Many Requests", **headers)


# -- who is asked again, and who instead ------------------------------------------------------------------------------
AGAIN: dict[str, tuple[list[Any], list[tuple[str, str]]]] = {
    "S03: a 500, then well": (
        [http(refusal("server_error"), "500 Internal Server Error"), FLOW],
        [("south-m", "unavailable"), ("south-m", "served")],
    ),
    "S05: a reset before its head, then well": (["reset", FLOW], [("south-m", "broken"), ("south-m", "served")]),
    "S04, S16: 503 again and again": (
        [BUSY],
        [("south-m", "unavailable"), ("south-m", "unavailable"), ("north-m", "served")],
    ),
    "S02: 429 without a time": ([limited()], [("south-m", "throttled"), ("north-m", "served")]),
    "S01: 429 with a time": ([limited(retry_after="2"), FLOW], [("south-m", "throttled"), ("north-m", "served")]),
    "503 with a time": (
        [http(refusal("overloaded"), "503 Busy", retry_after="2"), FLOW],
        [("south-m", "unavailable"), ("north-m", "served")],
    ),
    "no such path": ([http(b"", "405 Method Not Allowed")], [("south-m", "unavailable"), ("north-m", "served")]),
    "no such media type": ([http(b"", "415 Unsupported")], [("south-m", "unavailable"), ("north-m", "served")]),
    "no money": ([http(refusal("", "pay"), "402 Payment Required")], [("south-m", "exhausted"), ("north-m", "served")]),
    "no quota": (
        [http(refusal("insufficient_quota"), "429 Too Many Requests")],
        [("south-m", "exhausted"), ("north-m", "served")],
    ),
    "S12: too long, and nobody's window is known to be longer": ([TOO_LONG], [("south-m", "too-long")]),
    "S13: filtered": (
        [http(refusal("content_policy_violation"), "400 Bad Request")],
        [("south-m", "filtered")],
    ),
}


@pytest.mark.parametrize("name", AGAIN)
def test_who_is_asked(tmp_path: Path, name: str) -> None:
    scripts, attempts = AGAIN[name]

    async def main() -> None:
        async with (
            play(*scripts) as south,
            play([*FLOW]) as north,
            Stage(tmp_path, two(south, north, serving=PATIENT)) as stage,
        ):
            answer = await stage.ask(STREAM)
            (record,) = stage.records
            assert [(a.deployment, a.outcome) for a in record.attempts] == attempts
            served = attempts[-1][1] == "served"
            assert (answer.status, answer.said) == ((200, "hello") if served else (400, ""))

    run(main())


def test_a_short_time_is_waited_for_where_nobody_else_may_serve_the_call(tmp_path: Path) -> None:
    """S01, of a model that one deployment has."""

    async def main() -> None:
        async with (
            play(limited(retry_after_ms="20"), FLOW) as south,
            Stage(tmp_path, one(south, serving=PATIENT)) as stage,
        ):
            answer = await stage.ask(STREAM)
            assert answer.said == "hello"
            assert [a.outcome for a in stage.records[0].attempts] == ["throttled", "served"]

    run(main())


def busy(**headers: str) -> bytes:
    return http(refusal("overloaded"), "503 Service Unavailable", **headers)


@pytest.mark.parametrize("retry", [True, False])
@pytest.mark.parametrize("then", [FLOW, BUSY, busy(retry_after_ms="20")])
def test_a_short_time_of_a_5xx_is_waited_for_once_too(tmp_path: Path, then: Any, retry: bool) -> None:
    """It fails again with a time or without: nobody asks a third time."""

    async def main() -> None:
        serving = PATIENT | {"retry": retry}
        async with (
            play(busy(retry_after_ms="20"), then, FLOW) as south,
            Stage(tmp_path, one(south, serving=serving)) as stage,
        ):
            answer = await stage.ask(STREAM)
            served = retry and then is FLOW
            assert (answer.status, answer.said) == ((200, "hello") if served else (503, ""))
            last = ["served" if served else "unavailable"] if retry else []
            assert [a.outcome for a in stage.records[0].attempts] == ["unavailable", *last]

    run(main())


WITHIN: dict[str, tuple[Any, bool]] = {
    "whole, by a status": (http({"error": {"code": 503, "message": "no"}}), True),
    "whole, by a type": (http({"error": {"type": "server_error", "message": "no"}}), True),
    "whole, a model that is not there": (http({"error": {"code": 404, "message": "no"}}), False),
    "streamed": ([SSE, chunked(ROLE), chunked(event({"error": {"code": 503, "message": "no"}})), LAST], True),
    "streamed, a reason": ([SSE, chunked(ROLE), chunked(delta("error")), LAST], True),
    "streamed, a limit": ([SSE, chunked(event({"error": {"code": 429, "message": "no"}})), LAST], False),
}


@pytest.mark.parametrize("name", WITHIN)
def test_a_5xx_inside_a_200_is_asked_again_as_one_with_its_own_status_is(tmp_path: Path, name: str) -> None:
    first, again = WITHIN[name]

    async def main() -> None:
        streamed = isinstance(first, list)
        well = FLOW if streamed else SERVED
        async with play(first, well) as south, Stage(tmp_path, one(south, serving=PATIENT)) as stage:
            answer = await stage.ask(STREAM if streamed else None)
            assert (answer.status == 200) is again
            assert len(south.requests) == 1 + again

    run(main())


@pytest.mark.parametrize("at_once", ["0", "Mon, 09 Mar 2026 12:00:00 GMT"])
def test_who_may_be_asked_at_once_is_asked_once_more_and_that_is_what_the_caller_is_told(
    tmp_path: Path, at_once: str
) -> None:
    """A date of the day before is at once, too. The other says half a minute."""

    async def main() -> None:
        soon, late = limited(retry_after=at_once), limited(retry_after="30")
        async with (
            play(soon, FLOW, soon, soon) as south,
            play(late) as north,
            Stage(tmp_path, two(south, north, serving=PATIENT)) as stage,
        ):
            assert (await stage.ask(STREAM)).said == "hello"
            outcomes = [(a.deployment, a.outcome) for a in stage.records[0].attempts]
            assert outcomes == [("south-m", "throttled"), ("north-m", "throttled"), ("south-m", "served")]
            answer = await stage.ask()
            assert (answer.status, answer.headers["retry-after"]) == (429, "1")

    run(main())


@pytest.mark.parametrize("leaves", [False, True])
def test_a_longer_time_is_told_and_who_leaves_meanwhile_is_recorded(tmp_path: Path, leaves: bool) -> None:
    async def main() -> None:
        async with (
            play(limited(retry_after="4" if leaves else "6")) as south,
            Stage(tmp_path, one(south, serving=PATIENT)) as stage,
        ):
            if leaves:
                caller = await stage.caller()
                caller.send(request())
                await so(lambda: south.requests and not stage.app.upstream._sweep.busy)
                await caller.leave()
                await stage.idle()
                assert (stage.records[0].outcome, stage.records[0].status) == ("abandoned", 499)
            else:
                answer = await stage.ask()
                assert (answer.status, answer.headers["retry-after"]) == (429, "6")
            assert len(south.requests) == 1

    run(main())


def test_a_time_that_is_a_date_is_read_by_the_gateway_s_clock(tmp_path: Path) -> None:
    async def main() -> None:
        told = limited(retry_after="Tue, 10 Mar 2026 12:04:00 GMT")  # four minutes from the stage's noon
        async with play(told) as south, Stage(tmp_path, one(south, serving=PATIENT)) as stage:
            assert (await stage.ask()).headers["retry-after"] == "240"

    run(main())


def test_a_time_speaks_of_the_offer_and_the_account_and_of_nobody_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(limited(retry_after="900")) as south, play(SERVED) as north:
            data = two(south, north, serving=PATIENT)
            data["deployments"] += [
                deployment("south-twin", "south-api", south.base) | {"name": "twin"},
                deployment("south-other", "south-api", north.base),  # another account
            ]
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask()
                assert answer.headers["x-detente-deployment"] == "south-other"
                assert len(south.requests) == 1
                now = asyncio.get_running_loop().time()
                rests = {d.id: not stage.load.health(d.id).may_ask(now) for d in stage.policy.deployed}
                assert rests == {"south-m": True, "north-m": False, "south-twin": True, "south-other": False}

    run(main())


@pytest.mark.parametrize(
    "said",
    [
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",  # SGLang, Together
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",  # Gemini
        "This model's maximum prompt length is 131072 but the request contains 150000 tokens.",  # xAI
        "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000.",  # Cohere
        "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",  # Amazon Nova
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000",  # TGI
    ],
)
def test_a_call_that_is_too_long_is_known_by_what_providers_say(said: str) -> None:
    assert says_too_long("invalid_request_error", said)
    assert not says_too_long("the maximum number of tools is 128")
    assert not says_too_long("too many tokens per minute: wait")


# -- the length of a call ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("windows", "serves"),
    [
        ((8192, 200_000), True),
        ((None, 200_000), True),
        ((8192, 8192), False),
        ((8192, None), False),  # not known to be longer
        ((200_000, 8192), False),
    ],
)
def test_a_call_that_is_too_long_goes_to_a_longer_window_and_counts_against_nobody(
    tmp_path: Path, windows: tuple[int | None, int | None], serves: bool
) -> None:
    """S12."""

    async def main() -> None:
        offers = [
            tokens(name, price, **({} if window is None else {"context": window}))
            for name, price, window in zip(("south", "north"), (2, 3), windows, strict=True)
        ]
        async with play(TOO_LONG) as south, play([*FLOW]) as north:
            data = two(south, north, serving=PATIENT, offers=offers)
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(STREAM)
                if serves:
                    assert (answer.said, answer.headers["x-detente-deployment"]) == ("hello", "north-m")
                else:
                    assert (answer.status, answer.json["error"]["code"]) == (400, "context_length_exceeded")
                    assert north.requests == []
                    messages = await stage.ask({**HELLO, "max_tokens": 9}, path="/v1/messages")
                    assert messages.json["error"]["message"].startswith("prompt is too long")
                assert stage.load.health("south-m") == health.WELL

    run(main())


# -- streams ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("end", [[LAST], ["close"], ["reset"], ["silence"]])
def test_a_stream_that_is_complete_but_for_its_mark_is_complete(tmp_path: Path, end: list[Any]) -> None:
    """S11."""

    async def main() -> None:
        async with play([*WORDS, *end]) as south, Stage(tmp_path, one(south)) as stage:
            call = asyncio.create_task(stage.ask(STREAM))
            if end == ["silence"]:
                await so(lambda: south.silent)
                await so(lambda: stage.awaited.spoken)
                stage.passes(LATE)
            answer = await call
            assert (answer.said, answer.events[-1]) == ("hello", "[DONE]")
            assert (stage.records[0].outcome, stage.records[0].finish) == ("complete", "stop")
            assert stage.records[0].usage is not None

    run(main(), plain=True)


def test_a_stream_of_two_choices_is_complete_once_both_are(tmp_path: Path) -> None:
    async def main() -> None:
        second = event({"choices": [{"index": 1, "delta": {"content": "x"}, "finish_reason": None}]})
        script = [SSE, chunked(delta(content="he")), chunked(second), chunked(delta("stop")), LAST]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask({**STREAM, "n": 2})
            assert "[DONE]" not in answer.events
            assert stage.records[0].outcome == "cut"

    run(main())


def test_a_silent_start_is_failed_over_by_the_deadline_on_content(tmp_path: Path) -> None:
    """S06, S07."""

    async def main() -> None:
        async with (
            play([SSE, "silence"]) as south,
            play([*FLOW]) as north,
            Stage(tmp_path, two(south, north, serving=PATIENT)) as stage,
        ):
            call = asyncio.create_task(stage.ask(STREAM))
            await so(lambda: south.silent)
            await so(lambda: stage.awaited.status)
            stage.passes(LATE)
            assert (await call).said == "hello"
            assert len(south.requests) == 1  # a silent one stays silent

    run(main(), plain=True)


def test_deployments_that_cut_their_streams_are_left_alone(tmp_path: Path) -> None:
    """S08, six times in a row."""

    async def main() -> None:
        cut = [SSE, chunked(ROLE), chunked(delta(content="half")), "heard", "close"]
        async with (
            play(cut) as south,
            play([*FLOW]) as north,
            Stage(tmp_path, two(south, north, serving=PATIENT)) as stage,
        ):
            heard = [(await stage.ask(STREAM, south)).said for _ in range(6)]
            assert heard == ["half"] * 3 + ["hello"] * 3
            assert [r.outcome for r in stage.records] == ["cut"] * 3 + ["complete"] * 3

    run(main())


def test_a_provider_that_recovers_serves_again_within_seconds(tmp_path: Path) -> None:
    """S15: down for a minute, a call every four seconds."""

    async def main() -> None:
        async with (
            play(*[BUSY] * 14, SERVED) as south,
            play(SERVED) as north,
            Stage(tmp_path, two(south, north, serving=PATIENT)) as stage,
        ):
            by = list[str]()
            while len(by) < 20 and "south-m" not in by:
                answer = await stage.ask()
                assert answer.status == 200
                by.append(answer.headers["x-detente-deployment"])
                down = 4 * len(by) < 60
                south.scripts = ([BUSY],) if down else ([SERVED],)
                stage.passes(4)
            assert 4 * len(by) <= 60 + 12
            assert len(south.requests) <= 15  # one call at a time tries it

    run(main(), plain=True)


def test_deadlines_of_the_table_are_the_stage_s() -> None:
    assert DEADLINES["first-byte"] == f"{LATE - 1} s"
