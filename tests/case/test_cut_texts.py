"""Texts that YAML ends before a `#`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from detente.case.case import Case
from detente.case.notes import notes
from tests.builders import PROVIDERS, data_of, tokens, work

BASE = yaml.safe_dump(data_of([tokens("north", 3), tokens("south", 2)], [work()]), sort_keys=False)
QUOTES = "put the text in quotes; where it is a comment, write a space after the `#`"
NEXT = "\n        "
"""Where the next key of a clause begins."""


@pytest.mark.parametrize(
    ("written", "text", "column", "rest"),
    [
        ("text: Purchase Order #4711: at least 200 k", "Purchase Order", 15, "#4711: at least 200 k"),
        ("text: é §4 #12", "é §4", 15, "#12"),  # counted in characters, and not in bytes
        ("source: #12 of the order", "", 16, "#12 of the order"),
        ("text: Order #" + "9" * 50, "Order", 15, "#" + "9" * 39 + "…"),
        ("text: Order # 12", "Order", 0, ""),  # a comment, as most are written
        ("text: Order#12", "Order#12", 0, ""),
        ("text: 'Order #12'  #a comment", "Order #12", 0, ""),
        ("text: >\n          Order #12", "Order #12", 0, ""),
        ("until: 2026-02-01 #12", "", 0, ""),  # no words for people
    ],
)
def test_a_text_that_ends_before_what_may_be_more_of_it_is_noted(
    tmp_path: Path, written: str, text: str, column: int, rest: str
) -> None:
    line = f"""{BASE.replace("agreements: []", "")}
agreements:
  - id: own
    with: self
    effective: 2026-01
    ends: 2026-07
    terms:
      - id: clause
        kind: spending-cap
        amount: 1 M USD
        {written}
"""
    (tmp_path / "case.yaml").write_text(line, encoding="utf-8")
    case = Case.load(tmp_path)
    assert case.terms[0].text.strip() == text
    key = written.partition(":")[0]
    place = line.split(written, maxsplit=1)[0].count("\n") + 1
    said = f"{tmp_path / 'case.yaml'}:{place}:{column}: `{key}` ends before `{rest}`, which YAML takes for a comment"
    assert [f"{each.where}: {each.what}" for each in notes(case)] == [said] * bool(rest)
    assert {each.remedy for each in notes(case)} <= {QUOTES}


@pytest.mark.parametrize(
    ("written", "noted"),
    [
        ("kind: obligation, what: Pay., due: 2026-03-01, by: Landlord #3", "by"),
        ("kind: obligation, what: Pay., due: 2026-03-01, to: Landlord #3", "to"),
        ("kind: obligation, what: Pay., due: 2026-03-01, by: self #ours", ""),
        ("kind: obligation, what: Pay., due: 2026-03-01, to: north #theirs", ""),
        ("kind: escalator, by: 3% #as-agreed", ""),
    ],
)
def test_a_party_is_noted_where_it_is_told_in_words(tmp_path: Path, written: str, noted: str) -> None:
    """An id of the case is whole, as a region and a percentage are: the note told to put it in quotes."""
    text = f"""{BASE.replace("agreements: []", "")}
networks:
  - from: north #inter-region
    to: south/texas #inter-region
    price: 0.01 USD per GB
  - from: south
    to: north #inter-region
    price: 0.01 USD per GB
agreements:
  - id: own
    with: north
    effective: 2026-01
    ends: 2026-07
    terms:
      - id: clause
        {written.replace(", ", NEXT)}
"""
    (tmp_path / "case.yaml").write_text(text, encoding="utf-8")
    found = [each.what for each in notes(Case.load(tmp_path)) if "ends before" in each.what]
    assert found == [f"`{noted}` ends before `#3`, which YAML takes for a comment"] * bool(noted)


def test_a_text_that_several_entries_share_is_noted_once(tmp_path: Path) -> None:
    first, second = (f"name: {each['name']}\n" for each in PROVIDERS[:2])
    shared = BASE.replace(first, "name: &a North #1\n", 1).replace(second, "name: *a\n", 1)
    (tmp_path / "case.yaml").write_text(shared, encoding="utf-8")
    assert len(notes(Case.load(tmp_path))) == 1
