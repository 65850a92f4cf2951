"""What the solver found, in natural units. Not here: how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detente.planner.formulation.expression import Floats

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
