"""Numbers with units, and money: exact, and nothing guessed."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import FlawError
from detente.values.money import Money, Price, nano, shown, sufficient, written
from detente.values.noun import value_of
from detente.values.quantity import Amount, Rate, Span, count, growth, in_percent, number, percent, plain, share

UNITS = ("GPU-hour", "unit-hour", "unit-month")


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("310 k GPU", "310000", "GPU"),
        ("310k GPU", "310000", "GPU"),
        ("1 GPU", "1", "GPU"),
        ("2 GPUs", "2", "GPU"),
        ("1.5 bn tok", "1500", "Mtok"),
        ("3 Ttok", "3000000", "Mtok"),
        ("1_000 GPU-hours", "1000", "GPU-hour"),
        ("2e3 MB", "2", "GB"),
        ("0.000001 tok", "0.000000000001", "Mtok"),
        ("12 million GPU-hour", "12000000", "GPU-hour"),
    ],
)
def test_an_amount_is_read_in_its_canonical_unit(text: str, value: str, unit: str) -> None:
    assert Amount.parse(text) == Amount(Decimal(value), unit)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "GPU",
        "1",
        "1 GPUz",
        "1 x GPU",
        "1,000 GPU",
        "1 k k GPU",
        "nan GPU",
        "inf GPU",
        "0x10 GPU",
        "\u0661 GPU",
        "1e25 GPU",
        "1e-19 GPU",
        "1 GPU GPU",
        "-",
        "--1 GPU",
        None,
        True,
        [],
        {},
        "1" * 300 + " GPU",
    ],
)
def test_what_is_no_amount_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        Amount.parse(given)


def test_no_digit_is_lost_however_many_there_are() -> None:
    text = "1234567890123456.123456789012345678"
    assert Amount.parse(f"{text} k GPU").value == Decimal("1234567890123456123.456789012345678000")
    assert Money.parse(f"{text} USD").amount == Decimal(text)
    assert Price.parse(f"{text} USD per tok", ("Mtok",)).amount == Decimal("1234567890123456123456.789012345678")
    assert percent("0.123456789012345678%") == Decimal("0.00123456789012345678")


@given(st.decimals(0, 10**6, places=9), st.sampled_from(["", "k", "M", "bn"]))
@settings(derandomize=True)
def test_money_reads_back_as_it_prints(amount: Decimal, scale: str) -> None:
    money = Money.parse(f"{amount:f} {scale} USD")
    assert money.amount == amount * {"": 1, "k": 10**3, "M": 10**6, "bn": 10**9}[scale]
    assert Money.parse(str(money)) == money


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("250 bn USD", "250000000000"),
        ("20 kUSD", "20000"),
        ("20kUSD", "20000"),
        ("2.30 USD", "2.30"),
        ("0 USD", "0"),
        ("-5 USD", "-5"),
        ("1 trillion USD", "1000000000000"),
        ("1e3 USD", "1000"),
    ],
)
def test_money_as_contracts_write_it(text: str, money: str) -> None:
    assert Money.parse(text) == Money(Decimal(money), "USD")


@pytest.mark.parametrize(
    "given",
    [
        "$5",
        "5 usd",
        "5",
        "5 dollars",
        "1,000 USD",
        "5 XX USD",
        "USD 5",
        None,
        5.0,
        True,
        {"amount": 5},
        "nan USD",
        "0" * 150 + "1 USD and more",
    ],
)
def test_what_is_no_money_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        Money.parse(given)


def test_a_price_is_per_its_canonical_unit() -> None:
    assert Price.parse("2.30 USD per GPU-hour", UNITS) == Price(Decimal("2.30"), "USD", "GPU-hour")
    assert Price.parse("2.30 USD/GPU-hour", UNITS).amount == Decimal("2.30")
    assert Price.parse("400 USD per Gtok", ("Mtok",)) == Price(Decimal("0.4"), "USD", "Mtok")
    assert Price.parse("90 USD per TB", ("GB",)).amount == Decimal("0.09")
    assert Price.parse("0 USD per GB", ("GB",)).amount == 0
    for text in ("2.30 USD", "2 USD per day", "-1 USD per GB", "1 USD per GPU", "1 USD per", "per GB"):
        with pytest.raises(ValueError, match=r"."):
            Price.parse(text, ("GB",))


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        (Fraction(1, 3), "0.333333333"),
        (Fraction(5, 10**10), "0.000000000"),
        (Fraction(15, 10**10), "0.000000002"),
        (Fraction(-25, 10**10), "-0.000000002"),
        (Decimal("0.0000000015"), "0.000000002"),
        (Fraction(10**30 + 1, 10**9), "1000000000000000000000.000000001"),
        (Decimal(10) ** 24 + Decimal("0.0000000005"), "1000000000000000000000000.000000000"),
    ],
)
def test_nano_rounds_half_to_even_at_any_size(amount: Fraction | Decimal, rounded: str) -> None:
    assert nano(amount) == Decimal(rounded)


@given(st.integers(0, 10**30))
def test_nanos_are_written_with_all_their_places(nanos: int) -> None:
    text = written(nanos)
    assert int(text.replace(".", "")) == nanos
    assert Fraction(text) == Fraction(nanos, 10**9)
    assert len(text.partition(".")[2]) == 9


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("38200000000"), "38.2 bn USD"),
        (Decimal("999"), "999.00 USD"),
        (Decimal("1234.5"), "1.23 k USD"),
        (Decimal("-2500000"), "-2.50 M USD"),
        (Decimal("0.004"), "<0.01 USD"),
        (Decimal("-0.004"), ">-0.01 USD"),
        (Decimal(0), "0.00 USD"),
    ],
)
def test_money_for_people(amount: Decimal, text: str) -> None:
    assert shown(amount, "USD") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("5224", "5.23 k USD"),
        ("5220.00000001", "5.22 k USD"),  # what a solver cannot tell
        ("12000", "12.0 k USD"),
        ("0.004", "0.01 USD"),
        ("309100000", "310 M USD"),
    ],
)
def test_what_must_be_given_is_rounded_up(amount: str, text: str) -> None:
    assert sufficient(Decimal(amount), "USD") == text


def test_a_rate_says_its_time() -> None:
    assert Rate.parse("120 Mtok per day") == Rate(Decimal(120), "Mtok", "day")
    assert Rate.parse("120 Mtok/day") == Rate(Decimal(120), "Mtok", "day")
    assert Rate.parse("5 k GPU-hours per months") == Rate(Decimal(5000), "GPU-hour", "month")
    assert Rate.parse("310 k GPU") == Rate(Decimal(310000), "GPU-hour", "hour")
    for text in ("120 Mtok", "5 GPU-hours", "1 Mtok per fortnight", "per day", "1 Mtok per"):
        with pytest.raises(ValueError, match=r"."):
            Rate.parse(text)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("5 requests per second", "count tokens: `5 ktok per second` where a request has 1,000"),
        ("1.5k Calls/min", "count tokens: `1.5k ktok per minute`"),
        ("5 queries", "say in which time: `5 ktok per day` where a request has 1,000 and so many come each day"),
        ("3 calls per fortnight", "say in which time: `3 ktok per day`"),
        ("300 RPM", "count tokens: `300 ktok per minute`"),
        ("20 qps", "count tokens: `20 ktok per second`"),
        ("240 k TPM", "write `240 k tok per minute`"),
        ("5 Mtok/s", "did you mean `second`"),
        ("5 tokens per second", "write `tok`"),
        ("50K TPM", "write `50k tok per minute`"),
        ("5 caps per second", "allowed: "),
    ],
)
def test_a_rate_as_clouds_limit_it_leads_to_one_of_work(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=re.escape(remedy)):
        Rate.parse(text)
    for form in re.findall("`(.* per .*)`", remedy):
        Rate.parse(form)


@pytest.mark.parametrize(
    ("unit", "remedy"),
    [
        ("GPUh", "write `GPU-hour`"),
        ("GPU/h", "write `GPU-hour`"),
        ("GPU per hour", "write `GPU-hour`"),
        ("PTU per month", "write `unit-month`"),
        ("PTU/hr", "write `unit-hour`"),
        ("model units per hour", "write `unit-hour`"),
        ("PTUs", "write `unit`, and of a price `unit-hour` or `unit-month`"),
        ("GPU-second", "write it in `GPU-hour`: an amount divided by 3,600, and a price times 3,600"),
        ("GPU-day", "write it in `GPU-hour`: an amount times 24, and a price divided by 24"),
        ("GPU-month", "`GPU-hour`, or as one flat price a month of a whole `unit`, all its GPUs: `unit-month`"),
        ("GPU-year", "of a year of 365 days, an amount times 8,760, and a price divided by 8,760"),
        ("1K tokens", "write `ktok`"),
        ("1,000,000 tokens", "write `Mtok`"),
        ("token", "write `tok`"),
        ("GPUz", "did you mean `GPU`?"),
    ],
)
def test_a_price_per_what_units_are_called_elsewhere_leads_to_ours(unit: str, remedy: str) -> None:
    with pytest.raises(FlawError) as refused:
        Price.parse(f"2 USD per {unit}", UNITS)
    assert refused.value.flaws[0].remedy.endswith(remedy)


def test_of_a_unit_that_is_like_none_those_of_its_price_are_told() -> None:
    with pytest.raises(FlawError) as unknown:
        Price.parse("2 USD per seat", ("unit-hour", "unit-month"))
    assert unknown.value.flaws[0].remedy == "allowed: `unit-hour`, `unit-month`"
    with pytest.raises(FlawError) as untold:
        Price.parse("5 USD", ("Mtok", "GPU-hour"))
    assert untold.value.flaws[0].remedy == "write for example `2.30 USD per Mtok`, or per GPU-hour"


def test_a_span_is_a_count_of_calendar_units() -> None:
    assert Span.parse("3 months") == Span(3, "month")
    assert Span.parse("month") == Span(1, "month")
    assert Span.parse("2 quarters") == Span(2, "quarter")
    assert str(Span.parse("1 year")) == "1 year"
    assert Span.parse("100 years") == Span(100, "year")
    for text in ("0 days", "1.5 months", "-1 month", "5 minutes", "101 years", "99999 years", "months 3", ""):
        with pytest.raises(ValueError, match=r"."):
            Span.parse(text)


def test_a_percentage_has_its_sign() -> None:
    assert percent("20%") == percent("20 %") == Decimal("0.2")
    assert share("100%") == 1
    for value in ("0.2", 0.2, "20", "2 0%", "%", "101%", "-1%"):
        with pytest.raises(ValueError, match=r"."):
            share(value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0, "`0` is less than 1; write 1 or more"),
        (-5, "`-5` is less than 1; write 1 or more"),
        (1.5, "`1.5` is not a whole number; write 1 or more"),
        (-1.5, "`-1.5` is not a whole number; write 1 or more"),
    ],
)
def test_what_is_no_count_is_told_apart(given: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        count(given)


def test_growth_and_counts() -> None:
    assert growth("3% per month") == (Decimal("0.03"), "month")
    assert growth("-5% per year") == (Decimal("-0.05"), "year")
    for text in ("3%", "3% per hour", "-100% per year", "2000% per year"):
        with pytest.raises(ValueError, match=r"."):
            growth(text)
    assert count("1_024") == count(1024) == count("1.0e3") + 24
    for value in ("0", "-1", "1.5", "many", True):
        with pytest.raises(ValueError, match=r"."):
            count(value)


def test_a_number_may_say_where_it_comes_from() -> None:
    assert value_of({"value": "20%", "source": "a page"}) == "20%"
    assert value_of("20%") == "20%"
    with pytest.raises(ValueError, match="not `page`"):
        value_of({"value": "20%", "page": 3})


def test_plain_decimals() -> None:
    assert [plain(Decimal(t)) for t in ("1.50", "100", "1E+3", "0.00", "-0.10")] == ["1.5", "100", "1000", "0", "-0.1"]
    assert [plain(Decimal(t)) for t in ("0E-9", "8.1E-8", "-0.00", "-0")] == ["0", "0.000000081", "0", "0"]
    with pytest.raises(ValueError, match="write no thousands separators"):
        number("1,000")


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Decimal("0.2"), "20%"),
        (Decimal("1.0"), "100%"),
        (Decimal("-0.015"), "-1.5%"),
        (Decimal("0.9999999"), "99.99999%"),  # six digits would say 100%
        (Decimal("0.00000001"), "0.000001%"),
        (Decimal("1234567.89"), "123456789%"),
        (Fraction(7, 40), "17.5%"),
        (Fraction(1, 3), "33.3333%"),
        (Fraction(1, 3 * 10**6), "0.0000333333%"),
        (Fraction(0), "0%"),
    ],
)
def test_a_part_is_told_in_percent_with_every_digit_that_it_has(part: Decimal | Fraction, text: str) -> None:
    assert in_percent(part) == text


@given(st.decimals(0, 10**6, places=12))
def test_what_is_told_in_percent_is_read_as_it_was(part: Decimal) -> None:
    assert percent(in_percent(part)) == part
