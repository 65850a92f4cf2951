"""Numbers with units, exact: ``20%``, ``350 k GPU``, ``120 Mtok per day``, ``3 months``.

Owns: the grammar of numbers, units and percentages. Not here: money (``money``) and dates (``period``).
Every number is read from its text as an exact fraction of ten; no float is involved.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, core_schema

from detente.errors import FlawError
from detente.values.likeness import did_you_mean, nearest
from detente.values.other_units import OTHER_SCALES, OTHER_SPANS, no_work, unit_meant

WHOLE_NUMBER = r"(?:0|[1-9][0-9]*(?:_[0-9]+)*)"
NUMBER = rf"[+-]?{WHOLE_NUMBER}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{{1,2}})?"
WIDE = Context(prec=100)  # every number read here fits, so that no product of two of them is ever rounded
LARGEST = 10**15
"""The most of anything that a plan adds up: floats still tell it by eighths, and no contract comes near."""
SCALES = {
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    "thousand": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "mn": Decimal(10) ** 6,
    "million": Decimal(10) ** 6,
    "bn": Decimal(10) ** 9,
    "billion": Decimal(10) ** 9,
    "tn": Decimal(10) ** 12,
    "trillion": Decimal(10) ** 12,
}

# name -> (canonical unit, how many of it)
UNITS: dict[str, tuple[str, Decimal]] = {
    "tok": ("Mtok", Decimal("0.000001")),
    "ktok": ("Mtok", Decimal("0.001")),
    "Mtok": ("Mtok", Decimal(1)),
    "Gtok": ("Mtok", Decimal(1000)),
    "Ttok": ("Mtok", Decimal(1000000)),
    "GPU-hour": ("GPU-hour", Decimal(1)),
    "GPU-hours": ("GPU-hour", Decimal(1)),
    "GPU": ("GPU", Decimal(1)),
    "GPUs": ("GPU", Decimal(1)),
    "MB": ("GB", Decimal("0.001")),
    "GB": ("GB", Decimal(1)),
    "TB": ("GB", Decimal(1000)),
    "unit": ("unit", Decimal(1)),
    "units": ("unit", Decimal(1)),
    "unit-hour": ("unit-hour", Decimal(1)),
    "unit-month": ("unit-month", Decimal(1)),
    "unit per 730 hours": ("unit per 730 hours", Decimal(1)),
}
TOKEN_UNITS = tuple(name for name, (unit, _) in UNITS.items() if unit == "Mtok")
WORK_UNITS = ("GPU-hour", "Mtok")
"""In what work is counted, and what is taken of offers."""

SPANS = {
    "second": "second",
    "minute": "minute",
    "hour": "hour",
    "day": "day",
    "week": "week",
    "month": "month",
}
SPANS |= {"quarter": "quarter", "year": "year"}
SPANS |= {f"{name}s": name for name in SPANS}

ABOUT_HOURS = {"hour": 1, "day": 24, "week": 168, "month": 720, "quarter": 2160, "year": 8760}  # about
MAX_HOURS = 876_600  # 100 years


def number(text: str) -> Decimal:
    """An exact number from its text. Raises FlawError."""
    if not re.fullmatch(NUMBER, text.strip()):
        raise FlawError(f"`{text}` is not a number", respelt(text) or "write digits, such as `250` or `2.5`")
    return bounded(Decimal(text.strip().replace("_", "")), text)


def respelt(text: str) -> str:
    """What is wrong with the digits of a text, and how to write them; empty where nothing is."""
    dash = re.search("[\u2010-\u2015\u2212\ufe63\uff0d]", text)
    if dash:
        return f"write the minus as `-`, and not as `{dash[0]}` (U+{ord(dash[0]):04X})"
    if re.search("[0-9],[0-9]", text):
        return "write no thousands separators, and a decimal point"
    if re.search(r"(?<![0-9._])0[0-9]", text):
        return "write no zeros before a number"
    if "_" in text:
        return "write an underscore only between two digits, such as `1_000`"
    if any(c.isdigit() and not "0" <= c <= "9" for c in text):
        return "write digits from 0 to 9"
    return ""


def bounded(value: Decimal, text: object) -> Decimal:
    """Refuse numbers outside ±1e24, or finer than 1e-18: no contract states one, and sums stay exact."""
    exponent = value.as_tuple().exponent
    if value.adjusted() > 24 or (isinstance(exponent, int) and exponent < -18):
        raise FlawError(f"`{text}` is out of range", "write at most 1e24, and at most 18 decimals")
    return value


def scaled(text: str, scale: str | None) -> Decimal:
    """``250``, ``bn`` → 250,000,000,000."""
    if (scale or "") not in SCALES:
        meant = OTHER_SCALES.get(scale or "", scale or "")
        raise FlawError(f"`{scale}` is not a scale", did_you_mean(meant, [s for s in SCALES if s]))
    return bounded(WIDE.multiply(number(text), SCALES[scale or ""]), text)


def text_of(given: Any, what: str, example: str) -> str:
    """The text of a value, in single spaces. Raises FlawError for lists, mappings, nothing, long text."""
    if isinstance(given, (int, float, Decimal)) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str) or not given.strip():
        found = {dict: "a mapping", list: "a list", bool: f"`{given}`".lower()}.get(type(given), "nothing")
        raise FlawError(f"{found} is not {what}", f"write for example `{example}`")
    if len(given) > 200:
        raise FlawError(f"is too long for {what} ({len(given)} characters)", f"write for example `{example}`")
    return " ".join(given.split())


@dataclass(frozen=True)
class Amount:
    """So much of a unit, in the unit's canonical size: ``310 k GPU`` is 310000 GPU."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.unit}{'s' * (self.unit == 'unit' and self.value != 1)}"

    @classmethod
    def parse(cls, given: Any, example: str = "310 k GPU") -> Amount:
        """Read ``<number> [scale] <unit>``. Raises FlawError."""
        text = text_of(given, "an amount with a unit", example)
        match = re.fullmatch(rf"({NUMBER})\s?([A-Za-z-]+)?(?:\s([A-Za-z-]+))?", text)
        if not match:
            raise FlawError(f"`{text}` is not an amount with a unit", respelt(text) or f"write for example `{example}`")
        digits, first, second = match.groups()
        scale, unit = (first, second) if second else (None, first)
        if unit is None:
            raise FlawError(f"`{text}` has no unit", f"write for example `{example}`")
        name, size = unit_of(unit)
        return cls(WIDE.multiply(scaled(digits, scale), size), name)


