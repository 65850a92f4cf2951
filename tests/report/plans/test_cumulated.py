"""When a plan's cost falls: all of it falls, once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from detente.case.case import Case
from detente.planner.solve import plan as planned
from detente.report.plans.cumulated import by_period, by_year, running
from detente.report.timeline import Timeline
from detente.results.falling import parts
from detente.results.plan import Plan
from tests.builders import agreement, build, solved, tokens, work
from tests.drawn_cases import cases
from tests.report.frontier import frontier
from tests.report.made_plans import empty, tiny


@pytest.mark.parametrize(
    "plan", [frontier("letter"), frontier("spirit"), tiny(), empty()], ids=lambda p: str(p.reading)
)
def test_all_of_the_cost_falls_in_some_period(plan: Plan) -> None:
    costs = by_period(plan)
    assert sum(costs, Decimal(0)) == plan.cost
    assert abs(sum((y.amount for y in by_year(plan, costs)), Decimal(0)) - plan.cost) < 1
    runs = running(costs, Timeline.of(plan.periods))
    assert not runs or runs[-1] == pytest.approx(float(plan.cost))


def test_a_fee_falls_at_the_end_of_its_window() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "shortfall": {"fee": "100%"}}
    found = solved(build([tokens("north", 3)], [work()], agreement(floor), months=2))
    assert by_period(found) == [3000, 6000]  # 3,000 USD of use in each month; 3,000 short in the end


def test_use_falls_when_it_happens() -> None:
    found = by_period(frontier("letter"))
    assert found[0] < found[48]  # the lab grows


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_it_adds_up_whatever_the_clauses(case: Case) -> None:
    found = planned(case)
    if isinstance(found, Plan):
        assert abs(sum((part.amount for part in parts(found.cost_rows)), Decimal(0)) - found.cost) < Decimal("0.0001")
        assert sum(by_period(found), Decimal(0)) == found.cost
