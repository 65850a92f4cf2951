"""What a search has found so far: the best solution and the best bound, or that no plan obeys every clause.

Owns: both, and where the search of a program near it may begin. Not here: the search (``search``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.solving.model import Basis
from detente.planner.solving.solution import Solution, Stopped
from detente.planner.solving.whole import whole_columns


@dataclass(frozen=True)
class Footing:
    """Where the search of a program may begin: where a linear solve of one near it ended, and its whole numbers."""

    basis: Basis | None
    counts: Floats | None


@dataclass(frozen=True)
class Incumbent:
    """The best whole-unit solution so far, and the best bound."""

    solution: Solution | None
    bound: float
    stopped: Stopped | None = None
    rounding: float = 0.0  # what the last rounding of whole units added to the cost
    prices: Solution | None = None  # the relaxed program's: its duals are the marginal prices
    basis: Basis | None = None  # where the relaxed program ended

    def footing(self, draft: Draft) -> Footing:
        """Where the search of a program near this one may begin."""
        columns, values = whole_columns(draft), None if self.solution is None else self.solution.values
        if values is None or not len(columns) or columns.max() >= len(values):
            return Footing(self.basis, None)
        return Footing(self.basis, np.rint(values[columns]))

    @property
    def cost(self) -> float:
        """What it costs; infinite where there is none yet."""
        return math.inf if self.solution is None else self.solution.objective

    @property
    def gap(self) -> float:
        """How far its cost may be from the least, as a part of it."""
        return max(0.0, self.cost - self.bound) / max(abs(self.cost), 1e-9) if self.solution else math.inf


@dataclass(frozen=True)
class Unmet:
    """No plan obeys every clause: some clauses collide, as it may be where these columns must be whole."""

    whole: Ints | None = None
