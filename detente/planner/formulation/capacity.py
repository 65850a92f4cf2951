"""Rows that hold use and standby within what is bought and what there is.

Not here: what may be bought (``purchases``), and what there is (``Draft.at_most``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from detente.market.offer import AnyOffer, AnyUnits, GpuOffer, TokenOffer
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Part
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.purchases import MAX_WHOLE
from detente.planner.formulation.unit_columns import Units
from detente.values.quantity import LARGEST

IDLE_MARGIN = 1e-6
"""A whole unit is idle if this much less than one is: the solver knows only closed bounds."""

LITTLE = 1e-3
"""Work that could take at most this part of one unit counts by its own size: of a unit, the solver could not tell it
from nothing."""

LARGE = float(LARGEST)
"""Stands for no limit in a row of limits."""


def define_capacity(draft: Draft) -> None:
    """Use and standby within what is bought and what there is; gangs whole."""
    for offer in draft.case.offers:
        arcs = draft.arcs.of_offer[offer.id]
        if not arcs:
            continue
        most = draft.most(offer)
        if not isinstance(offer, TokenOffer) and offer.id in draft.units:
            _bought(draft, offer, arcs, most)
        if not offer.reserved:
            _limit(draft, offer, arcs, most)
    for arc in draft.arcs:
        _gang(draft, arc)


def taken(draft: Draft, arcs: Sequence[Arc], *, standby: bool, among: Bools | None = None) -> Expr:
    """What arcs take of their offer in each period, or in some, in the offer's unit."""
    backing = [arc for arc in arcs if standby and arc.workload.id in draft.standby]
    parts: list[Part] = []
    for some, lines in ((arcs, draft.use_of(arcs)), (backing, draft.standby_of(backing))):
        weights = draft.arcs.per_work[[arc.index for arc in some], np.newaxis] if some else np.zeros((0, 1))
        if among is not None:
            parts.append((np.flatnonzero(among).astype(np.int32), lines.columns[:, among], weights))
        elif some:
            parts.append((None, lines, weights))
    return Expr(draft.n, parts)


def _limit(draft: Draft, offer: AnyOffer, arcs: Sequence[Arc], most: Floats) -> None:
    limited = np.isfinite(most)
    if not limited.any():
        return
    there_is = np.where(limited, most, 0.0) * float(offer.unit_flow) * draft.hours
    use = taken(draft, arcs, standby=True, among=None if limited.all() else limited)
    draft.program.require(Owner("offer", offer.id), "limit", use <= there_is + draft.rounded_up(arcs))


def _bought(draft: Draft, offer: AnyUnits, arcs: Sequence[Arc], most: Floats) -> None:
    """What runs on units that are bought: no more than they give, and no units beyond what there is, or need."""
    program, units = draft.program, draft.units[offer.id]
    held = units.held(draft.n)
    flow = draft.hours * float(offer.unit_flow)
    given = Expr(draft.n, [(rows, columns, each * flow[rows]) for rows, columns, each in held.parts])
    shared, gangs = [a for a in arcs if not a.own], [a for a in arcs if a.own]
    use = taken(draft, shared, standby=offer.reserved)
    program.require(Owner("units", offer.id), "use", use - given <= draft.rounded_up(shared))
    few = little_work(draft, offer)
    if few:  # one unit serves all of it, and there is no use without one
        most_of_few = most_taken(draft, few)
        one = Expr(draft.n, [(rows, columns, each * most_of_few[rows]) for rows, columns, each in held.parts])
        rows = taken(draft, few, standby=False) - one <= 0.0
        program.require(Owner("units", offer.id), "little", rows)
    if np.isfinite(most).any():
        there_is = np.minimum(most, LARGE)
        if offer.reserved:
            program.require(Owner("offer", offer.id), "limit", held <= there_is)
        if gangs:  # what units do not use is gone, too: a gang cannot run on it
            rented = taken(draft, gangs, standby=False) + given
            program.require(Owner("offer", offer.id), "rented", rented <= there_is * flow + draft.rounded_up(gangs))
    if draft.case.may_stand_idle(offer):
        return
    if offer.reserved:
        program.require(Owner("units", offer.id), "idle", held <= busiest(units, units.most))
    else:
        if few:
            others = [arc for arc in shared if arc not in few]
            use = taken(draft, others, standby=False) + _as_units(draft, few, flow)
        _rented_for_use(draft, offer, given - use)


def _rented_for_use(draft: Draft, offer: AnyUnits, spare: Expr) -> None:
    """Nothing is rented only to stand idle: what is spare is less than one step; but the minimum may stand idle."""
    minimum, step = offer.sizes
    flow = draft.hours * float(offer.unit_flow)
    if minimum > step:
        units = draft.units[offer.id]
        half = len(units.starts) // 2  # the columns that open a purchase come first
        opened = np.array(units.starts[:half], dtype=np.int32)
        spare = spare - Expr(draft.n, [(opened, units.columns[:half], flow[opened] * float(minimum))])
    draft.program.require(Owner("units", offer.id), "idle", spare <= flow * float(step) * (1 - IDLE_MARGIN))


