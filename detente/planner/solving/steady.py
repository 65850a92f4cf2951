"""A point that splits each workload alike over time: the cheap way to a yes.

Owns: the small program whose columns are shares of a workload's demand, one for all alike times of a month, and the
way back from its point to one of the whole program, with the proof that it holds there. Where there is no such point
nothing is said: another may exist. Not here: what follows (``check``), and the solver (``model``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Rows
from detente.planner.formulation.groups import Grouping
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.model import Model
from detente.planner.solving.solver_run import TOLERANCE

SMALLER = 10
"""Tried where the small program has at most one column for so many of the whole: else it saves nothing."""

TRACE = 1e-9
"""A share of less is a trace that the solver leaves. Of a large amount it is enough to break a row."""


@dataclass(frozen=True)
class Ties:
    """For each column of a program the small program's column that it follows, and how much of it one of that is.

    One is the most: what the small program may miss by a tolerance, the whole one may.
    """

    to: Ints
    size: Floats
    n: int


@dataclass(frozen=True)
class Bounds:
    """Of a model's columns (from zero) and rows, everything in the solver's scale."""

    high: Floats
    row_low: Floats
    row_high: Floats

    @classmethod
    def of(cls, model: Model) -> Bounds:
        """As they are with all clauses in."""
        high = np.where(model.zeroed > 0, 0.0, model.upper) / model.column_scale
        return cls(high, model.lower * model.row_scale, model.higher * model.row_scale)


@dataclass(frozen=True)
class SteadyProgram:
    """The small program, and the way back to the whole one."""

    small: Model
    ties: Ties
    model: Model
    bounds: Bounds

    @classmethod
    def of(
        cls, draft: Draft, model: Model, most: float, *, levels: int = 1, cheap: bool = False
    ) -> SteadyProgram | None:
        """The small program, at the cost of the whole one or at none; None where it has more than ``most`` columns.

        With ``levels``, times of a month are alike if about as much is asked for: so many groups of them.
        """
        bounds = Bounds.of(model)
        ties = _ties(draft, model, bounds.high > 0, _level(draft, levels))
        if ties.n > most:
            return None
        small = Model(_tied(model, bounds, ties, cheap=cheap))
        small.as_long_as(model)
        small.as_scaled = cheap  # all in the scale of the whole program, and of the largest of parallel rows
        return cls(small, ties, model, bounds)

    def counts(self, whole: Ints) -> Ints:
        """What columns that count whole things are here."""
        return np.unique(self.ties.to[whole]).astype(np.int32)

    def written_out(self, values: Floats) -> Floats | None:
        """A point of the whole program (natural units), if it keeps every bound and row there."""
        point = self.whole_point(values)
        return point if _holds(self.model, self.bounds, point / self.model.column_scale) else None

    def whole_point(self, values: Floats) -> Floats:
        """A point of the whole program (natural units) within its bounds, which may miss a row of it."""
        values = np.where(np.abs(values) < TRACE, 0.0, values)
        point: Floats = np.clip(values[self.ties.to] * self.ties.size, 0.0, self.bounds.high)
        return point * self.model.column_scale


def steady_point(draft: Draft, model: Model, whole: Ints) -> Floats | None:
    """A point (natural units) that keeps every bound and row, ``whole`` columns whole; None where none is found."""
    steady = SteadyProgram.of(draft, model, draft.program.n / SMALLER if SMALLER else np.inf)
    if steady is None:
        return None
    small, counts = steady.small, steady.counts(whole)
    if len(counts):
        searched = small.solve_as(counts, 1.0).values
        if searched is None:
            return None
        small.fix(counts, np.rint(searched[counts]))  # a search is nearer to whole numbers than to rows
    found = small.solve_linear()
    if found.values is None:
        return None
    return steady.written_out(found.values)


def _level(draft: Draft, levels: int) -> Ints:
    """Which of so many groups of its month each period is in, by how much is asked for, workload by workload."""
    asked = np.zeros(draft.n)
    for demand in draft.demand.values():
        rate = _even(demand) / draft.hours
        asked += rate / max(float(rate.mean()), 1e-300)
    order = np.lexsort((asked, _month(draft)))
    _, first, times = np.unique(_month(draft)[order], return_index=True, return_counts=True)
    place = np.arange(draft.n) - np.repeat(first, times)
    found = np.empty(draft.n, dtype=np.int32)
    found[order] = place * levels // np.repeat(times, times)
    return found


def _month(draft: Draft) -> Ints:
    """The month of each period."""
    return np.array([p.span_start.year * 12 + p.span_start.month for p in draft.periods], dtype=np.int32)


def _ties(draft: Draft, model: Model, is_open: Bools, level: Ints) -> Ties:
    """Use, standby and unserved demand follow their share of demand, spread evenly where it may wait; others nothing.

    Alike are times of one month and level at which the same columns of a workload are open.
    """
    to = np.full(draft.program.n, -1, dtype=np.int32)
    size = np.ones(draft.program.n)
    time = np.vstack([_month(draft), level])
    n = 0
    for workload in draft.case.workloads:
        demand = draft.demand[workload.id]
        lines = draft.x[np.array([arc.index for arc in draft.arcs.of_workload[workload.id]], dtype=np.int64)]
        if workload.id in draft.standby:
            lines = np.concatenate([lines, draft.standby[workload.id]])
        alike = np.unique(np.vstack([is_open[lines], time]), axis=1, return_inverse=True)[1].ravel()
        times = int(alike.max()) + 1
        to[lines] = n + np.arange(len(lines))[:, np.newaxis] * times + alike
        size[lines] = np.where(is_open[lines], _even(demand), 0.0)
        n += len(lines) * times
        if workload.id in draft.unserved:
            to[draft.unserved[workload.id]] = n + alike[demand.spans[0]]
            size[draft.unserved[workload.id]] = demand.work
            n += times
    own = np.flatnonzero(to < 0)
    size /= np.where(to < 0, 1.0, model.column_scale)
    to[own] = n + np.arange(len(own))
    largest = np.zeros(n + len(own))
    np.maximum.at(largest, to, size)
    size /= np.where(largest > 0, largest, 1.0)[to]
    return Ties(to, size, n + len(own))


def _even(demand: Grouping) -> Floats:
    """The work of each period, where a group's is spread evenly over its periods."""
    inside = demand.owner >= 0
    periods = np.bincount(demand.owner[inside], minlength=len(demand.work))
    each = np.append(demand.work / np.maximum(periods, 1), 0.0)
    found: Floats = each[demand.owner]  # -1, in no group: the last, which is nothing
    return found


