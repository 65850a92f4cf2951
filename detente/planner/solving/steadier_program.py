"""What may change in a solution, as a small program of its own: the point in it at which least moves.

Owns: ``Opening``, and the program over it: the rows that it has a part in, and columns for each share that rises or
falls. Not here: what may change (``steadier``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from detente.errors import SolverError
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Rows, dot
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.matrix import Places
from detente.planner.solving.model import Model
from detente.planner.solving.moves import Runs
from detente.planner.solving.solution import Solution
from detente.planner.solving.steady import bounded

OWNER = Owner("moves")

MoveRows = Callable[[LinearProgram, Model, list[Runs], Floats, Places], bool]
"""Adds to a program what says how much moves; false: nothing of it is open."""

ENOUGH, MAX_NODES = 0.01, 200
"""A search over whole columns ends this near to the least, as a part of it, or after so many nodes."""

MAX_WORK = 4_000
"""So many nodes times whole columns are searched: the more of them, the longer each node takes."""

NEARLY = 1e-7
"""A share that differs by no more is the same: what is done at each time is known to floats."""

NOTHING = 1e-9
"""No more than this, in the solver's scale, is noise: of much work it would be quanta, at offers that do none of it."""

MAX_SHARE = 1e4
"""More than any share: of work that may wait, many times as much may be done at a time as comes then."""


@dataclass(frozen=True)
class Opening:
    """What may change at the same cost (everything in the solver's scale): columns, and the rows' bounds.

    ``point`` is where all others stay. With columns that are ``whole``, prices do not say what costs the same: of each
    sum in ``no_more`` (what a natural unit of each column adds to it) what is open comes to at most what it does at the
    point.
    """

    columns: Places
    point: Floats
    low: Floats
    high: Floats
    whole: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    no_more: Sequence[Floats] = ()


def least_moves(model: Model, runs: list[Runs], opening: Opening) -> Floats | None:
    """The values (natural units) of what moves least of all that is open; None where none is found in time.

    With whole columns it is first asked whether nothing need move, which is far sooner answered.
    """
    if len(opening.whole):
        still = _found(model, runs, opening, _stays, 1.0)
        if still is not None:
            return still
    return _found(model, runs, opening, _moves, ENOUGH)


def _found(model: Model, runs: list[Runs], opening: Opening, rows: MoveRows, gap: float) -> Floats | None:
    """The values of the best of all that is open, to a gap where some is whole, with rows that say what moves."""
    place = np.full(model.program.n, -1, dtype=np.int64)
    place[opening.columns] = np.arange(len(opening.columns))
    program = LinearProgram()
    scale = model.column_scale[opening.columns]
    most = model.most[opening.columns] / scale
    program.columns(OWNER, "open", len(most), upper=most, whole=True)  # whole: the scale is the model's already
    _rows(program, model, opening, place)
    values = opening.point * model.column_scale
    if not rows(program, model, runs, values, place):
        return None
    _times(program, model, runs, values, place)
    small = Model(program)
    small.as_long_as(model)
    small.as_scaled = True  # what is open and its rows are in the scale of the model, and shares are near one
    try:
        found = _searched(small, place[opening.whole], gap) if len(opening.whole) else small.solve_linear()
    except SolverError:  # a preference only: the solution that is known stands without it
        return None
    if found.values is None:
        return None
    there = np.where(found.values[: len(most)] > NOTHING, found.values[: len(most)], 0.0)
    values[opening.columns] = np.minimum(there, most) * scale
    values[opening.whole] = np.rint(values[opening.whole])
    return values


