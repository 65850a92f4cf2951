"""Axes: round values up the side, calendar dates along the bottom.

Owns: which ticks to draw, and where a value or a moment lies. Not here: the marks between the axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, isfinite, log10

from detente.report.drawing.svg import label, line
from detente.report.numerals import tick as written
from detente.report.timeline import Bucket
from detente.values.period import MONTHS


@dataclass(frozen=True, slots=True)
class Values:
    """A value axis from 0 to ``top``, drawn between ``y0`` (the bottom) and ``y1``."""

    top: float
    ticks: tuple[float, ...]
    y0: float
    y1: float

    @classmethod
    def upto(cls, largest: float, y0: float, y1: float, wanted: int = 3) -> Values:
        """Round ticks (1, 2 or 5 times a power of ten) that reach the largest value."""
        if not isfinite(largest) or largest <= 0:
            return cls(1.0, (0.0,), y0, y1)
        rough = largest / wanted
        power = 10.0 ** floor(log10(rough))
        step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
        n = ceil(largest / step - 1e-9)
        return cls(step * n, tuple(step * i for i in range(n + 1)), y0, y1)

    def y(self, value: float) -> float:
        """Where a value lies; outside the axis, at its end."""
        return self.y0 + (self.y1 - self.y0) * min(max(value / self.top, 0.0), 1.0)

    def draw(self, x0: float, x1: float) -> list[str]:
        """Grid lines from x0 to x1, each with its value on the left."""
        drawn = []
        for tick in self.ticks:
            y = self.y(tick)
            drawn.append(line(x0, y, x1, y, "axis" if tick == 0 else "grid"))
            drawn.append(label(x0 - 6, y + 4, written(tick), "t", "end"))
        return drawn


@dataclass(frozen=True, slots=True)
class Dates:
    """A time axis over buckets, drawn between ``x0`` and ``x1``."""

    start: datetime
    end: datetime
    x0: float
    x1: float

    @classmethod
    def over(cls, buckets: Sequence[Bucket], x0: float, x1: float) -> Dates:
        """From the first bucket's start to the last one's end."""
        return cls(buckets[0].start, buckets[-1].end, x0, x1)

    def x(self, at: datetime) -> float:
        """Where a moment lies."""
        whole = (self.end - self.start) / timedelta(seconds=1) or 1.0
        return self.x0 + (self.x1 - self.x0) * ((at - self.start) / timedelta(seconds=1)) / whole

    def edges(self, buckets: Sequence[Bucket]) -> list[float]:
        """The sides of each bucket's step: one more than there are buckets."""
        return [*(self.x(b.start) for b in buckets), self.x1]

    def draw(self, y: float) -> list[str]:
        """Dates below y, as many as fit."""
        drawn = []
        for at, text in self.ticks():
            x = self.x(at)
            drawn.append(line(x, y, x, y + 4, "axis"))
            drawn.append(label(x, y + 17, text, "t", "end" if self.x1 - x < 14 else "middle"))
        return drawn

    def ticks(self) -> list[tuple[datetime, str]]:
        """Years, else months, else days, else hours: the finest whose names have room."""
        width = self.x1 - self.x0
        finest = (self._hours, _hour, 52), (self._days, _day, 52), (self._months, _month, 58), (self._years, _year, 62)
        for starts, name, each in finest:
            most = max(2, int(width / each))
            found = starts(most)
            if found and len(found) <= most:
                first = _first_month if name is _month else name  # no month without its year
                return [(at, first(at) if at == found[0] else name(at)) for at in found]
        return [(self.start, f"{self.start:%Y-%m-%d}")]

    def _hours(self, most: int) -> list[datetime]:
        if self.end - self.start > timedelta(days=2):
            return []
        first = self.start.replace(minute=0, second=0, microsecond=0)
        hours = int((self.end - first) / timedelta(hours=1))
        every = next((k for k in (1, 2, 3, 6, 12) if hours / k <= most), 24)
        found = [first + timedelta(hours=k) for k in range(0, hours + 1, every)]
        return [t for t in found if self.start <= t < self.end]

    def _days(self, most: int) -> list[datetime]:
        days = (self.end - self.start).days
        if days > 62:
            return []
        every = next((k for k in (1, 2, 7, 14) if days / k <= most), 28)
        first = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        found = [first + timedelta(days=k) for k in range(0, days + 1, every)]
        return [t for t in found if self.start <= t < self.end]

    def _months(self, most: int) -> list[datetime]:
        count = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month
        if count > 30:
            return []
        every = next((k for k in (1, 2, 3, 6) if count / k <= most), 12)
        found = []
        for k in range(count + 1):
            year, month = divmod(self.start.year * 12 + self.start.month - 1 + k, 12)
            at = self.start.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
            if month % every == 0 and self.start <= at < self.end:
                found.append(at)
        return found

    def _years(self, most: int) -> list[datetime]:
        count = (self.end - timedelta(microseconds=1)).year - self.start.year + 1
        every = next((k for k in (1, 2, 5, 10, 20) if count / k <= most), 50)
        first = self.start.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        found = [first.replace(year=self.start.year + k) for k in range(count) if (self.start.year + k) % every == 0]
        return [t for t in found if self.start <= t < self.end]


def _hour(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month - 1]}" if at.hour == 0 else f"{at:%H:%M}"


def _day(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month - 1]}"


def _month(at: datetime) -> str:
    return _first_month(at) if at.month == 1 else MONTHS[at.month - 1]


def _first_month(at: datetime) -> str:
    return f"{MONTHS[at.month - 1]} {at:%Y}"


def _year(at: datetime) -> str:
    return f"Jan {at:%Y}"
