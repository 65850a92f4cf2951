"""Encrypted reasoning that was made elsewhere: who is asked, and when it helps to ask again."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.deciding import health
from detente.gateway.deciding.decision import read
from detente.gateway.surfaces.responses import ResponsesSurface
from tests.builders import Data
from tests.gateway.http.peer import run
from tests.gateway.script import LAST, SERVED, SSE, Provider, chunked, event, http, play, refusal
from tests.gateway.stage import SERVING, Stage, case_data
from tests.waiting import so

Staged = tuple[Stage, Provider, Provider]
PATH = "/v1/responses"
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [{}]}
THOUGHT: Data = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
COMPACTED: Data = {"type": "compaction", "encrypted_content": "gBBB"}
TURN: Data = {"type": "message", "role": "user", "content": "Go on"}
FOREIGN = http(refusal("invalid_encrypted_content"), "400 Bad Request")
BUSY = http(refusal("overloaded"), "503 Service Unavailable")


def body(*items: Data, **more: object) -> Data:
    return {"model": "m", "store": False, "input": [*items, TURN], **more}


def limited(**headers: str) -> bytes:
    return http(refusal("rate_limit_exceeded"), "429 Too Many Requests", **headers)


@contextlib.asynccontextmanager
async def staged(folder: Path, souths: list[Any], norths: list[Any], **serving: object) -> AsyncIterator[Staged]:
    """South and North, which serve responses, and a gateway before them."""
    async with play(*souths) as south, play(*norths) as north:
        data = case_data({"south": south.base, "north": north.base}, serving=SERVING | serving)
        for made in data["deployments"]:
            made["serves"] = ["chat", "responses"]
        async with Stage(folder, data) as stage:
            yield stage, south, north


SOUTH: dict[str, tuple[bytes, int, str | None]] = {
    "cannot read it either": (FOREIGN, 400, None),
    "at its limit, for a time": (limited(retry_after="90"), 429, "90"),
    "at its limit": (limited(), 429, "1"),
    "fails": (BUSY, 503, None),
}


@pytest.mark.parametrize("turned", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("how", SOUTH)
def test_to_ask_again_helps_only_where_one_was_asked_that_may_have_made_it(
    tmp_path: Path, how: str, turned: bool
) -> None:
    said, status, again = SOUTH[how]
    scripts = (FOREIGN, said) if turned else (said, FOREIGN)

    async def main() -> None:
        async with staged(tmp_path, [scripts[0]], [scripts[1]]) as (stage, south, north):
            answer = await stage.ask(body(THOUGHT), path=PATH)
            assert (answer.status, answer.headers.get("retry-after")) == (status, again)
            assert (len(south.requests), len(north.requests)) == (1, 1)
            if status == 400:
                error = answer.json["error"]
                assert (error["code"], error["param"]) == ("invalid_encrypted_content", "input")
                assert "leave its items out" in error["message"]
                assert stage.records[0].outcome == "refused"
                assert {stage.load.health(name) for name in ("south-m", "north-m")} == {health.WELL}

    run(main())


def test_its_maker_that_was_at_its_limit_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [limited(retry_after_ms="20"), http(RESPONSE)], [FOREIGN]) as (
            stage,
            _,
            _,
        ):
            assert (await stage.ask(body(THOUGHT), path=PATH)).status == 200
            outcomes = [(a.deployment, a.outcome) for a in stage.records[0].attempts]
            assert outcomes == [("south-m", "throttled"), ("north-m", "foreign"), ("south-m", "served")]

    run(main())


@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "while another is asked"])
def test_one_that_rests_may_have_made_it(tmp_path: Path, meanwhile: bool) -> None:
    async def main() -> None:
        scripts: list[Any] = ["heard", FOREIGN] if meanwhile else [FOREIGN]
        async with staged(tmp_path, [scripts], [limited(retry_after="200")]) as (stage, south, north):
            now = asyncio.get_running_loop().time()
            resting = health.WELL.told(now, 200)
            if not meanwhile:
                stage.load._known["north-m"].health = resting
            call = asyncio.create_task(stage.ask(body(THOUGHT), path=PATH))
            if meanwhile:
                await so(lambda: south.requests)
                stage.load._known["north-m"].health = resting
                south.heard.set()
            answer = await call
            assert (answer.status, answer.json["error"]["detente"]["resting"]) == (429, ["north-m"])
            assert 190 <= int(answer.headers["retry-after"]) <= 200
            assert north.requests == []

    run(main())


def test_who_may_do_without_is_asked_without_it_and_nothing_else_is_left_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [FOREIGN, http(RESPONSE)], [FOREIGN], lenient=["reasoning"]) as (
            stage,
            south,
            _,
        ):
            answer = await stage.ask(body(THOUGHT, COMPACTED), path=PATH)
            assert (answer.status, answer.headers["x-detente-left-out"]) == (200, "reasoning")
            assert [said["input"] for said in south.asked] == [[THOUGHT, COMPACTED, TURN], [COMPACTED, TURN]]
            assert stage.records[0].left_out == ("reasoning",)

    run(main())


def test_what_nobody_can_read_is_refused_also_where_it_was_left_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [FOREIGN], [FOREIGN], lenient=["reasoning"]) as (stage, south, _):
            answer = await stage.ask(body(COMPACTED), path=PATH)
            assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_encrypted_content")
            assert len(south.requests) == 2

    run(main())


def test_what_a_stream_says_of_it_before_any_content_is_the_same(tmp_path: Path) -> None:
    failed = {"type": "response.failed", "response": {**RESPONSE, "status": "failed"}}
    failed["response"]["error"] = {"code": "invalid_encrypted_content", "message": "no"}  # type: ignore[index]

    async def main() -> None:
        async with staged(tmp_path, [[SSE, chunked(event(failed)), LAST]], [FOREIGN]) as (stage, _, _):
            answer = await stage.ask(body(THOUGHT, stream=True), path=PATH)
            assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_encrypted_content")

    run(main())


def test_the_maker_itself_that_cannot_read_it_any_more_is_final(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [FOREIGN], [SERVED]) as (stage, _, north):
            sealed = {**THOUGHT, "encrypted_content": "dte1~south-m~gAAA"}
            answer = await stage.ask(body(sealed), path=PATH)
            assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_encrypted_content")
            assert north.requests == []

    run(main())


def test_reasoning_of_a_deployment_that_is_gone_is_left_out_where_the_call_may_do_without(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [http(RESPONSE)], [SERVED], lenient=["reasoning"]) as (stage, south, _):
            sealed = {**THOUGHT, "encrypted_content": "dte1~gone~gAAA"}
            answer = await stage.ask(body(sealed, COMPACTED), path=PATH)
            assert (answer.status, answer.headers["x-detente-left-out"]) == (200, "reasoning")
            assert [said["input"] for said in south.asked] == [[COMPACTED, TURN]]

    run(main())


def test_reasoning_of_another_model_is_left_out_where_the_call_may_do_without() -> None:
    """Its maker is there, and serves another model than the one that is asked for."""
    sealed = {**THOUGHT, "encrypted_content": "dte1~south~gAAA"}
    given = json.dumps(body(sealed)).encode()
    for serving, pinned in (({"m": {"south"}}, "south"), ({"m": {"north"}, "o": {"south"}}, None)):
        asked = read(ResponsesSurface(), given, "chat", frozenset({"reasoning"}), serving=serving.__getitem__)
        assert (asked.pinned, "reasoning" in asked.call.left_out) == (pinned, pinned is None)


def test_reasoning_of_a_deployment_that_is_gone_is_refused_with_the_remedy(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [SERVED], [SERVED]) as (stage, south, north):
            sealed = {**THOUGHT, "encrypted_content": "dte1~gone~gAAA"}
            answer = await stage.ask(body(sealed), path=PATH)
            error = answer.json["error"]
            assert (answer.status, error["param"]) == (400, None)  # it was sent no `previous_response_id`
            assert "what gone made" in error["message"]
            assert "send the conversation without it" in error["message"]
            assert south.requests == north.requests == []

    run(main())


def test_what_is_left_out_of_a_message_has_its_callers_word(tmp_path: Path) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    chat = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}

    async def main() -> None:
        async with play(http(chat)) as south:
            data = case_data({"south": south.base}, serving=SERVING | {"lenient": ["reasoning"]})
            data["deployments"][0]["lacks"] = ["reasoning"]
            async with Stage(tmp_path, data) as stage:
                thinking = {"type": "enabled", "budget_tokens": 1024}
                asked = {
                    "model": "m",
                    "max_tokens": 2000,
                    "thinking": thinking,
                    "messages": [{"role": "user", "content": "Hi"}],
                }
                answer = await stage.ask(asked, path="/v1/messages")
                assert (answer.status, answer.headers["x-detente-left-out"]) == (200, "thinking")

    run(main())
