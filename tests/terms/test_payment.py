"""Payment: once, on its day, whatever runs where."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.roles import DatedPayment
from detente.planner.check import check
from tests.builders import D, Data, agreement, build, data_of, mistakes, solved, tokens, work

PAID = {"id": "upfront", "kind": "payment", "amount": "5 k USD", "on": "2026-02-10"}


def world(**more: object) -> Case:
    return build([tokens("north", 3)], [work()], agreement({**PAID, **more}), months=2)


def test_it_is_on_the_bill_once_and_moves_nothing() -> None:
    found = solved(world())
    assert found.cost == D(2 * 3000 + 5000)
    (posting,) = found.postings
    assert (posting.term, posting.part, posting.amount) == ("upfront", "payment", 5000)
    assert str(posting.start.date()) == "2026-02-10"
    assert check(world()).answer == "yes"


def test_before_its_day_nothing_is_owed() -> None:
    (term,) = world().terms
    at = [datetime(2026, 2, day, tzinfo=UTC) for day in (9, 10)]
    totals = Totals([])
    assert [len(term.settle(totals, NOTHING_DECIDED, as_of).postings) for as_of in (*at, None)] == [0, 1, 1]


def test_an_amendment_before_its_day_waives_it() -> None:
    deal = agreement(PAID, ends="2027-01-01")
    later: Data = {"id": "waiver", "with": "north", "amends": "north-deal", "effective": "2026-02-01"}
    later |= {"ends": "2027-01-01", "removes": ["upfront"]}
    assert solved(Case.of(data_of([tokens("north", 3)], [work()], deal, later, months=2))).cost == D(6000)


def test_who_is_paid() -> None:
    (term,) = world(to="the court").terms
    assert term.explain().sentence == "5.00 k USD are due to the court on 2026-02-10, whatever runs where"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"on": "2026-03-01"}, "is due on 2026-03-01, outside the horizon (2026-01-01 to 2026-03-01)"),
        ({"on": "2025-03-01"}, "`upfront` is due on 2025-03-01, before it is in force (2026-01-01)"),
        ({"to": "Customer"}, "`Customer` would be paid by us; write `self` where the other party pays us"),
        ({"of": {"workload": "chat"}}, "is due whatever runs where, and speaks of no use"),
    ],
)
def test_what_makes_no_sense(more: dict[str, object], said: str) -> None:
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], agreement({**PAID, **more}), months=2))
    assert said in only


@pytest.mark.parametrize("to", [{}, {"to": "self"}])
def test_nobody_pays_himself(to: dict[str, str]) -> None:
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], agreement({**PAID, **to}, party="self"), months=2))
    assert only.startswith("is agreed with `self`, so that we would pay ourselves; say who is paid (`to: a court`)")
    case = build([tokens("north", 3)], [work()], agreement({**PAID, "to": "a court"}, party="self"), months=2)
    assert [term.id for term in case.terms] == [PAID["id"]]


def test_what_the_other_party_pays_lowers_the_bill() -> None:
    found = solved(world(to="self"))
    assert found.cost == D(2 * 3000 - 5000)
    assert [(p.part, p.amount) for p in found.postings] == [("payment", -5000)]
    assert found.clauses[0].sentence == "5.00 k USD are due to us from `north` on 2026-02-10, whatever runs where"
    (term,) = world(to="self").terms
    at = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
    assert [(r.what, r.by) for r in term.reminds(*at)] == [("5.00 k USD are due to us from `north`", "north")]
    assert isinstance(term, DatedPayment)
    assert term.payee == "north"
