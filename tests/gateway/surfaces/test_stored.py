"""Stored responses: they are read and deleted where their ids say, and nowhere else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.surfaces import responses_pin
from detente.gateway.surfaces.stored import StoredSurface
from detente.providers.wire import Refusal
from tests.builders import Data
from tests.gateway.caller import KEY
from tests.gateway.script import Provider, http, play
from tests.gateway.stage import Stage, case_data, deployment


def seal(response: str, deployment: str, workload: str = "chat") -> str:
    return responses_pin.seal(response, deployment, workload)


STORED = http({"id": "resp_1", "object": "response", "previous_response_id": "resp_0", "usage": {"input_tokens": 9}})
DELETED = http({"id": "resp_1", "object": "response", "deleted": True})
ITEMS = http({"object": "list", "data": [{"id": "msg_1", "type": "message"}], "has_more": False})


def case_of(south: Provider, north: Provider, *agreements: Data) -> Data:
    serving: dict[str, Any] = {"serves": ["chat", "responses"]}
    made = [deployment("south-m", "south-api", south.base, **serving)]
    made += [deployment("north-m", "north-api", north.base, **serving)]
    return case_data({"south": south.base, "north": north.base}, *agreements, deployments=made)


async def ask(stage: Stage, method: str, path: str) -> Any:
    return await stage.ask(path=f"/v1/responses/{path}", method=method, key=KEY)


def test_a_response_is_read_listed_and_deleted_where_it_lies(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(STORED) as south,
            play(STORED, ITEMS, DELETED) as north,
            Stage(tmp_path, case_of(south, north)) as stage,
        ):
            there = seal("resp_1", "north-m")
            read = await ask(stage, "GET", f"{there}?include[]=reasoning")
            assert (read.status, read.json["id"]) == (200, there)
            assert read.json["previous_response_id"] == seal("resp_0", "north-m")
            items = await ask(stage, "GET", f"{there}/input_items?limit=3")
            assert items.json["data"] == [{"id": "msg_1", "type": "message"}]
            deleted = await ask(stage, "DELETE", there)
            assert (deleted.json["id"], deleted.json["deleted"]) == (there, True)
            assert south.requests == []
            assert [head.split(b" HTTP")[0] for head, _ in north.requests] == [
                b"GET /v1/responses/resp_1?include[]=reasoning",
                b"GET /v1/responses/resp_1/input_items?limit=3",
                b"DELETE /v1/responses/resp_1",
            ]
            # What is read was metered when it was made.
            assert [(r.usage.input, r.usage.output) for r in stage.records if r.usage] == [(0, 0)] * 3

    asyncio.run(main())


def test_a_clause_keeps_a_caller_from_a_response_like_from_a_call(tmp_path: Path) -> None:
    only = {"id": "only", "kind": "exclusivity", "provider": "south", "text": "Sales run on South."}
    policy = {"id": "p", "with": "self", "effective": "2026-01-01", "terms": [only]}

    async def main() -> None:
        async with (
            play(STORED) as south,
            play(STORED) as north,
            Stage(tmp_path, case_of(south, north, policy)) as stage,
        ):
            answer = await ask(stage, "GET", seal("resp_1", "north-m"))
            assert answer.status == 403
            assert answer.json["error"]["detente"]["clause"] == "only"
            assert north.requests == south.requests == []

    asyncio.run(main())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "resp_1", 404),
        ("DELETE", "resp_1", 404),
        ("POST", "input_tokens", 404),
        ("POST", "compact", 404),
        ("GET", "input_tokens", 404),
        ("GET", seal("resp_1", "nobody"), 404),
        ("GET", seal("resp_1", "north-m", "another-workload"), 404),
        ("GET", seal("../files", "north-m"), 400),
        ("GET", f"{seal('resp_1', 'north-m')}?stream=true", 400),
        ("POST", seal("resp_1", "north-m"), 405),
        ("DELETE", f"{seal('resp_1', 'north-m')}/input_items", 405),
        ("GET", f"{seal('resp_1', 'north-m')}/other", 404),
    ],
)
def test_what_is_no_stored_response_is_refused(tmp_path: Path, method: str, path: str, status: int) -> None:
    async def main() -> None:
        async with play(STORED) as south, play(STORED) as north, Stage(tmp_path, case_of(south, north)) as stage:
            answer = await ask(stage, method, path)
            assert answer.status == status
            assert answer.json["error"]["message"]
            assert north.requests == south.requests == []

    asyncio.run(main())


@pytest.mark.parametrize(
    ("maker", "way"),
    [
        ("nobody", "nobody is here no longer: send the whole conversation as `input`"),
        ("north-n", "ask for n, which is served there, or send the whole conversation as `input`"),
    ],
)
def test_a_turn_on_what_lies_where_its_model_is_not_served_is_told_what_helps(
    tmp_path: Path, maker: str, way: str
) -> None:
    async def main() -> None:
        async with play(STORED) as south, play(STORED) as north:
            case = case_of(south, north)
            case["deployments"][1]["id"] = "north-n"
            case["offers"][1]["model"] = "n"
            case["workloads"][0]["runs-on"]["models"].append("n")
            async with Stage(tmp_path, case) as stage:
                body = {"model": "m", "input": "b", "previous_response_id": seal("resp_1", maker)}
                answer = await stage.ask(body, path="/v1/responses", key=KEY)
                assert (answer.status, answer.json["error"]["param"]) == (400, "previous_response_id")
                assert answer.json["error"]["message"].endswith(way)
                assert north.requests == south.requests == []

    asyncio.run(main())


def test_a_provider_that_lost_a_response_names_it_as_the_caller_did(tmp_path: Path) -> None:
    said = {"message": "Response with id 'resp_1' not found.", "type": "invalid_request_error", "code": None}

    async def main() -> None:
        lost = http({"error": said}, "404 Not Found")
        async with play(STORED) as south, play(lost) as north, Stage(tmp_path, case_of(south, north)) as stage:
            there = seal("resp_1", "north-m")
            answer = await ask(stage, "GET", there)
            assert f"'{there}'" in answer.json["error"]["message"]
            assert "'resp_1'" not in answer.json["error"]["message"]

    asyncio.run(main())


def test_a_stranger_reads_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(STORED) as south, play(STORED) as north, Stage(tmp_path, case_of(south, north)) as stage:
            answer = await stage.ask(path=f"/v1/responses/{seal('resp_1', 'north-m')}", method="GET", key="dtk_no_no")
            assert (answer.status, north.requests) == (401, [])

    asyncio.run(main())


@given(path=st.binary(max_size=200), query=st.binary(max_size=60))
def test_any_path_is_a_call_of_its_own_response_or_refused(path: bytes, query: bytes) -> None:
    try:
        asked = StoredSurface(b"GET", b"/v1/responses/" + path, query).ask(b"")
    except Refusal:
        return
    assert asked.call.item.startswith("/")
    assert ".." not in asked.call.item.split("?")[0].split("/")
