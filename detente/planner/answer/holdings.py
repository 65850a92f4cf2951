"""What a plan buys, and how full that is.

Owns: the rows of purchases (runs of equal counts, gangs' own runs) and of capacity, offer by offer. Not here: what a
case may buy (``purchases``), and what it costs (``bill``).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np

from detente.demand.quantum import PER_QUANTUM, QUANTUM, nanos
from detente.demand.workload import Training
from detente.market.offer import AnyOffer, GpuOffer
from detente.planner.answer.bill import Bill, units_paid
from detente.planner.formulation.draft import Draft
from detente.planner.solving.solution import Solution
from detente.results.plan_rows import CapacityRow, Purchase
from detente.values.money import nano, of_nanos
from detente.values.rounding import half_even

NO_STANDBY = Decimal("0.000000")


def purchases(draft: Draft, exact: Bill) -> Iterable[Purchase]:
    """By offer and run of periods; then gangs that run on their own."""
    for name, units in draft.units.items():
        found: dict[int, int] = {}
        for count, size, start in zip(exact.quantities.units[name], units.units, units.starts, strict=True):
            found[start] = found.get(start, 0) + int(count) * int(size)
        at = {start: index for index, start in reversed(list(enumerate(units.starts)))}
        runs: list[list[int]] = []  # periods in a row with the same count, where units are bought by the hour
        for start in sorted(found):
            if not found[start]:
                continue
            joins = runs and not units.offer.reserved and runs[-1][-1] == start - 1
            if joins and found[start] == found[runs[-1][-1]] and _same_span(draft, start - 1, start):
                runs[-1].append(start)
            else:
                runs.append([start])
        for run in runs:
            count = found[run[0]]
            price, hours = (
                Fraction(sum(part for start in run for _, part in paid.each[at[start]]), paid.whole)
                for paid in (units.money, units.hours)
            )
            first, last = draft.periods[run[0]], draft.periods[run[-1]]
            end = draft.periods[max(units.paid[at[run[-1]]])].span_end if units.offer.reserved else last.end
            yield Purchase(
                name,
                units.offer.provider,
                first.span_start if units.offer.reserved else first.start,
                end,
                count,
                nano(hours),
                nano(count * price),
                units.offer.reserved,
            )
    for arc in draft.arcs:
        if arc.own:
            yield from _gang_runs(draft, exact, arc.index)


def _same_span(draft: Draft, a: int, b: int) -> bool:
    """Whether two periods stand for one typical week, or the grid is plain."""
    return draft.horizon.typical is None or draft.periods[a].span_start == draft.periods[b].span_start


def _gang_runs(draft: Draft, exact: Bill, index: int) -> Iterable[Purchase]:
    """A gang's own runs on capacity bought by the hour: whole gangs, for as long as they run."""
    arc = draft.arcs[index]
    job, offer = arc.workload, arc.offer
    assert isinstance(job, Training)
    assert job.gang is not None
    assert isinstance(offer, GpuOffer)
    size, unit = int(job.gang.value), offer.unit
    for t in np.flatnonzero(exact.quantities.work[index]).tolist():
        quanta, price = int(exact.quantities.work[index, t]), draft.prices.of_use[index][t]
        assert price is not None
        taken = quanta * QUANTUM * arc.per_work
        gangs = -(-taken // (draft.periods[t].hours * size))
        units = int(gangs) * size // unit
        period = draft.periods[t]
        cost = of_nanos(nanos(quanta, price))
        hours = nano(taken / (units * unit))
        yield Purchase(arc.offer.id, arc.offer.provider, period.start, period.end, units, hours, cost, False)


def capacity(draft: Draft, exact: Bill, solution: Solution) -> Iterable[CapacityRow]:
    """By offer and period. For a large grid of hours this is the plan's largest table."""
    assert solution.values is not None
    work = exact.quantities.work
    hours = [period.hours for period in draft.periods]
    same = [False, *(a == b for a, b in itertools.pairwise(hours))]
    for offer in draft.case.offers:
        arcs = draft.arcs.of_offer[offer.id]
        whole = math.lcm(*(arc.per_work.denominator for arc in arcs))  # in such parts of a quantum all come out even
        used, own = [0] * draft.n, [0] * draft.n
        ready = np.zeros(draft.n)
        for arc in arcs:
            parts = int(arc.per_work * whole)
            some = np.flatnonzero(work[arc.index])
            for t, quanta in zip(some.tolist(), work[arc.index, some].tolist(), strict=True):
                used[t] += quanta * parts
                own[t] += quanta * parts if arc.own else 0
            if arc.workload.id in draft.standby:
                standby = draft.standby[arc.workload.id][draft.arcs.place[arc.index]]
                ready += solution.values[standby] * float(arc.per_work)
        backing = [Decimal(f"{each:.6f}") for each in ready] if ready.any() else [NO_STANDBY] * draft.n
        takes = {parts: of_nanos(half_even(parts * PER_QUANTUM, whole)) for parts in set(used)}
        taken = [takes[parts] for parts in used]
        paid = units_paid(draft, offer.id, exact.quantities) if offer.id in draft.units else None
        bought = taken if paid is None else _bought(paid, own, whole)
        each = zip(_limits(draft, offer, hours, same), bought, taken, backing, strict=True)
        for t, (limit, held, took, stands_by) in enumerate(each):
            if took or held or limit or stands_by:
                yield CapacityRow(offer.id, offer.provider, t, limit, held, took, stands_by)


def _bought(paid: Sequence[Fraction], own: Sequence[int], whole: int) -> Iterable[Decimal]:
    """What is bought in each period: units that are paid, and a gang's ``own``, in such parts of a quantum."""
    known: dict[int, Decimal] = {}  # equal ones are mostly one
    for units, parts in zip(paid, own, strict=True):
        if parts:
            yield nano(units + Fraction(parts, whole) * QUANTUM)
            continue
        if id(units) not in known:
            known[id(units)] = nano(units)
        yield known[id(units)]


def _limits(draft: Draft, offer: AnyOffer, hours: Sequence[Fraction], same: Sequence[bool]) -> Iterable[Decimal | None]:
    """How much there is of an offer in each period, in its own unit; None where not limited.

    ``same``: whether a period has as many ``hours`` as the one before.
    """
    before, limit = None, None
    for long, again, most in zip(hours, same, draft.at_most(offer), strict=True):
        if not again or (most is not before and most != before):  # mostly as in the period before
            before, limit = most, None if most is None else nano(most * offer.unit_flow * long)
        yield limit
