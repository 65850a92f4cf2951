"""The page of Bedrock names what the code knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.providers.bedrock.converse import HINTS, SAID, TIERS, UNSAID
from detente.providers.bedrock.converse_reply import FINISH
from detente.providers.bedrock.embeddings import INPUT_TYPES
from tests.providers.bedrock.test_failures import MEANING

PAGE = (Path(__file__).parents[3] / "docs" / "providers" / "bedrock.md").read_text(encoding="utf-8")
OF_EVERY_CALL = {"messages", "model", "stream", "stream_options"}


@pytest.mark.parametrize("name", sorted((SAID - OF_EVERY_CALL) | HINTS | set(UNSAID)))
def test_every_member_of_a_call(name: str) -> None:
    assert f"`{name}`" in PAGE or f"`{name}:" in PAGE


@pytest.mark.parametrize("name", sorted([*FINISH, *MEANING, *INPUT_TYPES]))
def test_every_reason_error_and_type(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", sorted(TIERS))
def test_every_tier(name: str) -> None:
    assert name in PAGE
