"""The planner against an independent formulation of the same case: the same least cost, or both find none."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.planner.formulation.formulate import formulate
from detente.planner.solve import plan
from detente.planner.solving import search
from detente.results.plan import Plan
from tests.builders import EXACT, Data, agreement, build, compute, gpus
from tests.drawing import drawing
from tests.drawn_cases import cases
from tests.planner.oracle.oracle import Oracle
from tests.terms import drawn
from tests.terms.drawn import EACH_KIND, Draw, pick

CLOSE = 1e-6


def agree(case: Case) -> bool:
    """Whether there is a plan; fails where the two differ."""
    expected = Oracle(case).solve()
    found = plan(case, gap=EXACT)
    if not isinstance(found, Plan):
        assert expected is None, f"no plan, and the oracle has one at {expected}"
        return False
    assert expected is not None, f"a plan at {found.cost}, and the oracle has none"
    assert float(found.cost) == pytest.approx(expected, rel=CLOSE, abs=1e-4)
    return True


def test_another_partys_savings_plan_counts_nothing_towards_a_floor() -> None:
    """10 GPUs of January at South for 7,440 USD, of which its plan covers 2 at half price for 744: 6,696 in all.

    Of East's floor of 1,000, after plans, all is missing, at a fee of 50%: 500.
    """
    plan_ = {"id": "plan", "kind": "savings-plan", "commitment": "1 USD per hour"}
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "1 k USD", "measure": "after-plans"}
    deals = [
        agreement(plan_ | {"rates": {"south-gpus": "0.50 USD per GPU-hour"}}, party="south"),
        agreement(floor | {"shortfall": {"fee": "50%"}}, party="east"),
    ]
    case = build([gpus("east", 2), gpus("south", 1)], [compute()], *deals, months=1)
    assert agree(case)
    assert Oracle(case).solve() == pytest.approx(7_196)


MAX_WHOLE = 12
"""Whole columns of a program that our own branch and bound searches to its end in a second."""


@drawing(100)
@given(case=cases(least=2, wide=True))
def test_any_clauses(case: Case) -> None:
    agree(case)


@pytest.mark.parametrize("kind", EACH_KIND)
@drawing(9)
@given(data=st.data())
def test_each_kind(kind: str, data: st.DataObject) -> None:
    agree(data.draw(cases(need=kind, least=2, wide=True)))


def weeks(draw: Draw) -> Data:
    return {"windows": {"every": "week", "cut": "prorate", "starts": pick(draw, "2025-12-15", "2026-01-10")}}


@pytest.mark.parametrize("kind", ["credit", "minimum-commitment", "spending-cap", "volume-discount"])
@drawing(5)
@given(data=st.data())
def test_by_the_week(kind: str, data: st.DataObject) -> None:
    with mock.patch.object(drawn, "_windows", weeks):
        agree(data.draw(cases(need=kind, least=2, wide=True)))


@drawing(16)
@given(case=cases(most=2))
def test_the_planner_s_own_branch_and_bound(case: Case) -> None:
    """The search that large programs get, on small ones, and to its end, which many whole numbers alike put far off."""
    assume(formulate(case).program.integer().sum() <= MAX_WHOLE)
    with mock.patch.object(search, "LARGE", 0), mock.patch.object(search, "MAX_PROGRAMS", 10**6):
        agree(case)
