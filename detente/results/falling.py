"""When a plan's cost falls, and what it is worth on the plan's first day.

Owns: each part of the cost with its period and its day, and the present value. Not here: the parts themselves
(``plan``), and drawing them (``report/plans/cumulated``). Use falls in its period; what stands idle where it is bought
and not used; what a clause owes or gives at the end of its window, or of the plan.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from detente.contract.settled.posting import Posting
from detente.results.plan_rows import Allocation, CapacityRow, PeriodRow, ProviderCharge, ProviderMove, Unserved
from detente.values.money import nano
from detente.values.quantity import WIDE

ZERO = Decimal(0)
DAYS = 365
"""Of a year, as interest counts them (actual/365)."""


@dataclass(frozen=True)
class CostRows:
    """The rows that a cost is made of: those of a plan, or of a bill of which no plan is made."""

    cost: Decimal
    periods: tuple[PeriodRow, ...]
    allocations: Sequence[Allocation]
    capacity: tuple[CapacityRow, ...]
    charges: tuple[ProviderCharge, ...]
    unserved: tuple[Unserved, ...]
    moves: tuple[ProviderMove, ...]
    postings: tuple[Posting, ...]


class FallingDue(NamedTuple):
    """A part of a cost: the period in which it falls, the moment at which it is paid, and how much."""

    period: int
    at: datetime
    amount: Decimal


def parts(plan: CostRows) -> Iterator[FallingDue]:
    """Each part of the cost; use is paid when its period is over."""
    ends = [p.span_end for p in plan.periods]
    for period, amount in (*_charged(plan), *_valued(plan)):
        yield FallingDue(period, ends[period], amount)
    yield from _posted(plan, ends)


def present_value(plan: CostRows, rate: Decimal) -> Decimal:
    """The cost on the plan's first day, each part discounted at so much a year (0.08) from the moment it is paid."""
    if not plan.periods:
        return plan.cost
    start = plan.periods[0].span_start
    by_moment: dict[datetime, Decimal] = {}
    for part in parts(plan):
        by_moment[part.at] = by_moment.get(part.at, ZERO) + part.amount
    return nano(sum((amount * factor(start, at, rate) for at, amount in by_moment.items()), ZERO))


def factor(start: datetime, at: datetime, rate: Decimal) -> Decimal:
    """What 1 that is paid at a moment is worth at the start; nothing is worth more than itself before it."""
    days = Decimal((at - start).total_seconds()) / 86_400
    return WIDE.power(1 + rate, -max(ZERO, days) / DAYS)


def _charged(plan: CostRows) -> Iterable[tuple[int, Decimal]]:
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


def _valued(plan: CostRows) -> Iterable[tuple[int, Decimal]]:
    """What is not served, and moves."""
    yield from ((u.period, u.cost) for u in plan.unserved)
    yield from ((m.period, m.cost) for m in plan.moves)


def _spread(amount: Decimal, weights: Sequence[tuple[int, Decimal]], plan: CostRows) -> Iterable[tuple[int, Decimal]]:
    """An amount over periods by weights; by their hours, where there are none."""
    whole = sum((w for _, w in weights), ZERO)
    if not whole:
        weights = [(p.index, p.hours) for p in plan.periods]
        whole = sum((w for _, w in weights), ZERO)
    for index, weight in weights:
        yield index, amount * weight / whole


def _posted(plan: CostRows, ends: Sequence[datetime]) -> Iterable[FallingDue]:
    last = len(ends) - 1
    for posting in plan.postings:
        yield FallingDue(min(bisect_left(ends, posting.end), last), min(posting.end, ends[last]), posting.amount)
