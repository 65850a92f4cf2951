"""What a plan decides for its clauses: the values of columns that they own, exact.

Owns: reading them off a solution. Not here: what a clause makes of them (``Term``), and which are whole (``search``).
"""

from __future__ import annotations

from fractions import Fraction

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats

NANO = 10**9
"""What is not whole is decided in billionths of its unit."""

Decided = dict[tuple[str, str], tuple[Fraction, ...]]
"""By clause and part: the value of each of its columns, in natural units."""


def decided(draft: Draft, values: Floats) -> Decided:
    """The columns of the clauses of a case: whole ones as whole numbers, others to a billionth."""
    owners = {f"term/{term.id}": term.id for term in draft.case.terms}
    found: Decided = {}
    for block in draft.program.column_blocks:
        if block.owner in owners:
            unit = 1 if block.whole else NANO
            parts = (Fraction(round(value * unit), unit) for value in values[block.slice].tolist())
            found[owners[block.owner], block.part] = tuple(parts)
    return found
