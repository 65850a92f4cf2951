"""Paths: what clients call them, with Azure's, and where they lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.gateway.serving.call.kept_turns import KeptTurns
from tests.builders import Data
from tests.gateway.caller import HELLO
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, completion, http, play
from tests.gateway.stage import Stage, one


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/openai/responses?api-version=2025-04-01-preview", {"model": "m", "input": "hi", "store": False}),
        ("/openai/v1/responses/", {"model": "m", "input": "hi", "store": False}),
        ("/anthropic/v1/messages", {**HELLO, "max_tokens": 9}),
        ("/openai/deployments/m/embeddings", {"input": "hi"}),
    ],
)
def test_paths_of_clients_for_azure_lead_to_every_surface(tmp_path: Path, path: str, asked: Data) -> None:
    async def main() -> None:
        vectors = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"}
        async with play(http(vectors if "embeddings" in path else completion())) as south:
            data = one(south)
            data["deployments"][0]["serves"] = ["chat", "embeddings"]
            async with Stage(tmp_path, data) as stage:
                assert (await stage.ask(asked, path=path)).status == 200

    run(main())


@pytest.mark.parametrize("path", ["/v1/models", "/openai/v1/models", "/openai/models", "/v1/models/"])
def test_models_are_listed_on_azures_paths_too_and_one_is_named_as_addresses_name_it(tmp_path: Path, path: str) -> None:
    async def main() -> None:
        async with play() as south, Stage(tmp_path, one(south)) as stage:
            assert {model["id"] for model in (await stage.page(path)).json["data"]} == {"m", "chat"}
            assert (await stage.page(f"{path.rstrip('/')}/m%5B1m%5D")).json["id"] == "m"
            assert (await stage.page(f"{path.rstrip('/')}/%ff")).status == 404

    run(main())


def test_a_response_that_is_kept_is_read_on_azures_paths_too(tmp_path: Path) -> None:
    async def main() -> None:
        kept = KeptTurns(tmp_path / "turns")
        async with play(SERVED) as south, Stage(tmp_path, one(south), kept=kept) as stage:
            made = (await stage.ask({"model": "m", "input": "hi"}, path="/openai/responses")).json["id"]
            for path in ("/openai/responses", "/openai/v1/responses", "/v1/responses"):
                assert (await stage.page(f"{path}/{made}")).json["id"] == made

    run(main())


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions/",
        "/openai/v1/chat/completions",
        "/openai/deployments/m/chat/completions?api-version=2024-10-21",
    ],
)
def test_azures_own_paths_and_a_slash_at_the_end_lead_to_the_same(tmp_path: Path, path: str) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            assert (await stage.ask(path=path)).status == 200
            assert (await stage.ask(path="/openai/deployments/m/nothing")).status == 404

    run(main())


@pytest.mark.parametrize(
    ("body", "model"), [({}, "m"), ({"model": None}, "m"), ({"model": "chat"}, "chat")], ids=["none", "null", "its own"]
)
def test_a_body_without_a_model_has_the_one_of_its_path(tmp_path: Path, body: Any, model: str) -> None:
    """As Azure's clients of other languages send it."""

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            said = {name: value for name, value in HELLO.items() if name != "model"}
            answer = await stage.ask({**said, **body}, path="/openai/deployments/m/chat/completions")
            assert (answer.status, answer.json["model"], stage.records[0].model) == (200, model, model)
            odd = await stage.ask(["no", "object"], path="/openai/deployments/m/chat/completions")
            assert odd.status == 400

    run(main())


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/messages", "/v1/messages"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completion", None),
        ("/", None),
    ],
)
def test_a_base_url_with_v1_missing_or_twice_is_told(tmp_path: Path, path: str, meant: str | None) -> None:
    async def main() -> None:
        async with play() as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(HELLO, path=path)
            said = f"there is no endpoint POST {path}" + (f"; did you mean {meant}?" if meant else "")
            assert answer.status == 404
            assert answer.json["error"]["message"].startswith(said)
            assert ("did you mean" in answer.json["error"]["message"]) == (meant is not None)

    run(main())
