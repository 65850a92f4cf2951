"""Gangs that take turns: a plan counts hours, and within a period not all of them run at once.

On reserved units with work that never waits; by the hour with each other.

Owns: which gangs do, beside whom, and how many accelerators they need at once. Not here: the sentence (``reasons``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detente.demand.quantum import QUANTUM
from detente.demand.workload import Inference
from detente.market.offer import GpuOffer
from detente.planner.answer.bill import Quantities
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats

NO_MORE = 1e-6
"""Accelerators: less than this too few is a rounding."""


@dataclass(frozen=True)
class TakenTurns:
    """Beside which workloads a gang runs, and, where they need most at once, how many accelerators, and of how many.

    ``held`` are reserved, or else (``reserved`` is false) left to gangs by what others rent.
    """

    beside: tuple[str, ...]
    need: float
    held: float
    reserved: bool = True


def in_turns(draft: Draft, found: Quantities) -> dict[int, TakenTurns]:
    """By arc, of gangs that could not run where they do while all that runs beside them there does."""
    shared = [(arc, _turns(draft, found, arc)) for arc, _, _ in draft.gangs if not arc.own]
    shared += [(arc, _among_gangs(draft, found, arc)) for arc in draft.arcs if arc.own]
    return {arc.index: turns for arc, turns in shared if turns is not None}


def _among_gangs(draft: Draft, found: Quantities, gang: Arc) -> TakenTurns | None:
    """Of a gang by the hour, with others: each with as many at once as do its work of a period in all of its time."""
    assert isinstance(gang.offer, GpuOffer)
    name, unit = gang.offer.id, gang.offer.unit
    others = [arc for arc in draft.arcs.of_offer[name] if arc.own and arc is not gang]
    own, *uses = [_at_once(draft, found, arc) for arc in (gang, *others)]
    if not uses:
        return None
    rented = draft.units[name].holding(found.units[name].astype(np.float64), draft.n) if name in draft.units else 0.0
    left = (draft.most(gang.offer) - rented) * unit
    beside = np.sum(uses, axis=0)
    short = np.where((own > 0) & (beside > 0), own + beside - left, 0.0)
    if short.max(initial=0.0) <= NO_MORE:
        return None
    t = int(short.argmax())
    names = tuple(arc.workload.id for arc, use in zip(others, uses, strict=True) if use[t] > 0)
    return TakenTurns(names, float(own[t] + beside[t]), float(left[t]), reserved=False)


def _at_once(draft: Draft, found: Quantities, gang: Arc) -> Floats:
    """The accelerators of the fewest whole gangs that do a gang's work of each period."""
    fewest: Floats = np.ceil(_accelerators(draft, found, gang) / gang.gang - NO_MORE) * gang.gang
    return fewest


def _turns(draft: Draft, found: Quantities, gang: Arc) -> TakenTurns | None:
    assert isinstance(gang.offer, GpuOffer)
    others = [a for a in draft.arcs.of_offer[gang.offer.id] if isinstance(a.workload, Inference)]
    uses: list[Floats] = [_accelerators(draft, found, arc) for arc in others]
    always: Floats = np.sum(uses, axis=0) if uses else np.zeros(draft.n)
    name = gang.offer.id
    held = draft.units[name].holding(found.units[name].astype(np.float64), draft.n) * gang.offer.unit
    short = np.where((found.work[gang.index] > 0) & (always > NO_MORE), gang.gang + always - held, 0.0)
    if short.max(initial=0.0) <= NO_MORE:
        return None
    t = int(short.argmax())
    beside = tuple(arc.workload.id for arc, use in zip(others, uses, strict=True) if use[t] > NO_MORE)
    return TakenTurns(beside, float(gang.gang + always[t]), float(held[t]))


def _accelerators(draft: Draft, found: Quantities, arc: Arc) -> Floats:
    """How many an arc's work needs at any time of each period."""
    return np.asarray(found.work[arc.index] * float(QUANTUM * arc.per_work) / draft.hours, dtype=np.float64)
