"""A kind of clause that is defined here and nowhere else: what it states is checked, each mistake at its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import pytest
from pydantic import model_validator

from detente import terms
from detente.case.case import Case
from detente.case.schema import schema
from detente.contract.case_view import CaseView
from detente.contract.reach.scope import Scope
from detente.contract.reach.window import Every
from detente.contract.stated import Reference
from detente.contract.term import Term
from detente.errors import CaseError, Flaw
from detente.values.money import Cash
from detente.values.noun import Id, Noun
from detente.values.quantity_field import Work
from tests.builders import solved


class Tranche(Noun):
    """So much work of one offer in each window."""

    offer: Id
    work: Work
    windows: Every = Every()


class Reservation(Term):
    """Work that is set aside: it changes nothing in a plan. What it holds is checked, though it says nothing of it."""

    kind: Literal["reservation"]
    tranches: tuple[Tranche, ...]
    first: Scope = Scope()
    deposit: Cash | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.tranches:
            raise ValueError("reserves nothing")  # as one writes it who knows nothing of our own errors
        return self

    def references(self) -> tuple[Reference, ...]:
        """The offers."""
        return tuple(Reference(("tranches", n, "offer"), "offers", t.offer) for n, t in enumerate(self.tranches))

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Two reservations of one offer; an offer of another model than the workloads ask for."""
        for index, tranche in enumerate(self.tranches):
            others = {t.offer for o in case.beside if isinstance(o, Reservation) for t in o.tranches}
            if tranche.offer in others:
                yield Flaw(f"`{tranche.offer}` is reserved twice", "keep one of them", ("tranches", index))
            if not any(offer["offer"] == tranche.offer for _, offer in case.uses(self.covered, "offer")):
                yield Flaw(f"nothing that is covered runs on `{tranche.offer}`", "widen `of`", ("tranches", index))


CASE = """\
name: hooks
horizon: { start: 2026-01-01, end: 2026-07-01, every: month }
providers:
  - { id: north, name: North, regions: { n1: { country: SE } } }
offers:
  - id: api
    kind: tokens
    provider: north
    region: n1
    model: m
    price: { input: 1 USD per Mtok, output: 1 USD per Mtok }
workloads:
  - { id: chat, kind: inference, demand: 10 Mtok per day, runs-on: { models: [ m ] }, mix: { output: 20% } }
agreements:
  - id: deal
    with: north
    effective: 2026-01-01
    ends: 2026-07-01
    terms:
      - { id: broken, kind: no-such-kind }
      - id: kept
        kind: reservation
        deposit: 1 k USD
        first: { workload: chat }
        tranches:
          - { offer: api, work: 5 Gtok, windows: { every: quarter } }
"""
GOOD = CASE.replace("      - { id: broken, kind: no-such-kind }\n", "")
SECOND = """\
      - id: again
        kind: reservation
        tranches: [ { offer: api, work: 1 Mtok } ]
"""


@pytest.fixture(autouse=True)
def _reservations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    terms.add(Reservation)


def said(folder: Path, text: str) -> list[str]:
    """Every mistake of a case: its line and column, and what it says."""
    (folder / "case.yaml").write_text(text)
    try:
        Case.load(folder / "case.yaml")
    except CaseError as error:
        return [f"{m.where.line}:{m.where.column} {m.what}" for m in error.mistakes]
    return []


def test_a_kind_from_elsewhere_is_read_planned_and_described(tmp_path: Path) -> None:
    assert said(tmp_path, GOOD) == []
    case = Case.load(tmp_path)
    assert isinstance(case.terms[0], Reservation)
    assert solved(case).cost == 1810  # 181 days of 10 Mtok at 1 USD
    assert "Reservation" in schema()["$defs"]


def test_what_a_clause_remembers_of_its_windows_is_no_part_of_what_it_equals(tmp_path: Path) -> None:
    assert said(tmp_path, GOOD) == []
    one, other = (Case.load(tmp_path).terms[0] for _ in range(2))
    assert one.found_windows
    assert "found_windows" not in other.__dict__
    assert one == other
    assert "found_windows" not in one.model_copy().__dict__


