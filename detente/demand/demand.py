"""Demand over time: a rate, a trace of requests, or a table of rates.

Owns: how much work there is in each period: dated rates, growth, the shape of a week. Not here: reading files
(``trace``, ``table``), and what serves the demand (``workload``).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from detente.demand.table import Table
from detente.demand.trace import TraceSource
from detente.errors import FlawError
from detente.values.dated import Dated, dated_schema
from detente.values.noun import Noun
from detente.values.period import PER_HOUR, Period, hours_between, how_many, later, moment, whole_spans
from detente.values.quantity import WIDE, Span
from detente.values.quantity_field import DEMAND, Demand, Growth, Percent

WEEK = 168
"""Hours of a week."""


class Profile(Noun):
    """The shape of a week; the mean over a week stays the stated rate."""

    hours: tuple[Percent, ...] = Field(min_length=24, max_length=24, description="weight of each hour of a day, UTC")
    weekend: Percent = Field(default=Decimal(1), description="Saturday and Sunday against a weekday")

    @model_validator(mode="after")
    def _some(self) -> Profile:
        if sum(self.hours) == 0:
            raise FlawError("every hour weighs 0%", "one at least weighs more", ("hours",))
        return self

    @cached_property
    def week(self) -> tuple[Fraction, ...]:
        """The rate of each hour of a week, from Monday, against the week's mean."""
        mean = Fraction(sum(self.hours)) / 24 * (5 + 2 * Fraction(self.weekend)) / 7
        weekday = tuple(Fraction(hour) / mean for hour in self.hours)
        return 5 * weekday + 2 * tuple(hour * Fraction(self.weekend) for hour in weekday)

    def mean(self, first: int, hours: int) -> Fraction:
        """The mean rate of hours of a week against the week's own."""
        if hours == 1:
            return self.week[first]
        weeks, rest = divmod(hours, WEEK)
        return (WEEK * weeks + sum(self.week[(first + hour) % WEEK] for hour in range(rest))) / Fraction(hours)


