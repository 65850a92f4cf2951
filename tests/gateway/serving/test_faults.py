"""The faults that providers are known for, in public catalogues and reports: what the caller sees, and who is asked.

FailoverBench (github.com/failoverbench/failoverbench, catalogue 0.1) numbers sixteen of them; the table names those. A
scripted provider plays each, on a clock that the test moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.deciding import health
from detente.ledger.journals.record import TokenCounts
from tests.builders import Data, tokens
from tests.gateway.http.peer import run
from tests.gateway.stage import (
    DEADLINES,
    DONE,
    FLOW,
    HELLO,
    LAST,
    LATE,
    ROLE,
    SERVED,
    SERVING,
    SSE,
    STREAM,
    USED,
    Answer,
    Stage,
    case_data,
    chunked,
    completion,
    delta,
    deployment,
    event,
    http,
    one,
    play,
    refusal,
    request,
    two,
)
from tests.waiting import so

PATIENT = SERVING | {"retry": True}
"""As a case has it that says nothing, but for time, which passes where the test lets it."""
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
        told = limited(retry_after="Tue, 10 Mar 2026 12:10:00 GMT")  # ten minutes from the stage's noon
        async with play(told) as south, Stage(tmp_path, one(south, serving=PATIENT)) as stage:
            assert (await stage.ask()).headers["retry-after"] == "600"

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


# -- going on elsewhere -----------------------------------------------------------------------------------------------
CHAT, EMBEDDINGS, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/embeddings", "/v1/responses", "/v1/messages"
BODIES: dict[str, Data] = {
    CHAT: HELLO,
    EMBEDDINGS: {"model": "m", "input": "hi"},
    RESPONSES: {"model": "m", "input": "hi", "store": False},
    MESSAGES: {**HELLO, "max_tokens": 9},
}
GOES_ON = PATIENT | {"on-cut": "continue"}
BEGUN = [SSE, *map(chunked, (ROLE, delta(content="he"))), "heard"]
REST = [SSE, *map(chunked, (ROLE, delta(content="llo"), delta("stop"), USED, DONE)), LAST]
BREAKS: dict[str, list[Any]] = {
    "S08: cut": ["close"],
    "S09: stalled": ["silence"],
    "S10: an event that cannot be read": [
        chunked(b'data: {"id": "x", "choices": [{"delta": {"content": \n\n'),
        "silence",
    ],
    "an error": [chunked(event(refusal("server_error"))), LAST],
}


def follows(south: Any, north: Any, how: str | None = "assistant", **serving: object) -> Data:
    """South, and North, which can go on with what South began."""
    data = two(south, north, serving=GOES_ON | serving)
    if how is not None:
        data["deployments"][1]["continues"] = how
    return data


@pytest.mark.parametrize("name", BREAKS)
def test_another_goes_on_where_a_stream_broke_off(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with (
            play([*BEGUN, *BREAKS[name]]) as south,
            play(REST) as north,
            Stage(tmp_path, follows(south, north)) as stage,
        ):
            call = asyncio.create_task(stage.ask({**STREAM, "max_tokens": 100}, south))
            if name.startswith("S09"):
                await so(lambda: south.silent)
                stage.passes(LATE)
            answer = await call
            assert (answer.said, answer.events[-1]) == ("hello", "[DONE]")
            assert b": detente: south-m broke off, north-m goes on" in answer.body
            assert (answer.headers["x-detente-on-cut"], answer.headers["x-detente-deployment"]) == (
                "continue",
                "south-m",
            )
            assert north.asked[0]["messages"] == [*HELLO["messages"], {"role": "assistant", "content": "he"}]
            assert north.asked[0]["max_tokens"] == 99
            (record,) = stage.records
            assert (record.outcome, record.deployment, record.continued) == ("complete", "north-m", True)
            used = [(a.deployment, a.used) for a in record.attempts]
            assert used == [("south-m", "unknown"), ("north-m", None)]  # each is billed once
            assert record.usage is not None
            assert stage.load.health("south-m").failures == 1

    run(main(), plain=True)


def test_on_messages_the_text_goes_on_within_its_block(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play([*BEGUN, "close"]) as south,
            play(REST) as north,
            Stage(tmp_path, follows(south, north)) as stage,
        ):
            answer = await stage.ask({**STREAM, "max_tokens": 9}, south, path="/v1/messages")
            kinds = [said["type"] for said in answer.events]
            assert kinds.count("message_start") == kinds.count("content_block_start") == 1
            assert kinds[-1] == "message_stop"
            assert "".join(e["delta"]["text"] for e in answer.events if e["type"] == "content_block_delta") == "hello"

    run(main())


@pytest.mark.parametrize(
    ("path", "name", "named"),
    [
        (CHAT, "served", ["small", "large"]),
        (CHAT, "asked", ["chat"]),
        (RESPONSES, "served", ["small", "large"]),
        (RESPONSES, "asked", ["chat"]),
        (MESSAGES, "served", ["small"]),
    ],
)
def test_a_stream_names_each_model_that_served_of_it(tmp_path: Path, path: str, name: str, named: list[str]) -> None:
    async def main() -> None:
        async with play([*BEGUN, "close"]) as south, play(REST) as north:
            data = follows(south, north, **{"reply-model": name})
            for offer, model in zip(data["offers"], ("small", "large"), strict=True):
                offer["model"] = model
            data["workloads"][0]["runs-on"] = {"models": ["small", "large"]}
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(BODIES[path] | {"model": "chat", "stream": True}, south, path=path)
                assert b"north-m goes on" in answer.body
                told = [event for event in answer.events if isinstance(event, dict)]
                parts = [part for event in told for part in (event, *event.values())]
                assert list(dict.fromkeys(p["model"] for p in parts if isinstance(p, dict) and "model" in p)) == named

    run(main())


TOLD: dict[str, Data] = {
    "assistant": {"messages": [*HELLO["messages"], {"role": "assistant", "content": "he"}]},
    "vllm": {"add_generation_prompt": False, "continue_final_message": True},
    "prefix": {"messages": [*HELLO["messages"], {"role": "assistant", "content": "he", "prefix": True}]},
}


@pytest.mark.parametrize("how", TOLD)
def test_each_kind_is_told_in_its_own_words(tmp_path: Path, how: str) -> None:
    async def main() -> None:
        async with (
            play([*BEGUN, "close"]) as south,
            play(REST) as north,
            Stage(tmp_path, follows(south, north, how)) as stage,
        ):
            assert (await stage.ask(STREAM, south)).said == "hello"
            assert {name: north.asked[0][name] for name in TOLD[how]} == TOLD[how]

    run(main())


CALLED = delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}])
NOT: dict[str, tuple[list[Any], Any, str | None, int]] = {
    "nobody can": ([*BEGUN, "close"], REST, None, 0),
    "S14: who could refuses": ([*BEGUN, "close"], http(refusal("invalid_prefill"), "400 Bad Request"), "assistant", 1),
    "it broke off within a call of a tool": ([*BEGUN[:-1], chunked(CALLED), "heard", "close"], REST, "assistant", 0),
    "it was filtered": (
        [*BEGUN, chunked(event(refusal("content_filter"))), LAST],
        REST,
        "assistant",
        0,
    ),
}


@pytest.mark.parametrize("name", NOT)
def test_where_nobody_goes_on_the_cut_is_told_as_it_was(tmp_path: Path, name: str) -> None:
    first, then, how, asked = NOT[name]

    async def main() -> None:
        async with play(first) as south, play(then) as north, Stage(tmp_path, follows(south, north, how)) as stage:
            answer = await stage.ask(STREAM, south)
            assert answer.said == "he"
            assert "[DONE]" not in answer.events
            error = answer.events[-1]["error"]
            assert "prefill" not in str(error["message"])
            assert error["detente"]["tried"][0]["deployment"] == "south-m"
            assert len(north.requests) == asked
            assert (stage.records[0].outcome, stage.records[0].deployment) == ("cut", "south-m")

    run(main())


def test_who_goes_on_may_break_off_too_and_a_third_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        part = [SSE, chunked(ROLE), chunked(delta(content="l")), "heard", "close"]
        rest = [SSE, *map(chunked, (delta(content="lo"), delta("stop"), DONE)), LAST]
        async with play([*BEGUN, "close"]) as south, play(part) as north, play(rest) as east:
            bases = {"south": south.base, "north": north.base, "east": east.base}
            data = case_data(bases, serving=GOES_ON)
            for made in data["deployments"]:
                made["continues"] = "assistant"
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(STREAM, south, north)
                assert answer.said == "hello"
                assert east.asked[0]["messages"][-1]["content"] == "hel"
                assert [a.outcome for a in stage.records[0].attempts] == ["broken", "broken", "served"]

    run(main())


def test_a_key_says_for_itself_whether_its_streams_go_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with play([*BEGUN, "close"]) as south, play(REST) as north:
            data = follows(south, north)
            data["keys"][0]["on-cut"] = "error"
            async with Stage(tmp_path, data) as stage:
                assert "error" in (await stage.ask(STREAM, south)).events[-1]

    run(main())


@pytest.mark.parametrize("name", BREAKS)
def test_a_stream_that_is_to_be_whole_is_made_anew_where_one_breaks_off(tmp_path: Path, name: str) -> None:
    """S08, S09, S10, S14, with ``buffer``."""

    async def main() -> None:
        async with play([*BEGUN[:-1], *BREAKS[name]]) as south, play([*FLOW]) as north:
            data = two(south, north, serving=SERVING | {"buffer": True})
            async with Stage(tmp_path, data) as stage:
                call = asyncio.create_task(stage.ask(STREAM))
                if name.startswith("S09"):
                    await so(lambda: south.silent)
                    await so(lambda: stage.awaited.spoken)
                    stage.passes(LATE)
                answer = await call
                assert (answer.said, answer.events[-1]) == ("hello", "[DONE]")
                assert answer.headers["x-detente-deployment"] == "north-m"
                assert north.asked[0]["messages"] == HELLO["messages"]

    run(main(), plain=True)


# -- odd replies ------------------------------------------------------------------------------------------------------
VECTORS = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"}
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": []}
GOOD: dict[str, Data] = {CHAT: completion(), EMBEDDINGS: VECTORS, RESPONSES: RESPONSE, MESSAGES: completion()}
SERVES = ["chat", "embeddings", "responses"]


def both(south: Any, north: Any) -> Data:
    """South and North, which serve every path."""
    data = case_data({"south": south.base, "north": north.base}, serving=SERVING)
    for made in data["deployments"]:
        made["serves"] = SERVES
    return data


NOTHING: tuple[Data, ...] = (
    *({}, {"choices": None}, {"choices": []}, {"choices": [{}]}, {"output": None}),
    *({"data": []}, {"data": [{"index": 0, "embedding": []}]}),
)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("said", NOTHING, ids=str)
def test_a_reply_of_status_200_that_holds_no_answer_fails_over(tmp_path: Path, path: str, said: Data) -> None:
    async def main() -> None:
        async with (
            play(http(said)) as south,
            play(http(GOOD[path])) as north,
            Stage(tmp_path, both(south, north)) as stage,
        ):
            answer = await stage.ask(BODIES[path], path=path)
            assert (answer.status, answer.headers["x-detente-deployment"]) == (200, "north-m")

    run(main())


ODD: tuple[Any, ...] = ([], ["prompt_tokens"], "12 tokens", 12, {"prompt_tokens": 1.5, "completion_tokens": []})


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("usage", ODD, ids=str)
def test_an_odd_usage_is_unknown_use_and_spoils_no_reply(tmp_path: Path, path: str, usage: Any) -> None:
    async def main() -> None:
        async with (
            play(http({**GOOD[path], "usage": usage})) as south,
            Stage(tmp_path, both(south, south)) as stage,
        ):
            assert (await stage.ask(BODIES[path], path=path)).status == 200
            assert stage.records[0].usage is None

    run(main())


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("usage", ODD, ids=str)
def test_an_odd_usage_spoils_no_stream(tmp_path: Path, path: str, usage: Any) -> None:
    async def main() -> None:
        odd = event({"choices": None, "usage": usage})
        script = [SSE, *map(chunked, (ROLE, delta(content="hello"), odd, delta("stop"), DONE)), LAST]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask({**BODIES[path], "stream": True}, path=path)
            assert b"hello" in answer.body
            assert b'"choices": null' not in answer.body  # clients go through them
            assert stage.records[0].outcome == "complete"
            assert stage.records[0].usage is None

    run(main())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_bytes_that_are_no_utf_8_are_broken_on_every_path(tmp_path: Path, path: str, stream: bool) -> None:
    async def main() -> None:
        if not stream:
            bad: Sequence[Any] = [http(GOOD[path]).replace(b'"m"', b'"\xff"')]
        elif path == RESPONSES:
            bad = [
                SSE,
                chunked(event({"type": "response.output_text.delta", "delta": "?"}).replace(b"?", b"\xff")),
                LAST,
            ]
        else:
            bad = [SSE, chunked(ROLE), chunked(delta(content="?").replace(b"?", b"\xff")), LAST]
        async with play([*bad]) as south, Stage(tmp_path, both(south, south)) as stage:
            answer = await stage.ask({**BODIES[path], "stream": stream}, path=path)
            assert answer.status == 502
            assert "UTF-8" in answer.json["error"]["message"]
            assert stage.records[0].outcome == "failed"

    run(main())


def calls(answer: Answer) -> dict[int, tuple[str, str]]:
    """Calls of tools by their number, as a client of OpenAI's joins them."""
    found: dict[int, tuple[str, str]] = {}
    for said in answer.events[:-1]:
        for call in said["choices"][0]["delta"].get("tool_calls", []):
            id_, text = found.get(call["index"], ("", ""))
            found[call["index"]] = (call.get("id") or id_, text + call["function"].get("arguments", ""))
    return found


