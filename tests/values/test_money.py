"""Money as it is written: what is no currency, and what is no scale."""

import pytest

from detente.errors import FlawError
from detente.values.money import Money


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("2 USDD", "`USDD` is not a currency"),
        ("2 kkUSD", "`kkUSD` is not a currency"),
        ("2 kk USD", "`kk` is not a scale"),
    ],
)
def test_a_slip_is_told_by_the_word_that_it_is_in(text: str, what: str) -> None:
    with pytest.raises(FlawError) as error:
        Money.parse(text)
    assert error.value.flaws[0].what == what


@pytest.mark.parametrize("text", ["2 kUSD", "2k USD", "2 k USD", "2kUSD", "2000USD"])
def test_blanks_change_nothing(text: str) -> None:
    assert Money.parse(text) == Money.parse("2000 USD")
