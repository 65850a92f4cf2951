"""Pace: what a count comes to by a window's end, if it goes on as it went.

Owns: the estimate and its range, from whole days by day of the week. Not here: the days (``running``), and what the
estimate means to a clause (``stands``).

A day to come is expected to be as the same days of the week were, over the last eight weeks. The range holds nine in
ten: days vary around that by ``s`` (each about its own mean), so that ``r`` days to come vary by ``s * sqrt(r)``, and
the mean of ``n`` days is itself only known to ``s * r / sqrt(n)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from detente.values.period import hours_between, moment

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


def pace(days: Mapping[date, Fraction], now: datetime, end: datetime, start: datetime | None = None) -> Pace | None:
    """What is still to come up to an end, from now or from a later start on.

    ``days`` are what was counted on each day; one without use between two that have some counts as none. None where
    fewer than ``MIN_DAYS`` whole days are known.
    """
    known = _whole(days, now)
    if len(known) < MIN_DAYS:
        return None
    means = _means(known)
    left = _left(start or now, end)
    expected = sum((part * means[day.weekday()] for day, part in left.items()), Fraction(0))
    spread = _spread(known, means, sum(left.values(), Fraction(0)))
    return Pace(expected, max(expected - spread, Fraction(0)), expected + spread)


def _whole(days: Mapping[date, Fraction], now: datetime) -> dict[date, Fraction]:
    """The whole days of the last weeks, from the first with any use on."""
    today = now.date()
    past = [day for day, amount in days.items() if day < today and amount]
    if not past:
        return {}
    first = max(min(past), today - WEEKS * 7 * _DAY)
    count = (today - first).days
    return {day: days.get(day, Fraction(0)) for day in (first + n * _DAY for n in range(count))}


def _means(known: Mapping[date, Fraction]) -> list[Fraction]:
    """The mean of each day of the week."""
    found = []
    for weekday in range(7):
        some = [amount for day, amount in known.items() if day.weekday() == weekday]
        found.append(sum(some, Fraction(0)) / len(some))
    return found


def _left(now: datetime, end: datetime) -> dict[date, Fraction]:
    """The days to come, each with the part of it that is."""
    found, at = {}, now
    while at < end:
        until = min(moment(at.date() + _DAY), end)
        found[at.date()] = hours_between(at, until) / 24
        at = until
    return found


def _spread(known: Mapping[date, Fraction], means: list[Fraction], left: Fraction) -> Fraction:
    """Half of the range: from how days vary about the mean of their day of the week."""
    n = len(known)
    apart = sum(((amount - means[day.weekday()]) ** 2 for day, amount in known.items()), Fraction(0))
    if n < 2 * MIN_DAYS:  # one of each day, at most two: they vary about the mean of all
        mean = sum(known.values(), Fraction(0)) / n
        apart = sum(((amount - mean) ** 2 for amount in known.values()), Fraction(0))
    free = n - (MIN_DAYS if n >= 2 * MIN_DAYS else 1)
    variance = apart / free * (left + left * left / n)
    return Fraction(_NINE_IN_TEN * (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt())
