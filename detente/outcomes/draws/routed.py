"""Where the gateway's own order sends work, period by period: its calls replayed, with some offers out.

Owns: the calls that stand for a period's work, and the part of the work that each offer then has. Not here: admission
and choice (``gateway.deciding``), passing time (``gateway.replaying``), what deployments can take (``period_room``),
and what it costs (``planner.dispatch``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from detente.case.case import Case
from detente.demand.workload import AnyWorkload
from detente.errors import CaseError, Mistake, Where
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.steering import usual_mix
from detente.gateway.replaying.replay import Replay
from detente.gateway.replaying.traffic import ReplayedCall
from detente.market.offer import TokenOffer
from detente.market.token_price import MTOK
from detente.outcomes.draws.period_room import PeriodRoom, Route
from detente.outcomes.draws.simulation import WorkSender
from detente.planner.failover import Failover, Lost
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.expression import Floats
from detente.results.plan import Plan
from detente.values.micros import micros
from detente.values.period import Period, elapsed

DEALS, LONG_DEALS = 10, 100
"""In which the work of a period is dealt out, where that is no longer than a day; of a longer one."""

CALL = 1000
"""Tokens of a call, where there is that much of a workload."""

A_DAY = 24

OfferParts = Mapping[Route, float]
"""The part of a workload's work on each offer; what is on none is lost."""


def senders(case: Case) -> dict[str, WorkSender]:
    """Who says where each workload goes. Raises CaseError where the gateway says it of none."""
    policy = Policy.following(None, case)

    def sender(workload: AnyWorkload) -> WorkSender:
        if workload.kind != "inference":
            return "waits"
        if policy.asked(workload, workload.id):
            return "gateway"
        return "no-calls" if workload.unit == "GPU-hour" else "no-deployment"

    found = {workload.id: sender(workload) for workload in case.workloads}
    if "gateway" not in found.values():
        what = "no deployment serves an inference workload of the case, so the gateway has nobody to choose from"
        if hours := [f"`{name}`" for name, sender in found.items() if sender == "no-calls"]:
            what += f"; work in GPU-hours is no calls, and reaches no gateway ({', '.join(hours)})"
        remedy = "write some under `deployments:`, or dispatch at the least `cost`"
        raise CaseError([Mistake(Where(case.declared.name), what, remedy)])
    return found


class Routed:
    """Where the gateway sends the work of each period while it follows a plan: in calm, and with offers out.

    What remains of a clause is not asked: neither do caps deny calls here, nor do floors at risk draw them.
    """

    def __init__(self, case: Case, plan: Plan, failover: Failover) -> None:
        self.policy, self.failover = Policy.following(plan, case), failover
        self.draft = failover.dispatch.draft
        by_gateway = {name for name, sender in senders(case).items() if sender == "gateway"}
        self.live = [name for name in failover.dispatch.live if name in by_gateway]
        self.arcs: dict[Route, Arc] = {
            (arc.workload.id, arc.offer.id): arc for arc in self.draft.arcs if arc.workload.id in self.live
        }
        self.flow = {arc.offer.id: self._flow(arc) for arc in self.arcs.values()}
        self.open = {route: failover.open(arc, failover.every) for route, arc in self.arcs.items()}
        self.known: dict[tuple[int, Lost], OfferParts] = {}
        self.calm = self._replayed(sorted(range(self.draft.n), key=lambda t: self.draft.periods[t].start), ())

    def parts(self, period: int, out: Lost) -> OfferParts:
        """Of an hour of a period while offers are out."""
        if (period, out) not in self.known:
            self.known[period, out] = self._replayed([period], out)[period]
        return self.known[period, out]

    def _flow(self, arc: Arc) -> Floats:
        """What an offer gives in an hour: of units by the hour, no more than the plan ever rents."""
        room, offer = self.failover.room(arc, self.failover.every), arc.offer
        if isinstance(offer, TokenOffer) or offer.reserved:
            return room
        rented = [p.units for each in self.policy.deployed if each.offer.id == offer.id for p in each.held or ()]
        return room.clip(max=max(rented, default=0) * float(offer.unit_flow))

    def _replayed(self, periods: Sequence[int], out: Lost) -> dict[int, OfferParts]:
        """The parts of some periods, in the order of time."""
        room = PeriodRoom(self.arcs, self.flow, self.open, dict(out))
        found: dict[int, OfferParts] = {t: {} for t in periods}
        busy = [t for t in periods if any(self.draft.demand[name].work[t] > 0 for name in self.live)]
        if busy:
            Replay(self.policy, 0, steered=False, room=room, capped=False).run(self._calls(busy, room, found))
        return found

    # -- calls -------------------------------------------------------------------------------------------------------
    def _calls(self, periods: Sequence[int], room: PeriodRoom, found: dict[int, OfferParts]) -> Iterator[ReplayedCall]:
        """The calls of periods, dealt out evenly; when those of one are over, it is noted where they went."""
        for t in periods:
            deals = deals_of(self.draft.periods[t])
            work = {name: float(self.draft.demand[name].work[t]) / len(deals) for name in self.live}
            calls = [self._call(name, some) for name, some in work.items() if some > 0]
            room.enter(t, {call.workload: work[call.workload] / call.calls for call in calls})
            for at in deals:
                room.deal(float(self.draft.hours[t]) / len(deals))
                yield from (call._replace(at=at) for call in calls)
            whole = {call.workload: call.calls * len(deals) for call in calls}
            found[t] = {route: n / whole[route[0]] for route, n in room.calls.items()}

    def _call(self, name: str, work: float) -> ReplayedCall:
        """What stands for a workload's calls in one deal of a period."""
        calls = max(1, round(work * MTOK / CALL))
        parts = usual_mix(self.policy.workloads[name])
        fresh, cached, output = (work * MTOK / calls * float(part / sum(parts)) for part in parts)
        return ReplayedCall(0, name, max(1, round(fresh + cached)), round(cached), round(output), calls)


def deals_of(period: Period) -> list[int]:
    """When the work of a period is dealt out: in the middle of equal parts of it."""
    long = elapsed(period.start, period.end)
    count = LONG_DEALS if long > timedelta(hours=A_DAY) else DEALS
    return [micros(period.start) + round(long * (n + 0.5) / count / timedelta(microseconds=1)) for n in range(count)]
