"""The only file that touches the solver: columns, rows, owners, units.

A ``Program`` is built from blocks: columns and rows as integer arrays in the block's own shape, each with an owner
(``demand/chat``, ``term/azure-floor``), so that a clause can be relaxed, priced and blamed (§6). All amounts are in
natural units; scaling by powers of two happens here, on the way to HiGHS, and is undone on the way back.

Not here: what any column means.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detente.errors import SolverError

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Part = tuple[Ints, Ints, Floats]

Stopped = Literal["time-limit", "interrupted"]

LARGEST = 1e15  # a bound above this is taken as a mistake of ours: every column has a true upper bound
SIMPLEX_FEASIBLE = 5_000  # at most: feasibility alone is asked of simplex
SIMPLEX_COLUMNS = 60_000  # above: the first solve is by interior point with crossover


def _floats(given: Any, n: int) -> Floats:
    values = [float(v) for v in given] if isinstance(given, list | tuple) else given
    return np.broadcast_to(np.asarray(values, dtype=np.float64), (n,))


class Expr:
    """Linear expressions over a program's columns, one a row, with constants."""

    __slots__ = ("constant", "n", "parts")

    def __init__(self, n: int, parts: list[Part] | None = None, constant: Floats | float = 0.0) -> None:
        self.n, self.parts, self.constant = n, parts or [], constant

    def __add__(self, other: Any) -> Expr:
        if isinstance(other, Expr):
            return Expr(self.n, [*self.parts, *other.parts], self.constant + other.constant)
        return Expr(self.n, self.parts, self.constant + _floats(other, self.n))

    def __sub__(self, other: Any) -> Expr:
        if isinstance(other, Expr):
            return self + other * -1
        return Expr(self.n, self.parts, self.constant - _floats(other, self.n))

    def __mul__(self, factor: Fraction | float) -> Expr:
        by = float(factor)
        return Expr(self.n, [(r, c, v * by) for r, c, v in self.parts], self.constant * by)

    def lag(self) -> Expr:
        """The previous row's expression; zero in the first."""
        parts = []
        for r, c, v in self.parts:
            keep = r < self.n - 1
            parts.append((r[keep] + 1, c[keep], v[keep]))
        return Expr(self.n, parts)

    def __ge__(self, other: Any) -> Rows:
        return Rows(self - other, 0.0, np.inf)

    def __le__(self, other: Any) -> Rows:
        return Rows(self - other, -np.inf, 0.0)

    def __eq__(self, other: Any) -> Rows:  # type: ignore[override]
        return Rows(self - other, 0.0, 0.0)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Rows:
    """Rows that must hold: lower ≤ expression ≤ upper."""

    expr: Expr
    lower: float
    upper: float


