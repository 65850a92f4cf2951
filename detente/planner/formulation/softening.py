"""Clauses that may give: the columns that say by how much, added to a program that is open.

Owns: slacks of rows, what opens where denials are lifted, and the column that sums up what each clause gives: in its
unit or, where clauses that give together count in several, as parts of all there is of each (``Sizes``). Not here:
which clauses are asked to give, and the least that they can (``conflict``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.contract.reach.window import Window
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import Block, LinearProgram

MAX_CONCESSION = 1e14
"""No clause gives more than this (natural units): every column has a bound."""


@dataclass(frozen=True)
class Yielding:
    """Columns by which a part of an owner gives: one for each window of its rows, or one ``share`` of all they ask.

    ``most`` is what the whole share comes to. What is let through where a denial is lifted has the part ``denied``.
    """

    part: str
    columns: Ints
    windows: tuple[Window, ...] = ()
    unit: str = ""
    most: float = 0.0

    @property
    def share(self) -> bool:
        """Whether it is a share, and no amount."""
        return self.most > 0


DENIED = "denied"


@dataclass(frozen=True)
class Softening:
    """Owners that may give together: of each the column of all that it gives. All new columns and rows have one key.

    Where they count in several units (``mixed``), the columns are sums of parts, and no amounts.
    """

    totals: dict[Owner, Ints]
    key: Owner
    lenient: frozenset[Owner]  # who lift what they deny
    gives: dict[Owner, tuple[Yielding, ...]]
    mixed: bool


@dataclass(frozen=True)
class Sizes:
    """How much there is of each unit, so that amounts in several can be weighed against each other.

    ``of`` has all work in each unit, and what all of it costs about; ``units`` the unit of the work of each column of
    use and standby, as a place among those of ``of``.
    """

    of: Mapping[str, float]
    units: NDArray[np.int64]

    @classmethod
    def in_draft(cls, draft: Draft) -> Sizes:
        """Of a case: all of its work, and its cost at the cheapest list prices."""
        of = {draft.case.currency: 0.0} | dict.fromkeys((w.unit for w in draft.case.workloads), 0.0)
        units, places = np.zeros(draft.program.n, dtype=np.int64), list(of)
        for workload in draft.case.workloads:
            lines = [arc.index for arc in draft.arcs.of_workload[workload.id]]
            columns = draft.x[lines]
            if workload.id in draft.standby:
                columns = np.concatenate([columns, draft.standby[workload.id]])
            units[columns] = places.index(workload.unit)
            work = float(draft.demand[workload.id].work.sum())
            prices = draft.prices.listed[lines]
            of[workload.unit] += work
            of[draft.case.currency] += work * (0.0 if np.isnan(prices).all() else float(np.nanmin(prices)))
        return cls({unit: size or 1.0 for unit, size in of.items()}, units)

    def in_units(self, given: Yielding) -> set[str]:
        """The units in which a part gives."""
        if given.share:
            return {"share"}
        names = list(self.of)
        return {names[place] for place in self.units[given.columns]} if given.part == DENIED else {given.unit}

    def parts(self, given: Yielding) -> Floats:
        """What one of each of its columns is, as a part of all there is."""
        if given.share:
            return np.full(len(given.columns), 1.0 / given.most)
        if given.part == DENIED:
            found: Floats = 1.0 / np.array(list(self.of.values()))[self.units[given.columns]]
            return found
        return np.full(len(given.columns), 1.0 / self.of.get(given.unit, 1.0))


def soften(draft: Draft, owners: Sequence[Owner], *, remedies: bool) -> Softening:
    """Let the rows and denials of owners give: one new column each, at least the sum of all that it gives.

    Its rows that ask for something may be missed by slacks, and what they all denied may be used. With ``remedies``,
    rows that have any give by them alone, at their price. The new columns and rows have a key of their own, one a
    softening.
    """
    program, sizes = draft.program, Sizes.in_draft(draft)
    giver = _Giver(program, Owner("give", variant=program.n), _most(program, owners), remedies=remedies)
    lifted = [(denial.numbers, denial.lifted_by(owners)) for denial in program.denials if denial.of_work]
    asks, gives = program.asking(), {}
    for owner in owners:
        opened = [numbers for numbers, who in lifted if owner in who]
        denied = [Yielding(DENIED, np.unique(np.concatenate(opened)))] if opened else []
        gives[owner] = (*giver.by_rows(owner, asks), *giver.by_share(owner), *denied)
    mixed = len({unit for parts in gives.values() for given in parts for unit in sizes.in_units(given)}) > 1
    totals = {owner: giver.total(parts, sizes if mixed else None) for owner, parts in gives.items()}
    return Softening(totals, giver.key, frozenset(owners), gives, mixed)


def _most(program: LinearProgram, owners: Sequence[Owner]) -> float:
    """More than owners give: several times all that is done, what it costs, and what they ask."""
    rows = [block.numbers for block in program.row_blocks if block.owner in owners]
    asked = np.abs([side[np.concatenate([np.zeros(0, dtype=np.int32), *rows])] for side in program.bounds()])
    done = sum(block.most for block in program.column_blocks)
    costs = float(program.upper() @ np.abs(program.cost()))
    return min(10 * max(1e5, done, costs, float(asked[np.isfinite(asked)].max(initial=0.0))), MAX_CONCESSION)


def _each_once(rows: Iterable[Yielding]) -> Iterator[Yielding]:
    """Without those whose columns are a part's before: a remedy may stand in several rows."""
    seen: set[int] = set()
    for given in rows:
        if seen.isdisjoint(given.columns.tolist()):
            yield given
        seen.update(given.columns.tolist())