class DemandOverTime(Noun):
    """Demand over time: a rate (dated, growing, shaped), a request trace, or a table of rates."""

    rate: Dated[Demand] | None = None
    growth: Growth | None = Field(default=None, description="compound, by whole spans from the horizon's start")
    factor: Dated[Percent] | None = Field(
        default=None, description="what all of it is multiplied by, from each date on; before the first by 100%"
    )
    between: Literal["steps", "line"] = Field(default="steps", description="between dated rates")
    profile: Profile | None = None
    trace: TraceSource | None = None
    table: Table | None = None

    @model_validator(mode="after")
    def _one(self) -> DemandOverTime:
        given = self.one_of("rate", "trace", "table")
        if self.rate is not None:
            units = {r.unit for r in self.rate.values()}
            if len(units) > 1:
                what = f"the dated rates are in different units: {' and '.join(sorted(units))}"
                raise FlawError(what, "write them in one", ("rate",))
        if self.between == "line" and (self.rate is None or self.rate.steps[0][0] is None):
            raise FlawError("a line runs between dated rates", "write them under `rate:`", ("between",))
        spans = sorted({r.span for r in self.rate.values()}) if self.rate else []
        if self.between == "line" and len(spans) > 1:
            what = f"a line runs between rates per {' and per '.join(spans)}"
            raise FlawError(what, "write them over one span of time", ("rate",))
        if self.profile is not None and self.rate is None:
            raise FlawError(f"a {given} has its own shape", "leave out `profile:`", ("profile",), key=True)
        return self

    @property
    def unit(self) -> str:
        """The unit of work."""
        return next(iter(self.rate.values())).unit if self.rate is not None else "Mtok"

    @property
    def shaped(self) -> bool:
        """Whether it may be another from one hour to the next."""
        return self.profile is not None or self.trace is not None or self.table is not None

    def over(self, periods: Sequence[Period], begin: datetime) -> tuple[Fraction, ...]:
        """Work in each period; growth counts from ``begin``. Raises FlawError where a trace lacks it."""
        changes = self._changes(begin, max((p.span_end for p in periods), default=begin))
        rates: dict[object, Fraction] = {}  # between two changes
        means: dict[object, Fraction] = {}  # of periods between two changes, and of the hours of a typical week
        found = []
        known: object = None
        each = Fraction(0)  # the work of the period before, but for its shape
        shaped: dict[object, Fraction] = {}  # the same with each shape
        for period in periods:
            first, last = bisect_right(changes, period.span_start), bisect_left(changes, period.span_end)
            key = first if self._steady and first == last else (period.span_start, period.span_end)
            if key not in means:
                edges = [period.span_start, *changes[first:last], period.span_end]
                means[key] = self._mean(edges, begin, first, rates)
            if known != (key, period.hours):
                known, each, shaped = (key, period.hours), means[key] * period.hours, {}
            place = self._place(period)
            if place not in shaped:
                shaped[place] = each * self._shape(period)
            found.append(shaped[place])
        return tuple(found)

    @cached_property
    def _steady(self) -> bool:
        """Whether an hour's rate is one between two changes."""
        rates = self.rate.values() if self.rate else ()
        return self.between == "steps" and all(rate.span in PER_HOUR for rate in rates)

    def _changes(self, begin: datetime, end: datetime) -> list[datetime]:
        """When a dated rate or another span of growth begins."""
        found = set(self._dates) | {
            moment(on) for on, _ in (self.factor.steps if self.factor else ()) if on is not None
        }
        if self.growth:
            unit, n = Span(1, self.growth[1]), 0
            while (at := later(begin, unit, n := n + 1)) < end:
                found.add(at)
        return sorted(found)

    def _mean(self, edges: Sequence[datetime], begin: datetime, first: int, known: dict[object, Fraction]) -> Fraction:
        """Work an hour over a time, before its shape; of a trace, the growth alone.

        ``edges`` are where it begins and ends, and the changes between. ``first`` counts the changes before it, and
        ``known`` keeps what an hour takes between two changes.
        """
        parts = []
        for place, (a, b) in enumerate(pairwise(edges), first):
            key = place if self._steady else (a, b)
            if key not in known:
                known[key] = self._per_hour(a, b, begin)
            parts.append(known[key])
        if len(parts) == 1:
            return parts[0]
        total = sum(rate * hours_between(a, b) for rate, (a, b) in zip(parts, pairwise(edges), strict=True))
        return total / hours_between(edges[0], edges[-1])

    def _per_hour(self, start: datetime, end: datetime, begin: datetime) -> Fraction:
        """The same of a time in which nothing changes."""
        grown = self.grown(begin, start) * self._factor(start)
        value = (Fraction(1), "hour") if self.rate is None else self._value(start, end)
        if value is None:
            return Fraction(0)
        amount, span = value
        return grown * amount * (PER_HOUR.get(span) or how_many(span, start, end) / hours_between(start, end))

    def _factor(self, at: datetime) -> Fraction:
        """What demand is multiplied by at a moment."""
        found = self.factor.on(at) if self.factor else None
        return Fraction(1) if found is None else Fraction(found)

    @property
    def _dates(self) -> list[datetime]:
        return [moment(on) for on, _ in self.rate.steps if on is not None] if self.rate else []

    def _value(self, start: datetime, end: datetime) -> tuple[Fraction, str] | None:
        """The rate between two moments without a date in between; before the first there is no demand."""
        assert self.rate is not None
        dates = self._dates
        if self.between == "line" and dates:
            points = list(zip(dates, self.rate.values(), strict=True))
            middle = start + (end - start) / 2
            first, last = points[0][1], points[-1][1]
            for (a, low), (b, high) in pairwise(points):
                if a <= middle < b:
                    part = hours_between(a, middle) / hours_between(a, b)
                    return Fraction(low.value) * (1 - part) + Fraction(high.value) * part, low.span
            edge = first if middle < dates[0] else last
            return Fraction(edge.value), edge.span
        rate = self.rate.on(start)
        return (Fraction(rate.value), rate.span) if rate is not None else None

    def grown(self, begin: datetime, at: datetime) -> Fraction:
        """What growth since ``begin`` multiplies demand by."""
        if not self.growth:
            return Fraction(1)
        return Fraction(WIDE.power(1 + self.growth[0], whole_spans(self.growth[1], begin, at)))

    @property
    def recorded(self) -> TraceSource | Table | None:
        """The file that it comes from, if any."""
        return self.trace or self.table

    def _place(self, period: Period) -> object:
        """Periods of one place have one shape."""
        if self.profile is not None:
            return place_in_week(period.start, period.end)
        return None if self.rate is not None else period.index

    def _shape(self, period: Period) -> Fraction:
        """What a period's mean is multiplied by: its profile, or the hours of its trace."""
        if self.recorded is not None:
            return self.recorded.hourly(period)
        if self.profile is None:
            return Fraction(1)
        return self.profile.mean(*place_in_week(period.start, period.end))


@lru_cache(maxsize=20_000)
def place_in_week(start: datetime, end: datetime) -> tuple[int, int]:
    """The hour of the week at which a time begins, and how many there are; one hour of each weekday is alike."""
    hours, day = (end - start) // timedelta(hours=1), start.weekday()
    alike = (5 if day >= 5 else 0) if hours == 1 else day
    return alike * 24 + start.hour, hours


def _demand(given: Any) -> Any:
    """A rate that stands alone, or with its source, or by dates, is the ``rate`` of a demand."""
    bare = not isinstance(given, dict) or "value" in given or any(re.match("[0-9]", str(key)) for key in given)
    return {"rate": given} if bare and given is not None else given


class _OrRate:
    """JSON Schema of a demand: a mapping, or its rate alone."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [dated_schema(DEMAND), handler(core)]}


OverTime = Annotated[DemandOverTime, BeforeValidator(_demand), _OrRate()]