def _tied(model: Model, bounds: Bounds, ties: Ties, *, cheap: bool) -> LinearProgram:
    """The small program: the whole one's rows over what its columns follow, of parallel rows the tightest only.

    Parallel rows (the same shares at every hour) are known by two random sums of their entries, of which the one over
    the other is the same. A coincidence, or a row that loses all its entries, spoils the point and is found out then.
    All are in the scale of the largest, so that none is missed by more than that may be.
    """
    used = ties.size > 0
    upper = np.zeros(ties.n)
    upper[ties.to[used]] = np.inf
    np.minimum.at(upper, ties.to[used], bounds.high[used] / ties.size[used])
    index, follows = model.matrix.index, ties.to[model.matrix.columns]
    value = model.matrix.value * ties.size[model.matrix.columns]
    chance = np.random.default_rng(0).uniform(1.0, 2.0, (2, ties.n))
    one, other = (np.bincount(index, weights=value * by[follows], minlength=model.program.m) for by in chance)
    rows = np.flatnonzero(np.abs(other) > TOLERANCE)
    by = other[rows]
    largest_first = np.argsort(-np.abs(by), kind="stable")
    rows, by = rows[largest_first], by[largest_first]
    _, first, group = np.unique(np.round(one[rows] / by, 13), return_index=True, return_inverse=True)
    times = by[first][group] / by
    low, high = bounds.row_low[rows] * times, bounds.row_high[rows] * times
    low, high = np.where(times > 0, low, high), np.where(times > 0, high, low)
    least, most = np.full(len(first), -np.inf), np.full(len(first), np.inf)
    np.maximum.at(least, group, low)
    np.minimum.at(most, group, high)
    place = np.full(model.program.m, -1, dtype=np.int32)
    place[rows[first]] = np.arange(len(first))
    at = place[index] >= 0
    entries = (place[index[at]], follows[at], value[at])
    program, owner = LinearProgram(), Owner("steady")
    shares = program.columns(owner, "shares", ties.n, upper=upper, whole=True)  # the scale is the model's already
    if cheap:
        cost = np.bincount(ties.to, weights=model.cost * ties.size * model.column_scale, minlength=ties.n)
        program.charge(owner, shares, cost.astype(np.float64))
    for bound, lower, higher in ((least, 0.0, np.inf), (most, -np.inf, 0.0)):
        program.require(owner, "rows", bounded(entries, bound, lower, higher))
    return program


def bounded(entries: tuple[Ints, Ints, Floats], bound: Floats, lower: float, higher: float) -> Rows:
    """Rows of some entries with a bound on one side; those without one are left out."""
    some = np.isfinite(bound)
    place = np.cumsum(some, dtype=np.int32) - 1
    row, column, value = entries
    at = some[row]
    return Rows(Expr(int(some.sum()), [(place[row[at]], column[at], value[at])], -bound[some]), lower, higher)


def _holds(model: Model, bounds: Bounds, point: Floats) -> bool:
    """Whether a point (in the solver's scale) keeps every bound and row, within what the solver itself is allowed."""
    matrix = model.matrix
    total = np.bincount(matrix.index, weights=matrix.value * point[matrix.columns], minlength=model.program.m)
    within = (point >= -TOLERANCE) & (point <= bounds.high + TOLERANCE)
    kept = (total >= bounds.row_low - TOLERANCE) & (total <= bounds.row_high + TOLERANCE)
    return bool(within.all() and kept.all())
