"""What a plan decides for its clauses, exact.

Owns: reading it off a solution. Not here: what a clause makes of it (``Term.settle``), and which of it is whole
(``search``).
"""

from __future__ import annotations

from fractions import Fraction

from detente.contract.decisions import Decided, Decisions
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.solving.model import Model

BILLION = 10**9
"""What is not whole is decided in billionths of its unit."""


def decided(draft: Draft, model: Model, values: Floats) -> Decisions:
    """What the clauses that are in leave to be decided: whole numbers where it is whole, else to a billionth."""
    found: dict[Decided, Fraction] = {}
    for each in draft.decided:
        if each.key not in model.out:
            unit = 1 if each.whole else BILLION
            parts = (Fraction(round(value * unit), unit) for value in values[each.columns].tolist())
            found |= zip(each.what, parts, strict=True)
    return Decisions(found)
