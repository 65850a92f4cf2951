"""The horizon and its periods.

Owns: calendar arithmetic, in UTC or on the clock of a time zone, what a stretch of time is called, and the grid a plan
is made on. Not here: the windows of a contract (``contract.reach.window``), and what happens in a period. Dates are
arguments everywhere (§9); nothing here asks for today.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, model_validator

from detente.errors import FlawError
from detente.values.noun import Noun, read_by, written_as
from detente.values.quantity import Span, text_of
from detente.values.zone import Zone, as_it_stands, zone_of, zone_of_clock

FIRST, LAST = date(1970, 1, 1), date(2200, 1, 1)
MAX_PERIODS = 100_000

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""English in any locale."""


def day(given: Any) -> date:
    """``2026-01-31``, or ``2026-01`` for the first of the month. Raises FlawError."""
    if isinstance(given, datetime):
        raise FlawError(f"`{given}` is a moment", "a date has no time of day")
    if isinstance(given, date):
        return given
    text = text_of(given, "a date", "2026-01-31")
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?", text)
    try:
        if not match:
            raise ValueError
        found = date(int(match[1]), int(match[2]), int(match[3] or 1))
    except ValueError:
        raise FlawError(f"`{text}` is not a date", f"{_nearest_date(text)}") from None
    if not FIRST <= found <= LAST:
        raise FlawError(f"`{text}` is outside the calendar", f"write a year from {FIRST.year} to {LAST.year}")
    return found


def _nearest_date(text: str) -> str:
    """What a date may have been meant to be: its month's last day, or the same numbers in our order."""
    parts = [int(n) for n in re.findall(r"[0-9]{1,4}", text)][:3]
    if len(parts) == 3 and parts[0] >= FIRST.year and 1 <= parts[1] <= 12 and 28 < parts[2] <= 31:
        return f"did you mean `{parts[0]}-{parts[1]:02}-{monthrange(parts[0], parts[1])[1]}`?"
    if len(parts) == 3 and parts[0] >= FIRST.year and 1 <= parts[1] <= 12 and 1 <= parts[2] <= 28:
        return f"did you mean `{parts[0]}-{parts[1]:02}-{parts[2]:02}`?"
    return "write for example `2026-01-31`"


DATE = r"^(19[7-9][0-9]|2[01][0-9]{2}|2200)-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?$"
Day = Annotated[date, read_by(day, written_as(DATE, "2026-01-31", "a date (UTC)", name="date"))]


def instant(given: Any) -> datetime:
    """``2026-01-31T18:00Z``, or a date for the start of that day. Raises FlawError."""
    if not isinstance(given, str) or "T" not in given:
        return moment(day(given))
    try:
        found = datetime.fromisoformat(given.strip())
        in_utc = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FlawError(f"`{given}` is not a moment", "write for example `2026-01-31T18:00Z`") from None
    if found.tzinfo is None:
        raise FlawError(f"`{given}` names no time zone", f"write for example `{given}Z` (UTC)")
    day(in_utc.date())
    return in_utc


_TIME = r"T([01][0-9]|2[0-3])(:[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?)?(Z|[+-][0-9]{2}:?[0-9]{2})"
Instant = Annotated[
    datetime,
    read_by(
        instant,
        written_as(
            DATE.removesuffix("$") + rf"({_TIME})?$", "2026-01-31T18:00Z", "a moment, or a date (UTC)", name="moment"
        ),
    ),
]


def stretch(text: str) -> tuple[datetime, datetime]:
    """From when to when ``2026``, ``2026-Q1``, ``2026-01`` or ``2026-01-31`` is. Raises FlawError."""
    match = re.fullmatch(r"([0-9]{4})(?:-Q([1-4]))?", text)
    if match:
        first = day(f"{match[1]}-{3 * int(match[2] or 1) - 2:02}")
        return moment(first), later(moment(first), Span(3 if match[2] else 12, "month"))
    first = day(text)
    return moment(first), later(moment(first), Span(1, "month" if len(text) == 7 else "day"))


def moment(on: date, zone: tzinfo = UTC) -> datetime:
    """The start of a day, in UTC or in a time zone, whose clock then tells the days that are counted from it."""
    return datetime(on.year, on.month, on.day, tzinfo=zone)


def midnight(at: datetime, zone: tzinfo) -> datetime:
    """When the day of a clock began in which a moment lies, in UTC."""
    return moment(at.astimezone(zone).date(), zone).astimezone(UTC)


def on_the_clock_of(at: datetime, on: date) -> datetime:
    """The start of a day, on the clock on which a moment is told."""
    return moment(on, zone_of_clock(at))


