"""What a plan has cost by each step of time: its cost as it runs up, and by calendar year.

Owns: sums by step and by year. Not here: when each part falls (``results.falling``) and drawing (``chart``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from detente.report.timeline import Timeline
from detente.results.falling import parts
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
    for part in parts(plan.cost_rows):
        found[part.period] += part.amount
    if found:
        found[-1] += plan.cost - sum(found, ZERO)  # what is lost in dividing amounts over periods
    return found


def by_year(plan: Plan, costs: Sequence[Decimal]) -> list[YearCost]:
    """The cost of each calendar year, of the cost of each period, by the year in which a period starts."""
    found: dict[int, Decimal] = {}
    for period, amount in zip(plan.periods, costs, strict=True):
        found[period.span_start.year] = found.get(period.span_start.year, ZERO) + amount
    return [YearCost(year, amount) for year, amount in found.items()]


def running(costs: Sequence[Decimal], timeline: Timeline) -> list[float]:
    """The cost up to the end of each step, of the cost of each period, for drawing."""
    sums = timeline.sums(list(enumerate(costs)))
    total, found = ZERO, []
    for amount in sums:
        total += amount
        found.append(float(total))
    return found
