"""Clauses over the gateway: whom they keep a call from, and what its caller is told of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.gateway.deciding.policy import Policy
from tests.builders import Data, agreement, day, tokens
from tests.gateway.caller import HELLO
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, http, play
from tests.gateway.stage import NOON, Stage, authorities, one, two
from tests.waiting import so

ONLY = {"id": "only", "kind": "exclusivity", "text": "Only on North."}


def test_a_clause_keeps_a_call_from_a_deployment_and_is_disclosed(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(SERVED) as south,
            play(SERVED) as north,
            Stage(tmp_path, two(south, north, agreement(ONLY))) as stage,
        ):
            answer = await stage.ask()
            assert answer.headers["x-detente-deployment"] == "north-m"
            assert answer.headers["x-detente-clause"] == "only"
            assert south.requests == []
            (denied,) = stage.records[0].denied
            assert (denied.deployment, denied.clause) == ("south-m", "only")

    run(main())


def test_a_call_that_clauses_keep_from_everybody_is_refused_with_clause_and_text(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south:
            data = one(south, agreement(ONLY), offers=[tokens("south", 2), tokens("north", 3)])
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask()
                assert answer.status == 403
                error = answer.json["error"]
                assert error["type"] == "permission_error"
                assert error["message"] == "everything runs only on north, so not on south [only]"
                assert error["detente"]["clause"] == "only"
                assert error["detente"]["text"] == "Only on North."
                assert error["detente"]["denied"] == [
                    {"deployment": "south-m", "clause": "only", "why": "everything runs only on north, so not on south"}
                ]
                assert error["detente"]["request"] == answer.headers["x-detente-request-id"]
                assert answer.headers["x-detente-clause"] == "only"
                (record,) = stage.records
                assert (record.outcome, record.status, record.deployment) == ("refused", 403, None)
                assert record.usage is not None
                assert (record.usage.input, record.usage.output, record.cost) == (0, 0, None)
                assert south.requests == []

    run(main())


def test_failing_over_never_leaves_what_is_permitted(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(SERVED) as south,
            play(http(b"", "503 Busy")) as north,
            Stage(tmp_path, two(south, north, agreement(ONLY))) as stage,
        ):
            answer = await stage.ask()
            assert answer.status == 503
            assert answer.json["error"]["detente"]["clause"] == "only"
            assert south.requests == []

    run(main())


def test_a_clause_that_begins_at_midnight_holds_for_the_next_call(tmp_path: Path) -> None:
    async def main() -> None:
        midnight = day("2026-03-11")
        async with play(SERVED) as south, play(SERVED) as north:
            data = two(south, north, agreement(ONLY | {"from": "2026-03-11", "until": "2026-03-12"}))
            async with Stage(tmp_path, data) as stage:
                seen = []
                for at in (
                    NOON,
                    midnight - timedelta(microseconds=1),
                    midnight,
                    midnight + timedelta(hours=23, minutes=59),
                    midnight + timedelta(days=1),
                ):
                    stage.clock.at = at
                    seen.append((await stage.ask()).headers["x-detente-deployment"])
                assert seen == ["south-m", "south-m", "north-m", "north-m", "south-m"]

    run(main())


@pytest.mark.parametrize("reloaded", [False, True])
def test_a_clause_that_begins_while_a_call_is_asked_of_others_holds_for_its_fallback(
    tmp_path: Path, reloaded: bool
) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with play([gate, http({}, "503 Service Unavailable")]) as south, play(SERVED) as north:
            data = two(south, north, agreement(ONLY | {"from": "2026-03-11", "provider": "south"}))
            async with Stage(tmp_path, data) as stage:
                stage.clock.at = day("2026-03-11") - timedelta(seconds=1)
                asked = asyncio.create_task(stage.ask())
                await so(lambda: south.requests)
                if reloaded:  # a call under way ends by the policy that it began with
                    policy = Policy.of(Case.of(two(south, north)))
                    stage.app.follow(policy, authorities(policy))
                stage.clock.at = day("2026-03-11")
                gate.set()
                answer = await asked
                assert (answer.status, north.requests) == (503, [])
                told = answer.json["error"]["detente"]
                assert told["denied"][0]["deployment"] == "north-m"
                assert (told["clause"], told["tried"]) == (
                    "only",
                    [{"deployment": "south-m", "outcome": "unavailable"}],
                )
            (record,) = stage.records
            assert [(d.deployment, d.clause) for d in record.denied] == [("north-m", "only")]

    run(main())


@pytest.mark.parametrize(
    ("lacks", "asked", "param", "why"),
    [
        ("tools", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "cannot do tools"),
        ("structured-output", {"response_format": {"type": "json_object"}}, "response_format", "structured-output"),
        ("streaming", {"stream": True}, "stream", "cannot do streaming"),
        ("penalties", {"presence_penalty": 1}, None, "cannot do penalties"),
        (
            "images",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:a"}}]}]},
            "messages",
            "cannot do images",
        ),
    ],
)
def test_what_no_deployment_can_do_is_the_request_s_mistake_and_no_clause_s(
    tmp_path: Path, lacks: str, asked: Data, param: str | None, why: str
) -> None:
    async def main() -> None:
        async with play(SERVED) as south, play(SERVED) as north:
            for clauses in ((), (agreement(ONLY),)):
                data = two(south, north, *clauses)
                for stated in data["deployments"]:
                    stated["lacks"] = [lacks]
                async with Stage(tmp_path / str(len(clauses)), data) as stage:
                    answer = await stage.ask(HELLO | asked)
                    error = answer.json["error"]
                    assert (answer.status, error["type"], error["param"]) == (400, "invalid_request_error", param)
                    assert why in error["message"]
                    assert error["detente"]["clause"] is None
                    metrics = await stage.page("/metrics")
                    assert "detente_denials_total{" not in metrics.body.decode()
            assert south.requests == north.requests == []

    run(main())


def test_what_a_clause_keeps_from_the_one_who_could_is_the_clause_s(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, play(SERVED) as north:
            data = two(south, north, agreement(ONLY))
            data["deployments"][1]["lacks"] = ["tools"]
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(HELLO | {"tools": [{"type": "function", "function": {"name": "f"}}]})
                assert (answer.status, answer.json["error"]["detente"]["clause"]) == (403, "only")

    run(main())
