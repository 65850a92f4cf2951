"""Windows of contracts: half-open, enumerated when asked, cut only where a plan's horizon cuts them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.contract.reach.validity import Validity
from detente.contract.reach.window import Calendar, Every, Window, overlap
from detente.values.period import FIRST, LAST, Horizon, day, hours_between, moment
from detente.values.zone import zone_of

DAYS = st.dates(date(1972, 1, 1), date(2100, 1, 1))
SPAN = st.tuples(DAYS, st.integers(31, 1500)).map(lambda d: (d[0], d[0] + timedelta(days=d[1])))
MICRO = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return moment(day(text))


def horizon(start: str, end: str, every: str = "month", **more: Any) -> Horizon:
    return Horizon.model_validate({"start": start, "end": end, "every": every, **more})


def windows(every: dict[str, Any], start: str, end: str, seen: Horizon) -> list[tuple[int, str, str, Fraction]]:
    found = Every.model_validate(every).calendar(at(start), at(end)).seen_by(seen)
    return [(w.index, f"{w.start:%Y-%m-%d}", f"{w.end:%Y-%m-%d}", w.part) for w in found]


YEAR = horizon("2026-01-01", "2027-01-01")


def test_one_window_for_the_whole_term() -> None:
    assert windows({}, "2025-01-01", "2027-01-01", YEAR) == [(0, "2025-01-01", "2027-01-01", Fraction(1, 2))]
    assert windows({}, "2027-01-01", "2028-01-01", YEAR) == []
    assert windows({}, "2025-01-01", "2026-01-01", YEAR) == []


def test_windows_keep_their_number_and_are_cut_by_the_horizon() -> None:
    assert windows({"every": "year"}, "2024-07-01", "2030-01-01", YEAR) == [
        (1, "2025-07-01", "2026-07-01", Fraction(181, 365)),
        (2, "2026-07-01", "2027-07-01", Fraction(184, 365)),
    ]
    assert windows({"every": "quarter"}, "2026-11-01", "2026-12-15", YEAR) == [
        (0, "2026-11-01", "2026-12-15", Fraction(1))
    ]


def test_a_ramp_is_told_with_its_parts_and_a_long_one_with_the_first() -> None:
    told = [Every.model_validate({"every": "month", "ramp": [f"{100 // n}%"] * n}).told for n in (2, 25)]
    assert told == ["by month, in turn 50%, 50% of it", f"by month, in turn {'4%, ' * 12}… of it"]


def test_windows_that_start_on_a_stated_day_say_so() -> None:
    """A clause of the whole year whose window starts in April does not count "over its whole term"."""
    stated = [
        {"starts": "2026-04-01"},
        {"every": "quarter", "starts": "2026-02-01"},
        {"every": "month", "starts": "2026-02-01", "ramp": ["10%", "90%"]},
    ]
    assert [Every.model_validate(each).told for each in stated] == [
        "over its term from 2026-04-01 on",
        "in each quarter from 2026-02-01 on",
        "by month from 2026-02-01 on, in turn 10%, 90% of it",
    ]


def test_half_years_begin_on_one_day_or_on_the_last_of_a_shorter_month() -> None:
    assert windows({"every": "half-year"}, "2025-08-31", "2026-12-31", YEAR) == [
        (0, "2025-08-31", "2026-02-28", Fraction(58, 181)),
        (1, "2026-02-28", "2026-08-31", Fraction(1)),
        (2, "2026-08-31", "2026-12-31", Fraction(1)),
    ]


def test_weeks_are_seven_days_from_the_day_on_which_they_start() -> None:
    seen = horizon("2026-01-01", "2026-02-01")
    assert windows({"every": "week", "starts": "2026-01-05"}, "2026-01-08", "2026-02-01", seen) == [
        (0, "2026-01-08", "2026-01-12", Fraction(1)),
        (1, "2026-01-12", "2026-01-19", Fraction(1)),
        (2, "2026-01-19", "2026-01-26", Fraction(1)),
        (3, "2026-01-26", "2026-02-01", Fraction(1)),
    ]


def test_the_week_in_which_clocks_change_is_an_hour_shorter() -> None:
    found = Every.model_validate({"every": "week", "starts": "2026-03-02"}).calendar(
        at("2026-03-02"), at("2026-03-23"), zone_of("America/New_York")
    )
    assert [hours_between(w.start, w.end) for w in islice(found, 2)] == [167, 168]


def test_windows_from_the_31st() -> None:
    found = windows({"every": "month", "starts": "2026-01-31"}, "2026-01-01", "2026-04-01", YEAR)
    assert [(a, b) for _, a, b, _ in found] == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-31"),
        ("2026-03-31", "2026-04-01"),
    ]


def test_windows_that_start_before_the_clause_begin_with_it() -> None:
    early = {"every": "month", "starts": "2026-01-10"}
    assert windows(early, "2026-03-01", "2026-05-01", YEAR) == [
        (1, "2026-03-01", "2026-03-10", Fraction(1)),
        (2, "2026-03-10", "2026-04-10", Fraction(1)),
        (3, "2026-04-10", "2026-05-01", Fraction(1)),
    ]
    assert windows({"starts": "2025-01-01"}, "2026-03-01", "2026-05-01", YEAR) == [
        (0, "2026-03-01", "2026-05-01", Fraction(1))
    ]
    late = {"every": "month", "starts": "2026-04-01"}  # nothing is due before the first window
    assert [w[1] for w in windows(late, "2026-03-01", "2026-06-01", YEAR)] == ["2026-04-01", "2026-05-01"]


def test_a_ramp_keeps_its_place_where_its_first_windows_are_over() -> None:
    ramp = {"every": "month", "starts": "2026-01-01", "ramp": ["10%", "30%", "60%"]}
    assert [w[0] for w in windows(ramp, "2026-02-01", "2027-01-01", YEAR)] == [1, 2]
    assert windows(ramp, "2026-04-01", "2027-01-01", YEAR) == []


def test_no_time_before_the_clause_is_in_a_window() -> None:
    early = calendar("month", "2026-03-01", "2026-05-01", starts="2026-01-01")
    before = at("2026-03-01") - MICRO
    assert list(early.over(before, before)) == []
    assert list(early.over(at("2026-01-01"), at("2026-03-01"))) == []
    ((window, part, whole),) = early.parts(at("2026-02-19"), at("2026-03-11"))  # 10 days before, 10 days in force
    assert (window.index, Fraction(part, whole)) == (2, Fraction(1, 2))


def test_a_ramp_has_as_many_windows_as_parts() -> None:
    ramp = {"every": "year", "ramp": ["10%", "30%", "60%"]}
    assert [w[0] for w in windows(ramp, "2024-01-01", "2200-01-01", YEAR)] == [2]
    assert windows(ramp, "2020-01-01", "2200-01-01", YEAR) == []


@given(span=SPAN, every=st.sampled_from(["month", "quarter", "half-year", "year"]))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_the_overlaps_of_a_period_with_all_windows_add_up_to_one(span: tuple[date, date], every: str) -> None:
    start, end = span
    seen = horizon(str(start), str(end), "week")
    found = list(Every.model_validate({"every": every}).calendar(moment(start), moment(end)).seen_by(seen))
    for period in seen.periods():
        assert sum(overlap(period, window) for window in found) == 1
    assert sum(w.part * hours_between(w.start, w.end) for w in found) == hours_between(moment(start), moment(end))


def test_an_hour_of_a_typical_week_lies_in_windows_as_its_month_does() -> None:
    period = horizon("2026-01-01", "2026-02-01", "hour", typical="week").periods()[5]
    half = Window(0, at("2026-01-01"), at("2026-01-16"), Fraction(1))
    assert overlap(period, half) == Fraction(15, 31)


# -- of a moment and of a time ---------------------------------------------------------------------------------------
def calendar(every: str, start: str, end: str, **more: Any) -> Calendar:
    return Every.model_validate({"every": every, **more}).calendar(at(start), at(end))


def test_a_moment_on_an_edge_lies_in_the_window_that_begins_there() -> None:
    months = calendar("month", "2026-01-10", "2026-04-01")
    edge = at("2026-02-10")
    assert [w.index for w in months.over(edge, edge)] == [1]
    assert [w.index for w in months.over(edge - MICRO, edge - MICRO)] == [0]
    assert list(months.over(at("2026-01-10") - MICRO, at("2026-01-10") - MICRO)) == []
    assert list(months.over(at("2026-04-01"), at("2026-04-01"))) == []  # the clause has ended


def test_a_time_lies_in_windows_by_its_parts() -> None:
    months = calendar("month", "2026-01-01", "2026-04-01")
    found = list(months.parts(at("2026-01-22"), at("2026-02-11")))
    assert [(w.index, Fraction(part, whole)) for w, part, whole in found] == [(0, Fraction(1, 2)), (1, Fraction(1, 2))]
    late = list(months.parts(at("2026-03-22"), at("2026-04-11")))
    assert [(w.index, Fraction(part, whole)) for w, part, whole in late] == [(2, Fraction(1, 2))]


def test_a_clause_without_end_is_enumerated_as_far_as_asked() -> None:
    months = calendar("month", str(FIRST), str(LAST))
    assert months.endless
    assert [w.start.month for w in islice(months, 3)] == [1, 2, 3]
    (found,) = months.over(at("2150-07-04"), at("2150-07-04"))
    assert (found.index, found.start, found.part) == ((2150 - 1970) * 12 + 6, at("2150-07-01"), 1)
    assert not months.seen_by(horizon("2026-01-01", "2027-01-01")).endless


def test_a_horizon_sees_no_moment_outside_itself() -> None:
    seen = calendar("year", "2025-01-01", "2030-01-01").seen_by(horizon("2026-01-01", "2026-07-01"))
    for text, found in (("2025-12-31", 0), ("2026-01-01", 1), ("2026-06-30", 1), ("2026-07-01", 0)):
        assert len(list(seen.over(at(text), at(text)))) == found, text
    assert list(seen.over(at("2026-08-01"), at("2026-09-01"))) == []


@given(
    span=SPAN,
    every=st.sampled_from(["month", "quarter", "half-year", "year", "term"]),
    seconds=st.lists(st.integers(0, 10**8)),
    early=st.none() | st.integers(0, 700),
)
@settings(derandomize=True, deadline=None, max_examples=100)
def test_windows_tile_the_time_in_force(
    span: tuple[date, date], every: str, seconds: list[int], early: int | None
) -> None:
    """Whether or not they are stated to start before it."""
    start, end = map(moment, span)
    starts = None if early is None else span[0] - timedelta(days=early)
    found = Every.model_validate({"every": every, "starts": starts}).calendar(start, end)
    tiles = list(found)
    assert (tiles[0].start, tiles[-1].end) == (start, end)
    assert all(a.end == b.start and a.index + 1 == b.index for a, b in pairwise(tiles))
    for n in seconds:
        when = start + timedelta(seconds=n)
        holds = [w for w in tiles if w.start <= when < w.end]
        assert list(found.over(when, when)) == holds
        assert sum(Fraction(part, whole) for _, part, whole in found.parts(start, when)) == (
            1 if when <= end else hours_between(start, end) / hours_between(start, when)
        )


@pytest.mark.parametrize(
    ("zone", "every", "start", "end", "hours"),
    [
        # clocks are put forward on 8 March and back on 1 November
        ("America/New_York", "day", "2026-03-07", "2026-03-10", [24, 23, 24]),
        ("America/New_York", "day", "2026-10-31", "2026-11-03", [24, 25, 24]),
        ("America/New_York", "month", "2026-02-01", "2026-05-01", [672, 743, 720]),
        ("America/New_York", "month", "2026-11-01", "2027-01-01", [721, 744]),
        ("America/New_York", "year", "2025-03-01", "2027-03-01", [8760, 8760]),
        ("Europe/Berlin", "quarter", "2026-01-01", "2026-07-01", [2159, 2184]),
        ("Asia/Tokyo", "month", "2026-03-01", "2026-05-01", [744, 720]),
        ("Asia/Kathmandu", "day", "2026-03-07", "2026-03-09", [24, 24]),
        # a clock that goes forward at midnight: the day begins an hour late, and has 23
        ("Asia/Beirut", "day", "2026-03-28", "2026-03-31", [24, 23, 24]),
        # every hour is one
        ("America/New_York", "hour", "2026-03-08", "2026-03-09", [1] * 23),
    ],
)
def test_windows_on_the_clock_of_a_time_zone(zone: str, every: str, start: str, end: str, hours: list[int]) -> None:
    clock = zone_of(zone)
    begin, over = (moment(day(text), clock) for text in (start, end))
    calendar = Every.model_validate({"every": every}).calendar(begin, over, clock)
    found = list(calendar)
    assert [hours_between(window.start, window.end) for window in found] == hours
    assert (found[0].start, found[-1].end) == (begin, over)
    assert all(a.end == b.start for a, b in pairwise(found))
    for window in found:  # any moment of UTC is found in its own
        for at in (window.start, window.start + MICRO, window.end.astimezone(UTC) - MICRO):
            assert [w.index for w in calendar.over(at.astimezone(UTC), at.astimezone(UTC))] == [window.index]


def test_a_clause_in_a_zone_starts_and_ends_on_its_clock() -> None:
    """A version that begins at some moment of UTC keeps the windows of its zone."""
    clock = zone_of("America/New_York")
    turned = datetime(2026, 3, 10, 12, tzinfo=UTC)
    found = list(Every.model_validate({"every": "day"}).calendar(turned, turned + timedelta(days=2), clock))
    assert [str(window.start) for window in found] == ["2026-03-10 08:00:00-04:00", "2026-03-11 08:00:00-04:00"]


@pytest.mark.parametrize(
    ("zone", "on"),
    [("America/Havana", "2026-11-01"), ("America/Santiago", "2026-09-06"), ("Atlantic/Azores", "2026-10-25")],
)
def test_what_begins_at_a_midnight_that_comes_twice_or_is_skipped_is_in_force_at_that_moment(
    zone: str, on: str
) -> None:
    """Such a moment equals none on another clock, by Python's own rule (PEP 495): use is told in UTC."""
    clock = zone_of(zone)
    start = moment(day(on), clock)
    there, before = start.astimezone(UTC), start.astimezone(UTC) - MICRO
    assert start != there  # what makes the difference
    validity = Validity("deal", "north", start, start + timedelta(days=9), zone=clock)
    assert (validity.over(there, there), validity.over(before, before)) == (True, False)
    calendar = Every.model_validate({"every": "day"}).calendar(start, start + timedelta(days=2), clock)
    assert (calendar.begins_at(there), calendar.begins_at(before)) == (True, False)
    assert [window.index for window in calendar.over(there, there)] == [0]
