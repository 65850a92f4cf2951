"""The layout of a program's entries, against the same entries added up one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import detente.planner.solving.matrix as matrix_of
from detente.errors import SolverError
from detente.planner.formulation.expression import Expr, Lines, Part, Rows, broadcast
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.matrix import lay_out
from detente.planner.solving.row_entries import added_up

PERIODS = 5


def dense(program: LinearProgram) -> Any:
    """The matrix in natural units, entry by entry."""
    found = np.zeros((program.m, program.n))
    for block, parts in zip(program.row_blocks, program.entries, strict=True):
        for part in parts:
            for row, column, value in zip(*(side.ravel().tolist() for side in broadcast(part)), strict=True):
                found[block.start + row, column] += value
    return found


def require(program: LinearProgram, n: int, *parts: Part) -> None:
    program.require(Owner("some"), "rows", Rows(Expr(n, list(parts)), 0.0, np.inf))


def random_program(chance: np.random.Generator) -> LinearProgram:
    program = LinearProgram()
    use = program.columns(Owner("use"), "work", (4, PERIODS), upper=chance.uniform(1, 1e6, (4, PERIODS)))
    more = program.columns(Owner("standby"), "work", (3, PERIODS), upper=1e-3)
    units = program.columns(Owner("units"), "steps", 6, upper=40.0, whole=True)
    for _ in range(8):
        lines = np.flatnonzero(chance.random(4) < 0.6)
        weights = chance.choice([0.5, 2.0, 1e4, 0.0], (len(lines), 1))
        own = Lines.of(more, np.flatnonzero(chance.random(3) < 0.6))
        t = chance.integers(0, 3, PERIODS).astype(np.int32)
        serve = chance.integers(0, PERIODS, 9).astype(np.int32)
        require(program, PERIODS, (None, Lines.of(use, lines), weights), (None, own, -1.0), (serve[:6], units, 3.0))
        require(program, 3, (t, Lines.of(use, lines), 1.0), (t, Lines.of(use, [0, 2]), -1.0))
        both = chance.random((len(lines), PERIODS))
        require(
            program, 1, (np.zeros(PERIODS, np.int32), Lines.of(use, lines), both), (t * 0, Lines.of(use, [1]), -0.5)
        )
        require(program, PERIODS, (serve, chance.choice(units, 9), chance.random(9)))
        require(program, PERIODS, (np.array([1, 3], np.int32), use[:, [1, 3]], 7.0))
        cut, twice = np.array([0, 0, 1, 1], np.int32), [0, 1, 1, 3]  # a period in two windows
        require(program, 2, (cut, use[lines][:, twice], 1.0), (cut, use[[1, 2]][:, twice], chance.random(4)))
        require(program, 2, (np.array([0, 1, 1], np.int32), use[lines][:, [0, 0, 2]], weights))
        require(program, 2, (cut[::-1], use[lines][:, :4], 3.0), (cut, use[lines][:, [3, 2, 1, 0]], 1.0))
        alone, last = (
            program.columns(Owner("unserved"), "work", PERIODS, upper=9.0),
            program.columns(Owner("slack"), "work", 3, upper=9.0),
        )
        require(program, PERIODS, (None, Lines.of(more, [0, 2]), 2.5), *Expr.of(alone).parts)
        require(program, 3, *(Expr.of(last[:2]) * -1).parts, (np.array([2], np.int32), last[2:], 1.0))
    return program


@pytest.mark.parametrize("many", [0, 2, matrix_of.MANY], ids=["whole lines", "both", "one by one"])
@pytest.mark.parametrize("seed", range(20))
def test_entries_are_where_they_belong(seed: int, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_of, "MANY", many)
    program = random_program(np.random.default_rng(seed))
    expected = dense(program)
    matrix = lay_out(program)
    found = np.zeros_like(expected)
    for column in range(program.n):
        at = slice(matrix.start[column], matrix.start[column + 1])
        rows = matrix.index[at]
        assert (np.diff(rows) > 0).all(), "each row once, in order"
        found[rows, column] = matrix.value[at] / matrix.row_scale[rows] / matrix.column_scale[column]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (matrix.value != 0).all()


@pytest.mark.parametrize("rows", [None, np.array([0, 0, 1, 1, 1], np.int32)])
def test_lines_over_the_same_rows_stay_lines_when_added_up(rows: Any) -> None:
    """A share: work on some lines, less a part of all work; what cancels out is left out."""
    sheet = LinearProgram().columns(Owner("use"), "work", (4, PERIODS), upper=1.0)
    whole, some = np.full((4, 1), -0.5), np.array([[1.0], [0.5]])
    ((found, lines, values),) = added_up(
        [(rows, Lines.of(sheet, [1, 2]), some), (rows, Lines.of(sheet, range(4)), whole)], 5
    )
    assert found is rows
    assert isinstance(lines, Lines)
    assert lines.index.tolist() == [0, 1, 3]
    assert values.tolist() == [[-0.5] * PERIODS, [0.5] * PERIODS, [-0.5] * PERIODS]


def test_scales_are_powers_of_two_and_rows_have_a_largest_coefficient_of_about_one() -> None:
    program = random_program(np.random.default_rng(0))
    matrix = lay_out(program)
    for scale in (matrix.row_scale, matrix.column_scale):
        assert (np.exp2(np.round(np.log2(scale))) == scale).all()
    assert (matrix.column_scale[35:41] == 1).all(), "what counts whole keeps its size"
    for row in np.unique(matrix.index):
        assert 0.7 < np.abs(matrix.value[matrix.index == row]).max() < 1.5


def test_prices_of_rows_come_to_the_columns() -> None:
    program = random_program(np.random.default_rng(3))
    expected = dense(program)
    matrix = lay_out(program)
    prices = np.random.default_rng(4).random(program.m)
    found = matrix.priced(prices / matrix.row_scale) / matrix.column_scale
    np.testing.assert_allclose(found, prices @ expected, rtol=1e-12)


def test_a_program_without_entries_is_laid_out() -> None:
    program = LinearProgram()
    program.columns(Owner("use"), "work", 3, upper=1.0)
    assert lay_out(program).start.tolist() == [0, 0, 0, 0]


def test_a_column_without_a_true_bound_is_a_mistake_of_ours() -> None:
    with pytest.raises(SolverError, match="an upper bound of inf is not between"):
        LinearProgram().columns(Owner("use"), "work", 3, upper=np.inf)
