"""Whole quanta of work: exact, and the nearest of two (``demand.quanta``)."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.demand.demand import DemandOverTime
from detente.demand.quanta import LITTLE, in_quanta, quanta_over
from detente.demand.quantum import QUANTUM
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
    assert in_quanta([work]).tolist() == [quanta]


AMOUNTS = st.fractions(min_value=0, max_value=9 * 10**12) | st.fractions(min_value=0, max_value=5 * QUANTUM)


@given(st.lists(AMOUNTS))
def test_none_is_further_away_than_half_a_quantum_or_a_whole_one_of_a_little(work: list[Fraction]) -> None:
    for amount, quanta in zip(work, in_quanta(work).tolist(), strict=True):
        assert abs(quanta * QUANTUM - amount) <= (QUANTUM if amount < LITTLE else QUANTUM / 2)
        assert quanta >= 0
        assert amount or not quanta


@given(st.lists(AMOUNTS))
def test_no_little_work_is_lost_in_all(work: list[Fraction]) -> None:
    found = in_quanta(work).tolist()
    little = [(amount, quanta) for amount, quanta in zip(work, found, strict=True) if amount < LITTLE]
    lost = sum(amount for amount, _ in little) - sum(quanta for _, quanta in little) * QUANTUM
    assert abs(lost) <= QUANTUM / 2 + QUANTUM * len(work) / 10**6


def test_five_tokens_a_day_by_the_hour_are_five() -> None:
    day = in_quanta([Fraction(5, 24) * QUANTUM] * 24).tolist()
    assert (sum(day), set(day)) == (5, {0, 1})


def test_too_much_is_no_other_number() -> None:
    with pytest.raises(OverflowError):
        in_quanta([Fraction(10**13)])


START = datetime(2026, 1, 5, tzinfo=UTC)


def needed(demand: Data, begin: datetime = START, every: str = "day") -> list[int]:
    found: list[int] = quanta_over(DemandOverTime.model_validate(demand), periods(every), begin).tolist()
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
    with pytest.raises(ValueError, match="read-only"):
        known[0] = 1


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    found = []
    for tokens in (1_000_000, 3_000_000):
        rows = [(START, tokens, 0), (datetime(2026, 1, 11, 23, 59, 59, 999_999, tzinfo=UTC), 0, 0)]
        (tmp_path / "t.csv").write_text(csv_of(rows), encoding="utf-8")
        demand = DemandOverTime.model_validate({"trace": {"file": "t.csv"}})
        assert demand.recorded is not None
        demand = demand.model_copy(update={"trace": demand.recorded.read(tmp_path)})
        found.append(int(quanta_over(demand, periods("day"), START).sum()))
    assert found[1] == 3 * found[0] > 0
