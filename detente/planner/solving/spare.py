"""Of plans that cost the same, one with less idle capacity.

Owns: which bought units no use needs, and the tries to do without them. Not here: the search (``search``), and how many
units may stand idle (``formulation/idle_units``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from detente.market.offer import GpuOffer
from detente.planner.formulation.capacity import taken
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints, broadcast
from detente.planner.formulation.unit_columns import Units
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution

MAX_TRIES = 40
"""So many purchases are tried one by one, where not all idle units can go together: each is a solve."""

NEARLY = 1e-9
"""A part of a unit: what misses a whole one by no more is one."""

Fewer = tuple[Ints, Floats]
"""Columns of units, and lower counts of them."""


def with_less_idle(draft: Draft, model: Model, best: Solution, columns: Ints) -> Solution:
    """The solution, whole in ``columns``, without idle units that save nothing: on a tie, less stands idle.

    All idle units are tried together, then purchase by purchase: what a clause asks for stays. Then so are units by the
    hour whose work what is reserved beside them has room for.
    """
    best = _without(draft, model, best, columns)
    beside = list(_beside_idle(draft, best))
    found = solved(model, best, columns, beside) if beside else None
    return best if found is None else _without(draft, model, found, columns)


def _without(draft: Draft, model: Model, best: Solution, columns: Ints) -> Solution:
    """Without units that no use needs."""
    found = [fewer for units in draft.units.values() if (fewer := _needed(draft, units, best)) is not None]
    if not found:
        return best
    together = solved(model, best, columns, found)
    if together is not None:
        return together
    for one in islice(one_by_one(found), MAX_TRIES):
        best = solved(model, best, columns, [one]) or best
    return best


def _beside_idle(draft: Draft, best: Solution) -> Iterator[Fewer]:
    """Of accelerators by the hour, purchases whose work what is reserved beside them has room for, and lower counts.

    Where a fee is owed for what is missing of a commitment, renting beside idle reservations may cost the same.
    """
    assert best.values is not None
    idle: dict[str, Floats] = {}
    rented: list[tuple[Units, GpuOffer, Floats, Floats]] = []
    for units in draft.units.values():
        if isinstance(units.offer, GpuOffer):
            counts, gpu = np.rint(best.values[units.columns]), units.offer.accelerator
            spare = spare_of(draft, units, best.values, counts) * units.offer.unit
            if units.offer.reserved:
                idle[gpu] = idle.get(gpu, 0.0) + spare
            else:
                rented.append((units, units.offer, counts, spare))
    for units, offer, counts, own in rented:
        if offer.accelerator not in idle:
            continue
        fewer, room = counts.copy(), idle[offer.accelerator]
        may = room + own > offer.unit * (1 - NEARLY)
        for index in np.flatnonzero(counts).tolist():
            serve, size = units.serve[index], units.units[index] * offer.unit
            if not may[serve].all():
                continue
            less = min(counts[index], max(0.0, np.floor((room[serve] + own[serve]).min() / size + NEARLY)))
            fewer[index] -= less
            room[serve] -= np.maximum(less * size - own[serve], 0.0)
        at = np.flatnonzero(fewer < counts)
        if len(at):
            yield units.columns[at], fewer[at]


def one_by_one(found: Sequence[Fewer]) -> Iterator[Fewer]:
    """Each purchase by itself."""
    for at, counts in found:
        for index in range(len(at)):
            yield at[index : index + 1], counts[index : index + 1]


def _needed(draft: Draft, units: Units, best: Solution) -> Fewer | None:
    """The purchases of an offer that hold more than is used, and how many units hold it; None where all are needed."""
    assert best.values is not None
    counts = np.rint(best.values[units.columns])
    spare = spare_of(draft, units, best.values, counts)
    fewer = counts.copy()
    for index in np.flatnonzero(counts)[::-1].tolist():  # the last first: what opens a purchase comes before its steps
        serve, size = units.serve[index], units.units[index]
        idle = np.floor(spare[serve].min() / size + NEARLY) if len(serve) else counts[index]
        fewer[index] -= min(counts[index], max(0.0, idle))
        spare[serve] -= (counts[index] - fewer[index]) * size
    less = np.flatnonzero(fewer < counts)
    return (units.columns[less], fewer[less]) if len(less) else None


def spare_of(draft: Draft, units: Units, values: Floats, counts: Floats) -> Floats:
    """Units that are held and not used in each period."""
    held = units.holding(counts, draft.n)
    shared = [arc for arc in draft.arcs.of_offer[units.offer.id] if not arc.own]
    used = np.zeros(draft.n)
    for part in taken(draft, shared, standby=units.offer.reserved).parts:
        row, column, value = broadcast(part)
        np.add.at(used, row.ravel(), (value * values[column]).ravel())
    found: Floats = held - used / (draft.hours * float(units.offer.unit_flow))
    return found


def solved(model: Model, best: Solution, columns: Ints, fewer: Sequence[Fewer]) -> Solution | None:
    """The solution with lower counts, if it costs no more."""
    assert best.values is not None
    values = best.values.copy()
    for at, counts in fewer:
        values[at] = counts
    model.fix(columns, np.rint(values[columns]))
    found = model.solve_linear()
    model.release(columns)
    return found if found.status == "optimal" and found.no_dearer_than(best) else None
