"""What all offers have: who sells it where, and when it is there; of what is bought in units, how, and at what price.

Not here: the products (``offer``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.errors import FlawError
from detente.market.invoicing import Invoiced
from detente.values.dated import Dated
from detente.values.exchange_rate import RatesByDay
from detente.values.facts import Facts
from detente.values.money import HOURS_A_MONTH, CapacityPrice, Price
from detente.values.noun import Id, Noun
from detente.values.period import PER_HOUR, Day, Period, hours_between, months_in, on_the_clock_of
from detente.values.quantity import Rate
from detente.values.quantity_field import Capacity, Count, Length


def per_hour(rate: Rate) -> Fraction:
    """Work an hour of a rate that holds at any time: a month and a year are those of price pages."""
    if rate.span in ("month", "quarter", "year"):
        return Fraction(rate.value) / (HOURS_A_MONTH * {"month": 1, "quarter": 3, "year": 12}[rate.span])
    return Fraction(rate.value) * PER_HOUR[rate.span]


class Closed(Noun):
    """A time in which an offer gives nothing; the end is exclusive."""

    from_: Day
    until: Day | None = None
    known: Day | None = Field(
        default=None, description="the day on which that is known, and before which no plan knows it; default: always"
    )

    @model_validator(mode="after")
    def _dates(self) -> Closed:
        if self.until and self.until <= self.from_:
            what = f"ends on {self.until}, not after its start on {self.from_}"
            raise FlawError(what, "move one of them", ("until",))
        if self.known and self.known > self.from_:
            what = f"is known on {self.known}, after its start on {self.from_}"
            raise FlawError(what, "write the day of its start, or an earlier one", ("known",))
        return self

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether any of a time lies in it; of a time without length, whether it does."""
        ends = self.until and on_the_clock_of(start, self.until)
        begins = on_the_clock_of(start, self.from_)
        return begins < max(end, start + timedelta.resolution) and not (ends and ends <= start)


class BaseOffer(Noun):
    """An offer of any product."""

    taken_in: ClassVar[str] = "Mtok"
    """The unit of what is taken of it."""

    id: Id
    provider: Id
    region: Id
    from_: Day | None = Field(default=None, description="first day on offer")
    until: Day | None = Field(default=None, description="the day from which it is no longer on offer")
    closed: tuple[Closed, ...] = Field(default=(), description="times in between in which it gives nothing")
    under: Id | None = Field(
        default=None, description="the agreement that it is sold under: without it, or when it has ended, no such offer"
    )
    context: Count | None = Field(
        default=None, description="the longest prompt and reply together, in tokens; default: not known"
    )

    @model_validator(mode="after")
    def _dates(self) -> Self:
        if self.from_ and self.until and self.until <= self.from_:
            what = f"ends on {self.until}, not after its start on {self.from_}"
            raise FlawError(what, "move one of them", ("until",))
        return self

    @property
    def sells(self) -> tuple[str, ...]:
        """The models or the accelerator that workloads ask it for, by name."""
        raise AssertionError("each product says so")

    @property
    def reserved(self) -> bool:
        """Whether it is paid for a term. Neutral: it is bought as it is used."""
        return False

    @property
    def invoicing(self) -> Invoiced | None:
        """When what is reserved of it is invoiced; None: nothing is reserved, or nobody says. Neutral."""
        return None

    @property
    def instalment_rates(self) -> RatesByDay | None:
        """The rates of exchange by whose days its instalments go, where they change. Neutral: none."""
        return None

    @property
    def sizes(self) -> tuple[int, int]:
        """The fewest units of a purchase, and in which steps there are more. Neutral: one by one."""
        return 1, 1

    @property
    def unit_flow(self) -> Fraction:
        """What one of its capacity gives in an hour, in its own unit. Neutral: its capacity is in that unit."""
        return Fraction(1)

    def one_price(self, at: datetime) -> Fraction | None:
        """The one price of a unit of what is taken of it at a moment; None where there is none such. Neutral."""
        return None

    def sells_batches(self, at: datetime | None = None) -> bool:
        """Whether it has a price for batch use at a moment; at any time, where none is given. Neutral: no."""
        return False

    def open(self, start: datetime, end: datetime) -> bool:
        """Whether it is on offer, and gives something, for all of a time."""
        return self.sold(start, end) and not any(closed.overlaps(start, end) for closed in self.closed)

    def sold(self, start: datetime, end: datetime) -> bool:
        """Whether it is on offer for all of a time, whatever is lost of it meanwhile."""
        begins, ends = (day and on_the_clock_of(start, day) for day in (self.from_, self.until))
        return not ((begins and begins > start) or (ends and ends < end))

    def within(self, start: date, end: date | None) -> Self:
        """The same offer, on sale at no time before or after."""
        starts, ends = max(start, self.from_ or start), min(filter(None, (end, self.until)), default=None)
        return self.model_copy(update={"from_": starts, "until": ends})

    @property
    def turns(self) -> tuple[date, ...]:
        """Days from which it may be on sale, or no longer."""
        days = (self.from_, self.until, *(on for each in self.closed for on in (each.from_, each.until)))
        return tuple(filter(None, days))

    @property
    def facts_anywhere(self) -> Facts:
        """What a scope may ask of it by itself: the country of its region is its provider's to say."""
        return {key: value for key, value in self.facts("").items() if key != "country"}

    def facts(self, country: str) -> Facts:
        """What a scope may ask of it, in the country of its region."""
        return self._facts(country)

    def _facts(self, country: str, **more: str) -> Facts:
        return {
            "offer": self.id,
            "provider": self.provider,
            "region": self.region,
            "country": country,
            **more,
        }