@dataclass(frozen=True)
class Block:
    """A run of columns or rows, its owner and its part: the key by which prices and blame return."""

    owner: str
    part: str
    start: int
    stop: int
    remedy: bool = False
    whole: bool = False

    @property
    def slice(self) -> slice:
        """Where it stands."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Hold:
    """Columns that an owner holds at zero."""

    owner: str
    columns: Ints


class Program:
    """Columns and rows, block by block."""

    def __init__(self) -> None:
        self.n = 0
        self.m = 0
        self.column_blocks: list[Block] = []
        self.row_blocks: list[Block] = []
        self.holds: list[Hold] = []
        self._cost: list[Floats] = []
        self._upper: list[Floats] = []
        self._integer: list[NDArray[np.bool_]] = []
        self._matrix: list[tuple[NDArray[np.int64], Ints, Floats]] = []
        self._lower: list[Floats] = []
        self._higher: list[Floats] = []
        self._charges: list[tuple[Ints, Floats]] = []

    def columns(
        self,
        owner: str,
        part: str,
        shape: int | tuple[int, ...],
        *,
        cost: Any = 0.0,
        upper: Any,
        integer: bool = False,
        whole: bool = False,
        remedy: bool = False,
    ) -> Ints:
        """New columns from 0 to ``upper`` (finite: the safe bound needs it); their numbers in the block's shape."""
        size = int(np.prod(shape))
        found = np.arange(self.n, self.n + size, dtype=np.int32).reshape(shape)
        bound = np.broadcast_to(np.asarray(upper, dtype=np.float64), found.shape).ravel()
        if size and not (bound.min() >= 0 and bound.max() <= LARGEST):
            raise SolverError(f"`{owner}/{part}`: an upper bound of {bound.max():g} is not between 0 and {LARGEST:g}")
        self._cost.append(np.broadcast_to(np.asarray(cost, dtype=np.float64), found.shape).ravel())
        self._upper.append(bound)
        self._integer.append(np.full(size, integer))
        self.column_blocks.append(Block(owner, part, self.n, self.n + size, remedy, integer or whole))
        self.n += size
        return found

    def charge(self, columns: Ints, cost: Floats) -> None:
        """Add to the cost of columns."""
        self._charges.append((columns.ravel(), np.broadcast_to(cost, columns.shape).ravel()))

    def hold(self, owner: str, columns: Ints) -> None:
        """Hold columns at zero."""
        if columns.size:
            self.holds.append(Hold(owner, columns.ravel()))

    def require(self, owner: str, part: str, rows: Rows) -> None:
        """Rows that an owner adds. Terms with equal row and column are added up."""
        expr = rows.expr
        if not expr.n:
            return
        r, c, v = _merge(expr.parts, expr.n)
        counts = np.bincount(r, minlength=expr.n).astype(np.int64)
        self._matrix.append((counts, c, v))
        constant = np.broadcast_to(np.asarray(expr.constant, dtype=np.float64), (expr.n,))
        self._lower.append(rows.lower - constant)
        self._higher.append(rows.upper - constant)
        self.row_blocks.append(Block(owner, part, self.m, self.m + expr.n))
        self.m += expr.n

    def soften(self, owner: str, most: float, *, remedies: bool = False) -> Ints:
        """Let an owner's rows and holds give: one new column, the sum of all they give (natural units).

        Its rows may be missed by slacks, and what it held may be used; the column bounds the total. With
        ``remedies``, an owner that has any gives by them alone, at their price.
        """
        found: list[Ints] = []
        if remedies:
            own = [b for b in self.column_blocks if b.owner == owner and b.remedy]
            found = [np.arange(b.start, b.stop, dtype=np.int32) for b in own]
            if found:
                return self._total(owner, found, most)
        for at, block in enumerate(self.row_blocks):
            if block.owner == owner:
                counts, index, value = self._matrix[at]
                n = block.stop - block.start
                both = ((1.0, self._lower[at]), (-1.0, self._higher[at]))
                sides = [sign for sign, bound in both if np.isfinite(bound).any()]
                rows = np.repeat(np.arange(n, dtype=np.int32), counts)
                parts: list[Part] = [(rows, index, value)]
                for sign in sides:
                    slack = self.columns(f"give/{owner}", block.part, n, upper=most)
                    parts.append((np.arange(n, dtype=np.int32), slack, np.full(n, sign)))
                    found.append(slack)
                r, c, v = _merge(parts, n)
                self._matrix[at] = np.bincount(r, minlength=n).astype(np.int64), c, v
        for hold in self.holds:
            if hold.owner == owner:
                found.append(hold.columns)
        self.holds = [h for h in self.holds if h.owner != owner]
        return self._total(owner, found, most)

    def _total(self, owner: str, found: Sequence[Ints], most: float) -> Ints:
        """A column that is at least the sum of others."""
        total = self.columns(f"give/{owner}", "total", 1, upper=most)
        given = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int32)
        zero = np.zeros(len(given), dtype=np.int32)
        rows_of = Expr(1, [(zero, given, np.ones(len(given))), (np.zeros(1, np.int32), total, np.full(1, -1.0))])
        self.require(f"give/{owner}", "total", rows_of <= [0.0])
        return total

    def assemble(self) -> Model:
        """The whole, scaled, in HiGHS. The blocks are given up on the way: peak memory is one copy of the matrix."""
        cost = _joined(self._cost, np.float64)
        for columns, added in self._charges:
            np.add.at(cost, columns, added)
        upper = _joined(self._upper, np.float64)
        integer = _joined(self._integer, np.bool_)
        counts = _joined([m[0] for m in self._matrix], np.int64)
        index = _joined([m[1] for m in self._matrix], np.int32)
        value = _joined([m[2] for m in self._matrix], np.float64)
        self._matrix.clear()
        start = np.zeros(self.m + 1, dtype=np.int32)
        np.cumsum(counts, out=start[1:])
        lower = _joined(self._lower, np.float64)
        higher = _joined(self._higher, np.float64)
        return Model(self, cost, upper, integer, start, index, value, lower, higher)


