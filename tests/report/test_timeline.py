from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from detente.plan import PeriodRow
from detente.report.timeline import MOST_BUCKETS, Timeline, horizon, named
from tests.report.frontier import hours, month, months


def at(text: str) -> datetime:
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
    ],
)
def test_time_is_named_in_few_words(start: str, end: str, name: str) -> None:
    assert named(at(start), at(end)) == name


def test_horizons() -> None:
    assert horizon(months(96)) == "2026–2033"
    assert horizon(()) == ""


@pytest.mark.parametrize(
    ("periods", "count", "step"),
    [
        (months(24), 24, ""),
        (months(96), 32, "quarter"),
        (hours(48), 48, ""),
        (hours(2016), 84, "day"),
        (hours(24 * 365), 53, "week"),
        (hours(24 * 365 * 4), 48, "month"),
        (hours(100_000), 46, "quarter"),
    ],
)
def test_long_grids_become_few_steps(periods: tuple[PeriodRow, ...], count: int, step: str) -> None:
    time = Timeline.of(periods)
    assert len(time.buckets) == count
    assert time.step == step
    assert len(time.at) == len(periods)
    assert sum(b.hours for b in time.buckets) == sum(p.hours for p in periods)
    assert [b.start for b in time.buckets] == sorted(b.start for b in time.buckets)
    assert len(time.buckets) <= MOST_BUCKETS


def test_hours_of_a_typical_week_stand_for_their_month() -> None:
    start, end = month(0), month(1)
    week = tuple(
        PeriodRow(i, at(f"2026-01-05T{i:02d}:00"), at(f"2026-01-05T{i + 1:02d}:00"), start, end, Decimal("31"))
        for i in range(23)
    )
    time = Timeline.of(week)
    assert [b.label for b in time.buckets] == ["Jan 2026"]
    assert time.sums([(i, Decimal(2)) for i in range(23)]) == [46]


def test_rates_level_months_of_different_length() -> None:
    periods = months(3)
    time = Timeline.of(periods)
    assert time.rates([(p.index, p.hours * 7) for p in periods]) == [7, 7, 7]
    assert time.rates([(p.index, p.hours * 7) for p in periods], Decimal(24)) == [168] * 3
    assert time.rates([(99, Decimal(5))]) == [0, 0, 0]
