from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from detente.report.timeline import MAX_BUCKETS, Timeline, horizon
from detente.results.plan_rows import PeriodRow
from tests.report.frontier import hours, month, months


def test_horizons() -> None:
    assert horizon(months(96)) == "2026–2033"
    assert horizon(()) == ""


@pytest.mark.parametrize(
    ("grid", "size", "count", "step"),
    [
        (months, 24, 24, ""),
        (months, 96, 32, "quarter"),
        (hours, 48, 48, ""),
        (hours, 2016, 84, "day"),
        (hours, 24 * 365, 53, "week"),
        (hours, 24 * 365 * 4, 48, "month"),
        (hours, 100_000, 46, "quarter"),
    ],
)
def test_long_grids_become_few_steps(
    grid: Callable[[int], tuple[PeriodRow, ...]], size: int, count: int, step: str
) -> None:
    periods = grid(size)
    time = Timeline.of(periods)
    assert len(time.buckets) == count
    assert time.step == step
    assert len(time.at) == len(periods)
    assert sum(b.hours for b in time.buckets) == sum(p.hours for p in periods)
    assert [b.start for b in time.buckets] == sorted(b.start for b in time.buckets)
    assert len(time.buckets) <= MAX_BUCKETS


def test_hours_of_a_typical_week_stand_for_their_month() -> None:
    start, end = month(0), month(1)
    week = tuple(
        PeriodRow(
            i, datetime(2026, 1, 5, i, tzinfo=UTC), datetime(2026, 1, 5, i + 1, tzinfo=UTC), start, end, Decimal("31")
        )
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
