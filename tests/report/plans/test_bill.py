"""The bill: the lines that are shown add up to the total that is shown, to the cent, whatever the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.settled.posting import Posting
from detente.planner.solve import plan as planned
from detente.report.plans.bill import BillCause, BillLine, bill, merged
from detente.report.plans.bridge import bridge
from detente.results.plan import Plan
from detente.results.plan_rows import ProviderCharge
from tests.builders import agreement, build, compute, gpus, solved, tokens, work
from tests.drawn_cases import cases
from tests.report.bills import assert_adds_up, in_page, in_terminal
from tests.report.frontier import D, frontier, month
from tests.report.made_plans import tiny


@pytest.mark.parametrize("make", [lambda: frontier("spirit"), lambda: frontier("letter"), tiny])
def test_the_lines_shown_add_up(make: Callable[[], Plan]) -> None:
    assert_adds_up(in_terminal(make()), make())
    found = bill(make())
    assert [line.kind for line in found].count("total") >= 1


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_the_lines_shown_add_up_whatever_the_clauses(case: Case) -> None:
    found = planned(case)
    if isinstance(found, Plan) and found.bill:
        assert_adds_up(in_terminal(found), found)
        assert_adds_up(in_page(found), found)
        assert bill(found)[-1].amount == found.cost


NANOS = st.integers(-(10**15), 10**15).map(lambda n: Decimal(n).scaleb(-9))


@settings(deadline=None)
@given(st.lists(NANOS, min_size=1, max_size=30), st.integers(0, 5))
def test_no_cent_is_lost_in_rounding_or_folding(amounts: list[Decimal], most: int) -> None:
    names = [f"p{i}" for i in range(len(amounts))]
    charges = tuple(ProviderCharge("use", name, a, a) for name, a in zip(names, amounts, strict=True))
    plan = replace(tiny(), charges=charges, cost=sum(amounts, D(0)), bill=sum(amounts, D(0)))
    for lines in (bill(plan, most), merged(bill(plan, most))):
        shown = [line for line in lines if line.kind == "line"]
        assert sum(line.amount for line in shown) == plan.bill
        totals = [line.cents for line in lines if line.kind == "total"]
        assert [sum(line.cents for line in shown)] * len(totals) == totals
        assert not most or len(shown) <= most


def test_what_is_charged_and_what_clauses_owe_are_told_apart() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "shortfall": {"fee": "100%"}}
    floor |= {"measure": "after-discounts"}
    off = {"id": "off", "kind": "discount", "off": "10%"}
    case = build([tokens("north", 3)], [work()], agreement(floor, off), months=2)
    found = solved(case)  # 2,000 Mtok at 3 USD, 10% off: 5,400 of 9,000
    assert [(line.what, line.clause, line.amount) for line in bill(found)] == [
        ("use, at list price", "", 6000),
        ("discount", "off", -600),
        ("spend", "", 5400),
        ("shortfall fee", "floor", 3600),
        ("the bill", "", 9000),
    ]
    (charge,) = found.charges
    assert (charge.what, charge.provider, charge.listed, charge.net) == ("use", "north", 6000, 5400)


def test_idle_capacity_has_its_line() -> None:
    case = build([gpus("north", 2, unit=8)], [compute(demand="4 GPU")], months=1)
    found = solved(case)  # 8 GPUs are rented by the hour, 4 of them used
    lines = {line.what: line.amount for line in bill(found)}
    assert lines["use, at list price"] == lines["paid for and idle"] == 4 * 744 * 2
    assert lines["the bill"] == found.bill


def test_use_of_what_was_reserved_costs_what_was_paid() -> None:
    price = {"2026-01-01": "2 USD per GPU-hour", "2026-02-01": "4 USD per GPU-hour"}
    offer = gpus("north", price, buy="reserved", term="2 months")
    found = solved(build([offer], [compute(demand="1 GPU")], months=2))  # 744 and 672 hours, all at 2
    assert [(line.what, line.amount) for line in bill(found)] == [
        ("use, at list price", 1416 * 2),
        ("the bill", 1416 * 2),
    ]
    assert "idle" not in {line.partition("  ")[0] for line, _ in in_terminal(found)}
    assert found.providers[0].effective_price == {"GPU-hour": 2}


def test_what_is_not_served_is_no_part_of_the_bill() -> None:
    case = build([tokens("north", 3)], [work(value="1 USD per Mtok")], months=2)
    found = solved(case)
    assert [(line.what, line.amount) for line in bill(found)] == [
        ("value of demand not served", 2000),
        ("the cost of the plan", 2000),
    ]


def test_a_bridge_adds_up_to_the_difference() -> None:
    one, other = frontier("letter"), frontier("spirit")
    steps = bridge(one, other)
    assert sum(step.change for step in steps) == other.cost - one.cost
    assert {s.cause.name: s.change for s in steps}["shortfall-fee"] == D("12.02") * 10**9
    only = Posting("rebate", "rebate", 0, month(0), month(1), D(-5))
    there = replace(one, postings=(*one.postings, only), cost=one.cost - 5)
    assert {s.cause.several: s.change for s in bridge(one, there) if s.change} == {"rebates": D(-5)}


def test_a_line_says_with_whom() -> None:
    found = bill(frontier("spirit"))
    assert (
        BillLine(
            BillCause.of_part("revenue-share"), "Microsoft Azure", "revenue-share", D("31.4") * 10**9, D("31.4") * 10**9
        )
        in found
    )
