"""Whether the files of a policy have changed: those that it was read from, and nothing that lies beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from detente.errors import DetenteError
from detente.gateway.deciding.source import PolicySource
from tests.gateway.stage import case_data

WORDS = b"aGVs 1\nbG8= 2\n"


@pytest.fixture
def source(tmp_path: Path) -> PolicySource:
    """A case in a file, with a file of words that it names, and what the program writes beside them; as it was read."""
    case = tmp_path / "case"
    (case / "agreements").mkdir(parents=True)
    data = case_data({"south": "http://a.example"}, serving={"tokens": "data/words.tiktoken"})
    (case / "case.yaml").write_text(json.dumps(data))
    (case / "agreements" / "a.yaml").write_text("# nothing yet\n")
    (case / "data").mkdir()
    (case / "data" / "words.tiktoken").write_bytes(WORDS)
    found = PolicySource(case)
    found.read()
    assert not found.changed()
    return found


@pytest.mark.parametrize(
    "name", ["case.yaml", "agreements/a.yaml", "agreements/new.yaml", "data/words.tiktoken", "astray.yaml"]
)
def test_a_file_that_is_changed_or_added_is_a_change(source: PolicySource, name: str) -> None:
    (source.case / name).write_text("longer than it was, for all that anybody knows, " * 100)
    assert source.changed()


def test_a_file_of_the_same_size_and_another_time_is_a_change(source: PolicySource) -> None:
    os.utime(source.case / "case.yaml", ns=(1, 1))
    assert source.changed()


def test_a_file_that_is_removed_is_a_change(source: PolicySource) -> None:
    (source.case / "agreements" / "a.yaml").unlink()
    assert source.changed()
    source.read()
    assert not source.changed()


@pytest.mark.parametrize(
    "name",
    [
        *("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal", "journal/w0-00000001.journal"),
        *("journal/w0.lock", "out/plan.json", "out/allocations.parquet", "report.html", "data/notes.csv", ".draft"),
    ],
)
def test_what_is_written_within_the_case_is_no_change_of_it(source: PolicySource, name: str) -> None:
    file = source.case / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("more with every call")
    assert not source.changed()


def test_a_file_that_was_missing_is_awaited(source: PolicySource) -> None:
    words = source.case / "data" / "words.tiktoken"
    words.unlink()
    assert source.changed()
    with pytest.raises(DetenteError, match=r"words\.tiktoken: cannot be read"):
        source.read()
    assert not source.changed(), "what is wrong is said once"
    words.write_bytes(WORDS)
    assert source.changed()
    source.read()
    assert not source.changed()


def test_a_change_while_it_is_read_is_seen_at_the_next_look(source: PolicySource) -> None:
    def while_read(case: object) -> list[object]:
        (source.case / "case.yaml").write_bytes((source.case / "case.yaml").read_bytes() + b"\n")
        return []

    redirect: Callable[..., list[object]] = while_read
    late = PolicySource(source.case, redirect=redirect)  # type: ignore[arg-type]  # it serves nothing
    late.read()
    assert late.changed()


def test_a_case_may_be_one_file_and_have_a_plan(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(json.dumps(case_data({"south": "http://a.example"})))
    alone = PolicySource(tmp_path / "case.yaml")
    alone.read()
    (tmp_path / "beside.yaml").write_text("another")
    assert not alone.changed()
    (tmp_path / "case.yaml").write_text("longer than it was")
    assert alone.changed()
    planned = PolicySource(tmp_path / "case.yaml", tmp_path)
    with pytest.raises(DetenteError, match="save a plan"):
        planned.read()
    assert not planned.changed()
    (tmp_path / "plan.json").write_text("{}")
    assert planned.changed()
