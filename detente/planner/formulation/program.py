"""A program under construction: columns, rows, owners.

Built from blocks: columns and rows as integer arrays in the block's own shape, each with an owner, so that a clause can
be relaxed, priced and blamed (§6). All amounts are in natural units.

Not here: what any column means, how entries are laid out (``matrix``), and the solver (``model``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detente.contract.decisions import Rounding
from detente.contract.reach.window import Window
from detente.errors import SolverError
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Lines, Part, Rows
from detente.planner.formulation.owner import NOBODY, Owner
from detente.values.quantity import LARGEST

Deniers = Sequence[Collection[Owner]]
"""Sets of owners: one a deployment of an offer. A denial stands while each of them has an owner that is in."""


@dataclass(frozen=True)
class Block:
    """A run of columns or rows, its owner and its part: the key by which prices and blame return.

    Of rows that a clause counts by window, ``windows`` says when each holds and ``unit`` in what it counts.
    Columns may be used while any of those is in that their use ``turns_on``: by default, their owner. What is shaped
    once more, with other numbers, has the same owner and another ``key``: it is in or out by that.
    """

    owner: Owner
    part: str
    start: int
    stop: int
    remedy: bool = False
    whole: bool = False
    most: float = 0.0  # of columns: the largest upper bound
    windows: tuple[Window, ...] = ()
    unit: str = ""
    rounding: Rounding = "up"  # of whole columns
    turns_on: frozenset[Owner] = frozenset()  # of columns: their users
    key: Owner = NOBODY  # of rows
    own: Literal["none", "some", "all"] = "none"  # of rows: which of their columns are the owner's
    ceiling: bool = False  # of rows: there is no more than they ask for, whoever is out

    @property
    def slice(self) -> slice:
        """Where it stands."""
        return slice(self.start, self.stop)

    @property
    def numbers(self) -> Ints:
        """Its columns or rows."""
        return np.arange(self.start, self.stop, dtype=np.int32)

    def fixed(self, out: Collection[Owner]) -> bool:
        """Whether its columns are fixed at zero while some owners are out: all their users are."""
        return all(user in out for user in self.turns_on)


@dataclass(frozen=True)
class Denial:
    """Columns fixed at zero while every set of deniers has an owner that is in.

    An offer with several deployments may be used while any one of them is denied by nobody: one set a deployment.
    """

    numbers: Ints
    deniers: tuple[frozenset[Owner], ...]
    of_work: bool = True  # and not of room for units, which nobody gives

    @property
    def turns_on(self) -> frozenset[Owner]:
        """All who deny."""
        return frozenset().union(*self.deniers)

    def fixed(self, out: Collection[Owner]) -> bool:
        """Whether the columns are fixed at zero while some owners are out."""
        return not any(all(owner in out for owner in owners) for owners in self.deniers)

    def lifted_by(self, owners: Collection[Owner], out: Collection[Owner] = ()) -> frozenset[Owner]:
        """Who of these must give way for the columns to open: the fewest that suffice; nobody where they do not."""
        enough = [left for deniers in self.deniers if (left := deniers - set(out)) <= set(owners)]
        return min(enough, key=lambda deniers: (len(deniers), sorted(deniers)), default=frozenset())


@dataclass(frozen=True)
class Charge:
    """What an owner adds to the cost of columns, a unit of each."""

    key: Owner
    columns: Ints
    cost: Floats


class LinearProgram:
    """Columns and rows, block by block."""

    def __init__(self) -> None:
        self.n = 0
        self.m = 0
        self.column_blocks: list[Block] = []
        self.row_blocks: list[Block] = []
        self.denials: list[Denial] = []
        self.charges: list[Charge] = []
        self.entries: list[list[Part]] = []  # of each block of rows that is not handed over
        self.slacks: list[tuple[Block, Ints, Floats]] = []  # columns in rows that are handed over: one in each
        self.remedies: dict[int, list[Block]] = {}  # by the first row of a block: its owner's remedies in it
        self.shares: dict[int, Floats] = {}  # by the first row of a block: amounts of which its rows ask one share
        self.variant = 0  # what tells keys apart where a clause is shaped once more
        self._shapes: list[tuple[int, ...]] = []
        self._cost: list[Floats] = []
        self._upper: list[Floats] = []
        self._integer: list[bool] = []
        self._rows: list[Rows] = []
        self._remedies: dict[Owner, list[Block]] = {}

    # -- building ------------------------------------------------------------------------------------------------
    def columns(
        self,
        owner: Owner,
        part: str,
        shape: int | tuple[int, ...],
        *,
        cost: Any = 0.0,
        upper: Any,
        integer: bool = False,
        whole: bool = False,
        rounding: Rounding = "up",
        remedy: bool = False,
        users: Collection[Owner] = (),
    ) -> Ints:
        """New columns from 0 to ``upper`` (finite: the safe bound needs it); their numbers in the block's shape.

        Parameters
        ----------
        integer
            Whole numbers, found by search.
        whole
            Whole numbers, rounded after the program is solved.
        rounding
            How, before and after a search.
        users
            While one of them is in the columns may be used; by default, while the owner is.
        """
        shape = (shape,) if isinstance(shape, int) else shape
        size = math.prod(shape)
        bound = np.asarray(upper, dtype=np.float64)
        most = _largest(owner, part, bound) if size else 0.0
        self._shapes.append(shape)
        self._cost.append(np.asarray(cost, dtype=np.float64))
        self._upper.append(bound)
        self._integer.append(integer)
        stop, used_by = self.n + size, frozenset(users or [self.key(owner)])
        whole = integer or whole
        block = Block(owner, part, self.n, stop, remedy, whole, most, rounding=rounding, turns_on=used_by)
        self.column_blocks.append(block)
        if remedy:
            self._remedies.setdefault(owner, []).append(block)
        found = np.arange(self.n, self.n + size, dtype=np.int32).reshape(shape)
        self.n += size
        return found

    def widen(self, owner: Owner, upper: Floats) -> None:
        """Other upper bounds of all columns of an owner, in their order."""
        for place, block in enumerate(self.column_blocks):
            if block.owner == owner:
                each, upper = np.split(upper, [block.stop - block.start])
                self._upper[place] = each
                self.column_blocks[place] = replace(block, most=_largest(owner, block.part, each))

    def copied(self) -> LinearProgram:
        """The same, to which more may be added while this one stays as it is."""
        found = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (list, dict)):
                setattr(found, name, copy(value))
        found._remedies = {owner: list(blocks) for owner, blocks in self._remedies.items()}
        return found

    def key(self, owner: Owner) -> Owner:
        """By which what an owner adds now is in or out."""
        return owner._replace(variant=self.variant) if self.variant else owner

    def charge(self, owner: Owner, columns: Ints, cost: Floats) -> None:
        """An owner adds to the cost of columns."""
        self.charges.append(Charge(self.key(owner), columns, np.broadcast_to(cost, columns.shape)))

    def fix_at_zero(self, columns: Ints, deniers: Deniers, *, of_work: bool = True) -> None:
        """Fix columns at zero while every set of deniers has an owner that is in."""
        if columns.size:
            self.denials.append(Denial(columns.ravel(), tuple(map(frozenset, deniers)), of_work))

    def require(
        self, owner: Owner, part: str, rows: Rows, shares: Floats | None = None, *, ceiling: bool = False
    ) -> None:
        """Rows that an owner adds. Entries with equal row and column are added up.

        Rows that ask one share of several amounts (``shares``) give by one share, too. While the owner is out, rows
        hold nothing, or their upper bound alone (``ceiling``): of what is asked for there is no more.
        """
        expr = rows.expr
        if not expr.n:
            return
        self.entries.append(list(expr.parts))
        # its bounds only: entries are let go when they are handed over
        self._rows.append(Rows(Expr(expr.n, constant=expr.constant), rows.lower, rows.upper))
        key, stop = self.key(owner), self.m + expr.n
        remedies = [block for block in self._remedies.get(owner, ()) if _has(expr.parts, block)]
        if remedies:
            self.remedies[self.m] = remedies
        if shares is not None:
            self.shares[self.m] = shares
        own = self._own(owner, expr.parts)
        block = Block(
            owner, part, self.m, stop, windows=expr.windows, unit=expr.unit, key=key, own=own, ceiling=ceiling
        )
        self.row_blocks.append(block)
        self.m += expr.n

    def _own(self, owner: Owner, parts: Sequence[Part]) -> Literal["none", "some", "all"]:
        """Which columns of an expression are an owner's."""
        edges = np.array([(b.start, b.stop) for b in self.column_blocks if b.owner == owner], dtype=np.int32).ravel()
        some = _columns(parts) if len(edges) else ()
        of = [bool((np.searchsorted(edges, columns, side="right") & 1).any()) for columns in some]  # odd: in a block
        return "all" if of and all(of) else "some" if any(of) else "none"

    def restate(self, block: Block, amounts: Floats) -> None:
        """Rows that ask for other amounts, on each side that they have."""
        at = self.row_blocks.index(block)
        rows = self._rows[at]
        self._rows[at] = Rows(Expr(rows.expr.n, constant=-amounts), rows.lower, rows.upper)

    def loosen(self, block: Block, slack: Ints, times: Floats) -> None:
        """A column each that makes up for what rows miss (above 0) or exceed; of rows that are handed over."""
        self.slacks.append((block, slack, times))

    def sides(self, block: Block) -> tuple[bool, bool]:
        """Whether rows have a lower and an upper bound."""
        rows = self._rows[self.row_blocks.index(block)]
        return math.isfinite(rows.lower), math.isfinite(rows.upper)

    def append(self, other: LinearProgram, cost: Floats, upper: Floats, at: Ints) -> None:
        """Another program beside this one, whose entries are not handed over: its columns and rows are new ones.

        Parameters
        ----------
        cost, upper
            What its columns cost, and their upper bounds, here.
        at
            Of each of its columns the one that stands for it here: its own new one, or another's that it shares.
        """
        first, m = self.n, self.m
        for block, shape, whole in zip(other.column_blocks, other._shapes, other._integer, strict=True):
            most = float(upper[block.slice].max(initial=0.0))
            moved = replace(block, start=block.start + first, stop=block.stop + first, most=most)
            self.column_blocks.append(moved)
            self._shapes.append(shape)
            self._cost.append(cost[block.slice].reshape(shape))
            self._upper.append(upper[block.slice].reshape(shape))
            self._integer.append(whole)
        for block, parts, rows in zip(other.row_blocks, other.entries, other._rows, strict=True):
            self.row_blocks.append(replace(block, start=block.start + m, stop=block.stop + m))
            self.entries.append([_moved(part, first, at) for part in parts])
            self._rows.append(rows)
        self.n, self.m = first + other.n, m + other.m

    def mean(self, others: Sequence[LinearProgram], weights: Sequence[float]) -> LinearProgram | None:
        """Rows by the mean of each number, of this and other programs whose entries are not handed over.

        None where they differ in more than numbers: then there is no mean of them. Weights add up to 1; what columns
        cost, and their upper bounds, stay as they are here.
        """
        if not all(self._differs_in_numbers_alone(other) for other in others):
            return None
        found, both = self.copied(), [(p, w) for p, w in zip((self, *others), weights, strict=True) if w]
        found.entries = [
            [(rows, columns, np.multiply(values, w)) for p, w in both for rows, columns, values in p.entries[place]]
            for place in range(len(self.entries))
        ]
        for place, rows in enumerate(self._rows):
            constant = sum((w * p._rows[place].expr.constant for p, w in both), np.zeros(rows.expr.n))
            found._rows[place] = replace(rows, expr=Expr(rows.expr.n, constant=constant))
        return found

    def _differs_in_numbers_alone(self, other: LinearProgram) -> bool:
        """Whether another program has the same columns, the same rows, and in each row the same columns."""

        def blocks(program: LinearProgram) -> list[Block]:
            return [replace(block, most=0.0) for block in (*program.column_blocks, *program.row_blocks)]

        def denied(program: LinearProgram) -> Ints:
            return np.unique(np.concatenate([np.empty(0, np.int32), *(each.numbers for each in program.denials)]))

        return (
            blocks(self) == blocks(other)
            and self._shapes == other._shapes
            and all((a.lower, a.upper) == (b.lower, b.upper) for a, b in zip(self._rows, other._rows, strict=True))
            and np.array_equal(denied(self), denied(other))
            and all(
                len(a) == len(b) and all(map(_in_places, a, b))
                for a, b in zip(self.entries, other.entries, strict=True)
            )
        )

    # -- read off ------------------------------------------------------------------------------------------------
    def upper(self) -> Floats:
        """Every column's upper bound, denials apart."""
        return self._spread(self._upper, np.empty(self.n))

    def mosts(self) -> Iterator[tuple[Block, Floats]]:
        """The largest upper bound in each line of each block of columns; a block of one dimension is one line."""
        for block, shape, upper in zip(self.column_blocks, self._shapes, self._upper, strict=True):
            if len(shape) > 1 and block.stop > block.start:
                yield block, np.broadcast_to(upper, shape).reshape(-1, shape[-1]).max(axis=1)
            else:
                yield block, np.array([block.most])

    def integer(self) -> Bools:
        """Which columns are integer."""
        return self._spread(self._integer, np.empty(self.n, dtype=np.bool_))

    def cost(self, is_in: Callable[[Owner], bool] = lambda owner: True) -> Floats:
        """What a unit of each column costs, with the charges of those who are in."""
        cost = self._spread(self._cost, np.empty(self.n))
        for charge in self.charges:
            if not is_in(charge.key):
                continue
            flat, added = charge.columns.ravel(), charge.cost.ravel()
            if flat.size and flat[-1] - flat[0] == flat.size - 1 and (flat[1:] > flat[:-1]).all():  # a run: each once
                cost[flat[0] : flat[-1] + 1] += added
            else:
                np.add.at(cost, flat, added)
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

    def asking(self) -> Bools:
        """Which rows ask for something.

        Those with columns of their owner's, and no amount, only say what these columns are.
        """
        low, high = self.bounds()
        found: Bools = np.where(np.isfinite(low), low, high) != 0.0
        for block in self.row_blocks:
            found[block.slice] |= block.own == "none"
        return found


