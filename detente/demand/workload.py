"""A workload: what there is to do, and what can serve it.

Owns: which accelerators and models can do it and at what rate, what serving it is worth, where its data
lies. Not here: how much there is when (``demand``), and where it runs. Work is counted in the workload's
own unit (§5): Mtok, or GPU-hours of the reference accelerator (the one with rate 1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.demand.demand import OverTime
from detente.demand.moving import Moving
from detente.errors import FlawError
from detente.market.network import Place
from detente.market.offer import AnyOffer, GpuOffer
from detente.values.dated import Dated
from detente.values.facts import RESERVED, Facts
from detente.values.money import Price, WorkPrice
from detente.values.noun import Flag, Id, Label, Noun, read_by, written_as
from detente.values.other_units import OTHER_SPANS
from detente.values.period import Day, Period, on_the_clock_of
from detente.values.quantity import WIDE, Amount, Span, in_percent, number, plain, text_of, unit_of
from detente.values.quantity_field import (
    NOT_NEGATIVE,
    PER,
    Accelerators,
    Length,
    Portion,
    Work,
    amount_as_written,
    units_as_written,
)

_IN_AN_HOUR = {"second": 3600, "minute": 60, "hour": 1}
"""How often spans of time are in an hour, by what rates of accelerators are given per elsewhere."""


def _rate(given: Any) -> tuple[Decimal, str]:
    """``0.55`` (of the reference accelerator), or ``9.5 Mtok per GPU-hour``."""
    text = text_of(given, "a rate", "9.5 Mtok per GPU-hour")
    amount, per, unit = text.partition(" per ")
    if not per:
        amount, per, unit = text.partition("/")
    if not per:
        value, of = number(text), "GPU-hour"
    else:
        found = Amount.parse(amount.strip(), "9.5 Mtok")
        value, of = found.value, found.unit
        span = unit.strip().removeprefix("GPU-")
        if unit.strip() != "GPU-hour" and (times := _IN_AN_HOUR.get(OTHER_SPANS.get(span, span))):
            hourly = f"{plain(WIDE.multiply(found.value, Decimal(times)))} {of} per GPU-hour"
            raise FlawError(f"`{text}` is not per GPU-hour", f"write what one GPU does in an hour, such as `{hourly}`")
        if unit_of(unit.strip())[0] != "GPU-hour":
            raise FlawError(f"`{text}` is per {unit}", "expected per GPU-hour")
    if value <= 0:
        raise FlawError(f"`{text}` is not a rate above zero", "write for example `9.5 Mtok per GPU-hour`")
    return value, of


def _moves(given: Any) -> tuple[Decimal, str]:
    """``0.02 GB per Mtok`` → (0.02, "Mtok")."""
    text = text_of(given, "data per work", "0.02 GB per Mtok")
    amount, per, unit = text.partition(" per ")
    found = Amount.parse(amount, "0.02 GB") if per else None
    if found is None or found.unit != "GB" or found.value < 0:
        raise FlawError(f"`{text}` is not data per work", "write for example `0.02 GB per Mtok`")
    name, size = unit_of(unit)
    return WIDE.divide(found.value, size), name


AcceleratorRate = Annotated[
    tuple[Decimal, str],
    read_by(
        _rate,
        written_as(
            rf"^{NOT_NEGATIVE}$|^{amount_as_written('GPU-hour', 'Mtok')}{PER}{units_as_written('GPU-hour')}$",
            "9.5 Mtok per GPU-hour",
            "work per GPU-hour; a bare number: of the reference accelerator",
            number=True,
            name="accelerator-rate",
        ),
    ),
]
Moves = Annotated[
    tuple[Decimal, str],
    read_by(
        _moves,
        written_as(
            rf"^{amount_as_written('GB')} per {units_as_written('GPU-hour', 'Mtok')}$",
            "0.02 GB per Mtok",
            "data per work",
            name="data-per-work",
        ),
    ),
]


class Mix(Noun):
    """What a million tokens consist of."""

    output: Portion = Field(description="the part of all tokens that is generated")
    cached: Portion = Field(default=Decimal(0), description="the part of the input that is read from a prompt cache")

    @cached_property
    def parts(self) -> tuple[Fraction, Fraction, Fraction]:
        """Fresh input, cached input, output; they add up to 1."""
        given = 1 - Fraction(self.output)
        return given * (1 - Fraction(self.cached)), given * Fraction(self.cached), Fraction(self.output)


class Data(Noun):
    """Where a workload's data lies, and how much of it moves with the work."""

    at: Annotated[Place, Field(description="`provider/region` or `provider`")]
    moves: Moves

    @model_validator(mode="after")
    def _somewhere(self) -> Data:
        if self.at == "*":
            raise FlawError("data lies somewhere", "write `at: provider/region`, or leave out `data:`", ("at",))
        return self