@pytest.mark.parametrize("number", [{"index": 0}, {}, {"index": None}], ids=str)
def test_parallel_calls_are_told_apart_by_their_ids(tmp_path: Path, number: Data) -> None:
    async def main() -> None:
        pieces = [
            delta(tool_calls=[{**number, "id": id_, "type": "function", "function": {"name": "f", "arguments": text}}])
            for id_, text in (("a", '{"x":'), ("b", '{"y":'))
        ]
        more = [
            delta(tool_calls=[{**number, "id": id_, "function": {"arguments": text}}]) for id_, text in (("a", "1}"),)
        ]
        last = [delta(tool_calls=[{**number, "id": "b", "function": {"arguments": "2}"}}])]
        script = [SSE, *map(chunked, (ROLE, *pieces, *more, *last, delta("tool_calls"), DONE)), LAST]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            assert calls(await stage.ask(STREAM)) == {0: ("a", '{"x":1}'), 1: ("b", '{"y":2}')}
            answer = await stage.ask({**STREAM, "max_tokens": 9}, path=MESSAGES)
            begun = [e["content_block"] for e in answer.events if e["type"] == "content_block_start"]
            assert [block["id"] for block in begun] == ["a", "b"]
            assert answer.events[-1]["type"] == "message_stop"

    run(main())


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_a_mistake_of_the_caller_s_is_told_to_it_though_its_status_is_200_and_trips_nobody(
    tmp_path: Path, path: str
) -> None:
    """As vLLM tells it in a stream."""

    async def main() -> None:
        wrong = {"error": {"object": "error", "message": "bad schema", "type": "BadRequestError", "code": 400}}
        script = [SSE, *map(chunked, (event(wrong), DONE)), LAST]
        async with play(*[script] * 4) as south, Stage(tmp_path, one(south)) as stage:
            for _ in range(4):
                answer = await stage.ask({**BODIES[path], "stream": True}, path=path)
                assert (answer.status, answer.json["error"]["message"]) == (400, "bad schema")
            assert [record.usage for record in stage.records] == [TokenCounts(0, 0)] * 4

    run(main())


def test_deadlines_of_the_table_are_the_stage_s() -> None:
    assert DEADLINES["first-byte"] == f"{LATE - 1} s"
