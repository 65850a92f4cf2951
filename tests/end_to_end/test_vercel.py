"""The Vercel AI SDK, from npm: every one of its providers, over wires that differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.npm import AI_SDK, installed, run
from tests.end_to_end.serving import Gateway
from tests.end_to_end.wires import AZURE, CLAUDE, DIRECT, EMBEDDING, TITAN

SCRIPT = Path(__file__).with_name("vercel.mjs")
MODELS = (AZURE, CLAUDE, DIRECT)
EXPECTED = {"text": "sandbox:echo hi", "stream": ["sandbox:echo hi", 4], "tools": 2, "object": ["number", "settled"]}


def test_text_streams_tools_objects_and_vectors(wires: Gateway, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    work = tmp_path / "work"
    work.mkdir()
    (work / "node_modules").symlink_to(installed(*AI_SDK))
    (work / SCRIPT.name).write_bytes(SCRIPT.read_bytes())
    said = run(
        [node, SCRIPT.name],
        tmp_path,
        BASE=f"{wires.address}/v1",
        KEY=wires.keys["everything"],
        MODELS=",".join(MODELS),
        VECTORS=f"{EMBEDDING},{TITAN}",
    )
    found = json.loads(said)
    assert len(found) == len(MODELS) * 15 + 2
    assert found == {name: EXPECTED.get(name.split()[-1], 3) for name in found}
