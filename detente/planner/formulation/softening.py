"""Clauses that may give: the columns that say by how much, added to a program that is open.

Owns: slacks of rows, what opens where denials are lifted, and the column that sums up what each clause gives. Not here:
which clauses are asked to give, and the least that they can (``conflict``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from detente.contract.window import Window
from detente.planner.formulation.expression import Expr, Ints
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
    """Owners that may give together: of each the column of all that it gives. All new columns and rows have one key."""

    totals: dict[Owner, Ints]
    key: Owner
    lenient: frozenset[Owner]  # who lift what they deny
    gives: dict[Owner, tuple[Yielding, ...]]


def soften(program: LinearProgram, owners: Sequence[Owner], *, remedies: bool) -> Softening:
    """Let the rows and denials of owners give: one new column each, at least the sum of all that it gives.

    Its rows may be missed by slacks, and what they all denied may be used. With ``remedies``, rows that have any give
    by them alone, at their price. The new columns and rows have a key of their own, one a softening.
    """
    most = min(max(1e6, sum(block.most for block in program.column_blocks) * 10), MAX_CONCESSION)
    lifted = [(denial.numbers, denial.lifted_by(owners)) for denial in program.denials]
    giver = Owner("give", variant=program.n)
    totals, gives = {}, {}
    for owner in owners:
        blocks = [block for block in program.row_blocks if block.owner == owner]
        found = [given for block in blocks for given in _by_row(program, giver, block, most, remedies=remedies)]
        found += _by_share(program, giver, [block for block in blocks if block.start in program.shares])
        opened = [numbers for numbers, who in lifted if owner in who]
        if opened:
            found.append(Yielding(DENIED, np.unique(np.concatenate(opened))))
        gives[owner] = tuple(found)
        totals[owner] = _total(program, giver, [given.columns for given in found], most)
    return Softening(totals, giver, frozenset(owners), gives)


def _by_row(program: LinearProgram, giver: Owner, block: Block, most: float, *, remedies: bool) -> Iterable[Yielding]:
    """Rows by their remedies, where they have any; else by new columns, on each side that they have."""
    if block.start in program.shares:
        return
    if remedies and block.start in program.remedies:
        for remedy in program.remedies[block.start]:
            yield Yielding(block.part, remedy.numbers, block.windows, block.unit)
        return
    for sign, there in zip((1.0, -1.0), program.sides(block), strict=True):
        if there:
            slack = program.columns(giver, block.part, block.stop - block.start, upper=most)
            program.loosen(block, slack, np.full(len(slack), sign))
            yield Yielding(block.part, slack, block.windows, block.unit)


def _by_share(program: LinearProgram, giver: Owner, blocks: Sequence[Block]) -> Iterable[Yielding]:
    """Rows that ask one share of several amounts: all by one column, which is that share of the largest amounts."""
    most = max((float(program.shares[block.start].sum()) for block in blocks), default=0.0)
    if not most:
        return
    one = program.columns(giver, "share", 1, upper=most)
    for block in blocks:
        times = program.shares[block.start] / most
        sign = 1.0 if program.sides(block)[0] else -1.0
        program.loosen(block, np.repeat(one, len(times)), sign * times)
    yield Yielding("share", one, most=most)


def _total(program: LinearProgram, giver: Owner, found: Sequence[Ints], most: float) -> Ints:
    """A column that is at least the sum of others."""
    total = program.columns(giver, "total", 1, upper=most)
    given = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int32)
    one = np.zeros(1, dtype=np.int32)
    program.require(giver, "total", Expr(1, [(one, given, 1.0), (one, total, -1.0)]) <= [0.0])
    return total
