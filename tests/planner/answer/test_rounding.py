"""No clause is missed by a rounding: whole quanta of work reach what the solver reached."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import detente
from detente.case.case import Case
from detente.planner.solve import plan
from detente.results.plan import Plan
from tests.builders import agreement, data_of, tokens, work

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
