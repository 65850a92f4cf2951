"""Rounding of whole numbers, against fractions and against decimals."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.values.rounding import half_even


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_a_quotient_is_rounded_as_a_fraction_is(over: int, under: int) -> None:
    assert half_even(over, under) == round(Fraction(over, under))


@pytest.mark.parametrize("over", [-35, -25, -15, -5, 5, 15, 25, 35])
def test_of_two_that_are_as_near_the_even_one(over: int) -> None:
    assert half_even(over, 10) == int((Decimal(over) / 10).quantize(Decimal(1), ROUND_HALF_EVEN))
