"""What deployments can take of the calls of a period, in a simulation: what is held and sold, less what is out.

Owns: that room, and how much of it is taken. Not here: who is asked first (``gateway.deciding``), and which calls come
(``routed``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, inf

from detente.gateway.deciding.policy import Deployed
from detente.gateway.replaying.headroom import Headroom
from detente.gateway.replaying.traffic import ReplayedCall
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.expression import Bools, Floats

NEARLY = 1e-9
"""Of a call: one for which so much is missing fits."""

Route = tuple[str, str]
"""A workload and an offer."""


@dataclass
class PeriodRoom(Headroom):
    """Of each deal, a part of a period, a part of what there is.

    ``flow`` is what an offer gives in an hour of each period, in its own unit; infinite where not limited. ``open``
    says in which periods a workload may be on an offer at all, and ``work`` how much of it a call stands for. ``out``
    is the part of each offer that is out: so much of the calls to it fails, and is asked of others.
    """

    parts = 1
    arcs: Mapping[Route, Arc]
    flow: Mapping[str, Floats]
    open: Mapping[Route, Bools]
    out: Mapping[str, float]
    work: Mapping[str, float] = field(default_factory=dict)
    period: int = 0
    hours: float = 0.0
    taken: dict[str, float] = field(default_factory=dict)
    failed: set[Route] = field(default_factory=set)
    calls: dict[Route, int] = field(default_factory=dict)
    """That were taken in the period."""

    def enter(self, period: int, work: Mapping[str, float]) -> None:
        """A period begins, in which each call of a workload is so much work."""
        self.period, self.work = period, work
        self.calls.clear()

    def deal(self, hours: float) -> None:
        """So many hours of it begin."""
        self.hours = hours
        self.taken.clear()
        self.failed.clear()

    def left(self, deployed: Deployed, call: ReplayedCall) -> bool:
        """Whether one such call more can go there."""
        return self._fit(call, deployed) >= 1

    def take(self, deployed: Deployed, call: ReplayedCall, most: int) -> int:
        """As many as fit; where a part of it is out, that part of them fails, and is not asked there again."""
        route = call.workload, deployed.offer.id
        served = round(min(most, self._fit(call, deployed)) * self._up(deployed.offer.id))
        if served < most:
            self.failed.add((call.workload, deployed.id))
        self.taken[deployed.offer.id] = self.taken.get(deployed.offer.id, 0.0) + served * self._size(route)
        self.calls[route] = self.calls.get(route, 0) + served
        return served

    def _fit(self, call: ReplayedCall, deployed: Deployed) -> float:
        """How many such calls may be asked of it."""
        route, up = (call.workload, deployed.offer.id), self._up(deployed.offer.id)
        if route not in self.arcs or not self.open[route][self.period] or up <= 0:
            return 0
        if (call.workload, deployed.id) in self.failed:
            return 0
        whole = float(self.flow[deployed.offer.id][self.period])
        if whole == inf:
            return inf
        room = whole * self.hours - self.taken.get(deployed.offer.id, 0.0) / up
        return floor(room / self._size(route) + NEARLY)

    def _up(self, offer: str) -> float:
        return 1 - self.out.get(offer, 0.0)

    def _size(self, route: Route) -> float:
        """What a call takes of an offer."""
        return float(self.arcs[route].per_work) * self.work[route[0]]
