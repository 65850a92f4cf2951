"""The planner's own branch and bound, on programs small enough to try every whole number."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from detente.planner.formulation.expression import Expr
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.branch import LITTLE, MAX_PROGRAMS, Branched, branch
from detente.planner.solving.model import Basis, Model
from detente.planner.solving.solution import Solution


def cover(cost: Any, most: Any, gives: Any, needs: Any) -> Model:
    """Whole columns at a cost each, which together give at least what each row needs."""
    program = LinearProgram()
    columns = program.columns(Owner("units"), "steps", len(cost), cost=cost, upper=most, whole=True)
    rows = np.repeat(np.arange(len(needs), dtype=np.int32), len(cost))
    entries = Expr(len(needs), [(rows, np.tile(columns, len(needs)), np.ravel(gives))])
    program.require(Owner("demand"), "served", entries >= list(needs))
    return Model(program)


def searched(
    model: Model,
    gap: float = 1e-9,
    best: Solution | None = None,
    most: int | None = MAX_PROGRAMS,
    *,
    tight: bool = True,
) -> Branched:
    columns = np.arange(model.program.n, dtype=np.int32)
    root = model.solve_linear()
    return branch(model, columns, root, model.basis, best, gap, lambda node: node, most, tight=tight)


@pytest.mark.parametrize("seed", range(25))
def test_it_finds_the_best_whole_numbers_or_says_how_far_it_is(seed: int) -> None:
    chance = np.random.default_rng(seed)
    n, m = 4, 3
    cost, most = chance.uniform(1, 9, n).round(2), chance.integers(1, 5, n)
    gives = chance.uniform(0, 5, (m, n)).round(1)
    needs = (gives @ most * chance.uniform(0.3, 0.8, m)).round(1)
    every = [np.array(counts) for counts in product(*(range(k + 1) for k in most))]
    least = min(float(cost @ x) for x in every if (gives @ x >= needs - 1e-9).all())

    found = searched(cover(cost, most.astype(float), gives, needs))

    assert found.best is not None
    assert found.best.values is not None
    assert found.bound <= least * (1 + 1e-9), "the bound holds"
    assert found.best.objective == pytest.approx(least, rel=1e-6)
    assert found.bound == pytest.approx(least, rel=1e-6)
    assert np.abs(found.best.values - np.rint(found.best.values)).max() < 1e-6


def test_many_equal_columns_do_not_keep_it_from_a_whole_solution() -> None:
    """Where all nodes are alike, a search that opens both sides of each before it goes deeper never gets to a leaf."""
    cost, gives = np.ones(14), np.ones((1, 14))
    found = searched(cover(cost, np.ones(14), gives, [8.5]), gap=1e-4)
    assert found.best is not None
    assert found.best.objective == pytest.approx(9)
    assert found.bound >= 8.5 * (1 - 1e-9)


def test_a_dear_plan_at_hand_does_not_keep_it_from_a_cheap_one() -> None:
    model = cover(np.ones(14), np.ones(14), np.ones((1, 14)), [8.5])
    dear = Solution("optimal", np.ones(14), 14.0, 8.5)
    found = searched(model, best=dear)
    assert found.best is not None
    assert found.best.objective == pytest.approx(9)


def test_it_rests_after_so_many_programs() -> None:
    found = searched(cover(np.ones(14), np.ones(14), np.ones((1, 14)), [8.5]), most=3)
    assert found.best is None
    assert found.bound == pytest.approx(8.5)


def test_each_dive_begins_where_its_parent_s_solve_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """After another part of the search, its own last basis is far nearer than whatever was solved last."""
    model = cover(*two_of_a_kind())
    solved: list[str] = []  # where each solve ended, as which columns were basic
    begun: list[str] = []

    def basic(basis: Basis) -> str:
        return "".join(str(int(kind)) for kind in basis.given.col_status)

    solve, start = Model.solve_linear, Model.start_at

    def solving(model: Model) -> Solution:
        found = solve(model)
        solved.append(basic(model.basis))
        return found

    def starting(model: Model, basis: Basis) -> None:
        begun.append(basic(basis))
        start(model, basis)
        assert basic(model.basis) == begun[-1]

    monkeypatch.setattr(Model, "solve_linear", solving)
    monkeypatch.setattr(Model, "start_at", starting)
    found = searched(model)
    assert found.best is not None
    assert begun[0] == solved[0], "the root"
    assert len(begun) > 2
    assert set(begun) <= set(solved)
    assert begun[1:] != solved[-len(begun[1:]) :], "not merely the last that was solved"


def two_of_a_kind() -> tuple[Any, Any, Any, Any]:
    chance = np.random.default_rng(7)
    return chance.uniform(1, 9, 6), np.full(6, 3.0), chance.uniform(0, 5, (4, 6)), np.full(4, 11.3)


def test_the_same_program_gives_the_same_answer() -> None:
    first, second = searched(cover(*two_of_a_kind())), searched(cover(*two_of_a_kind()))
    assert first.best is not None
    assert second.best is not None
    assert first.best.values is not None
    assert second.best.values is not None
    np.testing.assert_array_equal(first.best.values, second.best.values)
    assert first.bound == second.bound


def test_what_cannot_be_whole_has_no_solution_and_a_bound_that_says_so() -> None:
    program = LinearProgram()
    columns = program.columns(Owner("units"), "steps", 1, cost=1.0, upper=3.0, whole=True)
    program.require(Owner("some"), "row", Expr.of(columns) <= [1.6])
    program.require(Owner("some"), "row", Expr.of(columns) >= [1.4])
    model = Model(program)
    found = searched(model)
    assert found.best is None
    assert found.bound == np.inf


def test_where_a_column_is_far_from_whole_the_dive_takes_its_cheaper_side() -> None:
    """Of 2.4 of a thing 2 is nearer, but the rest then costs 9 a piece: both sides are solved, and 3 is the cheaper."""
    found = searched(cover([1.0, 9.0], [9.0, 9.0], [[1.0, 1.0]], [2.4]), most=2)
    assert found.best is not None
    assert found.best.objective == pytest.approx(3.0)
    assert found.bound == pytest.approx(3.0)


def test_it_rests_where_all_that_is_left_is_the_rounding_of_larger_counts() -> None:
    """Every whole solution is dearer by 50 once its larger counts are whole: to branch for a little more is idle."""
    model = cover(*two_of_a_kind())
    columns = np.arange(model.program.n, dtype=np.int32)
    root = model.solve_linear()
    completed: list[float] = []

    def complete(node: Solution) -> Solution:
        completed.append(node.objective)
        return replace(node, objective=node.objective + 50.0)

    found = branch(model, columns, root, model.basis, None, 1e-9, complete, 1000)
    assert found.best is not None
    assert min(completed) - found.bound <= LITTLE * 50.0
    rested = len(completed)
    to_the_end = branch(model, columns, root, model.basis, None, 1e-9, complete, None)
    assert to_the_end.bound == pytest.approx(min(completed)), "with a time limit, it is used"
    assert rested < len(completed)
    assert found.bound <= to_the_end.bound * (1 + 1e-9), "and its bound holds"


def test_a_bound_that_is_near_enough_is_raised_only_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    solves: list[float] = []
    solve = Model.solve_linear

    def counted(model: Model) -> Solution:
        solves.append(0.0)
        return solve(model)

    monkeypatch.setattr(Model, "solve_linear", counted)
    found, took = [], []
    for tight in (True, False):
        solves.clear()
        found.append(searched(cover(*two_of_a_kind()), gap=0.2, tight=tight))
        took.append(len(solves))
    (sure, enough) = found
    assert sure.best is not None
    assert enough.best is not None
    assert enough.best.objective - enough.bound <= 0.2 * enough.best.objective
    assert enough.bound <= sure.bound <= sure.best.objective
    assert took[1] < took[0]


def test_what_is_solved_next_begins_at_the_best_solution_s_node(monkeypatch: pytest.MonkeyPatch) -> None:
    model = cover(*two_of_a_kind())
    ended: dict[float, list[int]] = {}
    solve = Model.solve_linear

    def solving(model: Model) -> Solution:
        found = solve(model)
        ended[found.objective] = [int(kind) for kind in model.basis.given.col_status]
        return found

    monkeypatch.setattr(Model, "solve_linear", solving)
    found = searched(model)
    assert found.best is not None
    assert next(reversed(ended)) != found.best.objective, "the last that was solved is another"
    assert [int(kind) for kind in model.basis.given.col_status] == ended[found.best.objective]
