"""A program's entries as the solver takes them: column by column, scaled by powers of two.

Owns: the layout and the scaling. HiGHS keeps its matrix by column and turns one by row about first, which costs it as
much as taking it over; here each block of entries goes to its place at once, since a column's entries stand in the
order of its rows and almost every block has a column once. Not here: the solver (``model``), owners (``program``),
what coincides (``row_entries``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from detente.planner.formulation.expression import Bools, Floats, Ints, Lines
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.row_entries import added_up, rises

Places = NDArray[np.int64]

CHUNK = 1 << 16
"""Entries that are worked on at a time: they stay in the processor's cache."""

WANTED = 1000.0
"""What the largest values of columns become in the solver's scale, about."""

MANY = 100
"""Lines of a piece from which on they are written whole: the places of fewer are sooner found one by one."""


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
        found = np.zeros(len(self.start) - 1)
        some = np.diff(self.start) > 0
        if some.any():  # each column's entries stand together: added up from where they begin
            found[some] = np.add.reduceat(weights, self.start[:-1][some])
        return found


@dataclass(slots=True)
class _Piece:
    """Entries of one block of rows; ``rows`` and ``values`` (natural) broadcast to theirs."""

    rows: Any  # numbers, or a slice
    columns: Ints | Lines
    values: Any
    nth: Any = None  # where a column comes more than once: which of its entries each is
    lines: slice = field(default_factory=lambda: slice(0))  # its lines in the lineup


