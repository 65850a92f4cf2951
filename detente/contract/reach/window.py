"""The windows of a contract: half-open stretches of time in which a clause counts, its own and not a plan's.

Owns: ``Window``, how a clause cuts time (``Every``), and the windows that this makes of its time (``Calendar``).
Not here: what is counted in a window (``meter``), and the periods of a plan (``values.period``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from detente.errors import FlawError
from detente.values.money import Money
from detente.values.noun import Noun
from detente.values.period import Day, Horizon, Period, elapsed, endless, hours_between, later, moment, whole_spans
from detente.values.quantity import Span, in_percent, plain
from detente.values.quantity_field import Portion
from detente.values.zone import zone_of_clock

TOLD = 12
"""Parts of a ramp that are told."""
Cycle = Literal["hour", "day", "week", "month", "quarter", "half-year", "year", "term"]


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` to ``end``, the end exclusive: what happens at an edge counts in the window that begins there.

    ``index`` counts from the first window that is stated, so that a ramp keeps its place. ``part`` is the share of its
    time that a plan sees: less than 1 only where the plan's horizon cuts it. ``due`` is the share of its amount that is
    asked: less than 1 only where an amendment divides a window between two texts.
    """

    index: int
    start: datetime
    end: datetime
    part: Fraction = Fraction(1)
    due: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The windows of a clause, in order.

    Attributes
    ----------
    every
        The length of each; ``term``: one window, from ``first`` to ``end``.
    first
        When the first is stated to begin: its clock and its day of the month are those of all.
    before
        How many begin then that are an earlier text's: after those comes the first of this one.
    since, end
        When the clause comes into force, and when it ends: no window begins before the one or ends after the other, and
        windows that would lie outside are not there.
    count
        The most windows there are (a ramp's); None: as many as fit.
    sight
        What a plan sees of them (start, end); None outside a plan.
    divided_from
        When the window of an earlier text came into force of which the first is the rest, asked for its part of the
        amount.
    cut_from
        Where an amendment cuts the last window, which is then asked for its part: when it would have ended.
    """

    every: Cycle
    first: datetime
    since: datetime
    end: datetime
    count: int | None = None
    sight: tuple[datetime, datetime] | None = None
    divided_from: datetime | None = None
    cut_from: datetime | None = None
    before: int = 0

    def __hash__(self) -> int:
        """Of what tells most calendars apart: which window is which is remembered by it, and asked for each use."""
        return hash((self.every, self.first, self.since, self.end))

    def seen_by(self, horizon: Horizon) -> Calendar:
        """The windows that a horizon sees, each with the part of its time that lies inside."""
        return replace(self, sight=(horizon.opens, horizon.closes))

    @property
    def clock(self) -> tzinfo:
        """On whose clock its days begin."""
        return zone_of_clock(self.first)

    @property
    def endless(self) -> bool:
        """Whether it has no last window that anybody will live to see."""
        return self.sight is None and endless(self.end) and self.count is None

    def __iter__(self) -> Iterator[Window]:
        if self.sight is not None:
            return iter(_seen(self))
        return self.over(max(self.begins(0), self.since), self.end)

    def numbered(self, index: int) -> Window | None:
        """One by its number; None where there is none such."""
        return self._window(index) if index >= 0 else None

    def over(self, start: datetime, end: datetime) -> Iterator[Window]:
        """The windows that hold any of the time from start to end, or that one moment."""
        first, last = self.counted
        inside = first <= start < last
        if start != end:
            start, end = max(start, first), min(end, last)
            inside = start < end
        if not inside:
            return
        index = max(0, self._index(start))
        while (window := self._window(index)) is not None and (window.start < end or window.start <= start):
            if start < window.end:
                yield window
            index += 1

    def parts(self, start: datetime, end: datetime) -> Iterator[tuple[Window, int, int]]:
        """The windows of a time, each with its share of it as two numbers of microseconds: part and whole.

        A moment lies in one window, whole.
        """
        for window in self.over(start, end):
            if start == end:
                yield window, 1, 1
            else:
                yield window, _micros(max(start, window.start), min(end, window.end)), _micros(start, end)

    @property
    def counted(self) -> tuple[datetime, datetime]:
        """The time in force, as far as it is seen."""
        if self.sight is None:
            return self.since, self.end
        return max(self.since, self.sight[0]), min(self.end, self.sight[1])

    @property
    def whole(self) -> tuple[datetime, datetime]:
        """From when its first window begins to when its last ends, whatever a plan sees of them."""
        last = self.end if self.count is None or self.every == "term" else min(self.end, self.begins(self.count))
        return max(self.begins(0), self.since), last

    def _index(self, at: datetime) -> int:
        return 0 if self.every == "term" else whole_spans(self.every, self.first, at) - self.before

    def _window(self, index: int) -> Window | None:
        """One by its place; None after the last."""
        return _numbered(self, index)

    def begins_at(self, at: datetime) -> bool:
        """Whether a window begins at a moment."""
        return any(window.start >= at for window in self.over(at, at))  # `==` fails where a clock turns (PEP 495)

    def begins(self, index: int) -> datetime:
        """When a window is stated to begin, though the clause may not be in force yet."""
        return self.first if self.every == "term" else later(self.first, Span(1, self.every), self.before + index)

    def whole_from(self, index: int) -> datetime:
        """From when on all of its amount is asked: in force, under this text or the earlier one that it divides."""
        divided = self.since if self.divided_from is None else min(self.since, self.divided_from)
        return max(self.begins(index), divided)

    def _part(self, start: datetime, end: datetime) -> Fraction:
        if self.sight is None:
            return Fraction(1)
        seen = hours_between(max(start, self.sight[0]), min(end, self.sight[1]))
        return max(seen, Fraction(0)) / hours_between(start, end)


@lru_cache(maxsize=20_000)
def _numbered(calendar: Calendar, index: int) -> Window | None:
    """A calendar's window by its place; None after the last: asked again for each line of use that lies in it."""
    if index >= (1 if calendar.every == "term" else calendar.count or index + 1):
        return None
    ends = calendar.begins(index + 1) if calendar.every != "term" else calendar.cut_from or calendar.end
    start, end = max(calendar.begins(index), calendar.since), min(ends, calendar.end)
    if start >= end:
        return None
    whole = calendar.whole_from(index), min(ends, calendar.cut_from) if calendar.cut_from else end
    return Window(index, start, end, calendar._part(start, end), _share_of_time((start, end), whole))


@lru_cache(maxsize=64)
def _seen(calendar: Calendar) -> tuple[Window, ...]:
    """The windows that a plan sees: asked for again and again while a clause shapes it."""
    return tuple(calendar.over(max(calendar.begins(0), calendar.since), calendar.end))


class Every(Noun):
    """How a clause cuts time into windows."""

    every: Cycle = Field(default="term", description="`term`: one window, from the clause's first day to its last")
    starts: Day | None = Field(default=None, description="first day of the first window; else the clause's own")
    ramp: tuple[Portion, ...] | None = Field(
        default=None, description="each window's part of the amount; adds up to 100%", max_length=1200
    )
    cut: Literal["prorate", "refuse"] = Field(
        default="refuse",
        description="a window that the horizon cuts in two: prorate its amount, or refuse the case",
    )

    @field_validator("ramp", mode="before")
    @classmethod
    def _of_the_amount(cls, given: Any) -> Any:
        """What is given as amounts is told as the parts of their sum that they are. Raises FlawError."""
        try:
            amounts = [Money.parse(each) for each in given]
        except (FlawError, TypeError):
            return given  # as it should be, or wrong in another way
        if any(each.amount < 0 for each in amounts):
            return given
        currencies = list(dict.fromkeys(each.currency for each in amounts))
        of_each = [[each.amount if each.currency == one else Decimal(0) for each in amounts] for one in currencies]
        if not of_each or any(sum(each) <= 0 for each in of_each):
            return given
        forms = [_as_parts(each, currency) for each, currency in zip(of_each, currencies, strict=True)]
        remedy = f"write {forms[0]}"
        if len(forms) > 1:
            remedy = f"a clause is of one currency: write one for each, {', and '.join(forms)}"
        raise FlawError("a ramp has each window's part of the amount, and not amounts", remedy)

    @model_validator(mode="after")
    def _whole(self) -> Every:
        if self.ramp is not None and sum(self.ramp) != 1:
            total = in_percent(sum(self.ramp, Decimal(0)))
            raise FlawError(f"the ramp adds up to {total}", "write parts that add up to 100%", ("ramp",))
        if self.ramp is not None and self.every == "term":
            raise FlawError("a ramp has windows", "say `every: month`, `quarter` or `year`", ("ramp",))
        return self

    def calendar(self, start: datetime, end: datetime, zone: tzinfo = UTC) -> Calendar:
        """The windows of a clause in force from start to end, on the clock of a time zone."""
        first = moment(self.starts, zone) if self.starts else start.astimezone(zone)
        if self.every == "hour":
            first = first.astimezone(UTC)  # a zone's clock shows two hours alike when it is put back
        return Calendar(self.every, first, start, end, len(self.ramp) if self.ramp else None)

    @property
    def told(self) -> str:
        """In a clause's sentence: in each of them, or over all, of a ramp with its parts; and from which stated day."""
        since = f" from {self.starts:%Y-%m-%d} on" if self.starts else ""
        if self.ramp:
            parts = [*map(in_percent, self.ramp[:TOLD]), *["…"] * (len(self.ramp) > TOLD)]
            return f"by {self.every}{since}, in turn {', '.join(parts)} of it"
        if self.every == "term":
            return f"over its term{since}" if since else "over its whole term"
        return f"in each {self.every}{since}"

    def due(self, window: Window) -> Fraction:
        """The part of a clause's amount that is due in a window: the ramp's, of that what an amendment leaves."""
        return (Fraction(self.ramp[window.index]) if self.ramp else Fraction(1)) * window.due

    def share(self, window: Window) -> Fraction:
        """The same, of the part of the window that a plan sees."""
        return self.due(window) * window.part


def overlap(period: Period, window: Window) -> Fraction:
    """The share of a period's time that lies in a window: use within a period is taken as uniform."""
    a, b = max(period.span_start, window.start), min(period.span_end, window.end)
    if a >= b:
        return Fraction(0)
    if (a, b) == (period.span_start, period.span_end):
        return Fraction(1)
    return hours_between(a, b) / hours_between(period.span_start, period.span_end)


def _as_parts(amounts: Sequence[Decimal], currency: str) -> str:
    """How amounts by the window are written: their sum, and each window's part of it."""
    whole = sum(amounts, Decimal(0))
    parts = [in_percent(Fraction(each) / Fraction(whole)) for each in amounts]
    exact = sum(Decimal(each.rstrip("%")) for each in parts) == 100
    rounded = "" if exact else ", rounded so that they add up to 100%"
    return f"`amount: {plain(whole)} {currency}` and `ramp: [{', '.join(parts)}]`{rounded}"


_Time = tuple[datetime, datetime]


def _share_of_time(part: _Time, whole: _Time) -> Fraction:
    """The share of a time that a part of it is: by months where all are whole ones, else by the time itself."""
    if part == whole:
        return Fraction(1)
    months = [_months(whole[0], at) for at in (*part, whole[1])]
    if None not in months:
        first, last, all_of = (Fraction(each or 0) for each in months)
        return (last - first) / all_of
    return hours_between(*part) / hours_between(*whole)


def _months(start: datetime, at: datetime) -> int | None:
    """How many months lie between two moments, where that is a whole number."""
    passed = whole_spans("month", start, at)
    return passed if later(start, Span(1, "month"), passed) == at else None


def _micros(start: datetime, end: datetime) -> int:
    return elapsed(start, end) // timedelta(microseconds=1)
