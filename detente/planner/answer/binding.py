"""Which clauses bind in a solution: those without which it might have cost less, by its own prices.

Owns: reading that off rows and denied columns. Not here: what a clause is worth (``marginal``, ``outcomes``).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.planner.solving.solution import Solution

NOTHING = 1e-7
"""Of the largest price of a row or of a column: less is the solver's tolerance."""


def binding(program: LinearProgram, solution: Solution, out: Collection[Owner] = ()) -> frozenset[str]:
    """Ids of clauses of which a row has a price, or which deny columns that would be used; ``out`` are who is out.

    A clause that is not among them can be left out of this linear program and its least cost stays the same: with no
    price on its rows, the duals prove the same bound without them. Of what clauses charge nothing is said here.
    """
    assert solution.duals is not None
    assert solution.reduced is not None
    duals, reduced = np.abs(solution.duals), -solution.reduced
    some = NOTHING * max(float(duals.max(initial=0.0)), 1e-9)
    found = {b.owner.name for b in program.row_blocks if b.owner.kind == "term" and (duals[b.slice] > some).any()}
    gain = NOTHING * max(float(reduced.max(initial=0.0)), 1e-9)
    for denial in program.denials:
        if denial.fixed(out) and (reduced[denial.numbers] > gain).any():
            found |= {owner.name for owner in denial.turns_on if owner not in out and owner.kind == "term"}
    return frozenset(found)