def little_work(draft: Draft, offer: AnyUnits) -> list[Arc]:
    """Arcs of an offer's whose work, where there is any, can take no more than a little of one unit."""
    flow = draft.hours * float(offer.unit_flow)
    return [arc for arc in draft.arcs.of_offer[offer.id] if not arc.own and _is_little(draft, arc, flow)]


def _is_little(draft: Draft, arc: Arc, flow: Floats) -> bool:
    """Whether an arc's work, where there is any, can take no more than a little of one unit."""
    most = most_taken(draft, [arc])
    return bool(most.any() and (most <= LITTLE * flow).all())


def _as_units(draft: Draft, few: Sequence[Arc], flow: Floats) -> Expr:
    """A little work as what it makes us buy: all of it together as one unit, which is then not idle."""
    most = most_taken(draft, few)
    per = np.where(most > 0, flow / np.where(most > 0, most, 1.0), 1.0)
    weights = np.array([float(arc.per_work) for arc in few])[:, np.newaxis] * per
    return Expr(draft.n, [(None, draft.use_of(few), weights)])


def most_taken(draft: Draft, arcs: Sequence[Arc]) -> Floats:
    """The most that some arcs can take together in each period, in the offer's unit."""
    each = (draft.most_work[arc.workload.id] * float(arc.per_work) for arc in arcs)
    found: Floats = sum(each, np.zeros(draft.n))
    return found


def busiest(bought: Units, most: Floats) -> Floats:
    """Of the most of each period, that of the busiest time of the terms that hold in it: no more are reserved."""
    found = np.zeros(len(most))
    for serve in bought.serve:
        found[serve] = np.maximum(found[serve], most[serve].max(initial=0.0))
    return found


def _gang(draft: Draft, arc: Arc) -> None:
    """A gang runs whole: its rate is at most the whole gangs that fit."""
    if arc.gang and isinstance(arc.offer, GpuOffer):
        if arc.own:
            _by_the_hour(draft, arc, arc.offer)
        else:
            _reserved(draft, arc, arc.offer)


def _by_the_hour(draft: Draft, arc: Arc, offer: GpuOffer) -> None:
    """Within what there is; beside units that others rent, within the whole gangs for which these leave room.

    Where a unit holds a gang, what they leave is whole gangs.
    """
    size, most = arc.gang, draft.most(offer)
    limited = np.isfinite(most)
    if not limited.any():
        return
    there_is = np.where(limited, most, 0.0) * offer.unit
    rented = draft.units.get(offer.id)
    if rented is None or size == offer.unit:
        whole = np.where(limited, there_is // size * size * draft.hours, LARGE)
        t = np.arange(draft.n, dtype=np.int32)
        rate = Expr(draft.n, [(t, draft.x[arc.index], float(arc.per_work))])
        draft.program.require(Owner("gang", arc.workload.id), offer.id, rate <= whole + draft.rounded_up([arc]))
        return
    spans = list(np.flatnonzero(limited)[:, np.newaxis])
    few = len(spans) <= MAX_WHOLE
    gangs = draft.program.columns(
        Owner("gang", arc.workload.id), offer.id, len(spans), upper=there_is[limited] // size, integer=few, whole=True
    )
    t = np.flatnonzero(limited).astype(np.int32)
    beside = Expr(draft.n, [(t, gangs, float(size))]) + rented.held(draft.n) * Fraction(offer.unit)
    rows = beside <= np.where(limited, there_is, LARGE)
    draft.program.require(Owner("offer", offer.id), f"{arc.workload.id}/fits", rows)
    _runs(draft, arc, gangs, spans)


def _reserved(draft: Draft, arc: Arc, offer: GpuOffer) -> None:
    """Within the whole gangs that reserved units hold, as many in all of a time in which the same units may serve."""
    size, owner, bought = arc.gang, Owner("gang", arc.workload.id), draft.units.get(offer.id)
    spans = bought.serving_alike(draft.n) if bought is not None else []
    if bought is None or not spans:
        return
    ceiling = max(1.0, float(np.max(bought.most, initial=0.0)) * offer.unit // size)
    gangs = draft.program.columns(owner, offer.id, len(spans), upper=ceiling, integer=True)
    t, of = _counted(gangs, spans)
    fits = Expr(draft.n, [(t, of, float(size))]) - bought.held(draft.n) * Fraction(offer.unit)
    draft.program.require(owner, f"{offer.id}/fits", fits <= np.zeros(draft.n))
    _runs(draft, arc, gangs, spans)


def _counted(gangs: Ints, spans: list[NDArray[np.int64]]) -> tuple[Ints, Ints]:
    """The periods in which gangs are counted, and the column that counts them in each."""
    return np.concatenate(spans).astype(np.int32), np.repeat(gangs, [len(span) for span in spans])


def _runs(draft: Draft, arc: Arc, gangs: Ints, spans: list[NDArray[np.int64]]) -> None:
    """A gang runs as its whole gangs do; where these are not counted, another row says that there is nothing."""
    t, of = _counted(gangs, spans)
    rate = Expr(draft.n, [(t, draft.x[arc.index, t], float(arc.per_work))])
    run = Expr(draft.n, [(t, of, arc.gang * draft.hours[t])])
    owner, part = Owner("gang", arc.workload.id), f"{arc.offer.id}/rate"
    draft.program.require(owner, part, rate - run <= draft.rounded_up([arc]))
    draft.gangs.append((arc, gangs, spans))