def elapsed(start: datetime, end: datetime) -> timedelta:
    """How long it is from one moment to another, though their clock is put forward or back between them."""
    if start.tzinfo is end.tzinfo is not UTC:
        return end.astimezone(UTC) - start.astimezone(UTC)
    return end - start


def endless(end: datetime) -> bool:
    """Whether what ends then has no end: nothing in the calendar comes after its last day."""
    return end >= moment(LAST)


End = Annotated[
    AwareDatetime,
    BeforeValidator(lambda given: moment(LAST) if given is None else given),
    PlainSerializer(lambda end: None if endless(end) else end, return_type=datetime | None, when_used="json"),
]
"""An end that is ``null`` in a document where there is none."""


def named(start: datetime, end: datetime) -> str:
    """A stretch of time in the fewest words: ``2029``, ``2029 Q1``, ``Mar 2029``, ``2029-02-27 to 2030-02-26``.

    Days are inclusive, as contracts write them: a window that ends at midnight ends on the day before.
    """
    if endless(end):
        return f"from {start:%Y-%m-%d} without end"
    whole_days = not (start.hour or start.minute or start.second or end.hour or end.minute or end.second)
    if not whole_days or end <= start:
        same = start.date() == (end - timedelta(microseconds=1)).date()
        return f"{start:%Y-%m-%d %H:%M} to {end:%H:%M}" if same else f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    if start.day == 1 and end.day == 1:
        return _months(start, end)
    last = end - timedelta(days=1)
    return f"{start:%Y-%m-%d}" if last.date() == start.date() else f"{start:%Y-%m-%d} to {last:%Y-%m-%d}"


def _months(start: datetime, end: datetime) -> str:
    """Whole calendar months."""
    months = (end.year - start.year) * 12 + end.month - start.month
    last = end - timedelta(days=1)
    if months % 12 == 0 and start.month == 1:
        return f"{start:%Y}" if months == 12 else f"{start:%Y}–{last:%Y}"
    if months == 3 and start.month % 3 == 1:
        return f"{start:%Y} Q{start.month // 3 + 1}"
    first = f"{MONTHS[start.month - 1]} {start:%Y}"
    return first if months == 1 else f"{first} – {MONTHS[last.month - 1]} {last:%Y}"


_LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
"""Spans that are always as long."""

OF_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
"""The months of the others."""


