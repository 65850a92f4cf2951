"""The names of models, and lists of them in either shape."""

from __future__ import annotations

import pytest
from anthropic.types import ModelInfo

from detente.gateway.surfaces.models import in_anthropics_shape, listed, meant
from tests.builders import day

KNOWN = ["claude-haiku-4.5", "claude-sonnet-4.5", "gpt-4.1", "gpt-4.1-mini", "coding"]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("claude-haiku-4.5", "claude-haiku-4.5"),
        ("claude-haiku-4-5", "claude-haiku-4.5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4.5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-20250929[1m]", "claude-sonnet-4.5"),
        ("claude-sonnet-4.5-latest", "claude-sonnet-4.5"),
        ("coding[1m]", "coding"),
        ("gpt-4.1-mini", "gpt-4.1-mini"),
        ("Claude-Haiku-4.5", None),
        ("claude-opus-4-5", None),
        ("gpt-4", None),
        ("", None),
    ],
)
def test_a_name_stands_for_the_one_model_that_it_can_mean(name: str, model: str | None) -> None:
    assert meant(name, KNOWN) == model


def test_a_name_that_could_mean_two_means_none() -> None:
    assert meant("a-1", ["a.1", "a-1-20250101"]) is None


def test_anthropics_client_reads_its_list() -> None:
    found = listed(in_anthropics_shape(KNOWN, day("2026-03-10")), anthropic=True)
    assert [ModelInfo.model_validate(entry).id for entry in found["data"]] == KNOWN
    assert (found["first_id"], found["last_id"], found["has_more"]) == (KNOWN[0], KNOWN[-1], False)
    assert found["data"][0]["created_at"] == "2026-03-10T00:00:00Z"
    assert listed({}, anthropic=True)["first_id"] is None