@dataclass(frozen=True)
class _Giver:
    """New columns and rows of one key, by which owners give; no column is above ``most``."""

    program: LinearProgram
    key: Owner
    most: float
    remedies: bool

    def by_rows(self, owner: Owner, asks: Bools) -> Iterator[Yielding]:
        """Its rows that ask for something, each column once; a remedy in several rows is told with its windows."""
        program = self.program
        blocks = (block for block in program.row_blocks if block.owner == owner)
        asking = [b for b in blocks if asks[b.slice].any() or (self.remedies and b.start in program.remedies)]
        asking.sort(key=lambda block: not block.windows)
        return _each_once(given for block in asking for given in self._by_row(block))

    def _by_row(self, block: Block) -> Iterator[Yielding]:
        """Rows by their remedies, where they have any; else by new columns, on each side that they have."""
        program = self.program
        if block.start in program.shares:
            return
        if self.remedies and block.start in program.remedies:
            for remedy in program.remedies[block.start]:
                yield Yielding(block.part, remedy.numbers, block.windows, block.unit)
            return
        for sign, there in zip((1.0, -1.0), program.sides(block), strict=True):
            if there:
                slack = program.columns(self.key, block.part, block.stop - block.start, upper=self.most)
                program.loosen(block, slack, np.full(len(slack), sign))
                yield Yielding(block.part, slack, block.windows, block.unit)

    def by_share(self, owner: Owner) -> Iterator[Yielding]:
        """Its rows that ask one share of several amounts: all by one column, which is that share of the largest."""
        program = self.program
        blocks = [block for block in program.row_blocks if block.owner == owner and block.start in program.shares]
        most = max((float(program.shares[block.start].sum()) for block in blocks), default=0.0)
        if not most:
            return
        one = program.columns(self.key, "share", 1, upper=most)
        for block in blocks:
            times = program.shares[block.start] / most
            sign = 1.0 if program.sides(block)[0] else -1.0
            program.loosen(block, np.repeat(one, len(times)), sign * times)
        yield Yielding("share", one, most=most)

    def total(self, parts: Sequence[Yielding], sizes: Sizes | None) -> Ints:
        """A column that is at least the sum of others, each once; with sizes, as parts of all there is."""
        weights = [sizes.parts(given) if sizes else np.ones(len(given.columns)) for given in parts]
        every = np.concatenate([np.zeros(0, dtype=np.int32), *(given.columns for given in parts)])
        given, first = np.unique(every, return_index=True)
        each = np.concatenate([np.zeros(0), *weights])[first]
        upper = min(self.most * float(each.max(initial=0.0) or 1.0), MAX_CONCESSION)
        total, one = self.program.columns(self.key, "total", 1, upper=upper), np.zeros(1, dtype=np.int32)
        self.program.require(self.key, "total", Expr(1, [(one, given, each), (one, total, -1.0)]) <= [0.0])
        return total
