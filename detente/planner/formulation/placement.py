"""Where a workload's demand is counted, provider by provider and time by time: what its moves are counted from.

Owns: ``PlacedDemand``, the times of a workload and its columns. Not here: its rows (``moving``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from detente.demand.moving import Moving
from detente.demand.workload import AnyWorkload
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.expression import Ints
from detente.planner.formulation.groups import Grouping


@dataclass(frozen=True)
class PlacedDemand:
    """A workload's demand by provider and time.

    ``times`` are the groups of its demand that have any. ``waiting`` is unserved demand by provider and time (natural
    units; no provider where all must be served), ``rise`` what each provider's share rises by into each time, but for
    the first where it is not known where it runs ``today``.
    """

    workload: AnyWorkload
    demand: Grouping
    arcs: Mapping[str, Sequence[Arc]]  # by provider
    times: Ints
    waiting: Ints
    rise: Ints

    @property
    def first(self) -> int:
        """The first time into which work may move."""
        return 0 if self.today else 1

    @property
    def today(self) -> tuple[Fraction, ...]:
        """Each provider's share when the plan begins; empty where that is not known."""
        shares = self.workload.moving.today if self.workload.moving is not None else {}
        return tuple(Fraction(shares.get(provider, 0)) for provider in self.arcs) if shares else ()

    @cached_property
    def time(self) -> Ints:
        """The time that each period is in (-1: in none)."""
        place = np.full(len(self.demand.work) + 1, -1, dtype=np.int32)
        place[self.times] = np.arange(len(self.times))
        found: Ints = place[self.demand.owner]
        return found


def by_provider(arcs: Sequence[Arc], moving: Moving | None) -> dict[str, list[Arc]]:
    """Arcs by the provider of their offers; and those where the workload runs today, though it may not stay there."""
    found: dict[str, list[Arc]] = {}
    for arc in arcs:
        found.setdefault(arc.offer.provider, []).append(arc)
    return found | {name: [] for name in (moving.today if moving else ()) if name not in found}