def _searched(small: Model, whole: Places, gap: float) -> Solution:
    """The small program with whole columns, as well as few nodes of a search do: as many on every machine."""
    with small.within(min(MAX_NODES, MAX_WORK // len(whole) + 1)):
        return small.solve_as(whole.astype(np.int32), gap)


def _rows(program: LinearProgram, model: Model, opening: Opening, place: Places) -> None:
    """The rows that what is open has a part in, less what all others come to."""
    index, column, value = model.matrix.index, model.matrix.columns, model.matrix.value
    is_open = place[column] >= 0
    held = np.bincount(index[~is_open], (value * opening.point[column])[~is_open], model.program.m)
    touched = np.bincount(index[is_open], minlength=model.program.m) > 0
    low, high = opening.low - held, opening.high - held
    entries = index[is_open], place[column[is_open]].astype(np.int32), value[is_open]
    equal = low == high
    for some, bound, lower, higher in (
        (touched & equal, low, 0.0, 0.0),
        (touched & ~equal & np.isfinite(low), low, 0.0, np.inf),
        (touched & ~equal & np.isfinite(high), high, -np.inf, 0.0),
    ):
        program.require(OWNER, "rows", bounded(entries, np.where(some, bound, np.inf), lower, higher))
    for added in opening.no_more:
        _no_more(program, opening, added * model.column_scale)


def _no_more(program: LinearProgram, opening: Opening, added: Floats) -> None:
    """A sum is at most what it is at the point, scaled so that it may miss that by no more than is told."""
    of_open = added[opening.columns]
    there = dot(of_open, opening.point[opening.columns])
    scale = 1.0 / max(abs(there), float(np.abs(of_open).max(initial=0.0)), 1e-9)
    each = np.arange(len(of_open), dtype=np.int32)
    row = Expr(1, [(np.zeros_like(each), each, of_open * scale)], -there * scale)
    program.require(OWNER, "no-more", Rows(row, -np.inf, 0.0))


@dataclass
class OpenRows:
    """Entries of rows over what is open, as they are collected, and what all others come to in each row."""

    place: Places
    rows: list[Places] = field(default_factory=list)
    columns: list[Places] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    held: list[Floats] = field(default_factory=list)
    n: int = 0

    def add(self, parts: Sequence[tuple[Ints, Floats]], held: Floats) -> Bools:
        """A row for each time that has any open: sheets of columns (by offer and time) at a value each. Which has."""
        some: Bools = np.any([(self.place[columns] >= 0).any(axis=0) for columns, _ in parts], axis=0)
        self._add(parts, held, some)
        return some

    def add_all(self, parts: Sequence[tuple[Ints, Floats]], held: Floats) -> int:
        """The same for every time; how many rows."""
        self._add(parts, held, np.ones(len(held), dtype=np.bool_))
        return len(held)

    def _add(self, parts: Sequence[tuple[Ints, Floats]], held: Floats, some: Bools) -> None:
        row = self.n - 1 + np.cumsum(some)
        for columns, values in parts:
            at = self.place[columns] >= 0
            self.rows.append(np.broadcast_to(row, at.shape)[at])
            self.columns.append(self.place[columns[at]])
            self.values.append(values[at])
        self.held.append(held[some])
        self.n += int(some.sum())

    def over(self, *parts: tuple[Ints, Ints, float]) -> Expr:
        """The rows, with further parts."""
        rows, columns = (np.concatenate(each).astype(np.int32) for each in (self.rows, self.columns))
        return Expr(self.n, [(rows, columns, np.concatenate(self.values)), *parts], np.concatenate(self.held))


def _moves(program: LinearProgram, model: Model, runs: list[Runs], values: Floats, place: Places) -> bool:
    """Columns for the rise and fall of each provider's share into each time, and their rows. Whether any is open."""
    moved, weights = OpenRows(place), []
    closed = np.where(place >= 0, 0.0, values)
    for run in runs:
        shares = run.by_provider(closed) / run.work
        for columns, share in zip(run.columns, shares, strict=True):
            size = model.column_scale[columns] / run.work
            parts = (columns[:, 1:], size[:, 1:]), (columns[:, :-1], -size[:, :-1])
            weights.append(run.weights[moved.add(parts, np.diff(share))])
    if not moved.n:
        return False
    each, cost = np.arange(moved.n, dtype=np.int32), np.concatenate(weights)
    rise = program.columns(OWNER, "rise", moved.n, cost=cost, upper=MAX_SHARE, whole=True)
    fall = program.columns(OWNER, "fall", moved.n, cost=cost, upper=MAX_SHARE, whole=True)
    program.require(OWNER, "moves", Rows(moved.over((each, rise, -1.0), (each, fall, 1.0)), 0.0, 0.0))
    return True


def _stays(program: LinearProgram, model: Model, runs: list[Runs], values: Floats, place: Places) -> bool:
    """A column for each provider's share, and rows by which it is that at all times."""
    kept, of = OpenRows(place), list[Ints]()
    closed = np.where(place >= 0, 0.0, values)
    for run in runs:
        for columns, share in zip(run.columns, run.by_provider(closed) / run.work, strict=True):
            rows = kept.add_all([(columns, model.column_scale[columns] / run.work)], share)
            of.append(np.full(rows, len(of), dtype=np.int32))
    shares = program.columns(OWNER, "share", len(of), cost=1.0, upper=MAX_SHARE, whole=True)
    at = np.arange(kept.n, dtype=np.int32), shares[np.concatenate(of)], -1.0
    program.require(OWNER, "stays", Rows(kept.over(at), -NEARLY, NEARLY))
    return True


def _times(program: LinearProgram, model: Model, runs: list[Runs], values: Floats, place: Places) -> None:
    """Rows by which as much is done at each time as was found, of jobs that could do it at other times."""
    done = OpenRows(place)
    closed = np.where(place >= 0, 0.0, values)
    for run in runs:
        if run.held:
            columns = np.concatenate(run.columns)
            size = model.column_scale[columns] / run.work
            done.add([(columns, size)], run.by_provider(closed).sum(axis=0) / run.work - 1.0)
    if done.n:
        program.require(OWNER, "times", Rows(done.over(), -NEARLY, NEARLY))
