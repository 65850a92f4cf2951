"""What one currency costs in another: a rate, from each day on, and which day's rate counts.

Owns: how a rate is stated, read and rounded. Not here: what is converted by it (``case.exchanging``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from detente.errors import Flaw, FlawError, KeyPath
from detente.values.dated import Dated
from detente.values.noun import Noun, read_by, written_as
from detente.values.period import moment
from detente.values.quantity import NUMBER, WIDE, number, plain, text_of
from detente.values.quantity_field import NOT_NEGATIVE, Count

EXAMPLE = "1.08 USD per EUR"
MAX_DECIMALS = 12


@dataclass(frozen=True)
class ExchangeRate:
    """What one of a currency costs in another."""

    amount: Decimal
    currency: str
    per: str

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency} per {self.per}"

    @classmethod
    def parse(cls, given: Any) -> ExchangeRate:
        """Read ``1.08 USD per EUR``. Raises FlawError."""
        text = text_of(given, "a rate of exchange", EXAMPLE)
        match = re.fullmatch(rf"({NUMBER})\s?([A-Z]{{3}})(?:\s?/\s?| per )([A-Z]{{3}})", text)
        if not match:
            raise FlawError(f"`{text}` is not a rate of exchange", f"write for example `{EXAMPLE}`")
        amount, currency, per = number(match[1]), match[2], match[3]
        if amount <= 0 or currency == per:
            remedy = f"write what one of a currency costs in another, such as `{EXAMPLE}`"
            raise FlawError(f"`{text}` is not a rate of exchange", remedy)
        return cls(amount, currency, per)


StatedRate = Annotated[
    ExchangeRate,
    read_by(
        ExchangeRate.parse,
        written_as(
            rf"^{NOT_NEGATIVE}\s?[A-Z]{{3}}(\s?/\s?| per )[A-Z]{{3}}$", EXAMPLE, "a rate of exchange", name="rate"
        ),
    ),
]
RateDay = Literal["use", "invoice", "signing"]
"""Which day's rate counts: that of the use; that on which its month is invoiced, when it is over; that of signing."""
DAYS = (
    "say `day: use` (of the day of use), `day: invoice` (of the day after the month of use), or `day: signing` (of the "
    "day on which the agreement takes effect)"
)
RatesByDay = Dated[Decimal]
"""What one of a foreign currency is in the case's, from each day on."""


class CurrencyExchange(Noun):
    """What a currency costs in the case's, or the case's in it; and which day's rate counts."""

    rate: Dated[StatedRate] = Field(description="`1.08 USD per EUR`; of a rate that changes, from each day on")
    day: RateDay | None = Field(
        default=None, description="which day's rate counts; must be said of a rate that changes"
    )
    decimals: Count | None = Field(
        default=None, description="places to which the rate is rounded, half to even; default: as it is"
    )

    @model_validator(mode="after")
    def _one_pair(self) -> Self:
        pairs = {(each.currency, each.per) for each in self.rate.values()}
        if len(pairs) > 1:
            raise FlawError("rates of several pairs of currencies", "write an entry for each pair", ("rate",))
        if len(self.rate.steps) > 1 and self.day is None:
            raise FlawError("the rate changes, and which day's rate counts is not said", DAYS, ("rate",))
        if self.decimals is not None and self.decimals > MAX_DECIMALS:
            raise FlawError(f"{self.decimals} decimals", f"write at most {MAX_DECIMALS}", ("decimals",))
        return self

    @property
    def pair(self) -> tuple[str, str]:
        """The currency in which the rate is, and that of which it is the price."""
        first = next(self.rate.values())
        return first.currency, first.per

    def into(self, currency: str) -> tuple[str, RatesByDay]:
        """The other currency, and what one of it is in this one. Raises FlawError."""
        one, of = self.pair
        if currency not in (one, of):
            what = f"the rate is of {one} and {of}, and the case is in {currency}"
            raise FlawError(what, f"write what one of the other currency costs in {currency}", ("rate",))
        if currency == of and self.decimals is None:
            what = f"the rate is what one {of} costs in {one}; what one {one} costs in {of} may go on without end"
            remedy = f"say to how many `decimals` that is rounded, or write it in {of} per {one}"
            raise FlawError(what, remedy, ("rate",))
        steps = tuple((day, self._in(each, currency)) for day, each in self.rate.steps)
        return one if currency == of else of, Dated(steps)

    def _in(self, each: ExchangeRate, currency: str) -> Decimal:
        amount = each.amount if each.currency == currency else WIDE.divide(Decimal(1), each.amount)
        if self.decimals is None:
            return amount
        rounded = amount.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_EVEN, WIDE)
        if not rounded:
            raise FlawError(f"`{each}` is nothing at {self.decimals} decimals", "say more `decimals`", ("decimals",))
        return rounded


def as_invoiced(rates: RatesByDay) -> RatesByDay:
    """By the day of use, the rates of the days on which use is invoiced: the day after the month in which it is."""
    moved = [(day if day is None else _month_before(day), rate) for day, rate in rates.steps]
    return Dated(tuple(list(same)[-1] for _, same in groupby(moved, key=lambda step: step[0])))


def _month_before(day: date) -> date:
    """The first day of the month that is invoiced on a day, or next after it."""
    months = day.year * 12 + day.month - 1 - (day.day == 1)
    return date(months // 12, months % 12 + 1, 1)


def product(values: Dated[Any], rates: RatesByDay, of: Any) -> Iterator[tuple[date | None, Any]]:
    """Each value at each rate, from the day on from which both hold."""
    days = {day for day, _ in (*values.steps, *rates.steps)}
    for day in sorted(days, key=lambda each: (each is not None, each or date.min)):
        value, rate = (each.on(moment(day or date.min)) for each in (values, rates))
        if value is not None and rate is not None:
            yield day, of(value, rate)


def exchange_flaws(stated: Sequence[CurrencyExchange], currency: str) -> Iterator[tuple[KeyPath, Flaw]]:
    """Rates of pairs without the case's currency, and two entries for one other."""
    seen: set[str] = set()
    for index, each in enumerate(stated):
        try:
            other, _ = each.into(currency)
        except FlawError as error:
            yield from (((index,), flaw) for flaw in error.flaws)
            continue
        if other in seen:
            yield (index,), Flaw(f"a second entry for {other}", "keep one of them", ("rate",))
        seen.add(other)
