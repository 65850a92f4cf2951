"""Client packages from PyPI, each by the ways in which it speaks to a provider, over wires that differ."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.pypi import run
from tests.end_to_end.serving import Gateway
from tests.end_to_end.wires import AZURE, CLAUDE, EMBEDDING, TITAN

MODELS = (AZURE, CLAUDE)
"""One that speaks OpenAI's shape, and one that is asked in another."""
EXPECTED = {
    "text": "sandbox:echo hi",
    "stream": ["sandbox:echo hi", 4],
    "tools": 4,
    "object": ["number", "settled"],
    "vectors": 3,
}
PACKAGES = {
    "langchain": ("clients", 22 * len(MODELS) + 2),
    "lite": ("clients", 19 * len(MODELS) + 2),
    "pydantic_agents": ("clients", 12 * len(MODELS)),
    "openai_agents": ("clients", 10 * len(MODELS)),
    "structured": ("clients-older", 5 * len(MODELS)),
}
"""In which environment, and how many cases."""


@pytest.mark.parametrize("module", PACKAGES)
def test_a_client_package(wires: Gateway, module: str) -> None:
    environment, cases = PACKAGES[module]
    said = run(
        environment,
        module,
        ADDRESS=wires.address,
        KEY=wires.keys["everything"],
        MODELS=",".join(MODELS),
        VECTORS=f"{EMBEDDING},{TITAN}",
    )
    found = json.loads(said)
    assert len(found) == cases
    assert found == {name: EXPECTED[name.split()[-1]] for name in found}
