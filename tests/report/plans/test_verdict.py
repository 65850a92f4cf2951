"""The answer of ``detente check``, as a person reads it: how many clauses it is about."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from detente.planner.check import check
from detente.report.plans.verdict import check_view
from tests.builders import Data, agreement, two_clouds

ONLY: Data = {"id": "only", "kind": "exclusivity"}
CAP: Data = {"id": "cap", "kind": "share", "at-most": "100%"}


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ((), "The case has no clauses."),
        ((ONLY,), "The one clause can be performed, without any shortfall fee."),
        ((ONLY, CAP), "All 2 clauses can be performed together, without any shortfall fee."),
        ((ONLY | {"until": "2025-02"}, CAP), "The one clause can be performed, without any shortfall fee."),
        ((ONLY | {"until": "2025-02"},), "No clause is in force."),
    ],
)
def test_clauses_that_no_time_of_the_horizon_sees_are_not_counted(terms: tuple[Data, ...], said: str) -> None:
    agreements = [agreement(*terms, effective="2025-01-01", ends="2027-01")] if terms else []
    case = two_clouds(agreements=agreements, horizon={"start": "2026-01", "end": "2027-01", "every": "month"})
    out = StringIO()
    check_view(case, check(case), Console(file=out, width=120))
    assert out.getvalue().splitlines() == ["Yes · test", said]
