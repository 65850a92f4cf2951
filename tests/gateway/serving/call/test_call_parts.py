"""A call that is made as several: all of its parts are served, or none of it is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.serving.call.call_parts import AT_ONCE, all_of
from detente.providers.wire import Failure, Reply, Tokens, failure
from tests.builders import Data
from tests.gateway.http.peer import run
from tests.gateway.script import Provider, http, play
from tests.gateway.stage import Stage, two
from tests.waiting import turns

PATH = "/v1/embeddings"
TITAN = http({"embedding": [0.5], "inputTextTokenCount": 3})
VECTORS = {"object": "list", "data": [{"index": at, "embedding": [0.5]} for at in range(2)], "model": "m"}


def case(south: Provider, north: Provider) -> Data:
    """South is Titan at Bedrock, North is OpenAI-compatible."""
    data = two(south, north)
    titan = {"kind": "bedrock", "endpoint": south.base, "name": "amazon.titan-embed-text-v2:0"}
    data["deployments"][0] |= titan | {"serves": ["embeddings"]}
    data["deployments"][1]["serves"] = ["embeddings"]
    return data


def test_all_parts_are_asked_and_the_call_is_recorded_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(TITAN) as south, play(http(VECTORS)) as north:
            async with Stage(tmp_path, case(south, north)) as stage:
                answer = await stage.ask({"model": "m", "input": ["a", "b", "c"]}, path=PATH)
                assert (answer.status, len(answer.json["data"])) == (200, 3)
                (record,) = stage.records
                assert [(a.deployment, a.outcome) for a in record.attempts] == [("south-m", "served")]
                assert record.usage is not None
                assert record.usage.input == 9
            assert sorted(json.loads(body)["inputText"] for _, body in south.requests) == ["a", "b", "c"]

    run(main())


@pytest.mark.parametrize("script", [http({"message": "no"}, "503 Busy"), "reset"])
def test_where_a_part_fails_another_deployment_serves_the_whole_call(tmp_path: Path, script: Any) -> None:
    async def main() -> None:
        async with play(TITAN, script) as south, play(http(VECTORS)) as north:
            async with Stage(tmp_path, case(south, north)) as stage:
                answer = await stage.ask({"model": "m", "input": ["a", "b"]}, path=PATH)
                assert (answer.status, answer.headers["x-detente-deployment"]) == (200, "north-m")
                (record,) = stage.records
                assert [a.deployment for a in record.attempts][-1] == "north-m"
                assert record.attempts[0].used == "unknown"  # a part of it was served, and paid for
            assert len(north.requests) == 1

    run(main())


def test_so_many_at_a_time_and_a_failure_ends_the_others() -> None:
    under_way = most = given_up = 0

    async def part(fails: bool) -> Failure | Reply:
        nonlocal under_way, most, given_up
        under_way += 1
        most = max(most, under_way)
        try:
            await turns()
            if fails:
                return failure("unavailable", 503, "no")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up += 1
            raise
        finally:
            under_way -= 1
        return Reply(b"", Tokens(0, 0))

    async def main() -> None:
        found = await all_of([lambda at=at: part(at == 3) for at in range(20)])  # type: ignore[misc]
        assert isinstance(found, Failure)
        assert (under_way, most) == (0, AT_ONCE)
        assert AT_ONCE - 1 <= given_up <= AT_ONCE  # one may have taken the place of who failed

    run(main())
