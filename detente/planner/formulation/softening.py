"""Clauses that may give: the columns that say by how much, added to a program that is open.

Owns: slacks of rows, what opens where denials are lifted, and the column that sums up what each clause gives. Not here:
which clauses are asked to give, and the least that they can (``conflict``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from detente.planner.formulation.expression import Expr, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import Block, LinearProgram

MAX_CONCESSION = 1e14
"""No clause gives more than this (natural units): every column has a bound."""


@dataclass(frozen=True)
class Softening:
    """Owners that may give together: of each the column of all that it gives. All new columns and rows have one key."""

    totals: dict[Owner, Ints]
    key: Owner
    lenient: frozenset[Owner]  # who lift what they deny
    blocks: dict[Owner, tuple[Block, ...]]  # of each owner, the columns by which it gives


def soften(program: LinearProgram, owners: Sequence[Owner], *, remedies: bool) -> Softening:
    """Let the rows and denials of owners give: one new column each, at least the sum of all that it gives.

    Its rows may be missed by slacks, and what they all denied may be used. With ``remedies``, an owner that has any
    gives by them alone, at their price. The new columns and rows have a key of their own, one a softening.
    """
    most = min(max(1e6, sum(block.most for block in program.column_blocks) * 10), MAX_CONCESSION)
    by_fee = _by_fee(program, owners) if remedies else {}
    lenient = [owner for owner in owners if owner not in by_fee]
    lifted = [(denial.numbers, denial.lifted_by(lenient)) for denial in program.denials]
    giver = Owner("give", variant=program.n)
    totals, blocks = {}, {}
    for owner in owners:
        opened = [numbers for numbers, who in lifted if owner in who]
        blocks[owner] = by_fee.get(owner) or tuple(_slacks(program, giver, owner, most))
        totals[owner] = _total(program, giver, [*(b.numbers for b in blocks[owner]), *opened], most)
    return Softening(totals, giver, frozenset(lenient), blocks)


def _by_fee(program: LinearProgram, owners: Collection[Owner]) -> dict[Owner, tuple[Block, ...]]:
    """The remedies of those that have any."""
    found: dict[Owner, tuple[Block, ...]] = {}
    for block in program.column_blocks:
        if block.remedy and block.owner in owners:
            found[block.owner] = (*found.get(block.owner, ()), block)
    return found


def _slacks(program: LinearProgram, giver: Owner, owner: Owner, most: float) -> Iterable[Block]:
    """New columns by which an owner's rows may be missed, on each side that they have."""
    for block in [b for b in program.row_blocks if b.owner == owner]:
        for sign, there in zip((1.0, -1.0), program.sides(block), strict=True):
            if there:
                slack = program.columns(giver, block.part, block.stop - block.start, upper=most)
                program.loosen(block, slack, sign)
                yield program.column_blocks[-1]


def _total(program: LinearProgram, giver: Owner, found: Sequence[Ints], most: float) -> Ints:
    """A column that is at least the sum of others."""
    total = program.columns(giver, "total", 1, upper=most)
    given = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int32)
    one = np.zeros(1, dtype=np.int32)
    program.require(giver, "total", Expr(1, [(one, given, 1.0), (one, total, -1.0)]) <= [0.0])
    return total
