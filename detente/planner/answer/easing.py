"""A clause eased by a little: the prices that hold on that side of a plan.

Where a plan stands at an edge (all work in one place, a floor met to the dollar, as much given back as there is), its
program has many prices that prove it best, and only those of the side to which a clause gives tell what that saves.
No others are lower in all: so those at hand do wherever they come to as much.

What clauses count whole (a tier that is reached, a cap that is used up) is as the plan has it: a part of a tier that
nobody reaches has no price. Units stay divisible.

Owns: those solves, and whether one tells of other prices. Not here: whose prices these are (``marginal``, ``denied``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.solving.model import Basis, Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import clause_counts

LITTLE = 1e-4
"""By how much a clause gives, as a part of what the solver takes for one: far from nothing, and from the next edge."""

ALIKE = 1e-5
"""Sums of prices that differ by no more of themselves are the same."""


@dataclass(frozen=True)
class Easing:
    """Clauses eased by a little, in a program that was solved; ``basis`` is where that ended.

    ``columns`` are those that clauses count whole, and ``counts`` what they are in the plan;
    ``planned`` is that.
    """

    model: Model
    basis: Basis | None
    columns: Ints
    counts: Floats
    planned: Solution

    @classmethod
    def of(cls, draft: Draft, model: Model, planned: Solution, basis: Basis | None = None) -> Easing:
        """Of the clauses of a plan; its whole units may be divided again."""
        assert planned.values is not None
        columns = np.concatenate([np.zeros(0, dtype=np.int32), *(each.numbers for each in clause_counts(draft))])
        columns = columns[columns < len(planned.values)]  # others are of clauses that a later question stated otherwise
        return cls(model, basis, columns, np.rint(planned.values[columns]), planned)

    def at_plan(self, relaxed: Solution) -> Solution:
        """The program without whole units, solved with what clauses count as in the plan; where none do, as it was."""
        return self.solved() if len(self.columns) and relaxed.duals is not None else relaxed

    def of_rows(self, rows: Ints, duals: Floats) -> Floats | None:
        """The duals of rows that ask for a little less; None where that was not settled in time."""
        model = self.model
        low, high = model.asked(rows)
        little = LITTLE / model.row_scale[rows]
        model.ask(rows, low - np.where(duals > 0, little, 0.0), high + np.where(duals < 0, little, 0.0))
        try:
            found = self.solved().duals
        finally:
            model.ask(rows, low, high)
        return None if found is None else _lower(duals, np.where(duals > 0, 1.0, -1.0) * little, found[rows])

    def solved(self) -> Solution:
        """The program as it stands, solved so; without duals where that was not settled in time."""
        with self.held():
            return self.model.solve_linear()

    @contextmanager
    def held(self) -> Iterator[None]:
        """What clauses count is as in the plan, solves begin where the program's ended, and go on after Ctrl-C."""
        model = self.model
        if self.basis is not None:
            model.start_at(self.basis)
        model.fix(self.columns, self.counts)
        try:
            with model.uninterrupted(settled=True):
                yield
        finally:
            model.release(self.columns)


def _lower(at_hand: Floats, little: Floats, eased: Floats) -> Floats:
    """The prices at hand, unless all together they come to more than those of the eased side."""
    least, most = float(eased @ little), float(at_hand @ little)
    return eased if most - least > ALIKE * abs(most) else at_hand
