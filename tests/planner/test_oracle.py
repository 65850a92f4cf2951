"""The planner against an independent formulation of the same case: the same least cost, or both find none."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from detente.case import Case
from detente.plan import Plan
from detente.planner.solve import plan
from tests.builders import ALL_KINDS, EXACT, cases, compute, gpus, tokens, two_clouds, work
from tests.planner.oracle import Oracle

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


slowly = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@settings(slowly, max_examples=50)
@given(case=cases(most=3))
def test_any_clauses(case: Case) -> None:
    agree(case)
