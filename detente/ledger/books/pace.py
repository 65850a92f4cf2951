"""Pace: what a count comes to by a window's end, if it goes on as it went.

Owns: the estimate and its range, from whole days by day of the week. Not here: the days (``use/running_totals``), and
what the estimate means to a clause (``stands``).

A day to come is expected to be as the same days of the week were, over the last eight weeks. The range holds nine in
ten: days vary around that by ``s`` (each about its own mean), so that ``r`` days to come vary by ``s * sqrt(r)``, and
the mean of ``n`` days is itself only known to ``s * r / sqrt(n)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import lcm

from detente.values.micros import DAY, MICRO
from detente.values.period import elapsed, moment

WEEKS = 8
MIN_DAYS = 7
"""Whole days without which nothing is expected."""
_NINE_IN_TEN = Decimal("1.645")
"""How many standard deviations hold nine in ten, of what is distributed normally."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """What comes by an end: expected, and between which two amounts nine times in ten."""

    expected: Fraction
    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class UseRhythm:
    """How the last weeks went: the mean of each day of the week, and how days vary about it (over ``n`` of them).

    Means are whole numbers over one denominator, ``per``: they are asked for each window that is to come.
    """

    means: tuple[int, ...]
    per: int
    variance: Fraction
    n: int

    @classmethod
    def of(cls, days: Mapping[date, int], per: int, now: datetime, since: date | None = None) -> UseRhythm | None:
        """From what was counted on each day, over ``per``; one without use between two that have some counts as none.

        ``since``: from when on there is use of whatever kind; where none of it was counted, each day since counts as
        none. None where fewer than ``MIN_DAYS`` whole days are known.
        """
        known = _whole(days, now, since)
        if len(known) < MIN_DAYS:
            return None
        return cls(*_means_and_variance(known, per), len(known))

    def expected(self, start: datetime, end: datetime) -> Fraction:
        """What is expected to come in a time that is to come."""
        return self._of(_left(start, end))

    def over(self, start: datetime, end: datetime) -> Pace:
        """The same with its range."""
        left = _left(start, end)
        expected = self._of(left)
        count = Fraction(sum(left), DAY)
        variance = self.variance * (count + count * count / self.n)
        spread = Fraction(_NINE_IN_TEN * (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt())
        return Pace(expected, max(expected - spread, Fraction(0)), expected + spread)

    def _of(self, left: Sequence[int]) -> Fraction:
        """Of so many microseconds of each day of the week."""
        return Fraction(sum(part * mean for part, mean in zip(left, self.means, strict=True)), self.per * DAY)


def _whole(days: Mapping[date, int], now: datetime, since: date | None) -> dict[date, int]:
    """The whole days of the last weeks, from the first with any use on."""
    today = now.date()
    past = [day for day, amount in days.items() if day < today and amount]
    past = past or [day for day in days if since is not None and since <= day < today]
    if not past:
        return {}
    first = max(min(past), today - WEEKS * 7 * _DAY)
    count = (today - first).days
    return {day: days.get(day, 0) for day in (first + n * _DAY for n in range(count))}


def _means_and_variance(known: Mapping[date, int], per: int) -> tuple[tuple[int, ...], int, Fraction]:
    """The mean of each day of the week, over what; and how days vary, where each is known once or so about that of all.

    What amounts vary by is the sum of their squares, less that of their means.
    """
    days: list[list[int]] = [[] for _ in range(7)]
    for day, amount in known.items():
        days[day.weekday()].append(amount)
    over = lcm(*map(len, days))
    means = tuple(sum(some) * (over // len(some)) for some in days)
    n, alike = len(known), days if len(known) >= 2 * MIN_DAYS else [[each for some in days for each in some]]
    squares = sum(each * each for some in days for each in some)
    each = lcm(*map(len, alike))
    apart = squares * each - sum(sum(some) ** 2 * (each // len(some)) for some in alike)
    return means, over * per, Fraction(apart, each * (n - len(alike)) * per * per)


def _left(start: datetime, end: datetime) -> list[int]:
    """How much of each day of the week lies in a time, on the clock on which its start is told: a day has 24 hours."""
    found, end = [0] * 7, end.astimezone(start.tzinfo)
    first = min(moment(start.date() + _DAY, start.tzinfo or UTC), end)
    found[start.weekday()] += elapsed(start, first) // MICRO
    if first < end:
        whole = (end - first).days
        for n in range(7):
            found[(first.weekday() + n) % 7] += (whole // 7 + (n < whole % 7)) * DAY
        found[end.weekday()] += elapsed(first + whole * _DAY, end) // MICRO
    return found
