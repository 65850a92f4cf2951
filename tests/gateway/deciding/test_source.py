"""Whether the files of a policy have changed: the case's and the plan's, and not the journal's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detente.gateway.deciding.source import PolicySource


@pytest.fixture
def source(tmp_path: Path) -> PolicySource:
    (tmp_path / "case" / "agreements").mkdir(parents=True)
    (tmp_path / "plan").mkdir()
    for name in ("case/case.yaml", "case/agreements/a.yaml", "plan/plan.json"):
        (tmp_path / name).write_text("first")
    return PolicySource(tmp_path / "case", tmp_path / "plan")


@pytest.mark.parametrize(
    "name", ["case/case.yaml", "case/agreements/a.yaml", "case/agreements/new.csv", "plan/plan.json"]
)
def test_a_file_that_is_changed_or_added_is_a_change(source: PolicySource, tmp_path: Path, name: str) -> None:
    before = source.stamp()
    assert source.stamp() == before
    (tmp_path / name).write_text("longer than it was")
    assert source.stamp() != before


def test_a_file_of_the_same_size_and_another_time_is_a_change(source: PolicySource, tmp_path: Path) -> None:
    before = source.stamp()
    os.utime(tmp_path / "case" / "case.yaml", ns=(1, 1))
    assert source.stamp() != before


def test_a_file_that_is_removed_is_a_change(source: PolicySource, tmp_path: Path) -> None:
    before = source.stamp()
    (tmp_path / "case" / "agreements" / "a.yaml").unlink()
    assert source.stamp() != before


def test_a_journal_within_the_case_is_no_change_of_it(source: PolicySource, tmp_path: Path) -> None:
    before = source.stamp()
    journal = tmp_path / "case" / "journal"
    journal.mkdir()
    for name in ("w0-00000001.journal", "w0.lock"):
        (journal / name).write_text("more with every call")
        (journal / name).touch()
    assert source.stamp() == before


def test_a_case_may_be_one_file_and_have_no_plan(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text("first")
    source = PolicySource(tmp_path / "case.yaml")
    before = source.stamp()
    (tmp_path / "beside.yaml").write_text("another")
    assert source.stamp() == before
    (tmp_path / "case.yaml").write_text("longer than it was")
    assert source.stamp() != before
