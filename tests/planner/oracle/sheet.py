"""What the oracle writes its program in: columns, rows and sums, periods, and ways to run work."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

INFINITE = math.inf
MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}

Sum = dict[int, float]
"""A linear expression: coefficient by column."""


@dataclass(frozen=True)
class Slot:
    """A period of the plan."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        return (self.end - self.start).total_seconds() / 3600

    def inside(self, start: datetime, end: datetime) -> float:
        """The share of it that lies between two moments."""
        seen = (min(self.end, end) - max(self.start, start)).total_seconds() / 3600
        return max(0.0, seen / self.hours)


@dataclass(frozen=True)
class Way:
    """A workload on an offer."""

    workload: Any
    offer: Any
    take: float  # of the offer's unit, per unit of work
    own: bool  # a gang's own run on hourly capacity

    @property
    def by_use(self) -> bool:
        return self.own or self.offer.kind == "tokens"


def added(*sums: Sum, times: float = 1.0) -> Sum:
    total: Sum = defaultdict(float)
    for each in sums:
        for column, value in each.items():
            total[column] += value * times
    return total


def less(a: Sum, b: Sum) -> Sum:
    return added(a, added(b, times=-1.0))


def month_of(on: datetime) -> datetime:
    return on.replace(day=1, hour=0)


def next_month(on: datetime, count: int = 1) -> datetime:
    months = on.year * 12 + on.month - 1 + count
    last = [31, 29 if months // 12 % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][months % 12]
    return on.replace(year=months // 12, month=months % 12 + 1, day=min(on.day, last))


def at_midnight(on: Any, like: datetime) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=like.tzinfo)


def dated(value: Any, slot: Slot) -> list[tuple[float, Any]]:
    """The values of a dated value in a slot, each with its share of the time."""
    steps = [(slot.start if on is None else at_midnight(on, slot.start), step) for on, step in value.steps]
    if value.steps[0][0] is None:
        return [(1.0, steps[0][1])]
    found = []
    for index, (on, step) in enumerate(steps):
        end = steps[index + 1][0] if index + 1 < len(steps) else slot.end
        share = slot.inside(on, end)
        if share > 0:
            found.append((share, step))
    if sum(share for share, _ in found) < 1 - 1e-9:
        found.append((1 - sum(share for share, _ in found), None))
    return found


def later(start: datetime, span: Any) -> datetime:
    if span.unit in MONTHS:
        return next_month(start, span.count * MONTHS[span.unit])
    hours = {"hour": 1, "day": 24, "week": 168}[span.unit]
    return start + timedelta(hours=span.count * hours)


class Sheet:
    """Columns and rows, as they are added."""

    def __init__(self) -> None:
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.cost: list[float] = []
        self.whole: list[bool] = []
        self.rows: list[tuple[Sum, str, float]] = []

    def column(self, upper: float = INFINITE, *, cost: float = 0.0, whole: bool = False) -> int:
        self.lower.append(0.0)
        self.upper.append(upper)
        self.cost.append(cost)
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, terms: Sum, sign: str, right: float) -> None:
        self.rows.append((terms, sign, right))

    def _fixed(self, value: float, *, cost: float = 0.0) -> Sum:
        column = self.column(value, cost=cost)
        self.row({column: 1.0}, ">=", value)
        return {column: 1.0}

    def _minimum(self, one: Sum, two: Sum, *, cost: float = -1.0) -> Sum:
        """Exactly the lesser of two sums, whatever is cheapest."""
        lesser, first = self.column(cost=cost), self.column(1.0, whole=True)
        for each in (one, two):
            self.row(less({lesser: 1.0}, each), "<=", 0.0)
        self.row(less({lesser: 1.0, first: -1e6}, one), ">=", -1e6)
        self.row(less({lesser: 1.0, first: 1e6}, two), ">=", 0.0)
        return {lesser: 1.0}

    def _lesser(self, share: Sum, cap: float) -> None:
        owed, switch = self.column(cost=1.0), self.column(1.0, whole=True)
        self.row(less({owed: 1.0, switch: 1e5}, share), ">=", 0.0)
        self.row({owed: 1.0, switch: -cap}, ">=", 0.0)