def later(start: datetime, span: Span, times: int = 1) -> datetime:
    """``start`` plus ``times`` spans by the calendar, on its own clock; the 31st becomes the month's last day."""
    n = span.count * times
    if span.unit in ("minute", "hour") and start.tzinfo is not UTC:
        return (start.astimezone(UTC) + n * _LENGTHS[span.unit]).astimezone(start.tzinfo)
    start = start.astimezone(zone_of_clock(start))
    if span.unit in _LENGTHS:
        return start + n * _LENGTHS[span.unit]  # of days, the same time of day
    months = n * OF_MONTHS[span.unit]
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def hours_between(start: datetime, end: datetime) -> Fraction:
    """Hours from start to end, exact."""
    return Fraction(elapsed(start, end) // timedelta(microseconds=1), 3_600_000_000)


AN_HOUR = Span(1, "hour")

PER_HOUR = {
    "second": Fraction(3600),
    "minute": Fraction(60),
    "hour": Fraction(1),
    "day": Fraction(1, 24),
    "week": Fraction(1, 168),
}


def months_in(start: datetime, end: datetime, since: datetime) -> Fraction:
    """How many months, counted from a moment, a time comes to: a part of one by the part of its time."""
    total, at = Fraction(0), whole_spans("month", since, start)
    while (begin := later(since, Span(1, "month"), at)) < end:
        over = later(since, Span(1, "month"), at + 1)
        total += hours_between(max(start, begin), min(end, over)) / hours_between(begin, over)
        at += 1
    return total


def how_many(unit: str, start: datetime, end: datetime) -> Fraction:
    """How many of a span of time lie between two moments; of each month, quarter or year, its part, by their clock."""
    return _how_many(unit, start, end, zone_of_clock(start))


@lru_cache(maxsize=10_000)
def _how_many(unit: str, start: datetime, end: datetime, clock: tzinfo) -> Fraction:
    """Moments are equal on any clock, and their months are not."""
    if unit in PER_HOUR:
        return hours_between(start, end) * PER_HOUR[unit]
    months = OF_MONTHS[unit]
    first = moment(date(start.year, (start.month - 1) // months * months + 1, 1), clock)
    total = Fraction(0)
    while first < end:
        after = later(first, Span(1, unit))
        total += hours_between(max(first, start), min(after, end)) / hours_between(first, after)
        first = after
    return total


def whole_spans(unit: str, start: datetime, at: datetime) -> int:
    """How many whole spans of time (minutes, weeks, half-years) passed since ``start``, by its clock."""
    if unit in ("minute", "hour"):
        return elapsed(start, at) // _LENGTHS[unit]
    if at.tzinfo is not start.tzinfo:
        at = at.astimezone(start.tzinfo)
    if unit in _LENGTHS:
        return (at - start) // _LENGTHS[unit]
    each = OF_MONTHS[unit]
    passed = ((at.year - start.year) * 12 + at.month - start.month) // each
    return passed - (later(start, Span(1, unit), passed) > at)


@dataclass(frozen=True, slots=True)
class Period:
    """One slot of the grid.

    ``start`` and ``end`` are when it is; ``span_start`` and ``span_end`` are the calendar time it stands
    for, and ``hours`` how much of that time: for a plain grid the same thing; for an hour of a typical
    week, that hour's share of its month.
    """

    index: int
    start: datetime
    end: datetime
    span_start: datetime
    span_end: datetime
    hours: Fraction

    def __hash__(self) -> int:
        """By its place and moment alone: grids of a whole year are looked up, and a fraction takes long to hash."""
        return hash((self.index, self.start))


def begins(periods: Sequence[Period]) -> dict[datetime, int]:
    """The moments at which periods begin, in order, each with the first that does.

    All hours of a typical week begin with the month that they stand for.
    """
    found: dict[datetime, int] = {}
    for place, period in enumerate(periods):
        found.setdefault(period.span_start, place)
    return found


class Horizon(Noun):
    """The time a case plans: ``{start: 2026-01-01, end: 2027-01-01, every: month}``; the end is exclusive."""

    start: Day
    end: Day
    every: Literal["hour", "day", "week", "month", "quarter", "year"] = "month"
    typical: Literal["week"] | None = Field(
        default=None, description="`week`: each month is planned as one typical week, hour by hour"
    )
    zone: Zone = Field(default="UTC", description="the time zone in which its days, and its periods, begin")

    @model_validator(mode="after")
    def _in_order(self) -> Horizon:
        if self.end <= self.start:
            what = f"the horizon ends on {self.end}, not after its start on {self.start}"
            raise FlawError(what, "move one of them", ("end",))
        if self.typical and (self.every != "hour" or self.start.day != 1 or self.end.day != 1):
            what = "a typical week needs `every: hour`, and a start and an end on the first of a month"
            raise FlawError(what, "change them, or leave out `typical: week`")
        hours = (self.end - self.start).days * 24
        size = {"hour": 1, "day": 24, "week": 168, "month": 720, "quarter": 2160, "year": 8760}[self.every]
        if self.typical:
            hours, size = hours // 720 * 168, 1
        if hours // size > MAX_PERIODS:
            raise FlawError(f"the horizon has over {MAX_PERIODS:,} periods", "choose a coarser `every`")
        return self

    @property
    def clock(self) -> tzinfo:
        """On whose clock its days begin."""
        return zone_of(self.zone)

    @property
    def opens(self) -> datetime:
        """When its first day begins."""
        return moment(self.start, self.clock)

    @property
    def closes(self) -> datetime:
        """When it ends, exclusive."""
        return moment(self.end, self.clock)

    def begins_a_day(self, at: datetime) -> bool:
        """Whether a day begins there on its clock: those of prices begin at 0:00 UTC, and of clauses by their zone."""
        return moment(at.astimezone(self.clock).date(), self.clock) == at

    def periods(self) -> tuple[Period, ...]:
        """The grid, in order."""
        return _grid(self)

    def _plain(self) -> Iterator[Period]:
        start, end, span, index = self.opens, self.closes, Span(1, self.every), 0
        stands = as_it_stands if self.every == "hour" else lambda at: at
        a, b = stands(start), start
        while b < end:
            b = min(later(start, span, index + 1), end)
            after = stands(b)
            yield Period(index, a, after, a, after, hours_between(a, after))
            a, index = after, index + 1

    def _typical(self) -> Iterator[Period]:
        index, month = 0, self.opens
        while month < self.closes:
            after = later(month, Span(1, "month"))
            monday = month + timedelta(days=(7 - month.weekday()) % 7)
            hours = hours_between(month, after) / 168
            edges = [as_it_stands(later(monday, AN_HOUR, hour)) for hour in range(169)]
            for a, b in pairwise(edges):
                yield Period(index, a, b, month, after, hours)
                index += 1
            month = after


@lru_cache(maxsize=4)
def _grid(horizon: Horizon) -> tuple[Period, ...]:
    """Kept, since a case is checked once more under each of its scenarios, most of them over the same horizon."""
    return tuple(horizon._typical() if horizon.typical else horizon._plain())
