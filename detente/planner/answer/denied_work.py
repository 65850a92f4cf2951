"""Work that clauses deny, and how much of it there would be room for.

Not here: what a unit of it would save (``denied``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from detente.market.offer import AnyOffer, TokenOffer
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats


@dataclass(frozen=True)
class DeniedWork:
    """A workload's work that may not run on some offers in a period.

    ``price`` is what one more unit of it would save where it saves most; ``saves`` is money, of all of it that these
    offers have room for beside the other work that is denied there.
    """

    period: int
    workload: str
    unit: str
    price: float
    saves: float


def in_room(
    t: int, denied: list[tuple[float, Arc]], works: Mapping[str, Floats], rooms: Mapping[str, Floats]
) -> Iterator[DeniedWork]:
    """In one period: each workload at its best price, and the money of as much as there is room for."""
    work = {arc.workload.id: float(works[arc.workload.id][t]) for _, arc in denied}
    room = {arc.offer.id: float(rooms[arc.offer.id][t]) for _, arc in denied}
    price: dict[str, float] = {}
    saves = dict.fromkeys(work, 0.0)
    for saved, arc in sorted(denied, key=lambda each: -each[0] / float(each[1].per_work)):
        name, fits = arc.workload.id, room[arc.offer.id] / float(arc.per_work)
        some = min(work[name], fits)
        work[name] -= some
        room[arc.offer.id] -= some * float(arc.per_work)
        saves[name] += saved * some
        price[name] = max(price.get(name, 0.0), saved)
    units = {arc.workload.id: arc.workload.unit for _, arc in denied}
    yield from (DeniedWork(t, name, units[name], price[name], saves[name]) for name in price)


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
    flow = 1.0 if isinstance(offer, TokenOffer) else float(offer.unit_flow)
    found: Floats = draft.most(offer) * flow * draft.hours
    return found
