"""A program's entries as the solver takes them: column by column, scaled by powers of two.

Owns: the layout and the scaling. HiGHS keeps its matrix by column and turns one by row about first, which costs it as
much as taking it over; here each block of entries goes to its place at once, since a column's entries stand in the
order of its rows and almost every block has a column once. Not here: the solver (``model``), owners (``program``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.planner.expression import Floats, Ints, Lines, Part, spelt
from detente.planner.program import Block, Program

DENSE = 8
"""Entries that may coincide are added up in a full array where it is at most so many times as large as they are."""


@dataclass(frozen=True)
class Matrix:
    """Entries by column: those of column j are ``index[start[j]:start[j + 1]]`` (rows) and as many values.

    A value is the natural one times the scale of its row times that of its column.
    """

    start: Ints
    index: Ints
    value: Floats
    row_scale: Floats
    column_scale: Floats

    @property
    def columns(self) -> Ints:
        """The column of each entry."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int32), np.diff(self.start))

    def priced(self, row_prices: Floats) -> Floats:
        """What the rows' prices (scaled) come to in each column (scaled)."""
        weights = row_prices[self.index]
        weights *= self.value
        return np.bincount(self.columns, weights=weights, minlength=len(self.start) - 1).astype(np.float64, copy=False)


@dataclass(slots=True)
class _Piece:
    """Entries of one block of rows; ``rows`` and ``values`` (in the scale of their columns) broadcast to theirs."""

    rows: Any  # numbers, or a slice
    columns: Ints | Lines
    values: Any
    nth: Any = None  # where a column comes more than once: which of its entries each is


def lay_out(program: Program) -> Matrix:
    """The whole matrix. The program's own entries are given up on the way: peak memory is one copy of them."""
    scale = _column_scale(program)
    largest = np.zeros(program.m)
    pieces: list[_Piece] = []
    for block, parts in zip(program.row_blocks, program.entries, strict=True):
        for part in _settled(parts, block.stop - block.start):
            piece = _piece(part, block, scale)
            _at_least(largest, piece)
            pieces.append(piece)
    program.entries.clear()
    row_scale = np.where(largest > 0, np.exp2(-np.round(np.log2(np.maximum(largest, 1e-12)))), 1.0)
    start = _starts(program.n, pieces)
    index, value = np.empty(start[-1], dtype=np.int32), np.empty(start[-1])
    numbers = np.arange(program.m, dtype=np.int32)
    free = start[:-1].astype(np.int64)  # where the next entry of each column goes
    for piece in pieces:
        at = _taken(free, piece)
        index[at] = _full(numbers[piece.rows], at)
        value[at] = _full(row_scale[piece.rows] * piece.values, at)
    return Matrix(start, index, value, row_scale, scale)


def _column_scale(program: Program) -> Floats:
    """Powers of two, one a block: its largest value becomes about 1000. What counts whole keeps its size."""
    scale = np.ones(program.n)
    for block in program.column_blocks:
        if block.most > 0 and not block.whole:
            scale[block.slice] = 2.0 ** round(math.log2(max(block.most, 1e-9) / 1000.0))
    return scale


# -- from parts to entries of which no two have the same place ------------------------------------------------------
def _settled(parts: Sequence[Part], n: int) -> Sequence[Part]:
    """Parts by column, without zeros: each by itself where they lie apart, else in one, added up."""
    parts = [part for part in map(_without_zeros, parts) if part is not None]
    if len(parts) > 1:
        spans = sorted(_span(columns) for _, columns, _ in parts)
        if not all(before[1] < after[0] for before, after in pairwise(spans)):
            return [_merged(parts, n)]
    return [part if _rises(part[1]) else _merged([part], n) for part in parts]


def _rises(columns: Ints | Lines) -> bool:
    if isinstance(columns, Lines):
        return True
    flat = columns.ravel()
    return bool((flat[1:] > flat[:-1]).all())


def _span(columns: Ints | Lines) -> tuple[int, int]:
    return columns.span if isinstance(columns, Lines) else (int(columns.min()), int(columns.max()))


def _without_zeros(part: Part) -> Part | None:
    _, columns, values = part
    if not (len(columns.index) if isinstance(columns, Lines) else columns.size):
        return None
    if values if isinstance(values, float) else values.all():
        return part
    r, c, v = spelt(part)
    keep = v != 0
    return (r[keep], c[keep], v[keep]) if keep.any() else None


