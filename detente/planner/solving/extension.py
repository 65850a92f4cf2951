"""Columns and rows that are added to a matrix that is already laid out.

Owns: the scaled entries of a program's new blocks, and the matrix with them in it. Not here: the layout of a whole
program (``matrix``), and handing anything over (``model``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detente.planner.formulation.expression import Floats, Ints, broadcast
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.matrix import Matrix, column_scales, row_scales


@dataclass(frozen=True)
class NewEntries:
    """Entries that come in, scaled, no two of one place: of new columns in the old rows, and of the new rows."""

    rows: Ints
    columns: Ints
    values: Floats


def extended(program: LinearProgram, matrix: Matrix, old_rows: int) -> tuple[Matrix, NewEntries]:
    """A matrix with all that a program has beyond it, and the entries that came in. The program gives them up."""
    column_scale = np.concatenate([matrix.column_scale, column_scales(program, len(matrix.column_scale))])
    rows, columns, values = _natural(program, old_rows)
    values = values * column_scale[columns]
    largest = np.zeros(program.m)
    np.maximum.at(largest, rows, np.abs(values))
    row_scale = np.concatenate([matrix.row_scale, row_scales(largest[old_rows:])])
    entries = NewEntries(rows, columns, values * row_scale[rows])
    return _inserted(matrix, entries, row_scale, column_scale), entries


def _natural(program: LinearProgram, old_rows: int) -> tuple[Ints, Ints, Floats]:
    """The program's entries that are not handed over, in natural units, added up by row and column."""
    blocks = [block for block in program.row_blocks if block.start >= old_rows]
    found = [
        (rows.ravel() + block.start, columns.ravel(), values.ravel())
        for block, parts in zip(blocks, program.entries, strict=True)
        for rows, columns, values in map(broadcast, parts)
    ]
    found += [(block.numbers, slack, times) for block, slack, times in program.slacks]
    program.entries.clear()
    program.slacks.clear()
    none = np.zeros(0)
    rows, columns, values = (np.concatenate([none, *(part[i] for part in found)]) for i in range(3))
    place = columns.astype(np.int64) * max(program.m, 1) + rows.astype(np.int64)
    places, same = np.unique(place, return_inverse=True)
    total = np.bincount(same, weights=values, minlength=len(places)).astype(np.float64)
    places, total = places[total != 0], total[total != 0]
    column, row = np.divmod(places, max(program.m, 1))
    return row.astype(np.int32), column.astype(np.int32), total


def _inserted(matrix: Matrix, entries: NewEntries, row_scale: Floats, column_scale: Floats) -> Matrix:
    """Each entry behind those that its column has."""
    old = len(matrix.start) - 1
    at = matrix.start[np.minimum(entries.columns + 1, old)]
    start = np.concatenate([matrix.start, np.full(len(column_scale) - old, matrix.start[-1], dtype=matrix.start.dtype)])
    more = np.bincount(entries.columns, minlength=len(column_scale))
    start[1:] += np.cumsum(more).astype(start.dtype)
    index = np.insert(matrix.index, at, entries.rows)
    value = np.insert(matrix.value, at, entries.values)
    return Matrix(start, index, value, row_scale, column_scale)