class RunsOn(Noun):
    """What can serve a workload: models by name, accelerators with the rate at which they do its work."""

    models: tuple[Label, ...] = Field(default=(), description="any of these models serves it")
    accelerators: dict[Label, AcceleratorRate] = Field(
        default_factory=dict, description="what an hour of each of these GPUs does of its work"
    )

    @model_validator(mode="after")
    def _something(self) -> RunsOn:
        if not self.models and not self.accelerators:
            raise FlawError("names neither a model nor an accelerator", "write `models:` or `accelerators:`")
        for index, name in enumerate(self.models):
            if name in self.models[:index]:
                raise FlawError(f"the model `{name}` is named twice", "name it once", ("models", index))
        return self


class _Workload(Noun):
    id: Id
    labels: dict[str, Label] = Field(default_factory=dict, description="what clauses select on")
    runs_on: RunsOn
    mix: Mix | None = Field(default=None, description="needed where it runs on models")
    data: Data | None = None
    value: WorkPrice | None = Field(default=None, description="what a unit unserved costs; default: must be served")
    revenue: WorkPrice | None = Field(default=None, description="what a unit served earns")
    survives: Portion | None = Field(
        default=None, description="the share that must survive the loss of any one provider"
    )
    interruptible: Flag = Field(default=False, description="may run on spot capacity")
    moving: Moving | None = Field(
        default=None, description="what a move to another provider costs, and how long work stays there; of no training"
    )

    @property
    def in_batches(self) -> bool:
        """Whether it is sold at the batch prices of offers that state one. Neutral: no."""
        return False

    @property
    def only_in_batches(self) -> bool:
        """Whether it is never called where an offer states such a price. Neutral: no."""
        return False

    @property
    def unit(self) -> str:
        """The unit of its work."""
        raise AssertionError("each kind says so")

    _of_each_day: dict[str, Dated[Price]] = PrivateAttr(default_factory=dict)
    """Its prices in the case's currency that change with a rate of exchange, by their names."""

    @model_validator(mode="after")
    def _consistent(self) -> _Workload:
        reserved = [key for key in self.labels if key in RESERVED]
        if reserved:
            what = f"`{reserved[0]}` cannot be a label: clauses use it for something else"
            raise FlawError(what, "rename it", ("labels", reserved[0]), key=True)
        bad = [key for key in self.labels if not re.fullmatch(r"[a-z][a-z0-9-]{0,60}", key)]
        if bad:
            what = f"`{bad[0]}` is not a label's name"
            raise FlawError(what, "write lower-case letters, digits and `-`", ("labels", bad[0]), key=True)
        rates, models = self.runs_on.accelerators, self.runs_on.models
        for name, (_, unit) in rates.items():
            if unit != self.unit:
                what = f"work is in {self.unit}, but the rate on `{name}` is in {unit}"
                remedy = f"write for example `{'9.5 Mtok per GPU-hour' if self.unit == 'Mtok' else '0.55'}`"
                if self.unit != "Mtok" and (models or all(unit == "Mtok" for _, unit in rates.values())):
                    remedy = "write the work in tokens, such as `500 Mtok per day`"
                    remedy += "" if models else ", or rates as parts of one GPU's, such as `0.55`"
                raise FlawError(what, remedy, ("runs-on", "accelerators", name))
        if models and self.unit != "Mtok":
            what = f"runs on models, so its work is in Mtok, not {self.unit}"
            remedy = "leave out `models:`, or write the work in tokens, such as `500 Mtok per day`"
            raise FlawError(what, remedy, ("runs-on", "models"))
        for what, price in (("value", self.value), ("revenue", self.revenue)):
            if price is not None and price.unit != self.unit:
                said = f"`{what}` is per {price.unit}, but work is in {self.unit}"
                raise FlawError(said, f"write it per {self.unit}", (what,))
        if self.data is not None and self.data.moves[1] != self.unit:
            said = f"data moves per {self.data.moves[1]}, but work is in {self.unit}"
            raise FlawError(said, f"write it per {self.unit}", ("data", "moves"))
        return self

    def at_rates(self, key: str, each: Dated[Price]) -> Self:
        """The same, with a price (``value``, ``revenue``) that is another from each day on, by the rate of exchange."""
        found = self.model_copy(update={key: next(each.values())})
        found._of_each_day = {**self._of_each_day, key: each}
        return found

    def earns(self, at: datetime) -> Fraction:
        """What a unit served earns at a moment; nothing where nothing is stated."""
        return self._at("revenue", self.revenue, at)

    def worth(self, at: datetime) -> Fraction:
        """What a unit that goes unserved costs at a moment; nothing where nothing is stated."""
        return self._at("value", self.value, at)

    def _at(self, key: str, price: Price | None, at: datetime) -> Fraction:
        found = self._of_each_day[key].on(at) if key in self._of_each_day else price
        return Fraction(0) if found is None else Fraction(found.amount)

    def always(self, key: Literal["value", "revenue"]) -> bool:
        """Whether a price of it is the same at all times."""
        return key not in self._of_each_day

    def _facts(self, kind: str) -> Facts:
        return {"workload": self.id, "kind": kind, **self.labels}


