"""What was decided before some news came: it stands as it was planned, in whichever program the rest is planned anew.

Owns: which columns that is, and between which values they are kept. Not here: what the news is (``outcomes.loss``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints

WITHIN = 1e-7
"""By what part a decision may differ from itself: rows that hold it alone are kept to the solver's tolerance."""


@dataclass(frozen=True)
class Past:
    """The decisions of a plan in its first periods: work, standby, what goes unserved, and units that begin by then.

    What clauses leave to be decided is not kept.
    """

    draft: Draft
    values: Floats
    until: int

    def bounds(self, draft: Draft) -> tuple[Ints, Floats, Floats]:
        """Columns of a program of the same arcs and periods, and the values between which they are kept."""
        there, own, slack = [], [], []
        for mine, theirs, within in self._alike(draft):
            there.append(theirs.ravel())
            own.append(self.values[mine.ravel()])
            slack.append(np.full(mine.size, within))
        values = np.maximum(np.concatenate(own), 0.0)
        by = np.concatenate(slack) * np.maximum(values, 1e-3)
        return np.concatenate(there).astype(np.int32), np.maximum(values - by, 0.0), values + by

    def _alike(self, draft: Draft) -> Iterator[tuple[Ints, Ints, float]]:
        """Columns here and there that stand for one decision, and by what part it may differ; whole ones not at all."""
        first = slice(None, self.until)
        yield self.draft.x[:, first], draft.x[:, first], WITHIN
        for name, columns in self.draft.standby.items():
            if name in draft.standby:
                yield columns[:, first], draft.standby[name][:, first], WITHIN
        for name, columns in self.draft.unserved.items():
            over = self.draft.demand[name].spans[1] <= self.until
            yield columns[over], draft.unserved[name][over], WITHIN
        for name, units in self.draft.units.items():
            begun = np.array(units.starts, dtype=np.int64) < self.until
            yield units.columns[begun], draft.units[name].columns[begun], 0.0
