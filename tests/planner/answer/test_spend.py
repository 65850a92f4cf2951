"""What a solution pays a provider: what is less than the solver can tell from nothing is no money."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detente.planner.answer.spend import spend_with
from detente.planner.study import Study
from tests.builders import build, compute, gpus, tokens, work


def test_what_a_solver_s_tolerance_leaves_is_no_money() -> None:
    """All 1000 Mtok are at South, at 2 USD; a billionth of them more or less at North, at 3 USD, is nothing there."""
    study = Study.of(build([tokens("north", 3), tokens("south", 2)], [work()], months=1))
    found = study.bound()
    assert found.values is not None
    (north,) = (study.draft.x[arc.index] for arc in study.draft.arcs if arc.offer.provider == "north")
    paid = []
    for at_north in (-4.7e-7, 9e-7, 1.0):
        values = found.values.copy()
        values[north] = at_north
        near = replace(found, values=values)
        paid.append((spend_with(study.draft, near, "north"), spend_with(study.draft, near, "south")))
    assert paid == [(0, 2000), (0, 2000), (3, 2000)]


def test_less_than_a_millionth_of_a_unit_is_no_money() -> None:
    """A unit of 8 GPUs for all 744 hours of January at 2 USD is 11,904 USD."""
    study = Study.of(build([gpus("north", 2, unit=8)], [compute()], months=1))
    found = study.bound()
    assert found.values is not None
    units = study.draft.units["north-gpus"]
    paid = []
    for bought in (-1e-7, 1e-7, 1.0):
        values = found.values.copy()
        values[units.columns] = bought
        paid.append(spend_with(study.draft, replace(found, values=values), "north"))
    assert paid == pytest.approx([0, 0, 11_904])
