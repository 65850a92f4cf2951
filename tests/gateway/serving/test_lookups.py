"""Calls that make nothing, counts of tokens and stored responses, beside those that a model answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.gateway.deciding import health
from detente.gateway.surfaces.responses_pin import seal
from tests.builders import Data
from tests.gateway.caller import HELLO
from tests.gateway.http.peer import run
from tests.gateway.script import Provider, http, play
from tests.gateway.stage import Stage, one
from tests.waiting import AGES

MESSAGES, COUNTS, RESPONSES = "/v1/messages", "/v1/messages/count_tokens", "/v1/responses"
ASK: Data = HELLO | {"max_tokens": 9}
NUMBER = http({"input_tokens": 123})
SAID = http(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
)


def failing(status: str) -> bytes:
    kind = "rate_limit_error" if status.startswith("429") else "api_error"
    return http({"type": "error", "error": {"type": kind, "message": "no"}}, status)


@pytest.fixture(autouse=True)
def rests_do_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    for rest in ("FIRST_REST", "LONGEST_REST", "THROTTLED_REST"):
        monkeypatch.setattr(health, rest, AGES)


def claude(south: Provider) -> Data:
    data = one(south)
    data["deployments"][0] |= {"kind": "anthropic", "endpoint": south.base, "name": "claude-haiku-4-5"}
    return data


def counted(south: Provider) -> int:
    return sum(head.startswith(f"POST {COUNTS} ".encode()) for head, _ in south.requests)


@pytest.mark.parametrize(
    ("status", "asked"),
    [("429 Too Many Requests", 1), ("403 Forbidden", 3), ("404 Not Found", 3), ("500 Internal Server Error", 3)],
)
def test_counts_that_fail_rest_counts_alone(tmp_path: Path, status: str, asked: int) -> None:
    """Of twelve counts as many are asked as its breaker bears, and each is answered; then a message is served."""

    async def main() -> None:
        async with play(SAID) as south, Stage(tmp_path, claude(south)) as stage:
            south.answers[COUNTS.encode()] = [failing(status)]
            for _ in range(12):
                answer = await stage.ask(ASK, path=COUNTS)
                assert (answer.status, answer.headers["x-detente-estimated"]) == (200, "input_tokens")
            assert counted(south) == asked
            assert (await stage.ask(ASK, path=MESSAGES)).json["content"][0]["text"] == "hello"

    run(main())


def test_counts_that_succeed_do_not_heal_who_answers_nothing(tmp_path: Path) -> None:
    """Its breaker bears three failures, with a count before each message as without; then nobody would be asked."""

    async def main() -> None:
        async with play(failing("500 Internal Server Error")) as south, Stage(tmp_path, claude(south)) as stage:
            south.answers[COUNTS.encode()] = [NUMBER]
            for _ in range(12):
                await stage.ask(ASK, path=COUNTS)
                assert (await stage.ask(ASK, path=MESSAGES)).status >= 500
            assert len(south.requests) - counted(south) == 3
            assert counted(south) == 3  # whoever rests would not be asked, and so counts nothing

    run(main())


@pytest.mark.parametrize("status", ["403 Forbidden", "429 Too Many Requests", "500 Internal Server Error"])
def test_a_stored_response_that_cannot_be_had_rests_nobody_who_answers(tmp_path: Path, status: str) -> None:
    async def main() -> None:
        async with play(failing(status)) as south:
            data = one(south)
            data["deployments"][0]["serves"] = ["chat", "responses"]
            async with Stage(tmp_path, data) as stage:
                south.answers[b"/v1/chat/completions"] = [http({"choices": [{"message": {"content": "hello"}}]})]
                stored = f"{RESPONSES}/{seal('resp_1', 'south-m', 'chat')}"
                for method in ("GET", "DELETE") * 3:
                    assert (await stage.ask(path=stored, method=method)).status >= 400
                assert 1 <= len(south.requests) <= 3
                assert (await stage.ask(HELLO)).status == 200

    run(main())
