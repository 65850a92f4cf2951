"""A call through the gateway: passed on, answered, recorded, and disclosed in its headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.caller import HELLO
from tests.gateway.http.peer import run
from tests.gateway.script import completion, http, play
from tests.gateway.stage import DEADLINES, SECRET, Stage, one

pytestmark = pytest.mark.usefixtures("unhurried")


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
