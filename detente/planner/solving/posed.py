"""An assembled program as it is posed to HiGHS: handed over, who is in and who is out, its bounds and its costs.

All amounts are in natural units; scaling by powers of two happens on the way (``matrix``).

Not here: what any column means, blocks and owners (``program``), and solving (``model``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np

from detente.errors import SolverError
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import Block, Denial, LinearProgram
from detente.planner.solving.extension import NewEntries, extended
from detente.planner.solving.matrix import lay_out
from detente.planner.solving.solver_run import Running, made

MIN_COST = 1.0
"""Of a plan, in the solver's scale: below it, money is scaled anew."""

LARGEST_PRICE = 1e6
"""In the solver's scale: beside larger ones it was seen to end without an answer."""


class Posed(Running):
    """A program inside HiGHS, and what is asked of it at the moment."""

    def __init__(self, program: LinearProgram) -> None:
        """Hand the whole over, scaled. The program's entries are given up on the way."""
        super().__init__()
        self.program = program
        self.cost, self.upper, self.integer = program.cost(), program.upper(), program.integer()
        self.lower, self.higher = program.bounds()
        self.matrix = lay_out(program)
        self.custom_cost: Floats | None = None
        self.out: frozenset[Owner] = frozenset()
        self.lenient: frozenset[Owner] = frozenset()
        self.spared: frozenset[Owner] | None = None
        self.closed: dict[Hashable, Ints] = {}
        self.zeroed = np.zeros(program.n, dtype=np.int16)  # by how many each column is fixed at zero
        self.pinned = np.full((2, program.n), np.nan)  # between which values columns are kept
        self.kept: tuple[Ints, Floats, Floats] = np.zeros(0, dtype=np.int32), np.zeros(0), np.zeros(0)
        for denial in program.denials:
            self.zeroed[denial.numbers] += 1
        # what HiGHS has at the moment, scaled: its own copies come back as lists, which are slow to read
        self._cost = self.cost * self.column_scale
        largest = max(self._cost.max(initial=0.0), -self._cost.min(initial=0.0))
        self.money_scale = 2.0 ** -round(math.log2(max(float(largest), 1e-12) / 1000.0))
        self._cost *= self.money_scale
        self._low = np.zeros(program.n)
        self._high = np.where(self.zeroed > 0, 0.0, self.upper) / self.column_scale
        self._row_low, self._row_high = self.lower * self.row_scale, self.higher * self.row_scale
        self.highs = self._handed_over()

    @property
    def column_scale(self) -> Floats:
        """A power of two each: a column's natural value by the solver's."""
        return self.matrix.column_scale

    @property
    def row_scale(self) -> Floats:
        """A power of two each: the solver's value of a row by the natural one."""
        return self.matrix.row_scale

    def _handed_over(self) -> Any:
        import highspy

        highs = made()
        status = highs.passModel(
            self.program.n,
            self.program.m,
            len(self.matrix.value),
            int(highspy.MatrixFormat.kColwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            self._cost,
            self._low,
            self._high,
            self._row_low,
            self._row_high,
            self.matrix.start,
            self.matrix.index,
            self.matrix.value,
            np.zeros(self.program.n, dtype=np.int32),  # continuous until asked otherwise; an empty array reads garbage
        )
        if status == highspy.HighsStatus.kError:
            raise SolverError("the solver refused the model")
        return highs

    # -- what is added -------------------------------------------------------------------------------------------
    def extend(self) -> None:
        """Hand over the program's new columns and rows. Their keys are out until they are put in."""
        n, m = len(self.upper), len(self.lower)
        new = [b.key for b in self.program.row_blocks if b.start >= m]
        new += [key for b in self.program.column_blocks if b.start >= n for key in b.turns_on]
        self.matrix, entries = extended(self.program, self.matrix, m)
        self.out |= frozenset(new)
        self.cost = self.program.cost(lambda key: key not in self.out)
        self.upper, self.integer = self.program.upper(), self.program.integer()
        self.lower, self.higher = self.program.bounds()
        self._add_columns(n, entries, m)
        self._add_rows(m, entries)
        self.objective(None)

    def _add_columns(self, n: int, entries: NewEntries, m: int) -> None:
        """Those from ``n`` on, with their entries in the rows that are there, fixed at zero."""
        size = self.program.n - n
        nothing = np.zeros(size)
        self.zeroed = np.append(self.zeroed, np.ones(size, dtype=np.int16))
        for block in self.program.column_blocks:
            if block.start >= n and block.remedy and self.spared is not None and block.owner not in self.spared:
                self.zeroed[block.numbers] += 1  # as ``perform`` left those that were there
        self.pinned = np.append(self.pinned, np.full((2, size), np.nan), axis=1)
        self._low, self._high = np.append(self._low, nothing), np.append(self._high, nothing)
        some = np.flatnonzero(entries.rows < m)  # by column
        start = np.searchsorted(entries.columns[some], np.arange(n, n + size)).astype(np.int32)
        given = len(some), start, entries.rows[some], entries.values[some]
        self.highs.addCols(size, nothing, nothing, nothing, *given)

    def _add_rows(self, m: int, entries: NewEntries) -> None:
        """Those from ``m`` on, which ask for nothing yet."""
        size = self.program.m - m
        free = np.full(size, np.inf)
        self._row_low, self._row_high = np.append(self._row_low, -free), np.append(self._row_high, free)
        some = np.flatnonzero(entries.rows >= m)
        some = some[np.argsort(entries.rows[some], kind="stable")]
        start = np.searchsorted(entries.rows[some], np.arange(m, m + size)).astype(np.int32)
        given = len(some), start, entries.columns[some], entries.values[some]
        self.highs.addRows(size, -free, free, *given)

    # -- who is in, and who is out ---------------------------------------------------------------------------------
    def turn(self, out: frozenset[Owner], lenient: frozenset[Owner] = frozenset()) -> None:
        """Put all in but those who are ``out``; who is ``lenient`` is in, and yet denies nothing.

        Of whoever is out, rows hold nothing but a ceiling, own columns stay zero, what only they deny is free, and no
        charge is due.
        """
        before, self.out = self.out, out
        waived, self.lenient = before | self.lenient, lenient
        changed = before ^ out
        for block in self.program.row_blocks:
            if block.key in changed:
                self._require(block, on=block.key not in out)
        moved = [
            *self._fixed(self.program.column_blocks, before, out),
            *self._fixed(self.program.denials, waived, out | lenient),
        ]
        self._bounds(moved)
        if any(charge.key in changed for charge in self.program.charges):
            self.cost = self.program.cost(lambda key: key not in out)
            self.objective(self.custom_cost)

    def _fixed(self, each: Sequence[Block | Denial], before: Set[Owner], out: Set[Owner]) -> Iterator[Ints]:
        """Columns that are fixed at zero by one more, or by one less, as others are out than before."""
        changed = before ^ out
        for fixing in each:
            by = fixing.fixed(out) - fixing.fixed(before) if fixing.turns_on & changed else 0
            if by:
                self.zeroed[fixing.numbers] += by
                yield fixing.numbers

    def _require(self, block: Block, *, on: bool) -> None:
        """Rows hold what they say, or nothing: of a ceiling, that there is no more."""
        scale = self.row_scale[block.slice]
        self._row_low[block.slice] = self.lower[block.slice] * scale if on else -np.inf
        self._row_high[block.slice] = self.higher[block.slice] * scale if on or block.ceiling else np.inf
        bounds = self._row_low[block.slice], self._row_high[block.slice]
        self.highs.changeRowsBounds(block.stop - block.start, block.numbers, *bounds)

    def restate(self, block: Block) -> None:
        """Rows hold what the program says of them now."""
        lower, higher = self.program.bounds()
        self.lower[block.slice], self.higher[block.slice] = lower[block.slice], higher[block.slice]
        self._require(block, on=block.key not in self.out)

    def perform(self, spared: Collection[Owner] | None = ()) -> None:
        """Fix every remedy at zero, save those of some owners: clauses are performed, not paid off. None: undo it."""
        before, self.spared = self.spared, None if spared is None else frozenset(spared)
        moved = []
        for block in self.program.column_blocks:
            was, now = (s is not None and block.owner not in s for s in (before, self.spared))
            if block.remedy and was != now:
                self.zeroed[block.numbers] += now - was
                moved.append(block.numbers)
        self._bounds(moved)

    def close(self, groups: Mapping[Hashable, Ints]) -> None:
        """Fix groups of columns at zero; one that was, and is not among them, is as it would be."""
        moved = []
        for key in self.closed.keys() ^ groups.keys():
            numbers = groups[key] if key in groups else self.closed[key]
            self.zeroed[numbers] += 1 if key in groups else -1
            moved.append(numbers)
        self.closed = dict(groups)
        self._bounds(moved)

    def pin(self, kept: tuple[Ints, Floats, Floats]) -> None:
        """Keep columns between natural values while nothing fixes them at zero, and no others."""
        if kept is not self.kept and len(kept[0]) + len(self.kept[0]):
            before, (columns, low, high) = self.kept[0], kept
            self.kept = kept
            self.pinned[:] = np.nan
            self.pinned[:, columns] = low, high
            self._bounds([before, columns])

    # -- changing bounds and costs ---------------------------------------------------------------------------------
    @property
    def most(self) -> Floats:
        """The most that each column can be at the moment: nothing where it is fixed at zero."""
        return np.where(self.zeroed > 0, 0.0, self.upper)

    def widen(self, columns: Ints, upper: Floats) -> None:
        """Other upper bounds of columns (natural units), while nothing else fixes them."""
        self.upper[columns] = upper
        self._bounds([columns])

    def _bounds(self, changed: Sequence[Ints]) -> None:
        if changed:
            columns = np.unique(np.concatenate(changed)).astype(np.int32)
            (low, high), most = self.pinned[:, columns], self.most[columns]
            low = np.minimum(np.where(np.isnan(low), 0.0, low), most)
            high = np.minimum(np.where(np.isnan(high), most, high), most)
            self._between(columns, low / self.column_scale[columns], high / self.column_scale[columns])

    def _between(self, columns: Ints, low: Floats, high: Floats) -> None:
        self._low[columns], self._high[columns] = low, high
        self.highs.changeColsBounds(len(columns), columns.astype(np.int32), low, high)

    def asked(self, rows: Ints) -> tuple[Floats, Floats]:
        """The bounds of rows at the moment (natural units)."""
        return self._row_low[rows] / self.row_scale[rows], self._row_high[rows] / self.row_scale[rows]

    def tighten(self, rows: Ints, by: Floats) -> None:
        """Ask more of rows than they say: their bounds come closer by so much (natural units)."""
        low, high = self.asked(rows)
        self.ask(rows, low + by, high - by)

    def ask(self, rows: Ints, low: Floats, high: Floats) -> None:
        """Other bounds of rows (natural units)."""
        self._row_low[rows], self._row_high[rows] = low * self.row_scale[rows], high * self.row_scale[rows]
        self.highs.changeRowsBounds(len(rows), rows, self._row_low[rows], self._row_high[rows])

    def fix(self, columns: Ints, values: Floats) -> None:
        """Fix columns at natural values."""
        at = values / self.column_scale[columns]
        self._between(columns, at, at)

    def confine(self, columns: Ints, low: Floats, high: Floats) -> None:
        """Keep columns between natural values."""
        self._between(columns, low / self.column_scale[columns], high / self.column_scale[columns])

    def release(self, columns: Ints) -> None:
        """Undo ``fix`` and ``confine``."""
        self._bounds([columns])

    def objective(self, cost: Floats | None) -> None:
        """Another objective (natural units), or the program's own."""
        self.custom_cost = cost
        given = self.cost if cost is None else np.append(cost, np.zeros(self.program.n - len(cost)))
        self._cost = given * self.column_scale * self.money_scale
        self.highs.changeColsCost(self.program.n, np.arange(self.program.n, dtype=np.int32), self._cost)

    def sized_by(self, objective: float) -> bool:
        """Scale money by what a plan costs, if prices that nobody pays made that too small; whether they did.

        The solver's tolerances are the same for all prices: beside a price of a million, it could not tell plans apart
        of which each costs a cent.
        """
        size = abs(objective) * self.money_scale
        if not 0 < size < MIN_COST:
            return False
        room = LARGEST_PRICE / float(np.abs(self._cost).max())
        self.money_scale *= 2.0 ** round(math.log2(max(1.0, min(1000.0 / size, room))))
        self.objective(self.custom_cost)
        return True

    def whole(self, columns: Ints, *, on: bool) -> None:
        """Make columns integer, or continuous."""
        import highspy

        kind = int(highspy.HighsVarType.kInteger if on else highspy.HighsVarType.kContinuous)
        kinds = np.full(len(columns), kind, dtype=np.uint8)
        self.highs.changeColsIntegrality(len(columns), columns.astype(np.int32), kinds)
