"""Packages for Node, from npm, over wires that differ: OpenAI's client, the Vercel AI SDK's providers, Continue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.npm import AI_SDK, OPENAI, continued, script
from tests.end_to_end.serving import Gateway
from tests.end_to_end.wires import AZURE, CLAUDE, DIRECT, EMBEDDING, NOVA, TITAN

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


@pytest.mark.parametrize(("provider", "model"), [("openai", NOVA), ("anthropic", CLAUDE)])
def test_continue_reads_files_with_its_tools(provider: str, model: str, wires: Gateway, tmp_path: Path) -> None:
    known = len(wires.records())
    asked = "Look sandbox:tool=List:2"
    assert continued(wires, tmp_path / "home", provider, model, "-p", asked, "--allow", "List").strip()
    made = [(one.deployment, one.outcome, one.finish) for one in wires.records()[known:]]
    assert made == [(model, "complete", finish) for finish in ("tool_calls", "tool_calls", "stop")]
