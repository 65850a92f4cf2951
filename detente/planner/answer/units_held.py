"""What a solution holds in units of each offer, and what the rows are worth that keep work within them.

Not here: what may be bought (``formulation/purchases``), and those rows (``formulation/capacity``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.program import Block

NOTHING = 1e-6
"""Units: fewer than this are not there."""


@dataclass(frozen=True)
class UnitsHeld:
    """Of a solution with values and duals."""

    draft: Draft
    values: Floats
    duals: Floats

    @cached_property
    def by_offer(self) -> dict[str, Floats]:
        """Units of each offer that serve in each period."""
        n = self.draft.n
        return {name: units.holding(self.values[units.columns], n) for name, units in self.draft.units.items()}

    def rows(self, offer: str) -> dict[str, Floats]:
        """The duals of the rows that hold work within an offer's units, by part; none is negative."""
        found = {part: np.zeros(self.draft.n) for part in ("use", "little", "opened")}
        for block in self._blocks.get(offer, []):
            found[block.part] = np.maximum(-self.duals[block.slice], 0.0)
        return found

    @cached_property
    def _blocks(self) -> dict[str, list[Block]]:
        found: dict[str, list[Block]] = {}
        for block in self.draft.program.row_blocks:
            if block.owner.kind == "units":
                found.setdefault(block.owner.name, []).append(block)
        return found
