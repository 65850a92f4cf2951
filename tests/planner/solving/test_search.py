"""When a search over whole numbers rests."""

from __future__ import annotations

from unittest import mock

import pytest

from detente.planner.solving.search import Incumbent, _Effort
from detente.planner.solving.solution import Solution

BOUND = 1000.0


def known(cost: float | None) -> Incumbent:
    return Incumbent(None if cost is None else Solution("optimal", None, cost, BOUND), BOUND)


@pytest.mark.parametrize(
    ("cost", "spent", "end"),
    [
        (1100, 2.0, 110.0),  # far from the bound: ten seconds
        (1100, 30.0, 130.0),  # or as long as all took before
        (1000.5, 0.1, 101.0),  # within a thousandth: one second
        (1000.5, 3.0, 103.0),
        (None, 3.0, None),  # nothing is at hand: until there is
    ],
)
def test_without_a_limit_a_search_rests_by_what_it_may_still_win(
    cost: float | None, spent: float, end: float | None
) -> None:
    model = mock.Mock(deadline=None)
    with mock.patch("time.monotonic", return_value=100.0):
        effort = _Effort(mock.Mock(), model, mock.Mock(), 1e-4, mock.Mock(), None, 100.0 - spent)
        found = effort.resting(known(cost))
        assert found.end == end
        assert found.resting(known(1000.5)).end == (min(end, 100.0 + max(1.0, spent)) if end else 100.0 + spent)


def test_with_a_limit_it_goes_on_until_then() -> None:
    model = mock.Mock(deadline=500.0)
    effort = _Effort(mock.Mock(), model, mock.Mock(), 1e-4, mock.Mock(), 500.0, 0.0)
    assert effort.resting(known(1000.5)) is effort
