"""An offer: provider x region x product x price x capacity, and how it may be bought.

Owns: what one unit can do, what it costs at a time, how many there are. Not here: which workload runs on it.

Three products: ``gpu`` (accelerators by the hour), ``provisioned`` (units that give tokens per minute) and
``tokens`` (an endpoint priced per token). Units are bought whole. A unit that is bought by the hour is held
for a whole period of the plan; one that is reserved is paid for its whole term, used or not (take-or-pay).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.errors import FlawError, Path
from detente.market.invoicing import Invoiced
from detente.values.dated import Dated
from detente.values.facts import Facts
from detente.values.money import HOURS_A_MONTH, CapacityPrice, Price, TokenPrice
from detente.values.noun import Id, Label, Noun
from detente.values.period import PER_HOUR, Day, Period, hours_between, moment, months_in
from detente.values.quantity import Rate
from detente.values.quantity_field import Capacity, Count, Length, Portion, Throughput


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
        return moment(self.from_) < max(end, start + timedelta.resolution) and not (
            self.until and moment(self.until) <= start
        )


class _Offer(Noun):
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
    def _dates(self) -> _Offer:
        if self.from_ and self.until and self.until <= self.from_:
            what = f"ends on {self.until}, not after its start on {self.from_}"
            raise FlawError(what, "move one of them", ("until",))
        return self

    @property
    def sells(self) -> tuple[str, ...]:
        """The models or the accelerator that workloads ask it for, by name."""
        raise AssertionError("each product says so")

    @property
    def flat_price(self) -> Fraction | None:
        """The one price of a unit of what is taken of it, at all times; None where there is none such. Neutral."""
        return None

    def open(self, start: datetime, end: datetime) -> bool:
        """Whether it is on offer, and gives something, for all of a time."""
        return self.sold(start, end) and not any(closed.overlaps(start, end) for closed in self.closed)

    def sold(self, start: datetime, end: datetime) -> bool:
        """Whether it is on offer for all of a time, whatever is lost of it meanwhile."""
        return not ((self.from_ and moment(self.from_) > start) or (self.until and moment(self.until) < end))

    def within(self, start: date, end: date | None) -> Self:
        """The same offer, on sale at no time before or after."""
        starts, ends = max(start, self.from_ or start), min(filter(None, (end, self.until)), default=None)
        return self.model_copy(update={"from_": starts, "until": ends})

    @property
    def turns(self) -> tuple[date, ...]:
        """Days from which it may be on sale, or no longer."""
        days = (self.from_, self.until, *(on for each in self.closed for on in (each.from_, each.until)))
        return tuple(filter(None, days))

    def _facts(self, country: str, **more: str) -> Facts:
        return {
            "offer": self.id,
            "provider": self.provider,
            "region": self.region,
            "country": country,
            **more,
        }


class _Bought(_Offer):
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
        pieces = list(self.capacity.pieces(period.span_start, period.span_end))
        return min(0 if amount is None else self._whole_units(amount.value, amount.unit) for _, amount in pieces)

    def _whole_units(self, value: Decimal, unit: str) -> int:
        raise AssertionError("each product says so")


class GpuOffer(_Bought):
    """Accelerators by the hour."""

    taken_in: ClassVar[str] = "GPU-hour"
    kind: Literal["gpu"]
    accelerator: Label = Field(description="what hardware, by the name that workloads use")
    unit: Count = Field(default=1, description="accelerators in one unit (an instance of 8, a tranche of 1024)")
    buy: Literal["on-demand", "spot", "reserved"] = "on-demand"

    @model_validator(mode="after")
    def _whole(self) -> GpuOffer:
        if self.starts and self.term is None:
            what = "days on which a reservation starts, of which there is none"
            raise FlawError(what, "say `buy: reserved` and its `term:`", ("starts",), key=True)
        if (self.buy == "reserved") != (self.term is not None):
            key = ("buy",) if self.buy == "reserved" else ("term",)
            raise FlawError("`buy: reserved` and `term:` go together", "write both or neither", key, key=True)
        return self

    @property
    def unit_flow(self) -> Fraction:
        """GPU-hours in an hour."""
        return Fraction(self.unit)

    @property
    def sells(self) -> tuple[str, ...]:
        """Its accelerator."""
        return (self.accelerator,)

    def gpus(self, amount: Capacity) -> Decimal:
        """An amount of its capacity, in accelerators."""
        return amount.value * (1 if amount.unit == "GPU" else self.unit)

    def _unit_parts(self, price: Price) -> Fraction:
        return Fraction(self.unit if price.unit == "GPU-hour" else 1)

    @property
    def flat_price(self) -> Fraction | None:
        """The one price of a GPU-hour at all times; None where there are several, or it is by the month."""
        if self.by_month or self.reserved:
            return None
        each = {Fraction(p.amount) * self._unit_parts(p) / self.unit for p in self.price.values()}
        return each.pop() if len(each) == 1 else None

    def _whole_units(self, value: Decimal, unit: str) -> int:
        return int(value // self.unit) if unit == "GPU" else int(value)

    def facts(self, country: str) -> Facts:
        """What a scope may ask."""
        return self._facts(country, product="gpu", accelerator=self.accelerator, buy=self.buy)


class CoveredModel(Noun):
    """Another model that units serve: what one unit gives of it."""

    throughput: Throughput = Field(description="tokens of its input that one unit takes, over time")
    output_ratio: Count = Field(default=1, description="what a token of its output weighs in tokens of its input")


class ProvisionedOffer(_Bought):
    """Units that give tokens per minute; a token of output weighs ``output-ratio`` tokens of input."""

    kind: Literal["provisioned"]
    model: Label = Field(description="what model, by the name that workloads use")
    throughput: Throughput = Field(description="tokens of input that one unit takes, over time")
    output_ratio: Count = Field(default=1, description="what a token of output weighs in tokens of input")
    bound_to: Literal["model"] | None = Field(
        default=None, description="of several reserved for different models in one region: each serves its own alone"
    )
    covers: dict[Label, CoveredModel] = Field(
        default_factory=dict, description="other models that its units serve, each with what one unit gives of it"
    )
    minimum: Count = Field(default=1, description="fewest units of one purchase")
    increment: Count = Field(default=1, description="units above the minimum come in steps of this")

    @property
    def unit_flow(self) -> Fraction:
        """Mtok of input in an hour."""
        return per_hour(self.throughput)

    @model_validator(mode="after")
    def _shape(self) -> ProvisionedOffer:
        _gives(self.throughput, ())
        for name, model in self.covers.items():
            _gives(model.throughput, ("covers", name))
            if name == self.model or self.bound_to:
                what = f"covers `{name}`, and is " + (f"bound to `{self.model}`" if self.bound_to else "of that model")
                raise FlawError(what, "leave it out of `covers`", ("covers", name), key=True)
        for price in self.price.values():
            if price.unit == "GPU-hour":
                what = f"`{price}`: a provisioned unit has no GPU-hours"
                raise FlawError(what, "write it per unit-hour, unit-month or unit per 730 hours", ("price",))
        for amount in self.capacity.values() if self.capacity else ():
            if amount.unit != "unit":
                what = f"the capacity is `{amount}`, and is bought in units"
                raise FlawError(what, "write for example `500 units`", ("capacity",))
        return self

    @property
    def sells(self) -> tuple[str, ...]:
        """Its models."""
        return self.model, *self.covers

    def of_model(self, model: str) -> ProvisionedOffer:
        """The same units, by what they give of one of the models that they serve."""
        found = self.covers.get(model)
        if found is None:
            return self
        return self.model_copy(update={"model": model, "covers": {}, **dict(found), "source": self.source})

    def takes(self, model: str) -> tuple[Fraction, Fraction]:
        """What an Mtok of input, and of output, of one of its models takes, in Mtok of input of its own."""
        sold = self.of_model(model)
        each = self.unit_flow / sold.unit_flow
        return each, each * sold.output_ratio

    def _whole_units(self, value: Decimal, unit: str) -> int:
        steps = (int(value) - self.minimum) // self.increment
        return self.minimum + steps * self.increment if steps >= 0 else 0

    def facts(self, country: str) -> Facts:
        """What a scope may ask."""
        return self._facts(
            country, product="provisioned", model=self.model, buy="reserved" if self.term else "on-demand"
        )


def _gives(throughput: Rate, path: Path) -> None:
    """Raise FlawError where a rate is not what a unit gives."""
    if throughput.span not in ("second", "minute", "hour", "day") or throughput.value <= 0:
        what = f"`{throughput}` is not what a unit gives"
        raise FlawError(what, "write for example `20 Mtok per minute`", (*path, "throughput"))


class TokenPrices(Noun):
    """Prices of one model per million tokens."""

    input: TokenPrice
    output: TokenPrice
    cached_input: TokenPrice | None = Field(default=None, description="cached input; default: as input")
    batch: Portion | None = Field(default=None, description="what batch use costs of these prices: `50%`")


class TokenOffer(_Offer):
    """An endpoint priced per token."""

    kind: Literal["tokens"]
    model: Label = Field(description="what model, by the name that workloads use")
    price: Dated[TokenPrices]
    capacity: Dated[Throughput] | None = Field(default=None, description="tokens over time; default: no limit")

    @property
    def sells(self) -> tuple[str, ...]:
        """Its model."""
        return (self.model,)

    def facts(self, country: str) -> Facts:
        """What a scope may ask."""
        return self._facts(country, product="tokens", model=self.model, buy="on-demand")

    def stated_prices(self) -> Iterator[tuple[date | None, dict[str, str]]]:
        """Its list prices in words, each with the day from which it holds."""
        for day, prices in self.price.steps:
            each = {"input": prices.input, "output": prices.output, "cached-input": prices.cached_input}
            found = {name: f"{price}" for name, price in each.items() if price is not None}
            yield day, found if prices.batch is None else {**found, "batch": f"{prices.batch}"}

    @property
    def flat_price(self) -> Fraction | None:
        """The one price of any Mtok at all times; None where there are several."""
        prices = list(self.price.values())
        each = {Fraction(p.amount) for t in prices for p in (t.input, t.output, t.cached_input or t.input)}
        return each.pop() if len(each) == 1 and all(t.batch is None for t in prices) else None

    def flow_at_most(self, period: Period) -> Fraction | None:
        """Mtok an hour in a period (0 where not on offer); None where not limited."""
        if not self.open(period.span_start, period.span_end):
            return Fraction(0)
        if self.capacity is None:
            return None
        pieces = self.capacity.pieces(period.span_start, period.span_end)
        return min(Fraction(0) if rate is None else per_hour(rate) for _, rate in pieces)


Offer = Annotated[GpuOffer | ProvisionedOffer | TokenOffer, Field(discriminator="kind")]
AnyOffer = GpuOffer | ProvisionedOffer | TokenOffer
AnyUnits = GpuOffer | ProvisionedOffer
"""What is bought in units."""
