"""Whole quanta of work: exact, and the nearest of two (``demand.quanta``)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.demand.demand import DemandOverTime
from detente.demand.quanta import in_quanta, nanos_each, quanta_over
from detente.demand.quantum import QUANTUM, nanos
from tests.builders import Data
from tests.demand.demand_files import csv_of, periods


@pytest.mark.parametrize(
    ("work", "quanta"),
    [
        (Fraction(0), 0),
        (Fraction(1), 1_000_000),
        (Fraction(5, 10**7), 0),  # half a quantum: the even one of 0 and 1
        (Fraction(15, 10**7), 2),  # one and a half: the even one of 1 and 2
        (Fraction(25, 10**7), 2),
        (Fraction(1, 3), 333_333),
        (Fraction(9 * 10**12), 9 * 10**18),  # the most that a case may ask for
    ],
)
def test_the_nearest_and_of_two_the_even(work: Fraction, quanta: int) -> None:
    assert in_quanta([work], [True]).quanta.tolist() == [quanta]


AMOUNTS = st.fractions(min_value=0, max_value=9 * 10**12) | st.fractions(min_value=0, max_value=5 * QUANTUM)


WORK = st.lists(st.tuples(AMOUNTS, st.booleans()))


@given(WORK)
def test_each_is_the_nearest_but_for_what_is_made_good(work: list[tuple[Fraction, bool]]) -> None:
    found = in_quanta(*split(work))
    for (amount, good), quanta, above in zip(work, found.quanta.tolist(), found.above.tolist(), strict=True):
        away = quanta * QUANTUM - amount
        assert (quanta == 0 and above == 0) if not amount else abs(away - Fraction(above)) < Fraction(1, 10**9)
        assert abs(away) <= (QUANTUM / 2 * (1 + len(work)) if good or amount < LITTLE else QUANTUM / 2)


@given(WORK)
def test_up_to_where_it_is_made_good_it_is_what_was_asked_for(work: list[tuple[Fraction, bool]]) -> None:
    asked = done = Fraction(0)
    for (amount, good), quanta in zip(work, in_quanta(*split(work)).quanta.tolist(), strict=True):
        asked, done = asked + amount, done + quanta * QUANTUM
        if (good and amount) and quanta:
            assert abs(done - asked) <= QUANTUM / 2 + Fraction(len(work), 10**18)


def split(work: list[tuple[Fraction, bool]]) -> tuple[list[Fraction], list[bool]]:
    return [amount for amount, _ in work], [good for _, good in work]


@pytest.mark.parametrize(
    ("tokens", "hours"), [(5, {0, 1}), (10**6, {41_667, 41_659}), (24_000_001, {1_000_000, 1_000_001})]
)
def test_tokens_of_a_day_by_the_hour_are_those_of_the_day(tokens: int, hours: set[int]) -> None:
    found = needed({"rate": f"{Decimal(tokens) / 10**6} Mtok per day"}, every="hour")[:48]
    assert (sum(found), set(found)) == (2 * tokens, hours)


def test_a_month_by_the_day_is_the_month_and_its_other_days_are_alike() -> None:
    demand = DemandOverTime.model_validate({"rate": "1000 Mtok per month"})
    days = periods("day", "2026-01-01", "2026-05-01")
    found = quanta_over(demand, days, days[0].start).quanta.tolist()
    for month in (1, 2, 3, 4):
        *others, last = (quanta for day, quanta in zip(days, found, strict=True) if day.start.month == month)
        assert len(set(others)) == 1
        assert sum(others) + last == 10**9


def test_too_much_is_no_other_number() -> None:
    with pytest.raises(OverflowError):
        in_quanta([Fraction(10**13)], [True])


LITTLE = 1000 * QUANTUM

START = datetime(2026, 1, 5, tzinfo=UTC)


def needed(demand: Data, begin: datetime = START, every: str = "day") -> list[int]:
    found: list[int] = quanta_over(DemandOverTime.model_validate(demand), periods(every), begin).quanta.tolist()
    return found


def test_what_is_known_is_of_the_same_demand_periods_and_beginning_only() -> None:
    day = {"rate": "2 Mtok per day", "growth": "100% per month"}
    earlier = datetime(2025, 12, 5, tzinfo=UTC)
    for _ in range(2):
        assert needed(day) == [2_000_000] * 28
        assert needed(day, earlier) == [4_000_000] * 28
        assert needed(day | {"rate": "3 Mtok per day"}) == [3_000_000] * 28
        assert needed(day, every="week") == [14_000_000] * 4
    known = quanta_over(DemandOverTime.model_validate(day), periods("day"), START)
    for array in known:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    found = []
    for tokens in (1_000_000, 3_000_000):
        rows = [(START, tokens, 0), (datetime(2026, 1, 11, 23, 59, 59, 999_999, tzinfo=UTC), 0, 0)]
        (tmp_path / "t.csv").write_text(csv_of(rows), encoding="utf-8")
        demand = DemandOverTime.model_validate({"trace": {"file": "t.csv"}})
        assert demand.recorded is not None
        demand = demand.model_copy(update={"trace": demand.recorded.read(tmp_path)})
        found.append(int(quanta_over(demand, periods("day"), START).quanta.sum()))
    assert found[1] == 3 * found[0] > 0


@given(
    st.lists(st.integers(0, 10**6) | st.integers(0, 2**63 - 1), max_size=8),
    st.fractions(0, 10**6) | st.sampled_from([Fraction(0), Fraction(1, 2000), Fraction(3, 2000), Fraction(1, 10**18)]),
)
def test_what_each_comes_to_is_exact_of_many_as_of_one(quanta: list[int], each: Fraction) -> None:
    assert nanos_each(np.array(quanta, dtype=np.int64), each) == [nanos(many, each) for many in quanta]
