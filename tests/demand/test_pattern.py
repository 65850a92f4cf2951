"""How hours are folded, and the mean of any period."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.demand.demand_files import START, csv_of, hourly, periods, read, refused


def test_day_and_week(tmp_path: Path) -> None:
    week = read(tmp_path, hourly(2 * 168), as_="week")
    assert [round(r * 10**6) for r in week.pattern.rates[:3]] == [2168, 2170, 2172]
    hours = periods("hour")
    assert week.hourly(hours[0]) == week.pattern.rates[0]
    assert week.hourly(hours[168 + 30]) == week.pattern.rates[30]
    day = read(tmp_path, hourly(48), as_="day")
    assert [round(r * 10**6) for r in day.pattern.rates[:3]] == [2024, 2026, 2028]
    assert len(day.pattern.rates) == 24
    typical = periods("hour", "2026-01-01", "2026-03-01", typical="week")
    assert week.hourly(typical[30]) == week.pattern.rates[30]


def test_partial_hours_count_by_the_time_that_is_covered(tmp_path: Path) -> None:
    begin = START + timedelta(minutes=45)
    rows = [(begin + timedelta(minutes=15 * q), 100, 0) for q in range(4 * 24 + 3)]  # to 01:15 on the next day
    found = read(tmp_path, csv_of(rows), as_="day")
    assert found.pattern.rates[0] == Fraction(5 * 100, 10**6) / Fraction(75, 60)
    assert found.pattern.rates[12] == Fraction(4 * 100, 10**6)


def test_too_short_for_its_pattern(tmp_path: Path) -> None:
    assert refused(tmp_path, hourly(3), as_="day") == (
        "t.csv: covers 3.0 hours, and `as: day` needs half an hour of each of its 24 hours: "
        "21 lack (03:00, 04:00, 05:00, …); write `as: mean`"
    )
    assert "covers 6.0 days, and `as: week`" in refused(tmp_path, hourly(144), as_="week")
    assert "24 lack (Sun 00:00, Sun 01:00" in refused(tmp_path, hourly(144), as_="week")
    # 23 hours and 25 minutes: the hour that is cut in two has 25 minutes in all, and five of them say little.
    rows = [(START + timedelta(minutes=40), 1, 1), (START + timedelta(hours=24, minutes=5), 1, 1)]
    assert "1 lack (00:00)" in refused(tmp_path, csv_of(rows), as_="day")


def test_dated_hours_must_cover_the_plan(tmp_path: Path) -> None:
    found = read(tmp_path, hourly(28 * 24), as_="dated")
    each = [found.hourly(p) for p in periods("hour")]
    assert each[100] == Fraction(2 * 1100, 10**6)
    assert [found.hourly(p) for p in periods("week")][1] == sum(each[168:336]) / 168
    assert found.uncovered(START, START + timedelta(days=28)) is None
    with pytest.raises(ValueError, match=r"no data for the hour of 2026-02-02 00:00, only from 2026-01-05 00:00"):
        found.hourly(periods("day", end="2026-02-04")[28])
    assert "`as: week`" in str(found.uncovered(START, START + timedelta(days=29)))


def test_dated_hours_in_a_typical_week_are_the_like_hours_of_the_month(tmp_path: Path) -> None:
    found = read(tmp_path, hourly(31 * 24, datetime(2026, 1, 1, tzinfo=UTC)), as_="dated")
    typical = periods("hour", "2026-01-01", "2026-02-01", typical="week")
    thursdays = [h for h in range(31 * 24) if h % 168 == 5]  # the month begins on a Thursday
    friday_hours = found.hourly(typical[3 * 24 + 5])
    assert friday_hours == Fraction(sum(2 * (1000 + h) for h in thursdays), len(thursdays) * 10**6)
    assert sum(found.hourly(p) * p.hours for p in typical) > 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["mean", "day", "week"]),
    every=st.sampled_from(["day", "week", "month"]),
    minutes=st.integers(10_080, 15_000),
    seed=st.integers(0, 2**32),
)
def test_a_longer_period_is_the_mean_of_its_hours(
    tmp_path: Path, kind: str, every: str, minutes: int, seed: int
) -> None:
    chance = random.Random(seed)
    rows = [(START + timedelta(minutes=chance.randrange(minutes)), chance.randrange(900), 5) for _ in range(300)]
    rows += [(START, 1, 0), (START + timedelta(minutes=minutes), 1, 0)]
    found = read(tmp_path, csv_of(rows), as_=kind)
    hours = [found.hourly(p) for p in periods("hour", "2026-01-01", "2026-03-20")]
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for period in periods(every, "2026-01-01", "2026-03-20"):
        a, b = ((at - begin) // timedelta(hours=1) for at in (period.start, period.end))
        assert found.hourly(period) == sum(hours[a:b]) / (b - a)
    # Nothing is lost: the rates by the time they stand for are the tokens of the file.
    if kind == "mean":
        assert found.pattern.rates[0] * minutes / 60 == Fraction(sum(i + o for _, i, o in rows), 10**6)
