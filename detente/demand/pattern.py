"""A pattern: tokens by the hour, folded onto a day or a week, or each hour at its date.

Owns: folding hours into a pattern, and its mean over any period. Not here: reading files (``sheet``), and what
a file's rows say of each hour (``trace``, ``table``).

An hour that is covered in part counts by the time that is covered; if that is less than half an hour, the
hour is not covered. Sums are exact.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

from detente.errors import FlawError
from detente.values.micros import HOUR
from detente.values.period import FIRST, Period, moment

Folded = Literal["mean", "day", "week", "dated"]


_EPOCH = moment(FIRST)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Pattern:
    """Tokens over time: Mtok an hour, for each hour of a pattern (one, a day, a week) or of the calendar.

    ``first`` is the hour (since 1970) of ``rates[0]`` where they are dated; None is an hour without data.
    """

    folded: Folded
    first: int
    rates: tuple[Fraction | None, ...]
    output: Fraction | None
    left_out: tuple[str, ...] = ()
    left_out_share: Fraction = Fraction(0)

    @property
    def digest(self) -> str:
        """SHA-256 of what the file says: the same for CSV and Parquet."""
        parts = [self.folded, self.first, self.output, *self.left_out, self.left_out_share, *self.rates]
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()

    def gap(self, start: datetime, end: datetime) -> datetime | None:
        """The first hour of a time that has no data; None where all have."""
        hours = range(hour_of(start), hour_of(end)) if self.folded == "dated" else ()
        return next((moment_of(h) for h in hours if self._at(h) is None), None)

    def mean(self, period: Period) -> Fraction | None:
        """The mean rate of a period; None where part of it has no data.

        An hour of a typical week stands for the like hours of its month.
        """
        start, step, end = hour_of(period.start), 1, hour_of(period.end)
        if self.folded == "dated" and (period.span_start, period.span_end) != (period.start, period.end):
            first, step, end = hour_of(period.span_start), 168, hour_of(period.span_end)
            start = first + (start - first) % 168
        hours = max(1, len(range(start, end, step)))
        whole, rest = divmod(hours, len(self.rates)) if self.folded != "dated" else (0, hours)
        found = [self._at(start + i * step) for i in range(rest)]
        if None in found:
            return None
        once = sum((r for r in found if r is not None), Fraction(0))
        return (whole * self._sum + once) / hours if whole else once / hours

    @property
    def _sum(self) -> Fraction:
        return sum((r for r in self.rates if r is not None), Fraction(0))

    def _at(self, hour: int) -> Fraction | None:
        if self.folded == "dated":
            return self.rates[hour - self.first] if 0 <= hour - self.first < len(self.rates) else None
        return self.rates[_place(hour, self.folded)]


def fold(
    folded: Folded, zero: int, tokens: Mapping[int, int], covered: Mapping[int, int], per: int
) -> tuple[int, tuple[Fraction | None, ...]]:
    """The first hour, and rates from tokens (in 1/``per``) and microseconds covered, hour by hour.

    Hours count from the hour ``zero`` since 1970. Raises FlawError where a day or a week lacks some.
    """
    first, half = min(covered), HOUR // 2
    if folded == "dated":
        work, time = tokens, covered
        places = range(first, max(covered) + 1)
    else:
        work, time = defaultdict(int), defaultdict(int)
        for hour, size in covered.items():
            place = _place(hour + zero, folded)
            time[place] += size
            work[place] += tokens.get(hour, 0)
        places = range({"mean": 1, "day": 24, "week": 168}[folded])
    least = 1 if folded == "mean" else half
    rates = [
        Fraction(work.get(p, 0) * HOUR, time[p] * per * 10**6) if time.get(p, 0) >= least else None for p in places
    ]
    missing = [p for p, rate in enumerate(rates) if rate is None]
    if folded != "dated" and missing:
        names = ", ".join(_named(p, folded) for p in missing[:3]) + (", …" if len(missing) > 3 else "")
        raise FlawError(
            f"covers {length_of(Fraction(sum(covered.values()), HOUR))}, and `as: {folded}` needs half "
            f"an hour of each of its {len(rates)} hours: {len(missing)} lack ({names})",
            "write `as: mean`",
        )
    return (first + zero if folded == "dated" else 0), tuple(rates)


def hour_of(at: datetime) -> int:
    """The hour since 1970 that a moment is in."""
    return (at - _EPOCH) // timedelta(hours=1)


def moment_of(hour: int) -> datetime:
    """When an hour since 1970 begins."""
    return _EPOCH + timedelta(hours=hour)


def length_of(hours: Fraction) -> str:
    """A length of time as a message tells it: `6.0 days`."""
    for size, name in ((24, "days"), (1, "hours"), (Fraction(1, 60), "minutes")):
        if hours >= 2 * size:
            return f"{float(hours / size):.1f} {name}"
    return f"{float(hours * 3600):.1f} seconds"


def _place(hour: int, folded: str) -> int:
    """Where an hour since 1970 (a Thursday) stands in a pattern; a week begins on Monday."""
    return {"mean": 0, "day": hour % 24, "week": (hour + 72) % 168}[folded]


def _named(place: int, folded: str) -> str:
    day = _DAYS[place // 24] + " " if folded == "week" else ""
    return f"{day}{place % 24:02d}:00"