def _merged(parts: Sequence[Part], n: int) -> Part:
    """One part, by column and row, with entries at the same place added up."""
    first = min(columns.first if isinstance(columns, Lines) else int(columns.min()) for _, columns, _ in parts)
    size = (max(_span(columns)[1] for _, columns, _ in parts) - first + 1) * n
    if size > DENSE * sum(spelt(part)[1].size for part in parts):
        keys = np.concatenate([_keys(part, first, n) for part in parts])
        places, same = np.unique(keys, return_inverse=True)
        values = np.concatenate([spelt(part)[2].ravel() for part in parts])
        total = np.bincount(same, weights=values).astype(np.float64, copy=False)
        places, total = places[total != 0], total[total != 0]
    else:
        every = np.zeros(size)
        for part in parts:
            _, columns, _ = part
            if n == 1 and isinstance(columns, Lines):
                columns.over(every, first)[columns.index] += part[2]
            else:
                np.add.at(every, _keys(part, first, n), spelt(part)[2].ravel())
        places = np.flatnonzero(every)
        total = every[places]
    column, row = (places, np.zeros(1)) if n == 1 else np.divmod(places, n)
    return row.astype(np.int32), (column + first).astype(np.int32), total


def _keys(part: Part, first: int, n: int) -> NDArray[np.int64]:
    """A number for each place, by column and then by row."""
    rows, columns, _ = spelt(part)
    return ((columns.astype(np.int64) - first) * n + rows).ravel()


def _piece(part: Part, block: Block, scale: Floats) -> _Piece:
    rows, columns, values = part
    at = block.slice if rows is None else rows + block.start
    if isinstance(columns, Lines):
        return _Piece(at, columns, values * scale[columns.starts][:, np.newaxis])
    values = values * scale[columns]
    if _rises(columns):
        return _Piece(at, columns, values)
    new = np.flatnonzero(np.concatenate([[True], columns[1:] != columns[:-1]]))
    nth = np.arange(columns.size) - np.repeat(new, np.diff(np.append(new, columns.size)))
    return _Piece(at, columns, values, nth)


def _at_least(largest: Floats, piece: _Piece) -> None:
    """Raise the largest coefficient of each row to those of a piece."""
    size = np.abs(piece.values)
    if size.ndim > 1:  # by line and period: rows are by period
        size = size.max() if size.shape[1] == 1 else size.max(axis=0)
    if isinstance(piece.rows, slice):
        np.maximum(largest[piece.rows], size, out=largest[piece.rows])
    elif size.size == 1:
        largest[piece.rows] = np.maximum(largest[piece.rows], size)
    else:
        np.maximum.at(largest, np.broadcast_to(piece.rows, size.shape), size)


# -- from entries to their places -----------------------------------------------------------------------------------
def _starts(n: int, pieces: Sequence[_Piece]) -> Ints:
    """Where each column's entries begin, and where the last's end."""
    lines = [piece.columns for piece in pieces if isinstance(piece.columns, Lines)]
    others = [piece.columns.ravel() for piece in pieces if not isinstance(piece.columns, Lines)]
    none = np.zeros(0, dtype=np.int64)
    count = np.bincount(np.concatenate([none, *others]), minlength=n)
    # of lines: how many columns begin to have an entry more, and how many have ceased to
    change = np.bincount(np.concatenate([none, *(line.starts for line in lines)]), minlength=n + 1)
    change -= np.bincount(np.concatenate([none, *(line.starts + line.width for line in lines)]), minlength=n + 1)
    count += np.cumsum(change[:-1])
    start = np.zeros(n + 1, dtype=np.int32)
    np.cumsum(count, out=start[1:])
    return start


def _taken(free: NDArray[np.int64], piece: _Piece) -> NDArray[np.int64]:
    """A free place for each entry."""
    columns: Any = piece.columns
    if isinstance(columns, Lines):
        sheet = columns.over(free)
        at: NDArray[np.int64] = sheet.take(columns.index, axis=0)
        sheet[columns.index] = at + 1
        return at
    columns = columns.astype(np.int64)
    at = free[columns]
    if piece.nth is not None:
        at += piece.nth
    free[columns] = at + 1  # of a column's entries the last is written last
    return at


def _full(given: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """Of that shape: an assignment to places goes faster from an array of theirs."""
    if given.shape == like.shape:
        return given
    full = np.empty(like.shape, dtype=given.dtype)
    full[...] = given
    return full
