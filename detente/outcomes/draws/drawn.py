"""What one random draw comes to: its program opened, what is out taken from it, and the rest dispatched.

Owns: from a draw to its figures, over programs that are kept open. Not here: which draws there are (``draws``), and who
makes them (``simulating``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import numpy as np

from detente.case.case import Case
from detente.outcomes.draws.draws import Draw, GridClock, failing, parts_out, spells
from detente.outcomes.draws.levels import level, levels, under_levels
from detente.outcomes.draws.routed import Routed
from detente.outcomes.draws.simulation import BestDispatch, SimulatedDraw
from detente.planner.dispatch import Dispatch, Dispatched, Holdings
from detente.planner.failover import Failover
from detente.planner.formulation.expression import Floats, dot
from detente.results.plan import Plan
from detente.values.money import nano

MAX_OPEN = 4
"""Programs that are kept open."""

PLACES = Decimal("1e-9")
"""Of a part of 1: what follows is the solver's tolerance."""


@dataclass(frozen=True)
class SimulatedWorld:
    """One way in which events may turn out, how likely it is, and the case then."""

    name: str
    probability: Decimal
    case: Case


@dataclass(frozen=True)
class OpenWorld:
    """A case with its levels, over an open program."""

    dispatch: Dispatch
    failover: Failover
    clock: GridClock
    fails: Mapping[str, Mapping[str, float]]
    routed: Routed | None = None

    @classmethod
    def of(cls, case: Case, held: Holdings, followed: Plan | None) -> OpenWorld:
        """Open the program of a case; with a plan that the gateway follows, ask where its work goes in calm."""
        dispatch = Dispatch(case, held, lenient=followed is not None)
        failover = Failover(dispatch)
        routed = None if followed is None else Routed(case, followed, failover)
        return cls(dispatch, failover, GridClock(case), failing(case), routed)


@dataclass
class Drawn:
    """Draws, one after the other, each as if it were the only one.

    With a plan that is ``followed``, work goes where the gateway sends it; without, it is dispatched at the least cost.
    """

    worlds: Sequence[SimulatedWorld]
    held: Holdings
    followed: Plan | None = None
    open: dict[tuple[int, tuple[int, ...]], OpenWorld] = field(default_factory=dict)

    def made(self, draw: Draw) -> SimulatedDraw:
        """What a draw comes to."""
        world = self._world(draw)
        out, forced = _out(draw, world)
        best = world.dispatch.with_outages(out, forced) if draw.outages else world.dispatch.calm
        found = best
        if world.routed is not None:
            found = world.dispatch.with_placed(out, _placed(draw, world, world.routed))
        case = self.worlds[draw.world].case
        stepped = zip(levels(case), draw.steps, strict=True)
        return SimulatedDraw(
            draw.index,
            self.worlds[draw.world].name,
            {risk.id: level(case, risk, step) for risk, step in stepped},
            len(draw.outages),
            None if found is None else _money(found.cost),
            None if found is None else _money(max(found.fees, 0.0)),
            None if found is None else _money(max(found.unserved_value, 0.0)),
            {} if found is None else _served(world, found),
            _own(world, out),
            () if found is None else found.missed,
            None if best is None or found is best else BestDispatch(_money(best.cost), _served(world, best)),
        )

    def _world(self, draw: Draw) -> OpenWorld:
        """The program of a draw, open."""
        if draw.state not in self.open:
            if len(self.open) >= MAX_OPEN:
                del self.open[next(iter(self.open))]
            case = self.worlds[draw.world].case
            self.open[draw.state] = OpenWorld.of(under_levels(case, draw.steps), self.held, self.followed)
        return self.open[draw.state]


def _out(draw: Draw, world: OpenWorld) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """The part of each period for which offers are out, and the work that is lost meanwhile."""
    draft = world.dispatch.draft
    out: dict[str, Floats] = defaultdict(lambda: np.zeros(draft.n))
    forced: dict[str, Floats] = defaultdict(lambda: np.zeros(draft.n))
    for period, hours, risks in spells(draw.outages, world.clock):
        lost = parts_out(risks, world.fails)
        for offer, part in lost:
            out[offer][period] += hours * part / draft.hours[period]
        for workload, rate in world.failover.lost(period, lost).items():
            if rate:
                forced[workload][period] += rate * hours
    return {name: np.minimum(each, 1.0) for name, each in out.items()}, dict(forced)


def _placed(draw: Draw, world: OpenWorld, routed: Routed) -> dict[int, Floats]:
    """The work of each arc and period where the gateway sends it: as in calm, but for the hours with something out."""
    draft = world.dispatch.draft
    parts = {route: np.zeros(draft.n) for route in routed.arcs}
    left = np.ones(draft.n)
    for period, hours, risks in spells(draw.outages, world.clock):
        time = min(hours / float(draft.hours[period]), float(left[period]))
        left[period] -= time
        for route, part in routed.parts(period, parts_out(risks, world.fails)).items():
            parts[route][period] += part * time
    for period, some in routed.calm.items():
        for route, part in some.items():
            parts[route][period] += part * left[period]
    return {routed.arcs[r].index: each * draft.demand[r[0]].work for r, each in parts.items()}


def _served(world: OpenWorld, found: Dispatched) -> dict[str, Decimal]:
    """The part of each workload's work that is served."""
    demand = {name: float(each.work.sum()) for name, each in world.dispatch.draft.demand.items()}
    return {name: _part(1 - found.unserved[name] / whole) for name, whole in demand.items() if whole}


def _own(world: OpenWorld, out: Mapping[str, Floats]) -> dict[str, Decimal]:
    """The part of time, and of it, that each provider was not out: the mean over its offers."""
    draft = world.dispatch.draft
    hours, of = float(draft.hours.sum()), defaultdict[str, list[float]](list)
    for offer in draft.case.offers:
        lost = dot(out[offer.id], draft.hours) if offer.id in out else 0.0
        of[offer.provider].append(1 - lost / hours)
    return {provider: _part(sum(parts) / len(parts)) for provider, parts in of.items()}


def _money(value: float) -> Decimal:
    """To twelve digits: those that follow turn on what the solver did before."""
    return nano(Fraction(f"{value:.12g}"))


def _part(value: float) -> Decimal:
    return Decimal(min(max(value, 0.0), 1.0)).quantize(PLACES)
