"""The calendar: periods that fill the horizon, windows that fill a clause, and values that change on dates."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from detente.values.dated import Dated
from detente.values.period import Horizon, Period, day, hours_between, how_many, later, moment, named, whole_spans
from detente.values.quantity import Span
from detente.values.quantity_field import Count

DAYS = st.dates(date(1972, 1, 1), date(2100, 1, 1))
SPAN = st.tuples(DAYS, st.integers(31, 1500)).map(lambda d: (d[0], d[0] + timedelta(days=d[1])))
UNITS = st.sampled_from(["day", "week", "month", "quarter", "year"])


def at(text: str) -> datetime:
    return moment(day(text))


def horizon(start: str, end: str, every: str = "month", **more: Any) -> Horizon:
    return Horizon.model_validate({"start": start, "end": end, "every": every, **more})


# -- calendar --------------------------------------------------------------------------------------------------------
def test_the_31st_becomes_the_last_day_of_a_month() -> None:
    start = at("2028-01-31")
    ends = [later(start, Span(1, "month"), n).date() for n in range(5)]
    assert ends == [date(2028, m, monthrange(2028, m)[1]) for m in (1, 2, 3, 4, 5)]
    assert later(at("2024-02-29"), Span(1, "year")) == at("2025-02-28")
    assert later(at("2024-02-29"), Span(4, "year")) == at("2028-02-29")
    assert later(at("2026-11-30"), Span(1, "quarter")) == at("2027-02-28")


@given(start=DAYS, n=st.integers(0, 200), unit=UNITS)
@settings(derandomize=True)
def test_whole_spans_count_back_what_later_counts_on(start: date, n: int, unit: str) -> None:
    end = later(moment(start), Span(1, unit), n)
    assert whole_spans(unit, moment(start), end) == n
    assert whole_spans(unit, moment(start), end - timedelta(hours=1)) == n - 1


@given(days=st.lists(DAYS, min_size=3, max_size=3, unique=True), unit=UNITS)
@settings(derandomize=True, deadline=None)
def test_how_many_adds_up(days: list[date], unit: str) -> None:
    a, b, c = (moment(d) for d in sorted(days))
    assert how_many(unit, a, b) + how_many(unit, b, c) == how_many(unit, a, c)


def test_how_many_of_each_month_its_part() -> None:
    assert how_many("month", at("2026-01-01"), at("2027-01-01")) == 12
    assert how_many("month", at("2026-01-16"), at("2026-02-15")) == Fraction(16, 31) + Fraction(14, 28)
    assert how_many("year", at("2024-01-01"), at("2024-07-01")) == Fraction(182, 366)
    assert how_many("minute", at("2026-01-01"), at("2026-01-02")) == 1440


@pytest.mark.parametrize(
    "text", ["2026-13-01", "2026-1-1", "26-01-01", "2026-02-29", "2026", "1969-12-31", "2200-01-02"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date|outside the calendar"):
        day(text)
    values: list[Any] = [
        None,
        [],
        {},
        True,
        datetime(2026, 1, 1, tzinfo=UTC),
        "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661",
        "2026-01-01T00:00",
    ]
    for value in values:
        with pytest.raises(ValueError, match=r"."):
            day(value)


# -- periods ---------------------------------------------------------------------------------------------------------
@given(span=SPAN, every=UNITS)
@settings(derandomize=True, deadline=None, max_examples=50)
def test_periods_fill_the_horizon_without_gap_or_overlap(span: tuple[date, date], every: str) -> None:
    start, end = span
    periods = horizon(str(start), str(end), every).periods()
    assert [p.index for p in periods] == list(range(len(periods)))
    assert periods[0].start == moment(start)
    assert periods[-1].end == moment(end)
    assert all(a.end == b.start for a, b in pairwise(periods))
    assert sum(p.hours for p in periods) == hours_between(moment(start), moment(end))


def test_a_leap_year_has_8784_hours() -> None:
    periods = horizon("2028-01-01", "2029-01-01", "hour").periods()
    assert len(periods) == 8784
    assert {p.hours for p in periods} == {Fraction(1)}


def test_months_from_the_31st() -> None:
    periods = horizon("2026-01-31", "2026-06-01").periods()
    assert [str(p.start.date())[5:] for p in periods] == ["01-31", "02-28", "03-31", "04-30", "05-31"]
    assert periods[-1].hours == 24


def test_the_hours_of_a_typical_week_add_up_to_their_month() -> None:
    periods = horizon("2027-12-01", "2028-04-01", "hour", typical="week").periods()
    assert len(periods) == 4 * 168
    months: dict[tuple[datetime, datetime], list[Period]] = {}
    for p in periods:
        months.setdefault((p.span_start, p.span_end), []).append(p)
        assert p.end - p.start == timedelta(hours=1)
        assert p.span_start <= p.start < p.end <= p.span_end
    for (start, end), week in months.items():
        assert len(week) == 168
        assert week[0].start.weekday() == week[0].start.hour == 0
        assert sum(p.hours for p in week) == hours_between(start, end)
    assert [float(sum(p.hours for p in w)) for w in months.values()] == [744, 744, 696, 744]


@pytest.mark.parametrize(
    ("start", "end", "every", "more"),
    [
        ("2026-01-01", "2026-01-01", "month", {}),
        ("2026-01-02", "2026-01-01", "month", {}),
        ("2026-01-01", "2027-01-01", "month", {"typical": "week"}),
        ("2026-01-15", "2027-01-01", "hour", {"typical": "week"}),
        ("1970-01-01", "2200-01-01", "hour", {}),
        ("1970-01-01", "2200-01-01", "hour", {"typical": "week"}),
        ("2026-01-01", "2027-01-01", "fortnight", {}),
    ],
)
def test_horizons_that_are_refused(start: str, end: str, every: str, more: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        horizon(start, end, every, **more)


# -- dated values ----------------------------------------------------------------------------------------------------
COUNTS: TypeAdapter[Dated[int]] = TypeAdapter(Dated[Count])


def test_a_value_that_changes_on_dates() -> None:
    value = COUNTS.validate_python({"2026-01": "10", "2026-01-21": {"value": "20", "source": "x"}})
    assert [value.on(at(d)) for d in ("2025-12-31", "2026-01-01", "2026-01-20", "2026-01-21")] == [None, 10, 10, 20]
    assert list(value.values()) == [10, 20]
    assert value.mean(at("2026-01-11"), at("2026-01-31"), Fraction) == 15
    assert value.mean(at("2025-12-31"), at("2026-01-31"), Fraction) is None
    assert list(value.pieces(at("2026-01-01"), at("2026-01-31"))) == [(Fraction(2, 3), 10), (Fraction(1, 3), 20)]


def test_a_value_without_dates_holds_always() -> None:
    value = COUNTS.validate_python("7")
    assert value.on(at("1970-01-01")) == 7
    assert value.mean(at("2026-01-01"), at("2027-01-01"), Fraction) == 7
    assert value == COUNTS.validate_python({"value": "7", "source": "x"})
    assert hash(value) == hash(COUNTS.validate_python("7"))


def test_dated_values_may_share_a_source() -> None:
    dates = {"2026-01-01": "1", "2026-02-01": "2"}
    assert COUNTS.validate_python({"value": dates, "source": "a page"}) == COUNTS.validate_python(dates)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"2026-02-01": "1", "2026-01-01": "2"}, "dates out of order: 2026-02-01 stands before 2026-01-01"),
        ({"2026-01-01": "1", "2026-01": "2"}, "two values for one day, 2026-01-01"),
        ({"2026-01-01": "1", "soon": "2"}, "`soon` is not a date"),
        ({"2026-02-30": "1"}, "did you mean `2026-02-28`"),
        ({"2026-01-01": "none"}, "`none` is not a number"),
        ({}, "a mapping is not a whole number"),
        ({"2026-01-01": {"2026-01-01": "1"}}, "a mapping is not a whole number"),
    ],
)
def test_dated_values_that_are_refused(given: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        COUNTS.validate_python(given)


# -- names --------------------------------------------------------------------------------------------------------
def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "name"),
    [
        ("2029-01-01", "2030-01-01", "2029"),
        ("2029-01-01", "2032-01-01", "2029–2031"),
        ("2029-01-01", "2029-04-01", "2029 Q1"),
        ("2029-10-01", "2030-01-01", "2029 Q4"),
        ("2029-02-01", "2029-05-01", "Feb 2029 – Apr 2029"),
        ("2029-03-01", "2029-04-01", "Mar 2029"),
        ("2029-12-01", "2030-01-01", "Dec 2029"),
        ("2026-03-01", "2027-03-01", "Mar 2026 – Feb 2027"),
        ("2028-02-27", "2029-02-27", "2028-02-27 to 2029-02-26"),
        ("2028-02-27", "2028-02-28", "2028-02-27"),
        ("2028-02-27T13:00", "2028-02-27T14:00", "2028-02-27 13:00 to 14:00"),
        ("2028-02-27T23:00", "2028-02-28T00:00", "2028-02-27 23:00 to 00:00"),
        ("2028-02-27T23:00", "2028-02-28T02:00", "2028-02-27 23:00 to 2028-02-28 02:00"),
        ("2028-02-27", "2200-01-01", "from 2028-02-27 without end"),
        ("2026-01-01", "2200-01-01", "from 2026-01-01 without end"),
        ("2198-01-01", "2199-12-01", "Jan 2198 – Nov 2199"),
    ],
)
def test_time_is_named_in_few_words(start: str, end: str, name: str) -> None:
    assert named(instant(start), instant(end)) == name