class BoughtOffer(BaseOffer):
    """What is bought in units, for an hour or for a term."""

    price: Dated[CapacityPrice]
    capacity: Dated[Capacity] | None = Field(default=None, description="how much there is; default: no limit")
    term: Length | None = Field(default=None, description="how long a reservation is paid for")
    starts: tuple[Day, ...] | None = Field(default=None, description="days on which a reservation may start")
    invoiced: Invoiced | None = Field(default=None, description="when a reservation is invoiced; default: not said")
    cut: Literal["prorate", "refuse"] = Field(
        default="refuse",
        description="a term that runs past the horizon: count the part inside, or do not buy it",
    )

    @model_validator(mode="after")
    def _invoices(self) -> Self:
        if self.invoiced and self.term is None:
            what = "use by the hour is invoiced when its month is over, and `invoiced` is of reservations"
            raise FlawError(what, "leave it out, or add `term:`", ("invoiced",), key=True)
        return self

    def stated_prices(self) -> Iterator[tuple[date | None, dict[str, str]]]:
        """Its list prices in words, each with the day from which it holds."""
        return ((day, {"price": f"{price}"}) for day, price in self.price.steps)

    @property
    def reserved(self) -> bool:
        """Whether a unit is paid for a term."""
        return self.term is not None

    @property
    def invoicing(self) -> Invoiced | None:
        """When it is, as stated."""
        return self.invoiced

    _instalment_rates: RatesByDay | None = PrivateAttr(default=None)

    def in_instalments_at(self, rates: RatesByDay, price: Dated[Price]) -> Self:
        """The same, priced by the day on which a reservation begins; each instalment goes by the rate of its day."""
        found = self.model_copy(update={"price": price})
        found._instalment_rates = rates
        return found

    @property
    def instalment_rates(self) -> RatesByDay | None:
        """Those of the currency in which its price is stated."""
        return self._instalment_rates

    def instalment_parts(self, days: Sequence[datetime]) -> list[Fraction]:
        """What is invoiced on each day, as a part of all: equal, but for a rate of exchange that changes."""
        if self._instalment_rates is None:
            return [Fraction(1, len(days))] * len(days)
        rates = [Fraction(self._instalment_rates.on(at) or 0) for at in days]
        return [rate / sum(rates) for rate in rates]

    def begins(self, moments: Iterable[datetime]) -> list[datetime]:
        """When a reservation may begin, of the moments at which periods do: on the stated days, or first in each month.

        The moments are in order, and none comes twice.
        """
        if self.starts is not None:
            return [at for at in moments if at.date() in self.starts and at == on_the_clock_of(at, at.date())]
        months: dict[tuple[int, int], datetime] = {}
        for at in moments:
            months.setdefault((at.year, at.month), at)
        return list(months.values())

    @property
    def unit_flow(self) -> Fraction:
        """What one unit gives in an hour: GPU-hours, or Mtok of input."""
        raise AssertionError("each product says so")

    def _unit_parts(self, price: Price) -> Fraction:
        """How much of what a price is per is one unit: 8 GPU-hours of a machine of 8."""
        return Fraction(1)

    def hour_price(self, price: Price, start: datetime, end: datetime, since: datetime | None = None) -> Fraction:
        """Money per unit and hour, the mean over a time in which one price holds.

        A price per `unit-month` is one flat instalment each month, however long: a calendar month, or from ``since``
        on, when a reservation starts. A month of 730 hours is priced as such (`per 730 hours`).
        """
        paid = Fraction(price.amount) * self._unit_parts(price)
        if price.unit == "unit per 730 hours":
            return paid / HOURS_A_MONTH
        if price.unit == "unit-month":
            first = since or start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            return paid * months_in(start, end, first) / hours_between(start, end)
        return paid

    @property
    def by_month(self) -> bool:
        """Whether any of its prices is a flat one a month, so that an hour of a short month costs more."""
        return any(price.unit == "unit-month" for price in self.price.values())

    def unit_price(self, start: datetime, end: datetime) -> Fraction | None:
        """Money per unit and hour, the time-weighted mean over a time; None where a price is missing."""
        return self.price.mean_over(start, end, self.hour_price)

    def units_at_most(self, period: Period) -> int | None:
        """Whole units there are in a period (0 where not on offer); None where not limited.

        What was reserved is held, and paid for, while the offer is closed.
        """
        there = self.sold if self.reserved else self.open
        if not there(period.span_start, period.span_end):
            return 0
        if self.capacity is None:
            return None
        amounts = self.capacity.over(period.span_start, period.span_end)
        return min(0 if amount is None else self._whole_units(amount.value, amount.unit) for amount in amounts)

    def _whole_units(self, value: Decimal, unit: str) -> int:
        raise AssertionError("each product says so")
