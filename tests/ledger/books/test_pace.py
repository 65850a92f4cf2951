"""The pace of use: worked by hand, and its range wide enough for nine days in ten that are like those before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.ledger.books.pace import Pace, UseRhythm
from detente.values.period import moment
from tests.builders import day

MONDAY = date(2026, 1, 5)


def days(*amounts: int, start: date = MONDAY) -> dict[date, int]:
    return {start + n * timedelta(1): 6 * amount for n, amount in enumerate(amounts)}


def pace(days: Mapping[date, int], now: datetime, end: datetime, start: datetime | None = None) -> Pace | None:
    """What is still to come of days that are told in sixths, up to an end, from now or from a later start on."""
    rhythm = UseRhythm.of(days, 6, now)
    return None if rhythm is None else rhythm.over(start or now, end)


def test_a_week_to_come_is_as_the_weeks_before_were() -> None:
    week = [10, 10, 10, 10, 10, 2, 0]
    found = pace(days(*week, *week), day("2026-01-19"), day("2026-01-26"))
    assert found is not None
    assert (found.expected, found.low, found.high) == (52, 52, 52)  # no two Mondays differ: no range
    weekend = pace(days(*week, *week), day("2026-01-19"), day("2026-01-26"), day("2026-01-24"))
    assert weekend is not None
    assert weekend.expected == 2


def test_the_rest_of_a_day_counts_by_its_time() -> None:
    found = pace(days(*[8] * 7), moment(date(2026, 1, 12)) + timedelta(hours=18), day("2026-01-14"))
    assert found is not None
    assert found.expected == 2 + 8


def test_days_that_vary_have_a_range() -> None:
    found = pace(days(*[9, 11] * 7), day("2026-01-19"), day("2026-01-20"))
    assert found is not None
    # Mondays were 9 and 11: each day is 1 from its mean, 14 in all of which 7 are free: a variance of 2; one day to
    # come varies by 2 * (1 + 1/14), and 1.645 times its root is 2.408
    assert (found.expected, round(float(found.low), 3), round(float(found.high), 3)) == (10, 7.592, 12.408)


def test_nothing_is_expected_of_less_than_a_week() -> None:
    assert pace(days(*[5] * 6), day("2026-01-11"), day("2026-02-01")) is None
    assert pace({}, day("2026-01-12"), day("2026-02-01")) is None
    assert pace(days(*[5] * 7), day("2026-01-08"), day("2026-02-01")) is None  # most of them are to come


def test_weeks_long_ago_count_no_more() -> None:
    long_ago = days(*[100] * 28)
    since = days(*[1] * 56, start=MONDAY + timedelta(28))
    found = pace({**long_ago, **since}, moment(MONDAY + timedelta(84)), moment(MONDAY + timedelta(91)))
    assert found is not None
    assert found.expected == 7


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 10**6), min_size=7, max_size=80), st.integers(0, 60))
def test_the_range_holds_what_is_expected_and_is_never_negative(amounts: list[int], left: int) -> None:
    now = moment(MONDAY + timedelta(len(amounts)))
    found = pace(days(*amounts), now, now + left * timedelta(1))
    if found is None:
        assert len([a for a in amounts if a]) < 7 or not amounts[0]
        return
    assert 0 <= found.low <= found.expected <= found.high


@pytest.mark.parametrize("left", [3, 20])
def test_nine_in_ten_lie_in_the_range(left: int) -> None:
    """Of 400 drawn weeks by weeks, seeded: between 86% and 97%, as 1.645 deviations and six weeks of days allow."""
    random, inside = Random(7), 0
    for _ in range(400):
        drawn = [max(0, round(random.gauss(1000 if n % 7 < 5 else 300, 150))) for n in range(42 + left)]
        now = moment(MONDAY + timedelta(42))
        found = pace(days(*drawn[:42]), now, now + left * timedelta(1))
        assert found is not None
        inside += found.low <= sum(drawn[42:]) <= found.high
    assert 0.86 <= inside / 400 <= 0.97