@dataclass(frozen=True)
class Rate:
    """So much work per span of time: ``120 Mtok per day``; a bare ``310 k GPU`` is GPU-hours per hour."""

    value: Decimal
    unit: str
    span: str

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.unit} per {self.span}"

    @classmethod
    def parse(cls, given: Any) -> Rate:
        """Read ``<amount> per <span>``, or ``<n> GPU``. Raises FlawError."""
        example = "120 Mtok per day"
        text = text_of(given, "a rate", example)
        amount, per, span = text.partition(" per ")
        if not per:
            amount, per, span = text.partition("/")
        span = span.strip()
        meant = SPANS.get(OTHER_SPANS.get(span, span), "")
        if wrong := no_work(amount.strip(), meant):
            raise FlawError(f"`{text}` {wrong[0]}", wrong[1])
        flow = Amount.parse(amount.strip(), example)
        if not per:
            if flow.unit != "GPU":
                raise FlawError(f"`{text}` has no span of time", f"write for example `{example}`")
            return cls(flow.value, "GPU-hour", "hour")
        if span not in SPANS:
            raise FlawError(f"`{span}` is not a span of time", did_you_mean(meant or span, SPANS))
        return cls(flow.value, flow.unit, SPANS[span])


@dataclass(frozen=True)
class Span:
    """A length of calendar time: ``3 months``. Months and years follow the calendar."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'s' * (self.count != 1)}"

    @classmethod
    def parse(cls, given: Any) -> Span:
        """Read ``<n> <hours|days|weeks|months|quarters|years>``. Raises FlawError."""
        text = text_of(given, "a length of time", "3 months")
        match = re.fullmatch(r"(0|[1-9][0-9]{0,4})?\s?([A-Za-z]+)", text)
        if not match or match[2] not in SPANS or SPANS[match[2]] in ("second", "minute"):
            raise FlawError(f"`{text}` is not a length of time", "write for example `24 hours`, `3 months`, `1 year`")
        count = int(match[1] or 1)
        if count == 0:
            raise FlawError(f"`{text}` is zero", "write for example `3 months`")
        if count * ABOUT_HOURS[SPANS[match[2]]] > MAX_HOURS:
            raise FlawError(f"`{text}` is longer than 100 years", "write less")
        return cls(count, SPANS[match[2]])


def unit_of(name: str, allowed: Collection[str] = UNITS) -> tuple[str, Decimal]:
    """The canonical unit and its size. Raises FlawError with the likely meaning, or those that are allowed there."""
    if name not in UNITS:
        near = None if nearest(name, UNITS) is None else did_you_mean(name, UNITS)
        raise FlawError(f"`{name}` is not a known unit", unit_meant(name) or near or did_you_mean("", allowed))
    return UNITS[name]


def percent(given: Any) -> Decimal:
    """``20%`` → 0.20. A bare number is refused: 20 and 0.20 would both be guesses. Raises FlawError."""
    text = text_of(given, "a percentage", "20%")
    if not text.endswith("%"):
        raise FlawError(f"`{text}` is not a percentage", "write for example `20%`")
    return WIDE.multiply(number(text[:-1]), Decimal("0.01"))


def share(given: Any) -> Decimal:
    """A percentage from 0% to 100%. Raises FlawError."""
    value = percent(given)
    if not 0 <= value <= 1:
        raise FlawError(f"`{given}` is not between 0% and 100%", "write for example `20%`")
    return value


def at_least_zero(given: Any) -> Decimal:
    """A percentage of 0% or more. Raises FlawError."""
    value = percent(given)
    if value < 0:
        raise FlawError(f"`{given}` is negative", "write 0% or more")
    return value


def rise(given: Any) -> Decimal:
    """A percentage by which something rises, or falls: -100% or more. Raises FlawError."""
    value = percent(given)
    if value < -1:
        raise FlawError(f"`{given}` is below -100%", "write -100% or more")
    return value


def growth(given: Any) -> tuple[Decimal, str]:
    """``3% per month`` → (0.03, "month"). Raises FlawError."""
    text = text_of(given, "a growth", "3% per month")
    rate, per, span = text.partition(" per ")
    if not per or span not in ("month", "year", "week", "day"):
        raise FlawError(f"`{text}` is not a growth", "write for example `3% per month` or `40% per year`")
    value = percent(rate)
    if not Decimal(-1) < value <= 10:
        raise FlawError(f"`{rate}` is not between -100% and 1000%", "write for example `3% per month`")
    return value, span


def count(given: Any) -> int:
    """A whole number of 1 or more. Raises FlawError."""
    value = number(text_of(given, "a whole number", "8"))
    if value != int(value):
        raise FlawError(f"`{given}` is not a whole number", "write 1 or more")
    if value < 1:
        raise FlawError(f"`{given}` is less than 1", "write 1 or more")
    return int(value)


def many(given: Any) -> int:
    """A whole number of 1 or more, with a scale if any: ``100 k``. Raises FlawError."""
    text = text_of(given, "a whole number", "100 k")
    digits, _, scale = text.partition(" ")
    return _whole(scaled(digits, scale), text)


def tokens(given: Any) -> int:
    """A whole number of tokens, 1 or more: ``2 Gtok``, ``500 k``. Raises FlawError."""
    text = text_of(given, "a number of tokens", "500 ktok")
    if text.split(" ")[-1].lstrip("0123456789._") not in TOKEN_UNITS:
        return many(text)
    return _whole(amount_in("Mtok")(text).value * 10**6, text)


def _whole(value: Decimal, text: str) -> int:
    if value != int(value) or value < 1:
        raise FlawError(f"`{text}` is not a whole number of 1 or more", "write for example `500 k`")
    return int(value)


SECONDS = {"ms": 0.001, "s": 1.0, "second": 1.0, "seconds": 1.0, "minute": 60.0, "minutes": 60.0}
SECONDS |= {"hour": 3600.0, "hours": 3600.0, "day": 86_400.0, "days": 86_400.0, "week": 604_800.0, "weeks": 604_800.0}


def seconds(given: Any) -> float:
    """``250 ms``, ``30 s``, ``10 minutes`` in seconds: clock time, in which floats are at home. Raises FlawError."""
    return _seconds(given, 604_800.0, "a week")


def outage_seconds(given: Any) -> float:
    """The same, of what may be out for longer than anything that a gateway waits for: at most ten years."""
    return _seconds(given, 3652 * 86_400.0, "ten years (3652 days)")


def _seconds(given: Any, most: float, told: str) -> float:
    text = text_of(given, "a duration", "30 s")
    match = re.fullmatch(rf"({NUMBER})\s?([A-Za-z]+)", text)
    if not match or match[2] not in SECONDS:
        raise FlawError(f"`{text}` is not a duration", "write for example `250 ms`, `30 s` or `10 minutes`")
    value = float(number(match[1])) * SECONDS[match[2]]
    if not 0 <= value <= most:
        raise FlawError(f"`{text}` is not between nothing and {told}", "write for example `30 s`")
    return value


def plain(value: Decimal) -> str:
    """A decimal without exponent or trailing zeros: ``1500000``, ``0.25``."""
    text = str(value)
    text = f"{value:f}" if "E" in text else text  # twice as slow, and seldom needed
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def in_percent(part: Decimal | Fraction) -> str:
    """A part of 1 as a case writes it, exactly: ``12.5%``; of what no decimal says, six digits: ``33.3333%``."""
    if isinstance(part, Decimal):
        return f"{plain(WIDE.multiply(part, Decimal(100)))}%"
    context = WIDE.copy()
    context.clear_flags()
    value = context.divide(Decimal(part.numerator * 100), Decimal(part.denominator))
    return f"{plain(Decimal(f'{float(value):.6g}') if context.flags[Inexact] else value)}%"


def percent_below(part: Fraction) -> str:
    """A part of 1 that a solver found, as what to write so that no more is asked: hundredths of a percent, 0 at least.

    What is nearer than a millionth of a percent to the next is it.
    """
    return in_percent(Fraction(max(0, math.floor(part * 10_000 + SOLVED)), 10_000))


def percent_above(part: Fraction) -> str:
    """The same so that no less is allowed, and 100% at most."""
    return in_percent(Fraction(min(10_000, math.ceil(part * 10_000 - SOLVED)), 10_000))


SOLVED = Fraction(1, 10_000)
"""Of a hundredth of a percent: what a solver cannot tell."""


class _AsSaved:
    """Of a decimal in JSON: a text of digits, of so few that no step of arithmetic with them fails or takes long."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = handler(source)
        digits = core_schema.str_schema(pattern=rf"^-?[0-9]{{1,{MAX_DIGITS}}}(\.[0-9]{{1,{MAX_DECIMALS}}})?$")
        what = f"no number as it is saved: a text of digits, at most {MAX_DIGITS} before the point"
        told = core_schema.custom_error_schema(digits, custom_error_type="digits", custom_error_message=what)
        return core_schema.json_or_python_schema(core_schema.chain_schema([told, number]), number)


