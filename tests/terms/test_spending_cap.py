"""Spending caps, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month, six months."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from detente.contract.reach.verdict import Reason, Verdict
from detente.contract.roles import CallLimit
from tests.builders import (
    D,
    agreement,
    build,
    by_period,
    data_of,
    mistakes,
    placed,
    refused,
    solved,
    standing,
    tokens,
    two_clouds,
    use,
    work,
)


def cap(amount: str, **more: Any) -> dict[str, Any]:
    return {"id": "cap", "kind": "spending-cap", "amount": amount} | more


def test_each_month() -> None:
    found = solved(two_clouds(cap("1 k USD", windows={"every": "month"}), party="south"))
    # 500 Mtok at South, 500 at North: 6 x (1000 + 1500)
    assert found.cost == D(15000)
    assert by_period(found, "south-api") == [D(500)] * 6


@pytest.mark.parametrize(("measure", "run"), [("list", 500), ("after-discounts", 625)])
def test_at_list_prices_or_after_discounts(measure: str, run: int) -> None:
    off = {"id": "off", "kind": "discount", "off": "20%"}
    found = solved(two_clouds(cap("1 k USD", windows={"every": "month"}, measure=measure), off, party="south"))
    # 2 USD per Mtok at South, 1.60 after the discount; the rest of 1000 Mtok at North for 3
    assert by_period(found, "south-api") == [D(run)] * 6
    assert found.cost == 6 * (run * D("1.6") + (1000 - run) * 3)
    assert {s.drawn for s in found.standings if s.role == "cap"} == {D(1000)}


def test_over_the_term() -> None:
    found = solved(two_clouds(cap("6 k USD"), party="south"))
    # 3000 at South, 3000 at North
    assert (found.cost, placed(found)["south-api"]) == (D(15000), D(3000))


def test_a_ramp() -> None:
    term = cap("6 k USD", windows={"every": "quarter", "ramp": ["10%", "90%"]})
    found = solved(two_clouds(term, party="south"))
    # 600 USD buy 300 Mtok, then 5400 buy 2700: 12,000 + 3,000 Mtok at 1 USD more
    south = by_period(found, "south-api")
    assert (sum(south[:3]), sum(south[3:])) == (D(300), D(2700))
    assert found.cost == D(15000)


def test_prorated() -> None:
    term = cap("3650 USD", windows={"cut": "prorate"})
    deal = agreement(term, party="south", ends="2027-01")
    found = solved(build([tokens("north", 3), tokens("south", 2)], [work()], deal))
    # 181 of 365 days: 1,810 USD: 905 Mtok at South. 1,810 + 5,095 x 3
    assert (placed(found)["south-api"], found.cost) == (D(905), D(17095))


def test_refused_where_cut() -> None:
    deal = agreement(cap("3650 USD"), party="south", ends="2027-01")
    (only,) = mistakes(data_of([tokens("south", 2)], [work()], deal))
    assert "is cut by the horizon" in only


def test_of_a_policy_it_covers_everything() -> None:
    chat = work(value="2.50 USD per Mtok")
    found = solved(build([tokens("south", 2)], [chat], agreement(cap("10 k USD"), party="self")))
    # 5000 Mtok for 10,000; 1000 unserved at 2.50
    assert (found.bill, found.unserved_cost, found.cost) == (D(10000), D(2500), D(12500))


def test_too_low() -> None:
    found = refused(two_clouds(cap("10 k USD"), party="self"))
    assert [c.term for c in found.clauses] == ["cap"]
    (way,) = found.relaxations
    assert (way.given[0].amount, way.given[0].unit, way.cost) == (D(2000), "USD", D(12000))
    assert way.sentence == "raise the cap by 2.00 k USD (Jan 2026 – Jun 2026: 2.00 k USD)"
    assert found.facts == ("`chat` must be served: it has no `value`, so it cannot go unserved",)


def test_from_the_middle_of_a_month() -> None:
    found = solved(two_clouds(cap("0 USD", **{"from": "2026-06-16"}), party="south"))
    # work is even within June, so none of it may be at South: 5 x 2000 + 3000
    assert found.cost == D(13000)


def test_fees_and_credits_are_no_spend() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "20 k USD"}
    found = solved(build([tokens("north", 3)], [work()], agreement(floor, cap("18 k USD"))))
    # 18,000 spent, 2,000 short and paid: the cap of 18,000 holds
    assert found.cost == D(20000)


def test_only_what_is_covered() -> None:
    each = [work("chat", labels={"tier": "gold"}), work("mail", labels={"tier": "basic"})]
    term = cap("0 USD", **{"except": [{"tier": "gold"}]})
    found = solved(build([tokens("north", 3), tokens("south", 2)], each, agreement(term, party="south"), months=1))
    assert (placed(found, "chat"), placed(found, "mail")) == ({"south-api": D(1000)}, {"north-api": D(1000)})


@pytest.mark.parametrize(("spent", "decision"), [(0, "permit"), (999, "permit"), (1000, "deny"), (1001, "deny")])
def test_nothing_remains(spent: int, decision: str) -> None:
    case = two_clouds(cap("1 k USD"), party="south")
    (term,) = case.terms
    assert isinstance(term, CallLimit)
    (stands,) = standing(case, "cap", use(case, "chat", "south-api", "2026-01-01", "2026-02-01", 1, spent)).standings
    assert (stands.drawn, stands.remaining) == (D(spent), D(1000 - spent))
    verdict = term.permits(stands)
    assert verdict.permission == decision
    assert decision == "permit" or verdict.reason == Reason("cap", "nothing remains of 1000 USD in Jan 2026 – Jun 2026")


def test_too_little_remains_for_a_call() -> None:
    case = two_clouds(cap("1 k USD"), party="south")
    (term,) = case.terms
    assert isinstance(term, CallLimit)
    (stands,) = standing(case, "cap", use(case, "chat", "south-api", "2026-01-01", "2026-02-01", 1, 999)).standings
    assert term.permits(stands, D(1)).permission == "permit"
    told = "1 USD remains of 1000 USD in Jan 2026 – Jun 2026, and the call may take 1.000000001 USD"
    assert term.permits(stands, D("1.000000001")) == Verdict("deny", Reason("cap", told))


def test_what_is_reserved_does_not_remain() -> None:
    case = two_clouds(cap("1 k USD"), party="south")
    (term,) = case.terms
    assert isinstance(term, CallLimit)
    (stands,) = standing(case, "cap", use(case, "chat", "south-api", "2026-01-01", "2026-02-01", 1, 900)).standings
    assert term.permits(replace(stands, reserved=D(99))).permission == "permit"
    assert term.permits(replace(stands, reserved=D(100))).permission == "deny"
