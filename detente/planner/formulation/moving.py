"""Moves from provider to provider, of workloads that state what a move takes (``moving``).

A workload's demand of a time is counted at providers: work where it runs, and what goes unserved at any of them, as the
program finds best. What a provider's share of it rises by from one time to the next has come there: that is what a move
costs, and what stays. Times are the groups of periods over which demand may be moved about, those without demand left
out. All of it is linear and exact: a rise costs, so it is never more than what came.

Owns: their rows and their costs. Not here: which columns there are (``placement``), and what is billed of them
(``answer.moved``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detente.demand.moving import Moving
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Expr, Floats, Ints, Part
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.placement import PlacedDemand, by_provider
from detente.values.period import later

ShareEntries = tuple[Ints, Ints, Floats]
"""(time, column, value) of a provider's shares."""


def define_moving(draft: Draft) -> None:
    """Columns and rows of the moves of each workload that states what they take, and could run at two providers."""
    for workload in draft.case.workloads:
        demand, arcs = draft.demand[workload.id], by_provider(draft.arcs.of_workload[workload.id], workload.moving)
        times = np.flatnonzero(demand.quanta > 0).astype(np.int32)
        if workload.moving is None or not _may_move(workload.moving, len(arcs), len(times)):
            continue
        program, owner, cost = draft.program, Owner("moving", workload.id), workload.moving.cost
        waiting = np.zeros((0, len(times)), dtype=np.int32)
        if workload.id in draft.unserved:
            most = np.tile(demand.work[times], (len(arcs), 1))
            waiting = program.columns(owner, "waiting", most.shape, upper=most)
        each = float(cost.amount) if cost is not None else 0.0
        into = len(times) if workload.moving.today else len(times) - 1
        rise = program.columns(owner, "rise", (len(arcs), into), cost=each, upper=1.0)
        draft.placements[workload.id] = PlacedDemand(workload, demand, arcs, times, waiting, rise)
        _rows(draft, draft.placements[workload.id])


def _may_move(moving: Moving, providers: int, times: int) -> bool:
    """Whether any of a workload could move, into some time from the one before or from where it runs today."""
    return bool(times and providers) if moving.today else times > 1 and providers > 1


def _rows(draft: Draft, found: PlacedDemand) -> None:
    program, owner, n, first = draft.program, Owner("moving", found.workload.id), len(found.times), found.first
    if len(found.waiting):
        unserved = draft.unserved[found.workload.id][found.times]
        rows = Expr(n, [(None, found.waiting, 1.0), (None, unserved, -1.0)]) == np.zeros(n)
        program.require(owner, "waiting", rows)
    for place, (provider, rise) in enumerate(zip(found.arcs, found.rise, strict=True)):
        shares = list(_shares(draft, found, provider))
        here = [
            (time[time >= first] - first, column[time >= first], -value[time >= first])
            for time, column, value in shares
        ]
        before = [
            (time[time < n - 1] + 1 - first, column[time < n - 1], value[time < n - 1])
            for time, column, value in shares
        ]
        least = np.zeros(n - first)
        if found.today:
            least[0] = -float(found.today[place])
        program.require(owner, f"rise/{provider}", Expr(n - first, [(None, rise, 1.0), *here, *before]) >= least)
        if found.workload.moving is not None and found.workload.moving.stays is not None:
            _stays(draft, found, provider, rise, shares)


def _shares(draft: Draft, found: PlacedDemand, provider: str) -> Iterator[ShareEntries]:
    """A provider's share of demand at each time."""
    part, time = 1.0 / found.demand.work[found.times], found.time
    at = np.flatnonzero(time >= 0)
    for arc in found.arcs[provider]:
        yield time[at], draft.x[arc.index, at], part[time[at]]
    if len(found.waiting):
        yield np.arange(len(part), dtype=np.int32), found.waiting[list(found.arcs).index(provider)], part


def _stays(draft: Draft, found: PlacedDemand, provider: str, rise: Ints, shares: list[ShareEntries]) -> None:
    """What came to a provider within the time for which it stays is there: its share is at least all of that.

    What is there at first has come then, unless it is known where it runs today: then that is what has risen.
    ``came`` is all that came up to each time: so no row grows with the time.
    """
    program, owner, n = draft.program, Owner("moving", found.workload.id), len(found.times)
    came = program.columns(owner, f"came/{provider}", n, upper=float(n))
    each = np.arange(n, dtype=np.int32)
    at_first = [(time[time == 0], column[time == 0], -value[time == 0]) for time, column, value in shares]
    came_then: list[Part] = [] if found.today else [*at_first]
    sums: list[Part] = [(None, came, 1.0), (each[1:], came[:-1], -1.0), (each[found.first :], rise, -1.0), *came_then]
    program.require(owner, f"came/{provider}", Expr(n, sums) == np.zeros(n))
    left = _may_have_left(draft, found)
    some = left >= 0
    there: list[Part] = [*shares, (None, came, -1.0), (each[some], came[left[some]], 1.0)]
    program.require(owner, f"stays/{provider}", Expr(n, there) >= np.zeros(n))


def _may_have_left(draft: Draft, found: PlacedDemand) -> Ints:
    """At each time, the last one of which what came may have left again; -1 where there is none."""
    assert found.workload.moving is not None
    assert found.workload.moving.stays is not None
    starts = [draft.periods[first].span_start for first in found.demand.spans[0][found.times].tolist()]
    last, each = -1, []
    for start in starts:
        while later(starts[last + 1], found.workload.moving.stays) <= start:
            last += 1
        each.append(last)
    return np.array(each, dtype=np.int32)