def test_a_window_that_the_horizon_cuts_is_told_at_its_place(tmp_path: Path) -> None:
    early = GOOD.replace("effective: 2026-01-01", "effective: 2025-11-01")
    (line,) = (at for at, content in enumerate(early.split("\n"), 1) if "every: quarter" in content)
    (found,) = (one for one in said(tmp_path, early) if "the window Nov 2025 – Jan 2026 is cut" in one)
    assert found.startswith(f"{line}:")
    # windows that are stated to start before the clause begin with it, and so with the horizon: nothing is cut
    assert said(tmp_path, GOOD.replace("every: quarter", "every: quarter, starts: 2025-11-01")) == said(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("offer: api, work", "offer: apo, work", "there is no offer `apo`"),
        ("offer: api, work: 5 Gtok", "ofer: api, work: 5 Gtok", "unknown key `ofer`"),
        ("first: { workload: chat }", "first: { workload: chad }", "no workload has `workload: chad`"),
        ("every: quarter", "every: quarter, starts: 2026-08-01", "the windows start on 2026-08-01, when the clause"),
        ("every: quarter", "every: quarter, ramp: [ 90% ]", "the ramp adds up to 90%"),
        ("deposit: 1 k USD", "deposit: 1000", "`1000` is not an amount of money"),
        ("5 Gtok", "1e24 Mtok", "comes to 1e+24 Mtok"),
        ("1 k USD", "1e20 USD", "comes to 1e+20 USD"),
        ("1 k USD", "1 k EUR", "is in EUR, and the case is in USD"),
        ("deposit: 1 k USD", "of: { workload: none }", "no workload has `workload: none`"),
    ],
)
def test_what_it_states_is_checked_at_its_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = GOOD.replace(old, new, 1)
    found = said(tmp_path, text)
    (line,) = (at for at, content in enumerate(text.split("\n"), 1) if new in content)
    assert [one for one in found if expected in one and one.startswith(f"{line}:")], found


def test_what_it_makes_of_its_neighbours_and_of_use(tmp_path: Path) -> None:
    text = GOOD + SECOND
    assert said(tmp_path, text) == [
        "25:13 `api` is reserved twice",
        "28:21 `api` is reserved twice",
    ]
    keys = "id: spare, kind: tokens, provider: north, region: n1, model: m"
    price = "price: { input: 2 USD per Mtok, output: 2 USD per Mtok }"
    spare = f"\n  - {{ {keys}, {price} }}\nworkloads:\n"
    of = SECOND.replace("        tranches", "        of: { offer: spare }\n        tranches")
    assert said(tmp_path, (GOOD + of).replace("\nworkloads:\n", spare)) == [
        "26:13 `api` is reserved twice",
        "30:21 `api` is reserved twice",
        "30:21 nothing that is covered runs on `api`",
    ]


def test_a_clause_that_cannot_be_read_moves_no_place(tmp_path: Path) -> None:
    found = said(tmp_path, CASE.replace("offer: api, work", "offer: apo, work"))
    assert any(one.startswith("20:29 there is no kind `no-such-kind`") for one in found)
    assert any(one.startswith("26:22 there is no offer `apo`") for one in found)


def test_an_error_that_is_not_ours_is_said_too(tmp_path: Path) -> None:
    tranche = "        tranches:\n          - { offer: api, work: 5 Gtok, windows: { every: quarter } }\n"
    assert said(tmp_path, GOOD.replace(tranche, "        tranches: []\n")) == ["20:9 reserves nothing"]


def test_no_two_kinds_have_one_name() -> None:
    with pytest.raises(ValueError, match="there is a kind `reservation` already"):
        terms.add(Reservation)


def test_it_is_gone_where_nobody_adds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(terms.KINDS, "reservation")
    assert "there is no kind `reservation`" in said(tmp_path, GOOD)[0]
