"""The search over counts that are many, with a few settled: against every whole number that there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from detente.planner.formulation.expression import Expr
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.model import Model
from detente.planner.solving.others import with_others_searched
from detente.planner.solving.solution import Solution

ALL = np.arange(5, dtype=np.int32)


def cover(cost: list[float], gives: list[list[float]], needs: list[float]) -> Model:
    """Five columns of at most three, of which the rows ask for so much together."""
    program = LinearProgram()
    columns = program.columns(Owner("units"), "steps", len(cost), cost=np.array(cost), upper=3.0, whole=True)
    rows = np.repeat(np.arange(len(needs), dtype=np.int32), len(cost))
    entries = Expr(len(needs), [(rows, np.tile(columns, len(needs)), np.ravel(gives))])
    program.require(Owner("demand"), "served", entries >= needs)
    return Model(program)


@pytest.mark.parametrize("seed", range(12))
def test_it_finds_the_best_of_the_others_near_the_linear_one_and_leaves_the_settled(seed: int) -> None:
    chance = np.random.default_rng(seed)
    cost, gives = chance.uniform(1, 9, 5).round(2), chance.uniform(0.5, 4, (3, 5)).round(1)
    needs = (gives.sum(axis=1) * 1.3).round(1)
    model = cover(cost.tolist(), gives.tolist(), needs.tolist())
    model.fix(ALL[:1], np.array([2.0]))
    linear = model.solve_linear().values
    model.release(ALL[:1])
    assert linear is not None
    every = [np.array([2.0, *counts]) for counts in product(range(4), repeat=4)]  # the first is settled at 2
    every = [x for x in every if (x >= np.floor(linear) - 1).all() and (x <= np.ceil(linear) + 1).all()]
    least = min(float(cost @ x) for x in every if (gives @ x >= needs - 1e-9).all())
    best = Solution("optimal", np.array([2.0, 3, 3, 3, 3]), float(cost @ [2, 3, 3, 3, 3]), 0.0)

    found, stopped = with_others_searched(model, ALL, ALL[:1], best, 1e-9)

    assert stopped is None
    assert found is not None
    assert found.values is not None
    assert found.values[0] == pytest.approx(2.0)
    assert np.abs(found.values - np.rint(found.values)).max() < 1e-6
    assert found.objective == pytest.approx(least)
    low = model.solve_linear()
    assert low.objective < least, "and all is free again"


def test_where_nothing_is_found_there_is_none() -> None:
    """Nine in all are asked for, of a column that is settled at none and four that give 1.5 each at most."""
    model = cover([1.0] * 5, [[5.0, 0.5, 0.5, 0.5, 0.5]], [9.0])
    best = Solution("optimal", np.array([0.0, 3, 3, 3, 3]), 12.0, 0.0)
    assert with_others_searched(model, ALL, ALL[:1], best, 1e-9) == (None, None)
