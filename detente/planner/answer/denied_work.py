"""Work that clauses deny, and how much of it there would be room for.

Not here: what a unit of it would save (``denied``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from detente.market.offer import AnyOffer, AnyUnits
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.purchases import whole_steps


@dataclass(frozen=True)
class DeniedWork:
    """A workload's work that may not run on some offers in a period.

    ``price`` is what one more unit of it would save where it saves most; ``saves`` is money, of all of it that these
    offers have room for beside the other work that is denied there. What is bought in units for it is bought whole: a
    last unit that it fills in part is paid for in full, or not bought, whichever saves more.
    """

    period: int
    workload: str
    unit: str
    price: float
    saves: float


@dataclass(frozen=True)
class Unit:
    """What one unit of an offer can do in a period, in the offer's own unit, and what it costs there."""

    offer: AnyUnits
    flow: float
    cost: float

    def kept(self, taken: float, saved: float) -> float:
        """The part that is left of what so much work saves on units of which it pays its own part alone."""
        units = taken / self.flow
        fewer, more = whole_steps(self.offer, units)
        return max(fewer / units, 1 - (more - units) * self.cost / saved)


def in_room(
    t: int,
    denied: list[tuple[float, Arc]],
    works: Mapping[str, Floats],
    rooms: Mapping[str, Floats],
    units: Mapping[str, Unit],
) -> Iterator[DeniedWork]:
    """In one period: each workload at its best price, and the money of as much as there is room for."""
    work = {arc.workload.id: float(works[arc.workload.id][t]) for _, arc in denied}
    room = {arc.offer.id: float(rooms[arc.offer.id][t]) for _, arc in denied}
    price: dict[str, float] = {}
    there: dict[str, list[tuple[str, float, float]]] = {}  # by offer: whose, what is taken, what that saves
    for saved, arc in sorted(denied, key=lambda each: -each[0] / float(each[1].per_work)):
        name, fits = arc.workload.id, room[arc.offer.id] / float(arc.per_work)
        some = min(work[name], fits)
        work[name] -= some
        room[arc.offer.id] -= some * float(arc.per_work)
        if some > 0:
            there.setdefault(arc.offer.id, []).append((name, some * float(arc.per_work), saved * some))
        price[name] = max(price.get(name, 0.0), saved)
    saves = dict.fromkeys(work, 0.0)
    for offer, taking in there.items():
        taken, saved = sum(part for _, part, _ in taking), sum(part for _, _, part in taking)
        kept = units[offer].kept(taken, saved) if offer in units else 1.0
        for name, _, part in taking:
            saves[name] += kept * part
    of = {arc.workload.id: arc.workload.unit for _, arc in denied}
    yield from (DeniedWork(t, name, of[name], price[name], saves[name]) for name in price)


def work_of(draft: Draft, values: Floats, name: str) -> Floats:
    """A workload's work in each period of a solution, served or not."""
    work = sum((values[draft.x[arc.index]] for arc in draft.arcs.of_workload[name]), np.zeros(draft.n))
    if name in draft.unserved:
        owner = draft.demand[name].owner
        inside = owner >= 0
        hours = np.bincount(owner[inside], weights=draft.hours[inside], minlength=len(draft.unserved[name]))
        rate = values[draft.unserved[name]] / np.maximum(hours, 1e-9)
        work = work + np.where(inside, rate[owner] * draft.hours, 0.0)
    return work


def room_of(draft: Draft, offer: AnyOffer) -> Floats:
    """What an offer can do in each period, in its own unit."""
    found: Floats = draft.most(offer) * float(offer.unit_flow) * draft.hours
    return found
