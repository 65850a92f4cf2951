"""Where a workload's demand is counted, provider by provider and time by time: what its moves are counted from.

Owns: ``PlacedDemand``, the times of a workload and its columns. Not here: its rows (``moving``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detente.demand.workload import AnyWorkload
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.expression import Ints
from detente.planner.formulation.groups import Grouping


@dataclass(frozen=True)
class PlacedDemand:
    """A workload's demand by provider and time.

    ``times`` are the groups of its demand that have any. ``waiting`` is unserved demand by provider and time (natural
    units; no provider where all must be served), ``rise`` what each provider's share rises by into each time but the
    first.
    """

    workload: AnyWorkload
    demand: Grouping
    arcs: Mapping[str, Sequence[Arc]]  # by provider
    times: Ints
    waiting: Ints
    rise: Ints

    @cached_property
    def time(self) -> Ints:
        """The time that each period is in (-1: in none)."""
        place = np.full(len(self.demand.work) + 1, -1, dtype=np.int32)
        place[self.times] = np.arange(len(self.times))
        found: Ints = place[self.demand.owner]
        return found


def by_provider(arcs: Sequence[Arc]) -> dict[str, list[Arc]]:
    """Arcs by the provider of their offers."""
    found: dict[str, list[Arc]] = {}
    for arc in arcs:
        found.setdefault(arc.offer.provider, []).append(arc)
    return found
