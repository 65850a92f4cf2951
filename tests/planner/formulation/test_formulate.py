"""A case over another grid than its own."""

from __future__ import annotations

import pytest

from detente.planner.formulation.formulate import formulate
from detente.planner.formulation.grid import Grid
from detente.planner.solving.model import Model
from detente.values.period import Horizon
from tests.builders import two_clouds


def test_a_coarser_grid_has_the_same_demand_and_the_same_cost() -> None:
    case = two_clouds()
    own = formulate(case)
    horizon = case.declared.horizon
    year = Grid(Horizon(start=horizon.start, end=horizon.end, every="year").periods())
    coarse = formulate(case, year)
    assert (own.n, coarse.n) == (len(case.periods), 1)
    for name, demand in own.demand.items():
        assert abs(int(demand.quanta.sum()) - int(coarse.demand[name].quanta.sum())) <= own.n  # rounded once a period
    # nothing in this case turns on when work is done, so that the coarser plan costs the same
    assert Model(coarse.program).solve_linear().objective == pytest.approx(
        Model(own.program).solve_linear().objective, rel=1e-9
    )
