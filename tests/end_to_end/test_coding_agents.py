"""The real Claude Code and the real Codex, in conversations with tools; their provider is lost in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.ledger.record import Record
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


def test_claude_code_talks_with_tools_and_does_not_notice_that_its_provider_is_lost(
    gateway: Gateway, tmp_path: Path
) -> None:
    known = len(since(gateway, 0))
    assert claude_code(gateway, tmp_path, "-p", "Hello", "--model", WORKLOAD).strip()
    claude_code(gateway, tmp_path, "-p", "--continue", "List files sandbox:tool=Bash", "--model", WORKLOAD)
    before = since(gateway, known)
    assert {record.deployment for record in before} == {"aws-claude-haiku-4.5"}
    assert len(before) >= 3  # the tool's result is a call of its own
    gateway.fault("aws", "unavailable")
    try:
        claude_code(gateway, tmp_path, "-p", "--continue", "Again sandbox:tool=Bash", "--model", WORKLOAD)
    finally:
        gateway.mended()
    after = since(gateway, known + len(before))
    assert {record.provider for record in after} == {"azure"}
    assert len(after) >= 2
    assert all(record.outcome == "complete" for record in [*before, *after])
    assert "thinking" in after[-1].left_out


def test_claude_code_asks_for_a_model_by_its_own_name_of_it(gateway: Gateway, tmp_path: Path) -> None:
    known = len(since(gateway, 0))
    claude_code(gateway, tmp_path, "-p", "Hello", "--model", "claude-haiku-4-5-20251001")
    (record,) = since(gateway, known)
    assert (record.deployment, record.model) == ("aws-claude-haiku-4.5", "claude-haiku-4-5-20251001")
    assert record.usage is not None
    assert record.usage.written > 1000  # its marks for the cache are in their places


@pytest.mark.parametrize("model", [WORKLOAD, "claude-haiku-4.5"])
def test_codex_talks_with_tools_and_does_not_notice_that_its_provider_is_lost(
    gateway: Gateway, tmp_path: Path, model: str
) -> None:
    known = len(since(gateway, 0))
    codex(gateway, tmp_path, model, "Hello sandbox:tool=exec_command")
    before = since(gateway, known)
    assert len(before) >= 2
    if model == WORKLOAD:
        lost = before[0].provider
        assert lost is not None
        gateway.fault(lost, "unavailable")
    try:
        codex(gateway, tmp_path, model, "resume", "--last", "Again sandbox:tool=exec_command")
    finally:
        gateway.mended()
    after = since(gateway, known + len(before))
    assert len(after) >= 2
    assert all(record.outcome == "complete" for record in [*before, *after])
    if model == WORKLOAD:
        assert lost not in {record.provider for record in after}
