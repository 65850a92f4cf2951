"""The rows that a cost is made of, from a solution and its exact bill; and what it is worth on the first day.

Owns: use, charges, unserved demand and moves as rows. Not here: the rest of a plan (``result``), and when each part
falls (``results.falling``).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import numpy as np

from detente.case.case import Case
from detente.demand.quanta import nanos_each
from detente.demand.quantum import PER_QUANTUM, QUANTUM
from detente.planner.answer.bill import Bill
from detente.planner.answer.holdings import capacity
from detente.planner.formulation.draft import Draft
from detente.planner.solving.solution import Solution
from detente.results.allocations import AllocationPlace, Allocations
from detente.results.falling import CostRows, present_value
from detente.results.plan_rows import PeriodRow, ProviderCharge, ProviderMove, Unserved
from detente.values.money import nano, of_nanos


def cost_rows(draft: Draft, exact: Bill, solution: Solution) -> CostRows:
    """The rows of a bill."""
    return CostRows(
        exact.total,
        tuple(PeriodRow(p.index, p.start, p.end, p.span_start, p.span_end, nano(p.hours)) for p in draft.periods),
        _allocations(draft, exact),
        tuple(capacity(draft, exact, solution)),
        tuple(_charges(exact)),
        tuple(_unserved(draft, exact)),
        tuple(_moves(draft, exact)),
        exact.postings,
    )


def at_present(case: Case, rows: CostRows) -> Decimal | None:
    """What a cost is worth on the first day; None where the case states no `discount-rate`."""
    return None if case.discount_rate is None else present_value(rows, case.discount_rate)


def work_of(quanta: int) -> Decimal:
    """Work of so many quanta, in the workload's unit."""
    return of_nanos(quanta * PER_QUANTUM)


def _allocations(draft: Draft, exact: Bill) -> Allocations:
    charged = exact.charges
    places = [
        AllocationPlace(arc.workload.id, arc.offer.id, arc.offer.provider, arc.offer.region) for arc in draft.arcs
    ]
    quanta = exact.quantities.work[charged.arc, charged.period]
    used = np.unique(charged.arc).tolist()  # arc by arc, as charges are
    taken = (each for index in used for each in nanos_each(quanta[charged.arc == index], draft.arcs[index].per_work))
    work = (each * PER_QUANTUM for each in quanta.tolist())
    return Allocations(places, charged.arc.tolist(), charged.period.tolist(), work, taken, charged.cost)


def _unserved(draft: Draft, exact: Bill) -> Iterable[Unserved]:
    for workload in draft.case.workloads:
        worth = draft.worth(workload)
        left, (_, after) = exact.quantities.unserved[workload.id], draft.demand[workload.id].spans
        for g in np.flatnonzero(left > 0).tolist():
            quanta, last = int(left[g]), max(int(after[g]) - 1, 0)
            yield Unserved(workload.id, last, work_of(quanta), nano(quanta * QUANTUM * worth[g]))


def _moves(draft: Draft, exact: Bill) -> Iterable[ProviderMove]:
    for each in exact.moved:
        first = int(draft.demand[each.workload].spans[0][each.time])
        yield ProviderMove(each.workload, each.provider, first, nano(each.share), each.cost)


def _charges(exact: Bill) -> Iterable[ProviderCharge]:
    """By provider: use, then what stands idle, and data moved."""
    kinds: tuple[Literal["use", "idle", "egress"], ...] = ("use", "idle", "egress")
    sums: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for line in exact.rated:
        key = line.use.offer["provider"], line.use.kind
        listed, net = sums.get(key, (Decimal(0), Decimal(0)))
        sums[key] = listed + line.use.listed, net + line.net
    for what in kinds:
        for (provider, kind), (listed, net) in sums.items():
            if kind == what and (listed or net):
                yield ProviderCharge(what, provider, listed, net)
