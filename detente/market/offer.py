"""An offer: provider x region x product x price x capacity, and how it may be bought.

Owns: what one unit can do, what it costs at a time, how many there are. Not here: which workload runs on it.

Three products: ``gpu`` (accelerators by the hour), ``provisioned`` (units that give tokens per minute) and
``tokens`` (an endpoint priced per token). Units are bought whole. A unit that is bought by the hour is held
for a whole period of the plan; one that is reserved is paid for its whole term, used or not (take-or-pay).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from detente.errors import FlawError, KeyPath
from detente.market.base_offer import BaseOffer, BoughtOffer, per_hour
from detente.values.dated import Dated
from detente.values.facts import Facts
from detente.values.money import Price, TokenPrice
from detente.values.noun import Label, Noun
from detente.values.period import Period
from detente.values.quantity import Rate
from detente.values.quantity_field import Capacity, Count, Portion, Throughput


class GpuOffer(BoughtOffer):
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

    def one_price(self, at: datetime) -> Fraction | None:
        """The price of a GPU-hour; None where there is none, or it is by the month."""
        price = self.price.on(at)
        if price is None or self.by_month or self.reserved:
            return None
        return Fraction(price.amount) * self._unit_parts(price) / self.unit

    def _whole_units(self, value: Decimal, unit: str) -> int:
        return int(value // self.unit) if unit == "GPU" else int(value)

    def facts(self, country: str) -> Facts:
        """What a scope may ask."""
        return self._facts(country, product="gpu", accelerator=self.accelerator, buy=self.buy)


class CoveredModel(Noun):
    """Another model that units serve: what one unit gives of it."""

    throughput: Throughput = Field(description="tokens of its input that one unit takes, over time")
    output_ratio: Count = Field(default=1, description="what a token of its output weighs in tokens of its input")


class ProvisionedOffer(BoughtOffer):
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
    def sizes(self) -> tuple[int, int]:
        """As stated."""
        return self.minimum, self.increment

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


def _gives(throughput: Rate, path: KeyPath) -> None:
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

    @property
    def each(self) -> tuple[Price, Price, Price]:
        """Of input, of input read from a cache (as input where none is stated), and of output."""
        return self.input, self.cached_input or self.input, self.output


class TokenOffer(BaseOffer):
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

    def one_price(self, at: datetime) -> Fraction | None:
        """The price of any Mtok; None where there are several, or there is none."""
        prices = self.price.on(at)
        each = set() if prices is None or prices.batch is not None else {Fraction(p.amount) for p in prices.each}
        return each.pop() if len(each) == 1 else None

    def sells_batches(self, at: datetime | None = None) -> bool:
        """Where its prices of that time say what part of them batch use costs."""
        stated = self.price.values() if at is None else [self.price.on(at)]
        return any(prices is not None and prices.batch is not None for prices in stated)

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
