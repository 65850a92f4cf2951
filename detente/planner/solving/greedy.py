"""A plan made without solving: each workload on the cheapest of its offers that has room.

Owns: who works where, in one pass over workloads and offers, as what is at hand when time ends before the program is
solved. It knows no clause but what fixes columns at zero, and buys nothing for a term: whether it holds is asked of the
program (``fallback``). Not here: units and fees, which the program adds.
"""

from __future__ import annotations

import numpy as np

from detente.demand.workload import AnyWorkload
from detente.market.offer import GpuOffer, TokenOffer
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.solving.model import Model

MARGIN = 1 - 1e-9
"""Of what there is: floats add up to a little more than what they are the sum of."""


def greedy_work(draft: Draft, model: Model) -> Floats:
    """The work of each arc in each period (natural units)."""
    work = np.zeros(draft.x.shape)
    room = {offer.id: _there_is(draft, offer) * MARGIN for offer in draft.case.offers}
    for workload in sorted(draft.case.workloads, key=lambda w: w.value is not None):  # first what must be served
        _placed(draft, model, workload, room, work)
    return work


def _there_is(draft: Draft, offer: object) -> Floats:
    """What an offer can do in each period, in its own unit."""
    if isinstance(offer, TokenOffer):
        return draft.most(offer) * draft.hours
    if isinstance(offer, GpuOffer) and not offer.reserved:
        return draft.most(offer) * float(offer.unit_flow) * draft.hours
    return np.zeros(draft.n)


def _placed(draft: Draft, model: Model, workload: AnyWorkload, room: dict[str, Floats], work: Floats) -> None:
    """Evenly over the time in which work may be done; and then, wherever there is room, what is left of it."""
    demand, arcs = draft.demand[workload.id], draft.arcs.of_workload[workload.id]
    periods = np.bincount(demand.owner[demand.owner >= 0], minlength=len(demand.work))
    even = np.append(demand.work / np.maximum(periods, 1), 0.0)[demand.owner]  # -1, in no group: the last
    left, done = demand.work.copy(), np.zeros(draft.n)
    cheapest_first = sorted(arcs, key=lambda arc: _price(draft, model, arc))
    for most in (even, demand.most):
        for arc in cheapest_first:
            per_work = float(arc.per_work)
            there_is = np.where(model.most[draft.x[arc.index]] > 0, room[arc.offer.id] / per_work, 0.0)
            take = _first(np.maximum(np.minimum(there_is, most - done), 0.0), left, demand.owner)
            work[arc.index] += take
            done += take
            left -= np.bincount(demand.owner[demand.owner >= 0], take[demand.owner >= 0], minlength=len(left))
            left = np.maximum(left, 0.0)
            room[arc.offer.id] = np.maximum(room[arc.offer.id] - take * per_work, 0.0)


def _price(draft: Draft, model: Model, arc: Arc) -> float:
    """What a unit of work costs on an arc, on average over the periods in which it has a price."""
    listed = draft.prices.listed[arc.index]
    price = model.cost[draft.x[arc.index]] if arc.metered else listed + draft.prices.moved.get(arc.index, 0.0)
    return float(price[~np.isnan(listed)].mean()) if not np.isnan(listed).all() else np.inf


def _first(there_is: Floats, left: Floats, owner: Ints) -> Floats:
    """What each period takes of its group's work, the first periods first; a group's periods follow one another."""
    there_is = np.where(owner >= 0, there_is, 0.0)
    before = np.cumsum(there_is) - there_is
    starts = np.full(len(left), np.inf)
    np.minimum.at(starts, owner[owner >= 0], before[owner >= 0])
    within = before - np.append(starts, 0.0)[owner]
    taken: Floats = np.clip(np.append(left, 0.0)[owner] - within, 0.0, there_is)
    return taken
