"""Exact money, one currency a case.

Owns: amounts, prices per unit, and their text. Money is a Decimal at the edges, and every posted amount is a
whole number of nano-units of the currency (§4). Not here: what a price is charged on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Annotated, Any

from detente.errors import FlawError
from detente.values.noun import read_by, written_as
from detente.values.quantity import NUMBER, SCALES, WIDE, number, plain, respelt, scaled, text_of, unit_of
from detente.values.quantity_field import NOT_NEGATIVE, PER, either, units_as_written
from detente.values.rounding import half_even

NANO = Decimal("0.000000001")
NANOS = 10**9
"""Nano-units of one unit of the currency."""
CENT = Decimal("0.01")
HOURS_A_MONTH = 730  # the month of price pages that quote hours by the month (AWS, Google Cloud): 8,760 hours / 12


FEW = Decimal("1e-12")
"""Places of a rate that are shown; as many can be stated."""


@dataclass(frozen=True)
class StatedAs:
    """What an amount was before it was converted, once: in which currency, and at what rate (§4)."""

    amount: Decimal
    currency: str
    rate: Decimal

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"

    @property
    def told_rate(self) -> str:
        """Its rate for people: of a mean that goes on without end, the first places."""
        cut = self.rate.quantize(FEW, ROUND_DOWN, WIDE)
        return plain(self.rate) if cut == self.rate else f"{plain(cut)}…"


@dataclass(frozen=True)
class Money:
    """An exact amount of one currency; of one that was converted, ``stated`` is what the paper says."""

    amount: Decimal
    currency: str
    stated: StatedAs | None = None

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}{_in_brackets(self.stated)}"

    @property
    def told(self) -> str:
        """In a clause's sentence: ``1.08 M USD``, and what it was converted from."""
        stated = self.stated
        before = f" ({shown(stated.amount, stated.currency)} at {stated.told_rate})" if stated else ""
        return f"{shown(self.amount, self.currency)}{before}"

    def at(self, rate: Decimal, currency: str) -> Money:
        """The same in another currency, at what one of its own costs in that."""
        stated = StatedAs(self.amount, self.currency, rate)
        return Money(WIDE.multiply(self.amount, rate), currency, stated)

    @classmethod
    def parse(cls, given: Any) -> Money:
        """Read ``250 bn USD``. Raises FlawError."""
        example = "250 bn USD"
        text = text_of(given, "an amount of money", example)
        match = re.fullmatch(rf"({NUMBER})\s?([A-Za-z]+?)?\s?([A-Z]{{3}})", text)
        if not match:
            raise FlawError(f"`{text}` is not an amount of money", _remedy(text, example))
        written = text.removeprefix(match[1]).strip()
        if match[2] and " " not in written and match[2] not in SCALES:  # one word, so it is meant as the currency
            raise FlawError(f"`{written}` is not a currency", "write its three capital letters, such as `USD`")
        return cls(scaled(match[1], match[2]), match[3])


def _remedy(text: str, example: str) -> str:
    """How to write what was meant as money."""
    if re.search(r"[$€£¥]", text):
        return f"write for example `{example}` (the currency's three letters, not its sign)"
    cents = re.fullmatch(rf"({NUMBER})\s?(?:[A-Z]{{3}}[ -])?(?:cents?|ct|¢)", text)
    if cents:
        return f"write `{plain(number(cents[1]) / 100)} USD`, in the currency itself, with its three letters"
    if re.fullmatch(rf"{NUMBER}(\s?[A-Za-z]+){{0,2}}", text):
        return f"write the currency after it, in three capital letters, such as `{example}`"
    before = re.fullmatch(rf"([A-Z]{{3}})\s?({NUMBER})\s?([A-Za-z]*)", text)
    if before:
        return (
            f"write `{' '.join(filter(None, [before[2], before[3], before[1]]))}`: the currency comes after the amount"
        )
    if re.search(r"[0-9][,'\u2019 ][0-9]", text):
        return f"write for example `{example}`, without thousands separators, and with a decimal point"
    often = re.fullmatch(rf"(.+?){PER}(hour|day|week|month|quarter|year)", text)
    if often:
        each = f"a clause whose amount holds in each {often[3]} says `windows: {{ every: {often[3]} }}`"
        return f"write `{often[1]}` by itself; {each}"
    return respelt(text) or f"write for example `{example}`"


