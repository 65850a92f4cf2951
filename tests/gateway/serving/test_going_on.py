"""A stream that breaks off: who goes on with it, what they are told, and what its caller sees."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Data
from tests.gateway.caller import HELLO, STREAM
from tests.gateway.http.peer import run
from tests.gateway.script import DONE, FLOW, LAST, ROLE, SSE, USED, chunked, delta, event, http, play, refusal
from tests.gateway.serving.bodies import BODIES, CHAT, MESSAGES, RESPONSES
from tests.gateway.stage import LATE, PATIENT, SERVING, Stage, case_data, two
from tests.waiting import so

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


def test_signs_of_life_keep_no_stream_from_being_idle(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        signs = [chunked(b": processing\n\n" + event({"id": "x", "choices": []})), "silence"]
        async with (
            play([*BEGUN, gate, *signs]) as south,
            play(REST) as north,
            Stage(tmp_path, follows(south, north)) as stage,
        ):
            call = asyncio.create_task(stage.ask(STREAM, south))
            await so(south.heard.is_set)
            stage.passes(LATE - 100)
            gate.set()
            await so(lambda: south.silent)
            stage.passes(LATE - 100)
            answer = await call
            assert (answer.said, answer.events[-1]) == ("hello", "[DONE]")
            assert b"south-m broke off, north-m goes on" in answer.body

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


def test_several_answers_are_not_gone_on_with(tmp_path: Path) -> None:
    """Who goes on would be told the beginning of one of them, and the others would lose theirs."""

    async def main() -> None:
        async with (
            play([*BEGUN, "close"]) as south,
            play(REST) as north,
            Stage(tmp_path, follows(south, north)) as stage,
        ):
            answer = await stage.ask({**STREAM, "n": 2}, south)
            assert (answer.said, north.requests) == ("he", [])
            assert "error" in answer.events[-1]

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


@pytest.mark.parametrize(
    ("path", "limit", "end"), [(CHAT, "max_tokens", "length"), (MESSAGES, "max_tokens", "max_tokens")]
)
def test_a_stream_with_all_the_tokens_that_it_may_have_is_at_its_limit(
    tmp_path: Path, path: str, limit: str, end: str
) -> None:
    """One piece of at most one: nothing is left to ask for, and nobody is asked."""

    async def main() -> None:
        async with (
            play([*BEGUN, "close"]) as south,
            play(REST) as north,
            Stage(tmp_path, follows(south, north)) as stage,
        ):
            usage = {"stream_options": {"include_usage": True}} if path == CHAT else {}
            answer = await stage.ask({**STREAM, limit: 1, **usage}, south, path=path)
            assert f'"{end}"'.encode() in answer.body
            if path == CHAT:  # no provider told it
                assert (answer.events[-2]["choices"], answer.events[-2]["usage"]) == ([], None)
            assert b"error" not in answer.body
            assert north.requests == []
            (record,) = stage.records
            assert (record.outcome, record.finish, record.continued) == ("complete", "length", False)

    run(main())


@pytest.mark.parametrize(
    ("pieces", "left"),
    [
        ("one two three", 7),  # letter by letter: three words
        (["one ", "two ", "three"], 7),
        ("日本語", 7),
        ("1234", 6),
        (["o", "n", "e t"], 7),
    ],
)
def test_text_that_comes_letter_by_letter_has_a_token_a_word(
    tmp_path: Path, pieces: str | list[str], left: int
) -> None:
    async def main() -> None:
        said = [SSE, *map(chunked, (ROLE, *(delta(content=piece) for piece in pieces))), "heard", "close"]
        async with (
            play(said) as south,
            play(REST) as north,
            Stage(tmp_path, follows(south, north)) as stage,
        ):
            await stage.ask({**STREAM, "max_tokens": 10}, south)
            assert north.asked[0]["max_tokens"] == left

    run(main())


@pytest.mark.parametrize(
    "form",
    [{"response_format": {"type": "json_object"}}, {"guided_regex": "[a-z]+"}, {"structured_outputs": {"json": {}}}],
)
def test_a_stream_in_a_stated_form_is_not_gone_on_with(tmp_path: Path, form: dict[str, Any]) -> None:
    """Who goes on would begin the form anew, in the middle of the text."""

    async def main() -> None:
        async with (
            play([*BEGUN, "close"]) as south,
            play(REST) as north,
            Stage(tmp_path, follows(south, north)) as stage,
        ):
            answer = await stage.ask({**STREAM, **form}, south)
            assert (answer.said, north.requests) == ("he", [])
            assert "error" in answer.events[-1]

    run(main())
