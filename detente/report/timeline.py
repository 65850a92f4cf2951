"""A long grid cut into few buckets.

Owns: which bucket a period falls into. Not here: what a stretch of time is called (``values/period``), and what is
drawn over the buckets (``chart``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from detente.results.plan_rows import PeriodRow
from detente.values.period import named

MAX_BUCKETS = 92
"""A quarter by the day. More steps than this are noise in a chart of half a page's width."""


def horizon(periods: Sequence[PeriodRow]) -> str:
    """The whole of a grid, named: ``2026–2033``; empty for no periods."""
    if not periods:
        return ""
    return named(min(p.span_start for p in periods), max(p.span_end for p in periods))


@dataclass(frozen=True, slots=True)
class Bucket:
    """A step of a chart: its calendar time, its hours, and its name."""

    start: datetime
    end: datetime
    hours: Decimal
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A grid of periods in at most ``MAX_BUCKETS`` steps, in order.

    ``at`` gives the step of each period; ``step`` says what one is (``quarter``), or nothing where it is a period.
    """

    buckets: tuple[Bucket, ...]
    at: dict[int, int]
    step: str = ""

    @classmethod
    def of(cls, periods: Sequence[PeriodRow]) -> Timeline:
        """Each calendar span its own step; where those are too many, by day, week, month, quarter or year."""
        step, found = "", _grouped(periods, _span)
        for size, key in _KEYS:
            if len(found) <= MAX_BUCKETS:
                break
            step, found = size, _grouped(periods, key)
        buckets: list[Bucket] = []
        at: dict[int, int] = {}
        for index, rows in enumerate(found.values()):
            start, end = min(p.span_start for p in rows), max(p.span_end for p in rows)
            hours = sum((p.hours for p in rows), Decimal(0)) or Decimal(1)
            buckets.append(Bucket(start, end, hours, named(start, end)))
            at |= {p.index: index for p in rows}
        return cls(tuple(buckets), at, step)

    def sums(self, amounts: Sequence[tuple[int, Decimal]]) -> list[Decimal]:
        """The total of each step, of (period, amount) pairs; a period outside the grid is left out."""
        totals = [Decimal(0)] * len(self.buckets)
        for period, amount in amounts:
            index = self.at.get(period)
            if index is not None:
                totals[index] += amount
        return totals

    def rates(self, amounts: Sequence[tuple[int, Decimal]], factor: Decimal = Decimal(1)) -> list[float]:
        """``sums`` per hour, for drawing: months of 28 and 31 days at the same pace come out level."""
        totals = self.sums(amounts)
        return [float(t / b.hours * factor) for t, b in zip(totals, self.buckets, strict=True)]


def _span(period: PeriodRow) -> tuple[object, ...]:
    return period.span_start, period.span_end


BucketKey = Callable[[PeriodRow], tuple[object, ...]]


def _grouped(periods: Sequence[PeriodRow], key: BucketKey) -> dict[tuple[object, ...], list[PeriodRow]]:
    found: dict[tuple[object, ...], list[PeriodRow]] = {}
    for period in periods:
        found.setdefault(key(period), []).append(period)
    return found


_KEYS: tuple[tuple[str, BucketKey], ...] = (
    ("day", lambda p: (p.span_start.year, p.span_start.month, p.span_start.day)),
    ("week", lambda p: p.span_start.isocalendar()[:2]),
    ("month", lambda p: (p.span_start.year, p.span_start.month)),
    ("quarter", lambda p: (p.span_start.year, (p.span_start.month - 1) // 3)),
    ("year", lambda p: (p.span_start.year,)),
)
