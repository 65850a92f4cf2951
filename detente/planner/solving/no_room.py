"""Work that has room in bought units by a tolerance alone.

Beside work that fills its units a little more is lost in what the solver, and floats, can tell. So it is told in whole
quanta of work, exactly.

Owns: which columns of use those are. Not here: where that work goes instead (``hardly_used``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from detente.demand.quanta import Quanta
from detente.demand.quantum import QUANTUM
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Floats, Ints
from detente.planner.formulation.groups import Grouping
from detente.planner.formulation.unit_columns import Units
from detente.planner.solving.solution import Solution

LOST = 1e-6
"""Of the units that are held: by no more is too much used, as the solver sees it."""


def without_room(draft: Draft, found: Solution) -> Ints:
    """Columns of use that take no more of an offer than what is used of it beyond what is bought, or a quantum more."""
    assert found.values is not None
    work, none = _in_quanta(draft, found.values), [np.zeros(0, dtype=np.int32)]
    for units in draft.units.values():
        arcs = [arc for arc in draft.arcs.of_offer[units.offer.id] if not arc.own]
        held = np.rint(units.holding(np.rint(found.values[units.columns]), draft.n))
        times = np.flatnonzero(_may_be_over(draft, units, arcs, work, held)).tolist()
        sizes = [Fraction(units.offer.unit_flow) * draft.periods[t].hours for t in times]
        whole, common = _in_common([*sizes, *(QUANTUM * arc.per_work for arc in arcs)] if times else [])
        size, per = whole[: len(times)], whole[len(times) :]
        for t, each in zip(times, size, strict=True):
            taken = [quanta * by for quanta, by in zip(work[[a.index for a in arcs], t].tolist(), per, strict=True)]
            over = sum(taken) - int(held[t]) * each + common * _standing_by(draft, units, arcs, found.values, t)
            if over > 0:
                parts = zip(arcs, taken, per, strict=True)
                none += [draft.x[arc.index, t : t + 1] for arc, takes, by in parts if 0 < takes <= over + by]
    return np.concatenate(none)


def _in_common(each: Sequence[Fraction]) -> tuple[list[int], int]:
    """Fractions as whole numbers of a common part of one, and how many of that are one: sums of many are soon there."""
    common = math.lcm(*(part.denominator for part in each))
    return [part.numerator * (common // part.denominator) for part in each], common


def _may_be_over(draft: Draft, units: Units, arcs: list[Arc], work: Quanta, held: Floats) -> Bools:
    """When nearly all is used, or more, and some work that is done is little beside it: elsewhere floats can tell."""
    per = np.array([float(QUANTUM * arc.per_work) for arc in arcs])[:, np.newaxis]
    takes = work[[arc.index for arc in arcs]] * per / (draft.hours * float(units.offer.unit_flow))
    little = (takes > 0) & (takes <= LOST * held)
    found: Bools = ((takes > 0) & (held == 0) | little).any(axis=0) & (takes.sum(axis=0) >= held * (1 - LOST))
    return found


def _standing_by(draft: Draft, units: Units, arcs: list[Arc], values: Floats, t: int) -> Fraction | int:
    """What stands by on reserved units in a period, in the offer's unit."""
    found: Fraction | int = 0
    for arc in arcs if units.offer.reserved else ():
        if arc.workload.id in draft.standby:
            stands_by = float(values[draft.standby[arc.workload.id][draft.arcs.place[arc.index], t]])
            found += Fraction(stands_by) * Fraction(arc.per_work)
    return found


def _in_quanta(draft: Draft, values: Floats) -> Quanta:
    """The work of each arc and period; what the solver's tolerance leaves of a demand is done where most of it is."""
    work = np.maximum(np.rint(values[draft.x] / float(QUANTUM)), 0.0).astype(np.int64)
    for workload in draft.case.workloads:
        rows, demand = [arc.index for arc in draft.arcs.of_workload[workload.id]], draft.demand[workload.id]
        left = demand.quanta
        if workload.id in draft.unserved:
            left = left - np.rint(values[draft.unserved[workload.id]] / float(QUANTUM)).astype(np.int64)
        for group, missing in _missing(demand, work[rows], left):
            first, end = demand.spans[0][group], demand.spans[1][group]
            part = work[rows, first:end]
            if part.size:
                row, at = np.unravel_index(int(np.argmax(part)), part.shape)
                work[rows[row], first + at] = max(0, int(part[row, at]) + missing)
    return work


def _missing(demand: Grouping, work: Quanta, left: Quanta) -> Iterator[tuple[int, int]]:
    """Groups whose work is not what is to be served of them, and by how much."""
    inside, done = demand.owner >= 0, np.zeros(len(left), dtype=np.int64)
    np.add.at(done, demand.owner[inside], work[:, inside].sum(axis=0))
    missed = left - done
    yield from ((group, int(missed[group])) for group in np.flatnonzero(missed).tolist())
