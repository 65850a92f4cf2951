"""A case over another grid than its own."""

from __future__ import annotations

from fractions import Fraction

import pytest

from detente.planner.formulation.formulate import formulate
from detente.planner.formulation.grid import Grid
from detente.planner.formulation.shaping import Shaping
from detente.planner.solving.model import Model
from detente.values.period import Horizon
from tests.builders import agreement, build, compute, gpus, tokens, two_clouds, work


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


def test_the_most_that_is_counted_of_work_is_what_there_is_of_it() -> None:
    """1000 Mtok a month on either of two offers at 1 and 3 USD: at most 3000 USD, and not both; 10 GPUs beside."""
    offers = [tokens("north", 1), tokens("north", 3, id="dear"), gpus("north", 2)]
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"}}
    case = build(offers, [work(), compute(demand="10 GPU")], agreement(floor), months=2)
    found = Shaping(formulate(case))
    for term in case.terms:
        found.shape(term)
    (meter,) = (meter for term in case.terms for meter in term.meters())
    units = [10 * 2 * hours for hours in (744, 672)]
    assert [float(most) for most in found.most(found.total(meter))] == pytest.approx([3000 + spent for spent in units])
    twice = found.total(meter) + found.total(meter)
    assert [float(most) for most in found.most(twice)] == pytest.approx([2 * (3000 + spent) for spent in units])
    less = found.total(meter) * Fraction(-1)
    assert [float(most) for most in found.most(less)] == [0, 0]
