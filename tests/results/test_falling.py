"""When parts of a cost are paid, and what they are worth on the first day: by hand."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from detente.errors import PlanError
from detente.report.plans.answer import opening
from detente.report.plans.digest import bought_nothing
from detente.results.falling import factor, present_value
from detente.results.plan import Plan
from tests.builders import D, agreement, build, day, gpus, solved, tokens, work

DUE = {"id": "fee", "kind": "payment", "amount": "100 USD", "on": "2026-12-31"}


def found(rate: str | None = "10% per year") -> Plan:
    more = {} if rate is None else {"discount-rate": rate}
    yearly = {"start": "2026-01", "end": "2028-01", "every": "year"}
    case = build(
        [tokens("north", 3)], [work(demand="1 Mtok per day")], agreement(DUE), months=24, horizon=yearly, **more
    )
    return solved(case)


def test_each_part_is_discounted_from_the_day_on_which_it_is_paid() -> None:
    # 365 Mtok a year at 3 are 1095, at the end of each year; 100 on the last day of 2026, paid by its end
    plan = found()
    assert plan.cost == 2 * 1095 + 100
    assert plan.discount_rate == D("0.1")
    assert plan.present_value == (D(1195) / D("1.1") + D(1095) / D("1.21")).quantize(D("1e-9"))


@pytest.mark.parametrize(("rate", "yearly"), [("1% per month", D("1.01") ** 12 - 1), ("-2% per year", D("-0.02"))])
def test_a_rate_is_told_by_the_year(rate: str, yearly: Decimal) -> None:
    plan = found(rate)
    assert plan.discount_rate == yearly
    assert plan.present_value == (1195 / (1 + yearly) + 1095 / (1 + yearly) ** 2).quantize(D("1e-9"))


def test_without_a_rate_there_is_no_present_value() -> None:
    plan = found(None)
    assert (plan.discount_rate, plan.present_value) == (None, None)
    assert present_value(plan.cost_rows, D(0)) == plan.cost


def test_a_part_of_a_year_counts_by_its_days() -> None:
    assert factor(day("2026-01-01"), day("2026-03-15"), D("0.08")) == pytest.approx(D("1.08") ** (D(-73) / 365))
    assert factor(day("2026-01-01"), day("2025-01-01"), D("0.08")) == 1


def test_a_saved_plan_states_both_or_neither() -> None:
    plan = found()
    assert Plan.from_json(plan.to_json()) == plan
    text = re.sub(r'"present_value":"[^"]*"', '"present_value":null', plan.to_json())
    with pytest.raises(PlanError, match="`discount_rate` and `present_value`"):
        Plan.from_json(text)


def test_what_buys_no_compute_is_told_apart() -> None:
    # 20 GPUs are taken or paid; 10 are used at 2 USD. What stands idle, and the payment, buy nothing
    take = {
        "id": "take",
        "kind": "take-or-pay",
        "offer": "north-gpus",
        "quantity": "20 GPU",
        "price": "2 USD per GPU-hour",
    }
    chip = {"id": "research", "kind": "inference", "demand": "10 GPU", "runs-on": {"accelerators": {"H100": 1}}}
    plan = solved(build([gpus("north", 2)], [chip], agreement(take, DUE | {"on": "2026-01-05"}), months=1))
    assert bought_nothing(plan) == {"`take`": 10 * 744 * 2, "`fee`": 100}
    assert "Of the bill, 15.0 k USD buys no compute: `take` 14.9 k and `fee` 100.00." in opening(plan)
