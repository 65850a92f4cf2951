"""What a plan has cost by each step of time: its cost as it runs up, and by calendar year.

Owns: when each part of the cost falls. Not here: the parts (``bill``) and drawing (``chart``). Use falls in its period;
what stands idle where it is bought and not used; what a clause owes or gives at the end of its window, or of the plan.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from detente.report.timeline import Timeline
from detente.results.plan import Plan

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class YearCost:
    """What a plan costs in one calendar year."""

    year: int
    amount: Decimal


def by_period(plan: Plan) -> list[Decimal]:
    """The cost of each period; their sum is the plan's cost."""
    found = [ZERO] * len(plan.periods)
    for index, amount in parts(plan):
        found[index] += amount
    if found:
        found[-1] += plan.cost - sum(found, ZERO)  # what is lost in dividing amounts over periods
    return found


def parts(plan: Plan) -> Iterable[tuple[int, Decimal]]:
    """Each part of the cost, with the period in which it falls."""
    yield from _charged(plan)
    yield from _posted(plan)
    yield from ((u.period, u.cost) for u in plan.unserved)
    yield from ((m.period, m.cost) for m in plan.moves)


def by_year(plan: Plan) -> list[YearCost]:
    """The cost of each calendar year, by the year in which a period starts."""
    found: dict[int, Decimal] = {}
    for period, amount in zip(plan.periods, by_period(plan), strict=True):
        found[period.span_start.year] = found.get(period.span_start.year, ZERO) + amount
    return [YearCost(year, amount) for year, amount in found.items()]


def running(plan: Plan, timeline: Timeline) -> list[float]:
    """The cost up to the end of each step, for drawing."""
    sums = timeline.sums(list(enumerate(by_period(plan))))
    total, found = ZERO, []
    for amount in sums:
        total += amount
        found.append(float(total))
    return found


def _charged(plan: Plan) -> Iterable[tuple[int, Decimal]]:
    """Charges at list price: use by its own cost, idle capacity by what is bought and not used, data by use."""
    uses: dict[str, list[tuple[int, Decimal]]] = {}
    for a in plan.allocations:
        uses.setdefault(a.provider, []).append((a.period, a.cost))
    idle: dict[str, list[tuple[int, Decimal]]] = {}
    for c in plan.capacity:
        idle.setdefault(c.provider, []).append((c.period, max(ZERO, c.bought - c.used)))
    for charge in plan.charges:
        weights = (idle if charge.what == "idle" else uses).get(charge.provider, [])
        yield from _spread(charge.listed, weights, plan)


def _spread(amount: Decimal, weights: Sequence[tuple[int, Decimal]], plan: Plan) -> Iterable[tuple[int, Decimal]]:
    """An amount over periods by weights; by their hours, where there are none."""
    whole = sum((w for _, w in weights), ZERO)
    if not whole:
        weights = [(p.index, p.hours) for p in plan.periods]
        whole = sum((w for _, w in weights), ZERO)
    for index, weight in weights:
        yield index, amount * weight / whole


def _posted(plan: Plan) -> Iterable[tuple[int, Decimal]]:
    ends = [p.span_end for p in plan.periods]
    last = len(ends) - 1
    for posting in plan.postings:
        yield min(bisect_left(ends, posting.end), last), posting.amount
