"""A commitment that counts what savings plans charge and the use that they do not cover, by hand: days of February.

R5 at 1.00 is 0.70 in the plan, M5 at 10.00 is 8.20; four R5 and one M5 are used, 14 USD an hour at list prices.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.switches import switches_of
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.settling import settle
from tests.builders import D, Data, agreement, build, charged, data_of, day, gpus, mistakes, rated, solved, use
from tests.planner.oracle.oracle import Oracle
from tests.terms.test_savings_plan import JOBS, OF_LAB, OFFERS, RATES, plan_of

TIME: Data = {"effective": "2026-02-01", "ends": "2026-02-05"}
DAYS: Data = {"start": "2026-02-01", "end": "2026-02-05", "every": "day"}
R5_ALONE: Data = {"r5": RATES["r5"]}


def floor(amount: str, **more: Any) -> Data:
    return {"id": "edp", "kind": "minimum-commitment", "amount": amount, "measure": "after-plans"} | more


def committed(plan: Data, clause: Data, jobs: list[Data] = JOBS, time: Data = TIME, horizon: Data = DAYS) -> Case:
    return build(OFFERS, jobs, agreement(plan, clause, **time), horizon=horizon)


@pytest.mark.parametrize(
    ("plan", "hourly"),
    [
        (plan_of("1.40", R5_ALONE), D("1.4") + 2 + 10),  # two of four R5 are covered
        (plan_of("6", R5_ALONE), D(6) + 10),  # 2.80 of it are used, and all is paid
        (plan_of("6"), 6 + 10 - D("3.2") / D("8.2") * 10),  # all R5 (2.80), and 3.20 of 8.20 of the M5
        (plan_of("6", **OF_LAB), 6 + D(22) / D("8.2") + 4),  # the owner's M5 first
    ],
)
def test_a_floor_counts_what_a_plan_charges_and_use_that_it_does_not_cover(plan: Data, hourly: D) -> None:
    """96 hours, and 10 USD more are asked for: what is paid counts, and the 10 are the fee."""
    jobs = [job | {"labels": {"party": "lab" if job["id"] == "b" else "uk"}} for job in JOBS]
    case = committed(plan, floor(f"{hourly * 96 + 10:.6f} USD"), jobs)
    found = solved(case)
    assert Oracle(case).solve() == pytest.approx(float(found.cost), rel=1e-7)
    (standing,) = (each for each in found.standings if each.role == "floor")
    assert abs(standing.drawn - hourly * 96) < D("1e-5")
    assert abs(charged(found, "edp") - 10) < D("1e-5")
    assert abs(found.cost - hourly * 96 - 10) < D("1e-5")


def test_a_plan_does_not_leave_use_uncovered_so_that_a_floor_is_met() -> None:
    """Five hourly USD cover 7.14 R5 at 0.70, and four are used: 5 + 10 an hour, and 0.50 are missing.

    Were use left uncovered, four R5 would count 4 USD more and cost 4 more: the fee of 200% would be dearer than one.
    """
    case = committed(plan_of("5", R5_ALONE), floor("1488 USD", shortfall={"fee": "200%"}))
    found = solved(case)
    assert abs(charged(found, "edp") - D("0.5") * 96 * 2) < D("1e-6")
    assert Oracle(case).solve() == pytest.approx(float(found.cost), rel=1e-7)


def test_more_is_used_where_that_costs_less_than_the_fee() -> None:
    """The R5 may run at another seller's for 0.90, or 1.00 here: 2 of 4 are covered by 1.40 an hour.

    Without the floor the other two are at the other: 1.40 counts. With 3.40 an hour asked for, they run here for
    2.00, not for 1.80 beside a fee of 2.00.
    """
    offers = [OFFERS[0], gpus("south", "0.90", accelerator=OFFERS[0]["accelerator"], id="r5-south")]
    for asked, cost in ((D(0), D("1.4") + D("1.8")), (D("3.4"), D("3.4"))):
        deal = agreement(plan_of("1.40", R5_ALONE), floor(f"{asked * 96 + D('0.0001')} USD"), **TIME)
        found = solved(build(offers, [JOBS[0]], deal, horizon=DAYS))
        assert abs(found.cost - cost * 96) < D("1e-3")


def test_by_invoice_what_is_charged_counts_in_the_next_month() -> None:
    """January's 744 hours at 13.40 are invoiced on 1 February: they count in the window of February."""
    time: Data = {"effective": "2026-01-01", "ends": "2026-03-01"}
    months: Data = {"start": "2026-01-01", "end": "2026-03-01", "every": "month"}
    clause = floor("1 k USD", moment="invoice", windows={"every": "month"}, shortfall={"fee": "0%"})
    found = solved(committed(plan_of("1.40", R5_ALONE), clause, time=time, horizon=months))
    drawn = [s.drawn for s in found.standings if s.role == "floor"]
    assert [round(each, 6) for each in drawn] == [0, 744 * D("13.4")]


def test_on_the_books_a_floor_counts_the_hours_that_have_come() -> None:
    """Two hours of four R5, of which two are covered, and a plan that is paid for the first day: 4 + 24 x 1.40."""
    case = committed(plan_of("1.40", R5_ALONE), floor("99 USD"))
    totals = Totals(meter for term in case.signed for meter in term.meters())
    for line in rated(case, [use(case, "a", "r5", "2026-02-01T00:00", "2026-02-01T02:00", 8, 8)]):
        totals.add(line)
    found = settle(case.signed, totals, NOTHING_DECIDED, day("2026-02-02"))
    (standing,) = (each for settlement in found for each in settlement.standings if each.role == "floor")
    assert standing.drawn == 4 + 24 * D("1.4")


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        (floor("9 k USD", of={"workload": "a"}), "so what it saves of the rest is not known"),
        (
            floor("9 k USD", counts=[{"of": {"offer": "r5"}, "at-most": "25%"}]),
            "`plan` may cover use of which `edp` counts up to a part",
        ),
        (floor("9 k USD", shortfall={"charged-as": "prepayment"}), "say `charged-as: fee`, or `measure: list`"),
        (floor("9 k USD", measure="after-discounts"), "or say `measure: after-plans`"),
    ],
)
def test_what_it_cannot_count_is_refused(clause: Data, said: str) -> None:
    data = data_of(OFFERS, JOBS, agreement(plan_of("6", R5_ALONE), clause, **TIME), horizon=DAYS)
    assert any(said in each for each in mistakes(data)), mistakes(data)


def test_what_its_numbers_turn_on_says_so() -> None:
    told = {s.name: s.value for s in switches_of(committed(plan_of("6"), floor("1 USD")), "edp")}
    assert told["measure"] == "what savings plans charge, and what use that they do not cover costs after discounts"


def test_warrants_in_money_count_it_too() -> None:
    """1.40 and two R5 and an M5 an hour, 96 hours: 1,286.40 of 5,000."""
    shares: Data = {
        "id": "w",
        "kind": "warrants",
        "tranches": [{"reach": "5 k USD", "shares": 10}],
        "measure": "after-plans",
    }
    found = solved(committed(plan_of("1.40", R5_ALONE), shares))
    (standing,) = (each for each in found.standings if each.term == "w")
    assert standing.drawn == 96 * D("13.4")