@dataclass(frozen=True)
class Price:
    """Money per unit, in the unit's canonical size: ``0.40 USD per Mtok``."""

    amount: Decimal
    currency: str
    unit: str
    stated: StatedAs | None = None

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency} per {self.unit}{_in_brackets(self.stated)}"

    def at(self, rate: Decimal, currency: str) -> Price:
        """The same in another currency, at what one of its own costs in that."""
        stated = StatedAs(self.amount, self.currency, rate)
        return Price(WIDE.multiply(self.amount, rate), currency, self.unit, stated)

    def times(self, factor: Decimal) -> Price:
        """The same multiplied, exactly; and what it was before it was converted."""
        was = self.stated and replace(self.stated, amount=WIDE.multiply(self.stated.amount, factor))
        return replace(self, amount=WIDE.multiply(self.amount, factor), stated=was)

    @property
    def as_stated(self) -> Price:
        """As it was before it was converted."""
        return self if self.stated is None else Price(self.stated.amount, self.stated.currency, self.unit)

    @classmethod
    def parse(cls, given: Any, units: tuple[str, ...]) -> Price:
        """Read ``2.30 USD per GPU-hour`` in one of ``units``. Raises FlawError."""
        example = f"2.30 USD per {units[0]}"
        text = text_of(given, "a price", example)
        money, per, unit = text.partition(" per ")
        if not per:
            money, per, unit = text.partition("/")
        if not per:
            others = f", or per {' or '.join(units[1:])}" if units[1:] else ""
            raise FlawError(f"`{text}` does not say per what", f"write for example `{example}`{others}")
        paid = Money.parse(money.strip())
        meant = [each for each in units if unit.strip() in each.split("-")]
        if len(meant) > 1:
            what = f"`{text}` is per {unit.strip()}, and does not say of what"
            raise FlawError(what, f"write per {' or per '.join(meant)}")
        name, size = unit_of(unit.strip(), units)
        if name not in units:
            raise FlawError(f"`{text}` is per {name}", f"expected a price per {' or '.join(units)}")
        if paid.amount < 0:
            raise FlawError(f"the price is negative: `{text}`", "write 0 or more")
        return cls(WIDE.divide(paid.amount, size), paid.currency, name)


def _in_brackets(stated: StatedAs | None) -> str:
    return "" if stated is None else f" ({stated} at {stated.told_rate})"


def nano(amount: Fraction | Decimal) -> Decimal:
    """Round to whole nano-units, half to even: the one rounding that a posted amount ever sees."""
    if isinstance(amount, Decimal):
        return amount.quantize(NANO, ROUND_HALF_EVEN, WIDE)
    return of_nanos(half_even(amount.numerator * NANOS, amount.denominator)) if amount else NOTHING


def of_nanos(nanos: int) -> Decimal:
    """Whole nano-units as an exact decimal."""
    return WIDE.scaleb(Decimal(nanos), -9)


def in_decimals(nanos: int) -> str:
    """Whole nano-units as ``quantity.plain`` writes them: ``-0.0000123``."""
    whole, part = divmod(abs(nanos), NANOS)
    text = f"{whole}.{part:09}".rstrip("0") if part else str(whole)
    return text if nanos >= 0 else f"-{text}"


NOTHING = of_nanos(0)
"""No money, as all posted amounts are."""


def whole_nanos(amount: Decimal) -> int:
    """An exact decimal as whole nano-units. Raises ValueError where it has a part of one."""
    whole = WIDE.scaleb(amount, 9)
    if whole != int(whole):
        raise ValueError(f"{amount} is no whole number of billionths")
    return int(whole)