def _largest(owner: Owner, part: str, upper: Floats) -> float:
    """The largest upper bound. Every column has a true one: a case that needs a larger was refused when it was read."""
    most = float(upper.max(initial=0.0))
    if not (upper.min(initial=0.0) >= 0 and most <= LARGEST):
        raise SolverError(f"`{owner}/{part}`: an upper bound of {most:g} is not between 0 and {LARGEST:g}")
    return most


def _moved(part: Part, first: int, at: Ints) -> Part:
    """Entries of a program in columns of another, which begin at ``first`` there; some stand elsewhere (``at``)."""
    rows, columns, values = part
    if isinstance(columns, Lines):
        every = columns.columns
        if (at[every] == every + first).all():
            return rows, replace(columns, first=columns.first + first), values
        columns = every
    rows = np.arange(columns.shape[-1], dtype=np.int32) if rows is None else rows
    return rows, at[columns], values


def _in_places(one: Part, other: Part) -> bool:
    """Whether entries of two programs stand in the same rows and columns."""
    (rows, columns, _), (own_rows, own_columns, _) = one, other
    one_columns, other_columns = (each.columns if isinstance(each, Lines) else each for each in (columns, own_columns))
    same = rows is own_rows if rows is None or own_rows is None else np.array_equal(rows, own_rows)
    return same and np.array_equal(one_columns, other_columns)


def _has(parts: Sequence[Part], block: Block) -> bool:
    """Whether expressions have any of a block's columns."""
    return any(bool(((columns >= block.start) & (columns < block.stop)).any()) for columns in _columns(parts))


def _columns(parts: Sequence[Part]) -> Iterator[Ints]:
    """Those of each part of an expression."""
    return (part[1].columns if isinstance(part[1], Lines) else part[1] for part in parts)