MAX_DIGITS, MAX_DECIMALS = 40, 400
"""Before the point, where sums of money and work have 24, and behind it, where prices have as many as a float."""
Exact = Annotated[Decimal, _AsSaved, PlainSerializer(plain, return_type=str, when_used="json")]
"""A decimal that JSON holds as a text, without exponent."""
NOTHING = Decimal(0)


def positive(amount: Amount | Rate, what: str) -> None:
    """Raise FlawError where an amount that must not be negative is."""
    if amount.value < 0:
        raise FlawError(f"{what} is negative: `{amount}`", "write 0 or more")


def amount_in(*units: str) -> Any:
    """A reader of amounts of 0 or more in one of these canonical units."""

    def parse(given: Any) -> Amount:
        amount = Amount.parse(given, f"20 {units[0]}")
        if amount.unit not in units:
            raise FlawError(f"`{given}` is in {amount.unit}", f"expected {' or '.join(units)}")
        positive(amount, "the amount")
        return amount

    return parse


def rate_in(*units: str) -> Any:
    """A reader of rates of 0 or more in one of these canonical units."""

    def parse(given: Any) -> Rate:
        rate = Rate.parse(given)
        if rate.unit not in units:
            remedy = f"expected {' or '.join(units)}"
            if rate.unit == "GPU" and "GPU-hour" in units:
                remedy = f"write GPUs that work at any time without a time (`20 GPU`); {remedy}"
            raise FlawError(f"`{given}` is in {rate.unit}", remedy)
        positive(rate, "the rate")
        return rate

    return parse
