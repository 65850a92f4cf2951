"""A program under construction: columns, rows, owners.

Built from blocks: columns and rows as integer arrays in the block's own shape, each with an owner (``demand/chat``,
``term/azure-floor``), so that a clause can be relaxed, priced and blamed (§6). All amounts are in natural units.

Not here: what any column means, how entries are laid out (``matrix``), and the solver (``model``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.contract.window import Window
from detente.errors import SolverError
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Part, Rows
from detente.values.quantity import LARGEST


@dataclass(frozen=True)
class Block:
    """A run of columns or rows, its owner and its part: the key by which prices and blame return.

    Of rows that a clause counts by window, ``windows`` says when each holds and ``unit`` in what it counts.
    """

    owner: str
    part: str
    start: int
    stop: int
    remedy: bool = False
    whole: bool = False
    most: float = 0.0  # of columns: the largest upper bound
    windows: tuple[Window, ...] = ()
    unit: str = ""

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
        self.entries: list[list[Part]] = []  # of each block of rows
        self._shapes: list[tuple[int, ...]] = []
        self._cost: list[Floats] = []
        self._upper: list[Floats] = []
        self._integer: list[bool] = []
        self._rows: list[Rows] = []
        self._charges: list[tuple[Ints, Floats]] = []

    # -- building ------------------------------------------------------------------------------------------------
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
        shape = (shape,) if isinstance(shape, int) else shape
        size = math.prod(shape)
        bound = np.asarray(upper, dtype=np.float64)
        most = float(bound.max()) if size else 0.0
        # every column has a true upper bound; a case that needs a larger one was refused when it was read
        if size and not (bound.min() >= 0 and most <= LARGEST):
            raise SolverError(f"`{owner}/{part}`: an upper bound of {most:g} is not between 0 and {LARGEST:g}")
        self._shapes.append(shape)
        self._cost.append(np.asarray(cost, dtype=np.float64))
        self._upper.append(bound)
        self._integer.append(integer)
        self.column_blocks.append(Block(owner, part, self.n, self.n + size, remedy, integer or whole, most))
        found = np.arange(self.n, self.n + size, dtype=np.int32).reshape(shape)
        self.n += size
        return found

    def charge(self, columns: Ints, cost: Floats) -> None:
        """Add to the cost of columns."""
        self._charges.append((columns, np.broadcast_to(cost, columns.shape)))

    def hold(self, owner: str, columns: Ints) -> None:
        """Hold columns at zero."""
        if columns.size:
            self.holds.append(Hold(owner, columns.ravel()))

    def require(self, owner: str, part: str, rows: Rows) -> None:
        """Rows that an owner adds. Entries with equal row and column are added up."""
        expr = rows.expr
        if not expr.n:
            return
        self.entries.append(list(expr.parts))
        self._rows.append(rows)
        block = Block(owner, part, self.m, self.m + expr.n, windows=expr.windows, unit=expr.unit)
        self.row_blocks.append(block)
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
                n = block.stop - block.start
                for sign, bound in ((1.0, self._rows[at].lower), (-1.0, self._rows[at].upper)):
                    if math.isfinite(bound):
                        slack = self.columns(f"give/{owner}", block.part, n, upper=most)
                        self.entries[at] += (Expr.of(slack) * sign).parts
                        found.append(slack)
        for hold in self.holds:
            if hold.owner == owner:
                found.append(hold.columns)
        self.holds = [h for h in self.holds if h.owner != owner]
        return self._total(owner, found, most)

    def _total(self, owner: str, found: Sequence[Ints], most: float) -> Ints:
        """A column that is at least the sum of others."""
        total = self.columns(f"give/{owner}", "total", 1, upper=most)
        given = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int32)
        one = np.zeros(1, dtype=np.int32)
        self.require(f"give/{owner}", "total", Expr(1, [(one, given, 1.0), (one, total, -1.0)]) <= [0.0])
        return total

    # -- read off ------------------------------------------------------------------------------------------------
    def upper(self) -> Floats:
        """Every column's upper bound, holds apart."""
        return self._spread(self._upper, np.empty(self.n))

    def integer(self) -> Bools:
        """Which columns are integer."""
        return self._spread(self._integer, np.empty(self.n, dtype=np.bool_))

    def cost(self) -> Floats:
        """What a unit of each column costs."""
        cost = self._spread(self._cost, np.empty(self.n))
        for columns, added in self._charges:
            flat = columns.ravel()
            if flat.size and flat[-1] - flat[0] == flat.size - 1 and (flat[1:] > flat[:-1]).all():  # a run: each once
                cost[flat[0] : flat[-1] + 1] += added.ravel()
            else:
                np.add.at(cost, flat, added.ravel())
        return cost

    def _spread(self, given: Sequence[Any], over: NDArray[Any]) -> NDArray[Any]:
        """What each block of columns was given, in the block's shape or for all alike."""
        for block, shape, each in zip(self.column_blocks, self._shapes, given, strict=True):
            over[block.slice].reshape(shape)[...] = each
        return over

    def bounds(self) -> tuple[Floats, Floats]:
        """The lower and the upper bound of every row."""
        constant, low, high = np.empty(self.m), np.empty(self.m), np.empty(self.m)
        for block, rows in zip(self.row_blocks, self._rows, strict=True):
            constant[block.slice], low[block.slice], high[block.slice] = rows.expr.constant, rows.lower, rows.upper
        return low - constant, high - constant
