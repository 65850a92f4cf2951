"""What was decided before some news came: it stands as it was planned, in whichever program the rest is planned anew.

Owns: which decisions that is, and between which values their columns are kept. Not here: what a decision is
(``formulation.tree``), and what the news is (``news``, ``outcomes.leverage.loss``).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.tree import WHOLE, decisions

WITHIN = 1e-7
"""By what part a decision may differ from itself: rows that hold it alone are kept to the solver's tolerance."""

KeptColumns = tuple[Ints, Floats, Floats]
"""Columns, and the values between which they are kept."""
NOTHING_KEPT: KeptColumns = (np.zeros(0, dtype=np.int32), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Past:
    """The decisions of a plan before a moment: work, standby, units, and what clauses leave to be decided."""

    decided: Mapping[Hashable, float]
    until: datetime
    known: dict[tuple[int, int], tuple[Draft, KeptColumns]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, draft: Draft, values: Floats, until: datetime) -> Past:
        """Of a solution of a program."""
        return cls({what: max(0.0, float(values[c])) for c, what, _ in decisions(draft, until)}, until)

    def bounds(self, draft: Draft) -> KeptColumns:
        """Columns of a program of the same periods that stand for these decisions; whole ones do not differ at all."""
        size = id(draft.program), draft.program.n
        if size not in self.known:
            self.known[size] = draft, self._bounds(draft)
        return self.known[size][1]

    def _bounds(self, draft: Draft) -> KeptColumns:
        found = [
            (column, self.decided[what], 0.0 if what[0] in WHOLE else WITHIN)
            for column, what, _ in decisions(draft, self.until)
            if what in self.decided
        ]
        columns, values, within = np.array(found, dtype=np.float64).reshape(-1, 3).T
        by = within * np.maximum(values, 1e-3)
        return columns.astype(np.int32), np.maximum(values - by, 0.0), values + by
