"""Writers, ingests and closings are killed at any moment: a few times here, a thousand times by ``make proof``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.ledger.killing import BrokenPromiseError
from tests.ledger.postgres_server import schema_of

ROOT = Path(__file__).parents[3]


def killing(*arguments: str) -> None:
    asked = [sys.executable, "-m", "tests.ledger.killing", *arguments]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "all of them on the books once; the chain holds" in ran.stdout


def test_books_that_are_killed_hold() -> None:
    killing("--kills", "30")


def test_books_in_postgresql_that_are_killed_hold(postgres: str) -> None:
    killing("--kills", "12", "--ledger", schema_of(postgres, "killed"))


def test_a_process_that_fails_by_itself_is_no_kill() -> None:
    code = "from tests.ledger.killing import dies\ndies(lambda: [][1], None)\n"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert BrokenPromiseError.__name__ in ran.stderr
