"""What the solver found, in natural units. Not here: how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detente.planner.formulation.expression import Floats

SAME = 1e-9
"""Costs that differ by no more, as a part of them, are the same."""

Stopped = Literal["time-limit", "interrupted"]


@dataclass(frozen=True)
class Solution:
    """A feasible point and a bound. ``values`` is None where there is no feasible point."""

    status: Literal["optimal", "infeasible", "time-limit", "interrupted"]
    values: Floats | None
    objective: float
    bound: float
    duals: Floats | None = None
    reduced: Floats | None = None

    def no_dearer_than(self, other: Solution) -> bool:
        """Whether it costs no more than another, but for what the solver cannot tell."""
        return self.objective <= other.objective + SAME * max(1.0, abs(other.objective))