class Inference(_Workload):
    """Demand that is served as it comes."""

    kind: Literal["inference"]
    demand: OverTime

    @property
    def unit(self) -> str:
        """The unit of its work."""
        return self.demand.unit

    @property
    def facts(self) -> Facts:
        """What a scope may ask."""
        return self._facts("inference")


class Batch(_Workload):
    """Demand that may wait: what comes in a window is served within that window."""

    kind: Literal["batch"]
    demand: OverTime
    within: Length = Field(default=Span(24, "hour"), description="how long work may wait")
    sent: Literal["calls", "batches"] | None = Field(
        default=None, description="whether its work goes as calls, or in files to the providers' batch APIs"
    )

    @model_validator(mode="after")
    def _to_batch_apis(self) -> Batch:
        if self.sent == "batches" and not self._waits_a_day:
            what = f"batch APIs may take 24 hours, and work waits {self.within}"
            raise FlawError(what, "raise `within`, or say `sent: calls`", ("sent",))
        return self

    @property
    def _waits_a_day(self) -> bool:
        return self.within.unit != "hour" or self.within.count >= 24

    @property
    def in_batches(self) -> bool:
        """Whether it is sold at batch prices: work may take the 24 hours of a batch API, and does not go as calls."""
        return self.sent != "calls" and self._waits_a_day

    @property
    def only_in_batches(self) -> bool:
        """Whether it says that its work goes to batch APIs."""
        return self.sent == "batches"

    @property
    def unit(self) -> str:
        """The unit of its work."""
        return self.demand.unit

    @property
    def facts(self) -> Facts:
        """What a scope may ask."""
        return self._facts("batch")


class Training(_Workload):
    """A job: so much work between a start and a deadline."""

    kind: Literal["training"]
    work: Work
    from_: Day | None = Field(default=None, description="first day; default: the horizon's start")
    deadline: Day = Field(description="the day by which it is done")
    gang: Accelerators | None = Field(default=None, description="GPUs that must run together, on one offer")

    @model_validator(mode="after")
    def _dates(self) -> Training:
        if self.from_ and self.deadline <= self.from_:
            what = f"the deadline {self.deadline} is not after the start {self.from_}"
            raise FlawError(what, "move one of them", ("deadline",))
        if self.gang and (self.gang.value < 1 or self.gang.value != int(self.gang.value)):
            what = f"the gang is not a whole number of GPUs: `{self.gang}`"
            raise FlawError(what, "write 1 or more", ("gang",))
        if self.moving is not None:
            what = "a job has no demand of each period of which a part could move: `moving` is of inference and batch"
            raise FlawError(what, "leave it out", ("moving",))
        return self

    @property
    def unit(self) -> str:
        """The unit of its work."""
        return self.work.unit

    @property
    def facts(self) -> Facts:
        """What a scope may ask."""
        return self._facts("training")


AnyWorkload = Inference | Batch | Training
Workload = Annotated[Inference | Batch | Training, Field(discriminator="kind")]


def with_data(workload: AnyWorkload, folder: Path) -> AnyWorkload:
    """A workload with its trace or table read, and its mix taken from there unless it states one.

    Raises FlawError with every flaw of the file, and MissingExtraError.
    """
    if isinstance(workload, Training):
        return workload
    source = workload.demand.recorded
    if source is None:
        return workload
    read = source.read(folder)
    name = "trace" if workload.demand.trace else "table"
    update: dict[str, Any] = {"demand": workload.demand.model_copy(update={name: read})}
    if workload.mix is None and workload.runs_on.models:
        output = Decimal(round(read.mix[0] * 10**9)).scaleb(-9)
        update["mix"] = Mix.model_validate({"output": in_percent(output)})
    return workload.model_copy(update=update)


def can_run(workload: AnyWorkload, offer: AnyOffer, *, spot: bool = False) -> bool:
    """Whether an offer can technically serve a workload: its model or accelerator; spot only if it may."""
    if not isinstance(offer, GpuOffer):
        return any(name in workload.runs_on.models for name in offer.sells)
    if offer.accelerator not in workload.runs_on.accelerators:
        return False
    if offer.buy == "spot" and not (workload.interruptible or spot):
        return False
    return not (isinstance(workload, Training) and workload.gang and workload.gang.value % offer.unit)


def job_periods(job: Training, periods: Sequence[Period]) -> list[Period]:
    """The periods that lie wholly between a job's start and its deadline."""
    if not periods:
        return []
    first = periods[0].span_start
    start = on_the_clock_of(first, job.from_) if job.from_ else first
    end = on_the_clock_of(first, job.deadline)
    return [p for p in periods if p.span_start >= start and p.span_end <= end]
