"""What moves from provider to provider in whole quanta, and what that costs: exact.

Owns: moves of workloads that state what they take (``Workload.moving``), counted as the program counts them: what a
provider's share of a workload's demand rises by from one time to the next. Not here: the program's rows
(``formulation.moving``), and how moves of all workloads are counted (``solving.moves``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.demand.quanta import Quanta
from detente.demand.quantum import QUANTUM
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.placement import PlacedDemand
from detente.results.move_count import MIN_PART
from detente.values.money import nano


@dataclass(frozen=True)
class Moved:
    """A share of a workload's demand that comes to a provider at a time (a group of demand), and what that costs."""

    workload: str
    provider: str
    time: int
    share: Fraction
    cost: Decimal


def waiting(draft: Draft, unserved: Mapping[str, Quanta], values: Floats) -> dict[str, Quanta]:
    """Unserved demand in whole quanta, by provider and time, of each workload whose moves are counted.

    It adds up to what is not served: what rounding leaves is counted where most is.
    """
    found = {}
    for name, placement in draft.placements.items():
        left = unserved[name][placement.times]
        if not len(placement.waiting):
            continue
        each = np.clip(np.rint(values[placement.waiting] / float(QUANTUM)).astype(np.int64), 0, left)
        for place in np.argsort(-each, axis=0, kind="stable"):
            at = place, np.arange(len(left))
            each[at] = np.maximum(each[at] + left - each.sum(axis=0), 0)
        found[name] = each
    return found


def moved(draft: Draft, work: Quanta, waits: Mapping[str, Quanta]) -> Iterator[Moved]:
    """Each share of more than a millionth that moves: what is less is not told from the rounding to quanta."""
    for name, placement in draft.placements.items():
        counted = at_providers(placement, work, waits.get(name))
        whole = placement.demand.quanta[placement.times]
        risen = _rises(placement, counted / whole)
        cost = placement.workload.moving and placement.workload.moving.cost
        for rise, place in np.argwhere(risen.T > MIN_PART).tolist():
            time = rise + placement.first
            share = Fraction(int(counted[place, time]), int(whole[time]))
            share -= Fraction(int(counted[place, time - 1]), int(whole[time - 1])) if time else placement.today[place]
            paid = nano(share * Fraction(cost.amount)) if cost else Decimal(0)
            yield Moved(name, list(placement.arcs)[place], int(placement.times[time]), share, paid)


def _rises(placement: PlacedDemand, shares: Floats) -> Floats:
    """What each provider's share rises by into each time; into the first, from where the workload runs today."""
    if placement.today:
        shares = np.column_stack([np.array([float(share) for share in placement.today]), shares])
    return np.diff(shares, axis=1)


def at_providers(placement: PlacedDemand, work: NDArray[Any], waits: NDArray[Any] | None) -> NDArray[Any]:
    """A workload's demand by provider and time: what runs there, and what waits there."""
    at = np.flatnonzero(placement.time >= 0)
    found = np.zeros((len(placement.arcs), len(placement.times)), dtype=work.dtype)
    for place, arcs in enumerate(placement.arcs.values()):
        done = work[[arc.index for arc in arcs]][:, at].sum(axis=0)
        np.add.at(found[place], placement.time[at], done)
    return found if waits is None else found + waits


def uncertain(draft: Draft, work: Quanta, waits: Mapping[str, Quanta], values: Floats) -> float:
    """What rounding may change in the costs of moves, in money: shares that shifted, and those too small to count."""
    total = 0.0
    for name, placement in draft.placements.items():
        cost = placement.workload.moving and placement.workload.moving.cost
        if not cost:
            continue
        solved = values[placement.waiting] if len(placement.waiting) else None
        whole = at_providers(placement, work, waits.get(name)) / placement.demand.quanta[placement.times]
        found = at_providers(placement, values[draft.x], solved) / placement.demand.work[placement.times]
        small = np.abs(values[placement.rise] - np.maximum(_rises(placement, found), 0.0))
        rises = _rises(placement, whole)
        less = rises[(rises > 0) & (rises <= MIN_PART)].sum()
        total += float(cost.amount) * float(2 * np.abs(whole - found).sum() + np.minimum(small, MIN_PART).sum() + less)
    return total
