"""Windows of budgets: by the clock on the wall of a zone, without gap or overlap, whatever that clock does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import FlawError
from detente.live.budget_window import BudgetCycle, WallWindows
from detente.values.zone import zone_of

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/Havana",  # its clock goes back from 1 to 0 o'clock, and forward at midnight
    "Asia/Beirut",  # back from midnight to 23 o'clock
    "America/Goose_Bay",  # until 2011 back from 0:01 to 23:01
    "Pacific/Apia",  # there was no 30th December 2011
    "Australia/Lord_Howe",  # by half an hour
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "at", "start", "end"),
    [
        (WallWindows("minute"), "2026-03-10T12:34:56", "2026-03-10T12:34", "2026-03-10T12:35"),
        (WallWindows("hour", "Asia/Kolkata"), "2026-03-10T12:34", "2026-03-10T12:00", "2026-03-10T13:00"),
        (WallWindows("day", "Asia/Kolkata"), "2026-03-10T18:29", "2026-03-09T18:30", "2026-03-10T18:30"),
        (WallWindows("day", "Europe/Berlin"), "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours
        (WallWindows("week"), "2026-03-15T23:59", "2026-03-09", "2026-03-16"),  # Monday to Sunday
        (WallWindows("week", "UTC", date(2026, 3, 4)), "2026-03-10T23:59", "2026-03-04", "2026-03-11"),
        (WallWindows("month", "Europe/Berlin"), "2026-06-30T22:30", "2026-06-30T22:00", "2026-07-31T22:00"),
        (WallWindows("month", "UTC", date(2026, 1, 31)), "2026-03-01", "2026-02-28", "2026-03-31"),
        (WallWindows("quarter"), "2026-05-31", "2026-04-01", "2026-07-01"),
        (WallWindows("year", "UTC", date(2026, 4, 1)), "2027-03-31", "2026-04-01", "2027-04-01"),
        (WallWindows("term", "UTC", date(2026, 4, 1)), "2027-03-31", "2026-04-01", "2200-01-01"),
    ],
)
def test_a_moment_lies_in_its_window(windows: WallWindows, at: str, start: str, end: str) -> None:
    found = windows.at(utc(at))
    assert found is not None
    assert (found.start, found.end) == (utc(start), utc(end))


def test_nothing_is_before_the_first_window() -> None:
    for every in ("day", "term"):
        windows = WallWindows(every, "UTC", date(2026, 4, 1))
        assert windows.at(utc("2026-03-31T23:59")) is None
        first = windows.at(utc("2026-04-01"))
        assert first is not None
        assert first.index == 0


@settings(deadline=None, max_examples=200)
@given(
    every=st.sampled_from(get_args(BudgetCycle)),
    zone=st.sampled_from(ZONES),
    at=st.datetimes(datetime(2005, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
)
def test_windows_follow_each_other(every: BudgetCycle, zone: str, at: datetime) -> None:
    windows = WallWindows(every, zone)
    found = windows.at(at)
    assert found is not None
    assert found.start <= at < found.end
    if every != "term":
        after, before = windows.at(found.end), windows.at(found.start - timedelta(microseconds=1))
        assert after is not None
        assert before is not None
        assert (after.start, after.index) == (found.end, found.index + 1)
        assert (before.end, before.index) == (found.start, found.index - 1)


def test_around_each_change_of_a_clock_windows_follow_each_other() -> None:
    for zone in ZONES[1:]:
        windows, at = WallWindows("day", zone), utc("2010-01-01")
        offset = ZoneInfo(zone)
        while at < utc("2012-01-01"):
            if at.astimezone(offset).utcoffset() != (at + timedelta(hours=1)).astimezone(offset).utcoffset():
                seen = [windows.at(at + timedelta(minutes=m)) for m in range(-90, 150)]
                indices = [found.index for found in seen if found is not None]
                assert indices == sorted(indices), zone
                assert indices[-1] - indices[0] <= 2
            at += timedelta(hours=1)


def test_a_zone_that_is_none_is_told() -> None:
    assert zone_of("UTC") is UTC
    with pytest.raises(FlawError, match="there is no time zone `Europe/Berln`"):
        zone_of("Europe/Berln")
