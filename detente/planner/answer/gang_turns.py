"""Gangs that share reserved units with work that never waits: a plan counts hours, and within a period they take turns.

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
    """Beside which workloads a gang runs, and, where they need most at once, how many accelerators, and of how many."""

    beside: tuple[str, ...]
    need: float
    held: float


def in_turns(draft: Draft, found: Quantities) -> dict[int, TakenTurns]:
    """By arc, of gangs that could not run on their reserved units while all that never waits runs there, too."""
    shared = ((arc, _turns(draft, found, arc)) for arc, _, _ in draft.gangs if not arc.own)
    return {arc.index: turns for arc, turns in shared if turns is not None}


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
