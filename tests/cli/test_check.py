"""``detente check``: yes, no, and it depends."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner

from detente.cli import cli
from tests.builders import agreement, data_of, tokens, work
from tests.cli.asking import ONLY, document, written
from tests.cli.shell import detente


def test_check_yes(good: Path) -> None:
    done = detente("check", good)
    assert done.returncode == 0
    assert "yes" in done.stdout.lower()
    answer = document(detente("check", good, "--json"))
    assert (answer["answer"], answer["conflict"], answer["relaxation"]) == ("yes", [], [])


def test_check_no(clash: Path) -> None:
    done = detente("check", clash, "--json")
    answer = document(done)
    assert (done.returncode, done.stderr, answer["answer"]) == (1, "", "no")
    assert [(c["term"], c["text"]) for c in answer["conflict"]] == [
        ("only", "Only on North."),
        ("other", "Only on South."),
    ]
    keys = {"term", "start", "end", "given", "dearer", "sentence", "cost", "owed", "at-most", "together"}
    assert [(set(r), r["together"]) for r in answer["relaxation"]] == [(keys, [])] * 2
    # cheapest first: 1000 Mtok at South for 2, or at North for 3
    assert [(r["term"], Decimal(r["cost"])) for r in answer["relaxation"]] == [("only", 2000), ("other", 3000)]
    assert all(isinstance(r["given"][0]["amount"], str) and isinstance(r["cost"], str) for r in answer["relaxation"])
    shown = detente("check", clash)
    assert shown.returncode == 1
    for words in ("only", "other", "Only on North.", "Only on South."):
        assert words in shown.stdout


def test_check_says_which_clauses_must_give_together(tmp_path: Path) -> None:
    """One offer, forbidden twice: in this process, since what the shell sees is tested above."""
    data = data_of([tokens("south", 2)], [work()], agreement(ONLY, ONLY | {"id": "again"}), months=1)
    done = CliRunner().invoke(cli, ["check", str(written(tmp_path / "twice", data)), "--json"])
    ways = json.loads(done.stdout)["relaxation"]
    assert {way["term"]: way["together"] for way in ways} == {"only": ["again"], "again": ["only"]}


def test_check_depends(disputed: Path) -> None:
    done = detente("check", disputed, "--json")
    answer = document(done)
    assert (done.returncode, answer["answer"]) == (1, "depends")
    assert {r["reading"]: r["answer"] for r in answer["readings"]} == {"letter": "yes", "spirit": "no"}
    assert {c["term"] for c in answer["conflict"]} == {"only", "part"}
    assert detente("check", disputed, "--reading", "letter").returncode == 0
    assert detente("check", disputed, "--reading", "spirit").returncode == 1
    assert "spirit" in detente("check", disputed).stdout
