"""Which model replies name: the one that was asked for, or, where the case or the key says so, the one that served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gateway.caller import KEY
from tests.gateway.http.peer import run
from tests.gateway.script import FLOW, SERVED, Provider, http, play, refusal
from tests.gateway.stage import SERVING, Stage, case_data

BUSY = http(refusal("overloaded"), "503 Busy")
USER = [{"role": "user", "content": "hi"}]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": USER},
    "/v1/messages": {"messages": USER, "max_tokens": 9},
    "/v1/responses": {"input": "hi"},
}


def stage(folder: Path, south: Provider, north: Provider, key: str | None, case: str | None) -> Stage:
    """South has the model ``small``, which is asked first, and North ``large``; the workload runs on both."""
    data = case_data(
        {"south": south.base, "north": north.base}, serving=SERVING | ({"reply-model": case} if case else {})
    )
    for offer, model in zip(data["offers"], ("small", "large"), strict=True):
        offer["model"] = model
    data["workloads"][0]["runs-on"] = {"models": ["small", "large"]}
    if key:
        data["keys"][0]["reply-model"] = key
    return Stage(folder, data)


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("key", "case", "name"),
    [(None, None, "chat"), (None, "served", "large"), ("served", "asked", "large"), ("asked", "served", "chat")],
)
def test_a_workloads_id_stands_for_the_model_that_served(
    tmp_path: Path, path: str, stream: bool, key: str | None, case: str | None, name: str
) -> None:
    async def main() -> None:
        served = FLOW if stream else SERVED
        async with play(BUSY) as south, play(served) as north, stage(tmp_path, south, north, key, case) as on:
            answer = await on.ask({"model": "chat", "stream": stream, **ASKED[path]}, path=path, key=KEY)
            assert answer.headers["x-detente-deployment"] == "north-m"
            told = [answer.json] if not stream else [event for event in answer.events if isinstance(event, dict)]
            parts = [part for event in told for part in (event, *event.values())]
            named = [part["model"] for part in parts if isinstance(part, dict) and "model" in part]
            assert named
            assert set(named) == {name}

    run(main())
