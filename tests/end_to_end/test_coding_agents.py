"""The real Claude Code and the real Codex, in conversations with tools; their provider is lost in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.ledger.journals.record import Record
from tests.end_to_end.npm import claude_code, codex
from tests.end_to_end.serving import Gateway

WORKLOAD = "coding"
"""Its id stands for any model that it runs on: a Claude at AWS, and GPT at Azure."""


@pytest.fixture
def gateway(enterprise: Gateway) -> Gateway:
    enterprise.mended()
    return enterprise


def since(gateway: Gateway, known: int) -> list[Record]:
    """The records of calls that were made since so many were known."""
    return [record for record in gateway.records() if record.key.endswith(WORKLOAD)][known:]


TURNS = 20


def told_apart(records: list[Record]) -> tuple[int, int]:
    """(how many calls the first provider served, how many another did): all whole, and none of the first after it."""
    assert all(record.outcome == "complete" for record in records)
    providers = [record.provider for record in records]
    first = providers.index(next(name for name in providers if name != providers[0]))
    assert providers[0] not in providers[first:]
    return first, len(records) - first


def test_claude_code_talks_for_twenty_turns_with_tools_and_does_not_notice_that_its_provider_is_lost(
    gateway: Gateway, tmp_path: Path
) -> None:
    known = len(since(gateway, 0))
    gateway.fault("aws", "unavailable", skips=TURNS // 2)
    try:
        asked = f"Look sandbox:tool=ListAgents:{TURNS}"
        assert claude_code(gateway, tmp_path, "-p", asked, "--model", WORKLOAD).strip()
        assert claude_code(gateway, tmp_path, "-p", "--continue", "Thanks", "--model", WORKLOAD).strip()
    finally:
        gateway.mended()
    made = since(gateway, known)
    assert made[0].deployment == "aws-claude-haiku-4.5"
    before, after = told_apart(made)
    assert (before, before + after >= TURNS + 2) == (TURNS // 2, True)  # each result is a call of its own
    assert "thinking" in made[-1].left_out


def test_claude_code_asks_for_a_model_by_its_own_name_of_it(gateway: Gateway, tmp_path: Path) -> None:
    known = len(since(gateway, 0))
    name = "claude-haiku-4-5-20251001"
    claude_code(gateway, tmp_path, "-p", "Hello", "--model", name)
    # It may rest still, after the provider that another test lost: then Claude Code is told when to ask again.
    (record,) = [record for record in since(gateway, known) if (record.model, record.outcome) == (name, "complete")]
    assert record.deployment == "aws-claude-haiku-4.5"
    assert record.usage is not None
    assert record.usage.written > 1000  # its marks for the cache are in their places


def test_codex_talks_for_twenty_turns_with_tools_and_does_not_notice_that_its_provider_is_lost(
    gateway: Gateway, tmp_path: Path
) -> None:
    known = len(since(gateway, 0))
    codex(gateway, tmp_path, WORKLOAD, "Hello")
    (first,) = since(gateway, known)
    assert first.provider is not None
    gateway.fault(first.provider, "unavailable", skips=TURNS // 2)
    try:
        codex(gateway, tmp_path, WORKLOAD, "resume", "--last", f"Work sandbox:tool=view_image:{TURNS}")
    finally:
        gateway.mended()
    before, after = told_apart(since(gateway, known))
    assert (before, before + after >= TURNS + 2) == (1 + TURNS // 2, True)


def test_codex_talks_with_tools_to_a_model_that_has_only_chat(gateway: Gateway, tmp_path: Path) -> None:
    known = len(since(gateway, 0))
    codex(gateway, tmp_path, "claude-haiku-4.5", "Hello sandbox:tool=exec_command")
    made = [record for record in since(gateway, known) if record.outcome == "complete"]
    assert len(made) >= 2
    assert {record.deployment for record in made} == {"aws-claude-haiku-4.5"}