def written(nanos: int) -> str:
    """Whole nano-units of 0 or more as decimal text, all nine places of it: ``0.000012300``."""
    whole, part = divmod(nanos, NANOS)
    return f"{whole}.{str(NANOS + part)[1:]}"  # a third of what a format of nine places takes


def shown(amount: Decimal | Fraction | float, currency: str = "", digits: int = 3) -> str:
    """For people: ``$``-less, scaled to k, M or bn, a few significant digits: ``38.2 bn USD``."""
    return _scaled(amount, currency, digits, ROUND_HALF_EVEN)


def sufficient(amount: Decimal | Fraction | float, currency: str = "") -> str:
    """The same of what somebody must give at least: rounded up, so that whoever writes it down has given enough.

    What follows the eighth digit is a solver's tolerance, and not counted.
    """
    return _scaled(Decimal(f"{float(amount):.8g}"), currency, 3, ROUND_CEILING)


def _scaled(amount: Decimal | Fraction | float, currency: str, digits: int, rounding: str) -> str:
    value = Decimal(amount) if isinstance(amount, Decimal) else Decimal(repr(float(amount)))
    size = abs(value)
    for scale, name in ((Decimal(10) ** 9, " bn"), (Decimal(10) ** 6, " M"), (Decimal(10) ** 3, " k")):
        if size >= scale:
            value, suffix = value / scale, name
            break
    else:
        suffix = ""
    whole = len(str(int(abs(value))))
    places = max(0, min(2, digits - whole)) if suffix else 2
    text = f"{value.quantize(Decimal(1).scaleb(-places), rounding, WIDE):,}"
    if Decimal(text.replace(",", "")) == 0:
        text = text.lstrip("-")
        if size > 0 and not suffix:
            text = "<0.01" if value > 0 else ">-0.01"
    return f"{text}{suffix} {currency}".rstrip()


MONEY_AS_WRITTEN = rf"{NOT_NEGATIVE}\s?{either(SCALES)}?\s?[A-Z]{{3}}"


def _price(*units: str, example: str, name: str) -> Any:
    return read_by(
        lambda given: Price.parse(given, units),
        written_as(
            rf"^{MONEY_AS_WRITTEN}{PER}{units_as_written(*units)}$",
            example,
            "a price per " + " or ".join(units),
            name=name,
        ),
    )


def not_negative(given: Any) -> Money:
    """Read an amount of 0 or more. Raises FlawError."""
    money = Money.parse(given)
    if money.amount < 0:
        raise FlawError(f"the amount is negative: `{money}`", "write 0 or more")
    return money


Cash = Annotated[
    Money,
    read_by(
        not_negative,
        written_as(
            rf"^{MONEY_AS_WRITTEN}$",
            "250 bn USD",
            "an amount of money",
            name="money",
        ),
    ),
]
CapacityPrice = Annotated[
    Price,
    _price(
        "GPU-hour",
        "unit-hour",
        "unit-month",
        "unit per 730 hours",
        example="2.30 USD per GPU-hour",
        name="capacity-price",
    ),
]
TokenPrice = Annotated[Price, _price("Mtok", example="0.40 USD per Mtok", name="token-price")]
DataPrice = Annotated[Price, _price("GB", example="0.08 USD per GB", name="data-price")]
WorkPrice = Annotated[Price, _price("Mtok", "GPU-hour", example="12 USD per Mtok", name="work-price")]


def _hourly(given: Any) -> Money:
    text = text_of(given, "money an hour", "6 USD per hour")
    money, _, span = text.replace("/", " per ", 1).partition(" per ")
    if span.strip() != "hour":
        raise FlawError(f"`{text}` is not money an hour", "write for example `6 USD per hour`")
    return not_negative(money.strip())


HourlyCash = Annotated[
    Money,
    read_by(
        _hourly,
        written_as(
            rf"^{MONEY_AS_WRITTEN}{PER}hour$", "6 USD per hour", "an amount of money an hour", name="hourly-money"
        ),
    ),
]
