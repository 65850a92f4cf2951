"""When a search over whole numbers rests."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

from detente.planner.solving import search
from detente.planner.solving.incumbent import Incumbent
from detente.planner.solving.search import _Effort, _searched
from detente.planner.solving.solution import Solution

BOUND = 1000.0


def known(cost: float | None) -> Incumbent:
    return Incumbent(None if cost is None else Solution("optimal", None, cost, BOUND), BOUND)


@pytest.mark.parametrize(
    ("cost", "spent", "worked", "end"),
    [
        (1100, 2.0, 2.0, 110.0),  # far from the bound: ten seconds
        (1100, 30.0, 30.0, 130.0),  # or as long as all took before
        (1000.5, 0.1, 0.1, 101.0),  # within a thousandth: one second
        (1000.5, 3.0, 3.0, 103.0),
        (None, 3.0, 3.0, 110.0),  # nothing is at hand: as far from the bound as can be
        (1100, 2.0, 0.5, 140.0),  # four share the processor: four times as long by the clock
        (1000.5, 2.0, 0.5, 104.0),
        (1100, 0.05, 0.0, 110.0),  # too short to tell
        (1100, 3600.0, 1.0, 3700.0),  # the machine slept
    ],
)
def test_without_a_limit_a_search_rests_by_what_it_may_still_win(
    cost: float | None, spent: float, worked: float, end: float
) -> None:
    model = mock.Mock(deadline=None)
    with mock.patch("time.monotonic", return_value=100.0), mock.patch("time.process_time", return_value=worked):
        effort = _Effort(mock.Mock(), model, mock.Mock(), 1e-4, mock.Mock(), None, 100.0 - spent)
        assert effort.resting(known(cost)).end == end
        shorter = effort.resting(known(1000.5)).end
        assert shorter is not None
        assert effort.resting(known(cost)).resting(known(1000.5)).end == min(end, shorter)


def test_without_a_limit_and_without_a_plan_no_turn_is_endless_and_each_is_twice_as_long() -> None:
    """Three counts, of which two matter most: half of ten seconds over those, then 10, 20 and 40 over all."""
    now, turns = [100.0], []

    def branched(effort: _Effort, whole: list[int], known: Incumbent) -> Incumbent:
        assert effort.end is not None
        turns.append((len(whole), effort.end - now[0]))
        now[0] = effort.end
        done = len(turns) == 4
        return replace(known, stopped="time-limit", solution=Solution("optimal", None, 1.0, 1.0) if done else None)

    program = mock.Mock(n=50)
    model = mock.Mock(deadline=None, program=program, integer=np.array([True, True, False]), zeroed=np.zeros(3))
    with (
        mock.patch.multiple("time", monotonic=lambda: now[0], process_time=lambda: now[0]),
        mock.patch.object(search, "_branched", branched),
    ):
        effort = _Effort(mock.Mock(), model, np.arange(3, dtype=np.int32), 1e-4, mock.Mock(), None, 100.0, 100.0)
        _searched(effort.resting(known(None)), known(None))
    assert turns == [(2, 5.0), (3, 5.0), (3, 10.0), (3, 20.0)]


def test_with_a_limit_it_goes_on_until_then() -> None:
    model = mock.Mock(deadline=500.0)
    effort = _Effort(mock.Mock(), model, mock.Mock(), 1e-4, mock.Mock(), 500.0, 0.0)
    assert effort.resting(known(1000.5)) is effort