def _joined(parts: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate(parts).astype(kind, copy=False) if parts else np.zeros(0, dtype=kind)


def _merge(parts: Sequence[Part], n: int) -> Part:
    """One part, sorted by row; entries at the same place are added up, zeros left out."""
    parts = [_by_row(part) for part in parts if len(part[0])]
    if not parts:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0)
    if len(parts) == 1:
        r, c, v = parts[0]
    elif _disjoint(parts):
        r, c, v = _interleaved(parts, n)
    else:
        r, c, v = (np.concatenate([p[i] for p in parts]) for i in range(3))
        key = r.astype(np.int64) * (int(c.max()) + 1) + c
        order = np.argsort(key, kind="stable")
        key = key[order]
        at = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        v = np.add.reduceat(v[order], at)
        r, c = r[order][at], c[order][at]
    keep = v != 0
    if not keep.all():
        r, c, v = r[keep], c[keep], v[keep]
    return r, c, v


def _by_row(part: Part) -> Part:
    r, c, v = part
    if np.all(r[1:] >= r[:-1]):
        return part
    order = np.argsort(r, kind="stable")
    return r[order], c[order], v[order]


def _disjoint(parts: Sequence[Part]) -> bool:
    """Whether the columns of parts lie apart, so that no two entries fall on the same place."""
    spans = sorted((int(c.min()), int(c.max())) for _, c, _ in parts)
    return all(before[1] < after[0] for before, after in pairwise(spans))


def _interleaved(parts: Sequence[Part], n: int) -> Part:
    """Parts sorted by row into one that is: each row's entries go behind those of the parts before, unsorted."""
    counts = [np.bincount(r, minlength=n) for r, _, _ in parts]
    size = sum(len(r) for r, _, _ in parts)
    rows, columns, values = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
    start = np.cumsum(sum(counts)) - sum(counts)  # of each row in the whole
    for part, count in zip(parts, counts, strict=True):
        own = np.cumsum(count) - count  # of each row in the part
        at = np.arange(len(part[0])) + np.repeat(start - own, count)
        rows[at], columns[at], values[at] = part
        start = start + count
    return rows, columns, values


@dataclass(frozen=True)
class Solution:
    """What the solver found, in natural units. ``values`` is None where there is no feasible point."""

    status: Literal["optimal", "infeasible", "time-limit", "interrupted"]
    values: Floats | None
    objective: float
    bound: float
    duals: Floats | None = None
    reduced: Floats | None = None


