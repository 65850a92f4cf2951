"""Whole quanta of work: exact, and the nearest of two (``demand.quanta``)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.demand.quanta import LITTLE, in_quanta
from detente.demand.quantum import QUANTUM


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
