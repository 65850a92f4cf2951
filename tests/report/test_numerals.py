from __future__ import annotations

from decimal import Decimal

import pytest

from detente.report.numerals import compact, count, exact, listed, percent, plural, price, quantity, rate, signed, tick

D = Decimal


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("0", "0%"),
        ("1", "100%"),
        ("0.314", "31%"),
        ("0.0423", "4.2%"),
        ("0.07", "7.0%"),
        ("0.00071", "0.071%"),
        ("0.0000712", "0.0071%"),
        ("0.0000003", "<0.0001%"),
        ("0.996", "99.6%"),
        ("0.9999", ">99.9%"),
        ("0.0996", "10%"),
        ("1.5", "150%"),
        ("-0.314", "-31%"),
        ("-0.99999", "<-99.9%"),
        ("-0.0000003", ">-0.0001%"),
    ],
)
def test_shares_are_never_all_or_nothing_by_rounding(part: str, text: str) -> None:
    assert percent(D(part)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("0.4", "0.4"), ("350", "350"), ("1240000", "1.24 M"), ("999.6", "1000"), ("0.0000001", "0.0000001")],
)
def test_amounts_are_short(value: str, text: str) -> None:
    assert compact(D(value)) == text


def test_units() -> None:
    assert quantity(D("1240000"), "GPU-hour") == "1.24 M GPU-hours"
    assert quantity(D(1), "GPU-hour") == "1 GPU-hour"
    assert quantity(D(12), "Mtok") == "12 Mtok"
    assert plural("unit-month") == "unit-months"
    assert rate("GPU-hour") == (D(1), "GPUs on average")
    assert rate("Mtok") == (D(24), "Mtok per day")
    assert rate("unit-hour") == (D(1), "unit-hours per hour")


def test_exact_amounts_keep_every_digit() -> None:
    assert exact(D("812345678.900000001"), "USD") == "812,345,678.900000001 USD"
    assert exact(D("1E+3")) == "1,000"
    assert exact(D("2.50")) == "2.5"


def test_prices_have_no_powers_of_ten() -> None:
    assert price(D("2.41234")) == "2.412"
    assert price(D("0.00000312")) == "0.00000312"
    assert price(D("123456")) == "123,456"


def test_differences_have_a_sign() -> None:
    assert signed(D(3_100_000_000), "USD") == "+3.10 bn USD"
    assert signed(D(-40_000_000), "USD") == "−40.0 M USD"
    assert signed(D(0), "USD") == "no difference"


def test_ticks_are_bare() -> None:
    assert [tick(v) for v in (0, 0.5, 50_000, 2_500_000, 1e9, 100)] == ["0", "0.5", "50 k", "2.5 M", "1 bn", "100"]


def test_lists() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(list("abcdef"), 3) == "a, b and 4 more"
    assert count(1, "window") == "1 window"
    assert count(1200, "window") == "1,200 windows"