@dataclass(slots=True)
class _Lineup:
    """The lines of all pieces, one piece after the other, and where the entries of each go.

    A line is ``regular`` if its columns have no entries but those of the same line in other pieces. Each column then
    has ``step`` of them, and all places follow from the first: its columns need not be looked at.
    """

    first: Places  # column
    width: Places
    place: Places  # of its first column's entry
    step: Places
    regular: Bools

    @classmethod
    def of(cls, first: Places, width: Places, start: Ints) -> _Lineup:
        same = first * (int(width.max(initial=0)) + 1) + width
        order = np.argsort(same, kind="stable")  # of the same line, the order of rows
        new = np.flatnonzero(np.diff(same[order], prepend=-1))
        times = np.diff(np.append(new, len(order)))
        place, step = np.empty_like(first), np.empty_like(first)
        step[order] = np.repeat(times, times)
        place[order] = start[first[order]] + np.arange(len(order)) - np.repeat(new, times)
        return cls(first, width, place, step, start[first + width] - start[first] == step * width)

    def at(self, lines: slice, width: int) -> Places:
        """The place of each entry of some lines of one width, by line and period."""
        found: Places = self.place[lines][:, np.newaxis] + self.step[lines][:, np.newaxis] * np.arange(width)
        return found

    def alike(self, lines: Places) -> Iterable[tuple[Places, int, int]]:
        """Lines of one width and step, as many at a time as the processor's cache holds: which, and the two."""
        steps = int(self.step.max(initial=0)) + 1
        kind = self.width[lines] * steps + self.step[lines]
        for each in np.unique(kind).tolist():
            width, step = divmod(each, steps)
            some = np.flatnonzero(kind == each)
            for begin in range(0, len(some), many := max(1, CHUNK // width)):
                yield some[begin : begin + many], width, step


@dataclass(slots=True)
class _Strips:
    """Lines with one value each over rows that follow one another, by column: most entries, placed many at a time."""

    line: Places  # in the lineup
    row: Ints  # of the first column's entry
    value: Floats


def lay_out(program: LinearProgram) -> Matrix:
    """The whole matrix. The program's own entries are given up on the way: peak memory is one copy of them."""
    scale = column_scales(program)
    pieces = _pieces(program)
    first, widths = _lines(pieces)
    start = _starts(program.n, pieces, first, widths)
    lineup = _Lineup.of(first, widths, start)
    strips, others = _strips(pieces, lineup, scale)
    largest = _largest(program, strips, others)
    row_scale = row_scales(largest)
    index, value = np.empty(start[-1], dtype=np.int32), np.empty(start[-1])
    for some, width, step in lineup.alike(strips.line):
        place, row = lineup.place[strips.line[some]], strips.row[some]
        _runs(index, width, step)[place] = row[:, np.newaxis] + np.arange(width, dtype=np.int32)
        _runs(value, width, step)[place] = _runs(row_scale, width)[row] * strips.value[some][:, np.newaxis]
    numbers = np.arange(program.m, dtype=np.int32)
    free = start[:-1].astype(np.int64)  # where the next entry of each other column goes
    for piece in others:
        rows, values = numbers[piece.rows], row_scale[piece.rows] * piece.values
        if isinstance(piece.columns, Lines) and len(values) > MANY and lineup.regular[piece.lines].all():
            for some, width, step in lineup.alike(np.arange(piece.lines.start, piece.lines.stop)):
                place = lineup.place[piece.lines][some]
                _runs(index, width, step)[place] = rows
                _runs(value, width, step)[place] = values[some]
        else:
            at = _taken(free, piece, lineup)
            index[at] = _full(rows, at)
            value[at] = _full(values, at)
    return Matrix(start, index, value, row_scale, scale)


def column_scales(program: LinearProgram, since: int = 0) -> Floats:
    """Powers of two of the columns from one on, one a line of a block: its largest value becomes about 1000.

    By line, since one work of a token a day stands beside another of a million GPUs: the solver may miss any value by
    a tolerance that is the same for all. What counts whole keeps its size.
    """
    largest, widths = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
    for block, most in program.mosts():
        if block.start >= since:
            scaled = block.most > 0 and not block.whole
            largest.append(
                np.where(most > 0, np.maximum(most, 1e-9), block.most) if scaled else np.full_like(most, WANTED)
            )
            widths.append(np.full(len(most), (block.stop - block.start) // len(most)))
    each = np.exp2(np.round(np.log2(np.concatenate(largest) / WANTED)))
    return np.repeat(each, np.concatenate(widths))


def row_scales(largest: Floats) -> Floats:
    """Powers of two of rows, by their largest coefficients in the scale of their columns: these become about 1."""
    return np.where(largest > 0, np.exp2(-np.round(np.log2(np.maximum(largest, 1e-12)))), 1.0)


# -- pieces ---------------------------------------------------------------------------------------------------------
def _pieces(program: LinearProgram) -> list[_Piece]:
    """Every block's entries; the program gives its own up."""
    found, lines = [], 0
    for block, parts in zip(program.row_blocks, program.entries, strict=True):
        for rows, columns, values in added_up(parts, block.stop - block.start):
            at = block.slice if rows is None else rows + block.start
            if isinstance(columns, Lines):
                size = len(columns.index)
                found.append(_Piece(at, columns, values, lines=slice(lines, lines + size)))
                lines += size
            else:
                found.append(_Piece(at, columns, values, nth=_nth(columns)))
    program.entries.clear()
    return found


def _nth(columns: Ints) -> Places | None:
    """Which of its column's entries each is, where a column comes more than once."""
    if rises(columns):
        return None
    new = np.flatnonzero(np.concatenate([[True], columns[1:] != columns[:-1]]))
    return np.arange(columns.size) - np.repeat(new, np.diff(np.append(new, columns.size)))


def _lines(pieces: Sequence[_Piece]) -> tuple[Places, Places]:
    """The first column and the width of each line."""
    every = [piece.columns for piece in pieces if isinstance(piece.columns, Lines)]
    sheets = np.array([(lines.first, lines.width) for lines in every], dtype=np.int64).reshape(-1, 2)
    first, width = np.repeat(sheets, [len(lines.index) for lines in every], axis=0).T
    return first + np.concatenate([np.zeros(0, dtype=np.int64), *(lines.index for lines in every)]) * width, width


def _strips(pieces: Sequence[_Piece], lineup: _Lineup, scale: Floats) -> tuple[_Strips, list[_Piece]]:
    """Strips, and the pieces that have to be placed one by one; both now in the scale of their columns."""
    lined = [piece for piece in pieces if isinstance(piece.columns, Lines)]
    owner = np.repeat(np.arange(len(lined)), [piece.lines.stop - piece.lines.start for piece in lined])
    odd = {id(lined[at]) for at in np.unique(owner[~lineup.regular]).tolist()}
    chosen, others = [], []
    for piece in pieces:
        if isinstance(piece.columns, Lines):
            single = isinstance(piece.values, float) or piece.values.shape[1] == 1
            if single and isinstance(piece.rows, slice) and id(piece) not in odd:
                chosen.append(piece)
                continue
            piece.values = piece.values * scale[piece.columns.starts][:, np.newaxis]
        else:
            piece.values = piece.values * scale[piece.columns]
        others.append(piece)
    times = [piece.lines.stop - piece.lines.start for piece in chosen]
    none, every = np.zeros(0, dtype=np.int64), np.arange(len(lineup.first))
    line = np.concatenate([none, *(every[piece.lines] for piece in chosen)])
    row = np.repeat(np.array([piece.rows.start for piece in chosen], np.int32), times)
    each = [_single(piece.values, size) for piece, size in zip(chosen, times, strict=True)]
    value = np.concatenate([np.zeros(0), *each]) * scale[lineup.first[line]]
    order = np.argsort(lineup.place[line])
    return _Strips(line[order], row[order], value[order]), others


def _single(values: Any, n: int) -> Floats:
    """One value for each of n lines."""
    if isinstance(values, float) or len(values) < n:
        return np.full(n, values)
    return np.asarray(values[:, 0])


# -- scales of rows -------------------------------------------------------------------------------------------------
def _largest(program: LinearProgram, strips: _Strips, others: Sequence[_Piece]) -> Floats:
    """The largest coefficient of each row. A strip has the same in all rows of its block."""
    begins = np.zeros(program.m + 1)
    np.maximum.at(begins, strips.row, np.abs(strips.value))
    blocks = np.array([block.start for block in program.row_blocks], dtype=np.int64)
    largest = np.repeat(begins[blocks], np.diff(np.append(blocks, program.m)))
    for piece in others:
        _at_least(largest, piece)
    return largest


def _at_least(largest: Floats, piece: _Piece) -> None:
    """Raise the largest coefficient of each row to those of a piece."""
    size = piece.values
    if size.ndim > 1 and size.shape[1] > 1:  # by line and period: rows are by period
        size = np.maximum(size.max(axis=0), -size.min(axis=0))
    else:
        size = np.abs(size).max() if size.ndim > 1 else np.abs(size)
    if isinstance(piece.rows, slice):
        np.maximum(largest[piece.rows], size, out=largest[piece.rows])
    elif size.size == 1:
        largest[piece.rows] = np.maximum(largest[piece.rows], size)
    else:
        np.maximum.at(largest, np.broadcast_to(piece.rows, size.shape), size)


# -- from entries to their places -----------------------------------------------------------------------------------
def _starts(n: int, pieces: Sequence[_Piece], first: Places, width: Places) -> Ints:
    """Where each column's entries begin, and where the last's end."""
    change = np.zeros(n + 1, dtype=np.int32)  # of lines: how many more entries a column has than the one before
    one = change.dtype.type(1)  # of another type numpy adds 40 times slower
    np.add.at(change, first, one)
    np.subtract.at(change, first + width, one)
    start = np.zeros(n + 1, dtype=np.int32)
    count = np.cumsum(change[:-1], out=start[1:])
    others = [piece.columns.ravel() for piece in pieces if not isinstance(piece.columns, Lines)]
    if others:
        every = np.concatenate(others)
        low = int(every.min(initial=n))
        times = np.bincount(every - low)
        count[low : low + len(times)] += times
    np.cumsum(count, out=count)
    return start


def _taken(free: Places, piece: _Piece, lineup: _Lineup) -> Places:
    """A free place for each entry."""
    columns: Any = piece.columns
    if isinstance(columns, Lines):
        at: Places = lineup.at(piece.lines, columns.width)
        odd = np.flatnonzero(~lineup.regular[piece.lines])
        if len(odd):
            some = columns.columns[odd]
            at[odd] = free[some]
            free[some] += 1
        return at
    columns = columns.astype(np.int64)
    at = free[columns]
    if piece.nth is not None:
        at += piece.nth
    free[columns] = at + 1  # of a column's entries the last is written last
    return at


def _runs(array: NDArray[Any], width: int, step: int = 1) -> NDArray[Any]:
    """A view by place: the ``width`` numbers from there on, every ``step``-th. Lines are read and written whole."""
    return sliding_window_view(array, (width - 1) * step + 1, writeable=True)[:, ::step]


def _full(given: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """Of that shape: an assignment to places goes faster from an array of theirs."""
    if given.shape == like.shape:
        return given
    full = np.empty(like.shape, dtype=given.dtype)
    full[...] = given
    return full
