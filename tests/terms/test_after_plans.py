"""A budget of what savings plans charge and of the use that they do not cover, by hand: four days of February.

R5 at 1.00 is 0.70 in the plan, M5 at 10.00 is 8.20; four R5 and one M5 are used, 14 USD an hour at list prices.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.settling import settle
from tests.builders import D, Data, agreement, build, data_of, day, mistakes, rated, solved, use
from tests.planner.oracle.oracle import Oracle
from tests.terms.test_savings_plan import JOBS, OF_LAB, OFFERS, RATES, plan_of

TIME: Data = {"effective": "2026-02-01", "ends": "2026-02-05"}
DAYS: Data = {"start": "2026-02-01", "end": "2026-02-05", "every": "day"}
R5_ALONE: Data = {"r5": RATES["r5"]}


def budget(amount: str, **more: Any) -> Data:
    return {"id": "budget", "kind": "spending-cap", "amount": amount, "measure": "after-plans"} | more


def budgeted(plan: Data, cap: Data, jobs: list[Data] = JOBS) -> Case:
    deals = agreement(plan, **TIME), agreement(cap, party="self", **TIME)
    return build(OFFERS, jobs, *deals, horizon=DAYS)


@pytest.mark.parametrize(
    ("plan", "hourly"),
    [
        (plan_of("1.40", R5_ALONE), D("1.4") + 2 + 10),  # two of four R5 are covered
        (plan_of("6", R5_ALONE), D(6) + 10),  # 2.80 of it are used, and all is paid
        (plan_of("6", **OF_LAB), 6 + D(22) / D("8.2") + 4),  # the owner's M5 first
    ],
)
def test_a_budget_counts_what_a_plan_charges_and_use_that_it_does_not_cover(plan: Data, hourly: D) -> None:
    """96 hours: the budget is just enough, and what is drawn of it is what is paid."""
    jobs = [job | {"labels": {"party": "lab" if job["id"] == "b" else "uk"}} for job in JOBS]
    case = budgeted(plan, budget(f"{hourly * 96:.3f} USD"), jobs)
    found = solved(case)
    assert Oracle(case).solve() == pytest.approx(float(found.cost), rel=1e-7)
    (cap,) = (each for each in found.standings if each.role == "cap")
    assert abs(cap.drawn - found.cost) < D("1e-6")
    assert abs(found.cost - hourly * 96) < D("1e-3")


@pytest.mark.parametrize(
    ("scope", "hourly"),
    [
        ({"of": {"provider": "north", "product": "gpu"}}, 16),
        ({"except": [{"accelerator": "M5"}]}, 6),
        ({"of": {"accelerator": ["R5", "M5"], "buy": "on-demand"}}, 16),
        ({"except": [{"accelerator": "R5"}]}, 10),
    ],
)
def test_whether_a_budget_covers_what_a_plan_does_is_known_of_its_offers(scope: Data, hourly: int) -> None:
    """6.00 an hour are paid and 2.80 of it used, beside an M5 of 10: all or nothing of it counts, in a plan and after.

    The plan names two offers, and not what they are: both are GPUs of the north.
    """
    case = budgeted(plan_of("6", R5_ALONE), budget("9 k USD", **scope))
    (planned,) = (each for each in solved(case).standings if each.role == "cap")
    totals = Totals(meter for term in case.signed for meter in term.meters())
    for job, offer, units, price in (("a", "r5", 4, 1), ("b", "m5", 1, 10)):
        flow = units * 96
        for line in rated(case, [use(case, job, offer, "2026-02-01T00:00", "2026-02-05T00:00", flow, flow * price)]):
            totals.add(line)
    settled = settle(case.signed, totals, NOTHING_DECIDED, None)
    (booked,) = (each for settlement in settled for each in settlement.standings if each.role == "cap")
    assert planned.drawn == booked.drawn == 96 * hourly


@pytest.mark.parametrize(("windows", "days"), [({"every": "term"}, 2), ({"every": "day"}, 0)])
def test_a_budget_that_is_less_leaves_the_dearest_use_unserved(windows: Data, days: int) -> None:
    """1.40 and two R5 are 3.40 an hour, of 8.40: 5 are an M5 on half of the days, whole ones; the rest is worth 11."""
    jobs = [JOBS[0], JOBS[1] | {"value": "11 USD per GPU-hour"}]
    hours = 24 if windows["every"] == "day" else 96
    case = budgeted(plan_of("1.40", R5_ALONE), budget(f"{D('8.4') * hours} USD", windows=windows), jobs)
    cost = D("3.4") * 96 + days * 240 + (4 - days) * 264
    assert solved(case).cost == cost
    assert Oracle(case).solve() == pytest.approx(float(cost))


def test_on_the_books_a_budget_counts_the_hours_that_have_come() -> None:
    """Two hours of four R5, of which two are covered, and a plan that is paid for the first day: 4 + 24 x 1.40."""
    case = budgeted(plan_of("1.40", R5_ALONE), budget("99 USD"))
    lines = rated(case, [use(case, "a", "r5", "2026-02-01T00:00", "2026-02-01T02:00", 8, 8)])
    totals = Totals(meter for term in case.signed for meter in term.meters())
    for line in lines:
        totals.add(line)
    found = settle(case.signed, totals, NOTHING_DECIDED, day("2026-02-02"))
    (cap,) = (each for settlement in found for each in settlement.standings if each.role == "cap")
    assert cap.drawn == 4 + 24 * D("1.4")


@pytest.mark.parametrize(
    ("cap", "every", "said"),
    [
        (budget("9 k USD", of={"workload": "a"}), "day", "`budget` asks for `workload: a` and `plan` does not, so"),
        (
            budget("9 k USD", **{"except": [{"kind": "batch"}]}),
            "day",
            "`budget` leaves out `kind: batch` and `plan` does not, so what it saves of the rest is not known; say so",
        ),
        (budget("9 k USD", of={"accelerator": "R5"}), "day", "`budget` asks for `accelerator: R5` and `plan` does not"),
        (budget("9 k USD", windows={"every": "hour"}), "day", "let both have one `zone`, and windows of whole days"),
        (
            budget("9 k USD", moment="invoice"),
            "day",
            "a savings plan covers what is used, and what counts does so when",
        ),
        (budget("9 k USD", windows={"every": "day"}), "month", "begins or ends on 2026-02-02, within a period of the"),
    ],
)
def test_what_a_plan_saves_of_what_a_budget_counts_is_known_or_refused(cap: Data, every: str, said: str) -> None:
    deals = agreement(plan_of("6"), **TIME), agreement(cap, party="self", **TIME)
    (only,) = mistakes(data_of(OFFERS, JOBS, *deals, horizon=DAYS | {"every": every}))
    assert said in only


@pytest.mark.parametrize("more", [{}, {"zone": "America/New_York"}])
def test_a_plan_and_a_budget_on_another_clock_lead_to_that_of_the_horizon(more: Data) -> None:
    """Their days begin at 5:00 UTC, which are no periods of UTC however short: days of New York are."""
    cap = budget("9 k USD", windows={"every": "term", "cut": "prorate"})
    deal = agreement(plan_of("6"), cap, zone="America/New_York", **TIME)
    found = mistakes(data_of(OFFERS, JOBS, deal, horizon=DAYS | more))
    said = "within a period of the plan; say `zone: America/New_York` in the `horizon`, whose days begin at another"
    assert [said in each for each in found] == ([] if more else [True])
