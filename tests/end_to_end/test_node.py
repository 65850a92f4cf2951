"""Packages for Node, from npm: OpenAI's own client, and every provider of the Vercel AI SDK, over wires that differ."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.npm import AI_SDK, OPENAI, script
from tests.end_to_end.serving import Gateway
from tests.end_to_end.wires import AZURE, CLAUDE, DIRECT, EMBEDDING, TITAN

MODELS = (AZURE, CLAUDE, DIRECT)
VERCEL = {"text": "sandbox:echo hi", "stream": ["sandbox:echo hi", 4], "tools": 2, "object": ["number", "settled"]}
OPENAIS = {"tools": 1, "turns": ["sandbox:echo two", True, True], "model": True, "vectors": 2}


def asked(name: str, packages: tuple[tuple[str, str], ...], wires: Gateway, home: Path) -> dict[str, object]:
    """What a script found, by case."""
    said = script(
        name,
        packages,
        home,
        BASE=f"{wires.address}/v1",
        KEY=wires.keys["everything"],
        MODELS=",".join(MODELS),
        VECTORS=f"{EMBEDDING},{TITAN}",
    )
    found: dict[str, object] = json.loads(said)
    return found


def test_the_vercel_ai_sdk(wires: Gateway, tmp_path: Path) -> None:
    found = asked("vercel.mjs", AI_SDK, wires, tmp_path)
    assert len(found) == len(MODELS) * 15 + 2
    assert found == {name: VERCEL.get(name.split()[-1], 3) for name in found}


def test_openais_client(wires: Gateway, tmp_path: Path) -> None:
    found = asked("openai.mjs", (OPENAI,), wires, tmp_path)
    assert len(found) == len(MODELS) * 7 + 2
    assert found == {name: OPENAIS.get(name.split()[-1], "sandbox:echo hi") for name in found}
