"""No clause is missed by a rounding: whole quanta of work reach what the solver reached."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given

import detente
from detente.case.case import Case
from detente.planner.solve import plan
from detente.planner.solving.incumbent import Incumbent
from detente.planner.study import Study
from detente.results.plan import Plan
from tests.builders import agreement, build, compute, data_of, gpus, tokens, work
from tests.drawing import drawing
from tests.drawn_cases import cases

STARTER = Path(detente.__file__).parent / "starter"


def test_the_first_plan_of_a_newcomer_meets_its_commitment() -> None:

    found = plan(Case.load(STARTER))
    assert isinstance(found, Plan)
    assert [w.short for w in found.commitments] == [0, 0, 0, 0]
    reached = [w.drawn + w.brought for w in found.commitments]
    assert min(reached) - 200_000 < 1, "one of them is just reached"


def test_a_floor_under_a_cap_with_no_room_between_them_is_met_to_a_rounding() -> None:
    """1,000 Mtok a day at 0.3 and 0.7 USD: 12,345.678901 USD of them at the dearer one, at least and at most."""
    exactly = {"amount": "12345.678901 USD", "windows": {"every": "quarter"}}
    both = [
        {"id": "floor", "kind": "minimum-commitment", "shortfall": "forbidden", **exactly},
        {"id": "cap", "kind": "spending-cap", **exactly},
    ]
    offers = [tokens("north", "0.7"), tokens("south", "0.3")]
    case = Case.of(
        data_of(offers, [work(demand="1 Gtok per day")], agreement(*both, party="north") | {"ends": "2027-01-01"})
    )
    found = plan(case)
    assert isinstance(found, Plan)
    assert len(found.commitments) == 2
    for window in found.commitments:
        assert abs(window.drawn - window.required) < Decimal("0.000001")
        assert not window.missed


def test_where_time_is_over_the_same_work_is_billed_as_clauses_make_it_of_whole_quanta() -> None:
    """A third of 1000 Mtok is missed by a part of a millionth: no time to move work, and the least fee is owed."""
    third = {"id": "floor", "kind": "minimum-commitment", "amount": "333.3333333 USD", "shortfall": {"fee": "250%"}}
    case = build([tokens("north", 1), tokens("south", "0.5")], [work()], agreement(third, party="north"), months=1)
    study = Study.of(case)
    found = study.solve()
    assert isinstance(found, Incumbent)
    study.program.model.last = 0.0
    late = study.plan(found)
    in_time = plan(case)
    assert isinstance(in_time, Plan)
    assert late.cost == pytest.approx(in_time.cost, rel=Decimal("1e-8"))
    assert 0 < late.commitments[0].short < Decimal("0.000001")


def test_where_the_program_was_not_solved_whole_units_stay_whole() -> None:
    """Beside a floor that rounding misses 2.3 GPUs run on three: the bill was that of three, the cost that of 2.3."""
    third = {"id": "floor", "kind": "minimum-commitment", "amount": "333.3333333 USD", "shortfall": {"fee": "250%"}}
    offers = [tokens("north", 1), tokens("south", "0.5"), gpus("south", 3)]
    case = build(offers, [work(), compute(demand="2.3 GPU")], agreement(third, party="north"), months=1)
    study = Study.of(case)
    found = study.solve()
    assert isinstance(found, Incumbent)
    bill, solution = study.bill(replace(found, prices=None))
    assert bill.listed >= 3 * 3 * 744
    assert solution.objective == pytest.approx(float(bill.total), rel=1e-8)


@drawing(16)
@given(case=cases())
def test_a_bill_without_time_is_that_of_the_same_plan(case: Case) -> None:
    study = Study.of(case)
    found = study.solve()
    if not isinstance(found, Incumbent):
        return
    in_time, _ = study.bill(found)
    study.program.model.last = 0.0
    late, _ = study.bill(found)
    assert float(late.total) == pytest.approx(float(in_time.total), rel=1e-6, abs=1e-3)