def _silently(make: Callable[[], Any]) -> Any:
    """Call with the process's standard output closed: HiGHS prints a banner there before it takes options."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        return make()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


@dataclass
class Model:
    """An assembled program inside HiGHS. Bounds may be changed and solved again, warm."""

    program: Program
    cost: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    start: Ints
    index: Ints
    value: Floats
    lower: Floats
    higher: Floats
    deadline: float | None = None
    custom_cost: Floats | None = None
    highs: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.column_scale = self._column_scale()
        value = self.column_scale[self.index]
        value *= self.value
        self.row_scale = self._row_scale(value)
        value *= np.repeat(self.row_scale, np.diff(self.start))
        largest = float(np.max(np.abs(self.cost) * self.column_scale, initial=1e-12))
        self.money_scale = 2.0 ** -round(math.log2(max(largest, 1e-12) / 1000.0))
        self.held = np.zeros(self.program.n, dtype=np.int16)
        for hold in self.program.holds:
            self.held[hold.columns] += 1
        # what HiGHS has at the moment, scaled: its own copies come back as lists, which are slow to read
        self._cost = self.cost * self.column_scale * self.money_scale
        self._low = np.zeros(self.program.n)
        self._high = np.where(self.held > 0, 0.0, self.upper) / self.column_scale
        self._row_low, self._row_high = self.lower * self.row_scale, self.higher * self.row_scale
        self._pass(value)

    # -- scaling ------------------------------------------------------------------------------------------------
    def _column_scale(self) -> Floats:
        """Powers of two, one a block: its largest value becomes about 1000. What counts whole keeps its size."""
        scale = np.ones(self.program.n)
        for block in self.program.column_blocks:
            if block.stop > block.start and not block.whole:
                most = float(self.upper[block.slice].max())
                scale[block.slice] = 2.0 ** round(math.log2(max(most, 1e-9) / 1000.0)) if most > 0 else 1.0
        return scale

    def _row_scale(self, value: Floats) -> Floats:
        """Powers of two: each row's largest coefficient becomes about 1."""
        most = np.ones(self.program.m)
        filled = np.diff(self.start) > 0
        if len(value):
            most[filled] = np.maximum.reduceat(np.abs(value), self.start[:-1][filled])
        return np.exp2(-np.round(np.log2(np.maximum(most, 1e-12)))).astype(np.float64)

    def _pass(self, value: Floats) -> None:
        import highspy

        highs = _silently(highspy.Highs)
        for option, setting in {
            "output_flag": False,
            "threads": 1,
            "random_seed": 0,
            "small_matrix_value": 1e-12,  # HiGHS drops smaller coefficients without a word
            "primal_feasibility_tolerance": 1e-8,
            "dual_feasibility_tolerance": 1e-8,
            "mip_feasibility_tolerance": 1e-8,
        }.items():
            highs.setOptionValue(option, setting)
        status = highs.passModel(
            self.program.n,
            self.program.m,
            len(value),
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            self._cost,
            self._low,
            self._high,
            self._row_low,
            self._row_high,
            self.start,
            self.index,
            value,
            np.zeros(self.program.n, dtype=np.int32),  # continuous until asked otherwise; an empty array reads garbage
        )
        if status == highspy.HighsStatus.kError:
            raise SolverError("the solver refused the model")
        highs.HandleKeyboardInterrupt = True
        self.highs = highs

    # -- changing bounds ---------------------------------------------------------------------------------------
    def relax(self, owners: Collection[str]) -> None:
        """Take owners out: their rows hold nothing, their own columns stay zero, what they held is free."""
        self._set_owners(owners, on=False)

    def restore(self, owners: Collection[str]) -> None:
        """Put owners back in."""
        self._set_owners(owners, on=True)

    def _set_owners(self, owners: Collection[str], *, on: bool) -> None:
        for block in self.program.row_blocks:
            if block.owner in owners:
                rows = np.arange(block.start, block.stop, dtype=np.int32)
                scale = self.row_scale[block.slice]
                self._row_low[block.slice] = self.lower[block.slice] * scale if on else -np.inf
                self._row_high[block.slice] = self.higher[block.slice] * scale if on else np.inf
                self.highs.changeRowsBounds(len(rows), rows, self._row_low[block.slice], self._row_high[block.slice])
        changed = []
        for hold in self.program.holds:
            if hold.owner in owners:
                self.held[hold.columns] += 1 if on else -1
                changed.append(hold.columns)
        for block in self.program.column_blocks:
            if block.owner in owners:
                columns = np.arange(block.start, block.stop, dtype=np.int32)
                self.held[columns] += -1 if on else 1
                changed.append(columns)
        self._bounds(changed)

    def without_remedies(self, spare: Collection[str] = ()) -> None:
        """Hold every remedy at zero, save those of some owners: clauses are performed and not paid off."""
        changed = []
        for block in self.program.column_blocks:
            if block.remedy and block.owner not in spare:
                columns = np.arange(block.start, block.stop, dtype=np.int32)
                self.held[columns] += 1
                changed.append(columns)
        self._bounds(changed)

    def _bounds(self, changed: Sequence[Ints]) -> None:
        if changed:
            columns = np.unique(np.concatenate(changed)).astype(np.int32)
            upper = np.where(self.held[columns] > 0, 0.0, self.upper[columns]) / self.column_scale[columns]
            self._between(columns, np.zeros(len(columns)), upper)

    def _between(self, columns: Ints, low: Floats, high: Floats) -> None:
        self._low[columns], self._high[columns] = low, high
        self.highs.changeColsBounds(len(columns), columns.astype(np.int32), low, high)

    def fix(self, columns: Ints, values: Floats) -> None:
        """Fix columns at natural values."""
        at = values / self.column_scale[columns]
        self._between(columns, at, at)

    def confine(self, columns: Ints, low: Floats, high: Floats) -> None:
        """Keep whole columns between whole numbers."""
        self._between(columns, low, high)

    def release(self, columns: Ints) -> None:
        """Undo ``fix`` and ``confine``."""
        self._bounds([columns])

    def objective(self, cost: Floats | None) -> None:
        """Another objective (natural units), or the program's own."""
        self.custom_cost = cost
        given = self.cost if cost is None else cost
        self._cost = given * self.column_scale * self.money_scale
        self.highs.changeColsCost(self.program.n, np.arange(self.program.n, dtype=np.int32), self._cost)

    def whole(self, columns: Ints, *, on: bool) -> None:
        """Make columns integer, or continuous."""
        import highspy

        kind = int(highspy.HighsVarType.kInteger if on else highspy.HighsVarType.kContinuous)
        kinds = np.full(len(columns), kind, dtype=np.uint8)
        self.highs.changeColsIntegrality(len(columns), columns.astype(np.int32), kinds)

    # -- solving -------------------------------------------------------------------------------------------------
    def solve_linear(self) -> Solution:
        """Solve as a linear program. The bound is computed here from the duals, not taken from the solver."""
        warm = self.highs.getBasis().valid  # after other bounds or costs, simplex goes on from the last basis
        simplex = warm or self.program.n <= SIMPLEX_COLUMNS
        self.highs.setOptionValue("solver", "simplex" if simplex else "ipx")
        return self._run(linear=True)

    def feasible(self) -> Solution:
        """Any point that holds every row. A large program's is found by interior point; a no is simplex's to say."""
        if self.program.n > SIMPLEX_FEASIBLE:
            self.highs.setOptionValue("solver", "ipx")
            self.highs.setOptionValue("run_crossover", "off")
            found = self._run(linear=True)
            self.highs.setOptionValue("run_crossover", "on")
            if found.status == "optimal":
                return found
            self.highs.clearSolver()
        return self.solve_linear()

    def solve_whole(self, gap: float) -> Solution:
        """Solve with the integers asked for, to a relative gap.

        No known plan is handed over to start from: HiGHS 1.16 then reports a cost that is not its own plan's.
        """
        self.highs.setOptionValue("solver", "choose")
        self.highs.setOptionValue("mip_rel_gap", gap)
        return self._run(linear=False)

    def _run(self, *, linear: bool) -> Solution:
        import highspy

        left = math.inf if self.deadline is None else self.deadline - time.monotonic()
        if left <= 0:
            return Solution("time-limit", None, math.inf, -math.inf)
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + left)  # HiGHS counts over all its runs
        try:
            with contextlib.redirect_stdout(sys.stderr):  # where highspy says that Ctrl-C was pressed
                outcome = self.highs.solve()
        except KeyboardInterrupt:  # between two solver calls; within one, HiGHS stops and says so
            return Solution("interrupted", None, math.inf, -math.inf)
        status = self.highs.getModelStatus()
        kinds = highspy.HighsModelStatus
        if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
            return Solution("infeasible", None, math.inf, -math.inf)
        if status in (kinds.kTimeLimit, kinds.kInterrupt):
            name: Stopped = "time-limit" if status == kinds.kTimeLimit else "interrupted"
            return self._partial(name, linear=linear)
        if status != kinds.kOptimal or outcome == highspy.HighsStatus.kError:
            raise SolverError(f"the solver stopped with `{self.highs.modelStatusToString(status)}`")
        return self._optimal(linear=linear)

    def _partial(self, name: Literal["time-limit", "interrupted"], *, linear: bool) -> Solution:
        info = self.highs.getInfo()
        if linear or info.primal_solution_status != 2:
            bound = -math.inf if linear else info.mip_dual_bound / self.money_scale
            return Solution(name, None, math.inf, bound)
        values = np.array(self.highs.getSolution().col_value) * self.column_scale
        return Solution(
            name, values, info.objective_function_value / self.money_scale, info.mip_dual_bound / self.money_scale
        )

    def _optimal(self, *, linear: bool) -> Solution:
        info, found = self.highs.getInfo(), self.highs.getSolution()
        values = np.array(found.col_value) * self.column_scale
        objective = info.objective_function_value / self.money_scale
        self._agrees(values, objective)
        if not linear:
            return Solution("optimal", values, objective, info.mip_dual_bound / self.money_scale)
        scaled = np.array(found.row_dual)
        bound, reduced = self._safe_bound(scaled)
        duals = scaled * self.row_scale / self.money_scale
        return Solution("optimal", values, objective, bound, duals, reduced)

    def _agrees(self, values: Floats, objective: float) -> None:
        """The solver's objective against its own values: HiGHS 1.16 was seen to report another after a warm start."""
        if self.custom_cost is None:
            cost = float(self.cost @ values)
            if abs(cost - objective) > 1e-6 * max(1.0, abs(cost)):
                raise SolverError(f"the solver reports a cost of {objective:.6f} for a plan that costs {cost:.6f}")

    def _safe_bound(self, duals: Floats) -> tuple[float, Floats]:
        """A lower bound that holds whatever the solver's tolerances (Neumaier and Shcherbina, 2004).

        For any row prices y (with the sign that each row allows), y·b plus the least of each column's reduced cost
        over its bounds is at most the optimum. Every column is bounded, so it is always finite. What floating point
        can lose in the sums is taken off.
        """
        low, high = self._row_low, self._row_high
        y = np.where((duals > 0) & np.isinf(low), 0.0, duals)
        y = np.where((y < 0) & np.isinf(high), 0.0, y)
        priced = np.repeat(self.row_scale * y, np.diff(self.start))
        priced *= self.value
        reduced = self._cost - self.column_scale * np.bincount(self.index, weights=priced, minlength=self.program.n)
        rows = np.where(y > 0, y * np.where(np.isinf(low), 0, low), y * np.where(np.isinf(high), 0, high))
        columns = np.where(reduced > 0, reduced * self._low, reduced * self._high)
        slop = (np.abs(rows).sum() + np.abs(columns).sum()) * 2.0**-50
        bound = (math.fsum(rows) + math.fsum(columns) - slop) / self.money_scale
        return bound, reduced / self.column_scale / self.money_scale
