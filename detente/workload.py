"""A workload: forecast demand; and what can serve it.

Owns: how much work there is when, which accelerators and models can do it and at what rate, what serving it is
worth. Not here: where it runs. Work is counted in the workload's own unit (§5): Mtok, or GPU-hours of the
reference accelerator (the one with rate 1).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from detente.dated import Dated
from detente.money import WorkPrice
from detente.network import Place
from detente.noun import Id, Label, Noun, read_by, value_of, written_as
from detente.period import Day, Period, calendar_hours, hours_between, moment
from detente.quantity import (
    Accelerators,
    Amount,
    Demand,
    Growth,
    Length,
    Percent,
    Rate,
    Share,
    Span,
    Work,
    number,
    unit_of,
)
from detente.scope import DEMAND_KEYS, OFFER_KEYS, Facts
from detente.trace import Table, TraceSource


def _rate(given: Any) -> tuple[Decimal, str]:
    """``0.55`` (of the reference accelerator), or ``9.5 Mtok per GPU-hour``."""
    text = " ".join(str(given).split())
    amount, per, unit = text.partition(" per ")
    if not per:
        amount, per, unit = text.partition("/")
    if not per:
        value, of = number(text), "GPU-hour"
    else:
        found = Amount.parse(amount.strip(), "9.5 Mtok")
        value, of = found.value, found.unit
        if unit_of(unit.strip())[0] != "GPU-hour":
            raise ValueError(f"`{text}` is per {unit}; expected per GPU-hour")
    if value <= 0:
        raise ValueError(f"`{text}` is not a rate above zero")
    return value, of


def _moves(given: Any) -> tuple[Decimal, str]:
    """``0.02 GB per Mtok`` → (0.02, "Mtok")."""
    text = " ".join(str(given).split())
    amount, per, unit = text.partition(" per ")
    found = Amount.parse(amount, "0.02 GB") if per else None
    if found is None or found.unit != "GB" or found.value < 0:
        raise ValueError(f"`{text}` is not data per work; write for example `0.02 GB per Mtok`")
    name, size = unit_of(unit)
    return found.value / size, name


AcceleratorRate = Annotated[
    tuple[Decimal, str],
    read_by(_rate, written_as(r"^[0-9].*$", "9.5 Mtok per GPU-hour", "work per GPU-hour", number=True)),
]
Moves = Annotated[tuple[Decimal, str], read_by(_moves, written_as(r"^[0-9].* per .*$", "0.02 GB per Mtok", "data"))]


class Mix(Noun):
    """What a million tokens consist of."""

    output: Share = Field(description="the part of all tokens that is generated")
    cached: Share = Field(default=Decimal(0), description="the part of the input that is read from a prompt cache")

    @property
    def parts(self) -> tuple[Fraction, Fraction, Fraction]:
        """Fresh input, cached input, output; they add up to 1."""
        given = 1 - Fraction(self.output)
        return given * (1 - Fraction(self.cached)), given * Fraction(self.cached), Fraction(self.output)


class Data(Noun):
    """Where a workload's data lies, and how much of it moves with the work."""

    at: Place
    moves: Moves


class RunsOn(Noun):
    """What can serve a workload: models by name, accelerators with the rate at which they do its work."""

    models: tuple[Label, ...] = ()
    accelerators: dict[Label, AcceleratorRate] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something(self) -> RunsOn:
        if not self.models and not self.accelerators:
            raise ValueError("names neither a model nor an accelerator")
        return self


class Profile(Noun):
    """The shape of a week; the mean over a week stays the stated rate."""

    hours: tuple[Percent, ...] = Field(min_length=24, max_length=24, description="weight of each hour of a day, UTC")
    weekend: Percent = Field(default=Decimal(1), description="Saturday and Sunday against a weekday")

    @model_validator(mode="after")
    def _some(self) -> Profile:
        if sum(self.hours) == 0:
            raise ValueError("every hour weighs 0%")
        return self

    def factor(self, at: datetime) -> Fraction:
        """The hour's rate against the week's mean."""
        mean = Fraction(sum(self.hours)) / 24 * (5 + 2 * Fraction(self.weekend)) / 7
        weight = Fraction(self.hours[at.hour]) * (Fraction(self.weekend) if at.weekday() >= 5 else 1)
        return weight / mean


class DemandOverTime(Noun):
    """Demand over time: a rate (dated, growing, shaped), a request trace, or a table of rates."""

    rate: Dated[Demand] | None = None
    growth: Growth | None = Field(default=None, description="compound, by whole spans from the horizon's start")
    between: Literal["steps", "line"] = Field(default="steps", description="between dated rates")
    profile: Profile | None = None
    trace: TraceSource | None = None
    table: Table | None = None

    @model_validator(mode="after")
    def _one(self) -> DemandOverTime:
        given = [name for name in ("rate", "trace", "table") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(f"`{g}`" for g in given) or "none of them"
            raise ValueError(f"give one of `rate`, `trace` and `table`; found {found}")
        if self.rate is not None:
            units = {r.unit for r in self.rate.values()}
            if len(units) > 1:
                raise ValueError("the dated rates are in different units: " + ", ".join(sorted(units)))
        if self.between == "line" and (self.rate is None or self.rate.steps[0][0] is None):
            raise ValueError("`between: line` needs dated rates")
        return self

    @property
    def unit(self) -> str:
        """The unit of work."""
        return next(iter(self.rate.values())).unit if self.rate is not None else "Mtok"

    def in_period(self, period: Period, begin: datetime) -> Fraction:
        """Work in a period; growth counts whole spans since ``begin``."""
        if self.rate is None:
            source = self.trace or self.table
            assert source is not None
            return source.hourly(period) * period.hours
        hourly = self._on_line(period) if self.between == "line" else self._stepped(period)
        if self.growth:
            hourly *= (1 + Fraction(self.growth[0])) ** _whole_spans(begin, period.span_start, self.growth[1])
        return hourly * period.hours * (self._shape(period) if self.profile else 1)

    def _shape(self, period: Period) -> Fraction:
        assert self.profile is not None
        hours = int(hours_between(period.start, period.end))
        each = [self.profile.factor(period.start + timedelta(hours=h)) for h in range(max(1, hours))]
        return sum(each, Fraction(0)) / len(each)

    def _stepped(self, period: Period) -> Fraction:
        assert self.rate is not None
        total = Fraction(0)
        for share, rate in self.rate.pieces(period.span_start, period.span_end):
            if rate is not None:  # before the first dated rate there is no demand
                total += share * Fraction(rate.hourly(calendar_hours(period.span_start)))
        return total

    def _on_line(self, period: Period) -> Fraction:
        assert self.rate is not None
        middle = period.span_start + (period.span_end - period.span_start) / 2
        points = [(moment(on), self._at(rate, moment(on))) for on, rate in self.rate.steps if on is not None]
        if middle <= points[0][0]:
            return points[0][1]
        for (a, low), (b, high) in zip(points, points[1:], strict=False):
            if middle <= b:
                return low + (high - low) * hours_between(a, middle) / hours_between(a, b)
        return points[-1][1]

    @staticmethod
    def _at(rate: Rate, on: datetime) -> Fraction:
        return Fraction(rate.hourly(calendar_hours(on)))


def _whole_spans(begin: datetime, at: datetime, unit: str) -> int:
    if unit in ("day", "week"):
        return (at - begin).days // (7 if unit == "week" else 1)
    months = (at.year - begin.year) * 12 + at.month - begin.month
    return months if unit == "month" else months // 12


def _demand(given: Any) -> Any:
    plain = value_of(given)
    return {"rate": plain} if isinstance(plain, str) else given


OverTime = Annotated[DemandOverTime, BeforeValidator(_demand)]


class _Workload(Noun):
    id: Id
    labels: dict[str, Label] = Field(default_factory=dict, description="what clauses select on")
    runs_on: RunsOn
    mix: Mix | None = Field(default=None, description="needed where it runs on models")
    data: Data | None = None
    value: WorkPrice | None = Field(default=None, description="what a unit unserved costs; absent: must be served")
    revenue: WorkPrice | None = Field(default=None, description="what a unit served earns")
    survives: Share | None = Field(
        default=None, description="the share that must survive the loss of any one provider"
    )
    interruptible: bool = Field(default=False, description="may run on spot capacity")

    @property
    def unit(self) -> str:
        """The unit of its work."""
        raise AssertionError("each kind says so")

    @model_validator(mode="after")
    def _consistent(self) -> _Workload:
        reserved = [key for key in self.labels if key in OFFER_KEYS or key in DEMAND_KEYS]
        if reserved:
            raise ValueError(f"`{reserved[0]}` cannot be a label: clauses use it for something else")
        bad = [key for key in self.labels if not re.fullmatch(r"[a-z][a-z0-9-]{0,60}", key)]
        if bad:
            raise ValueError(f"`{bad[0]}` is not a label's name: lower-case letters, digits and `-`")
        for name, (_, unit) in self.runs_on.accelerators.items():
            if unit != self.unit:
                example = "9.5 Mtok per GPU-hour" if self.unit == "Mtok" else "0.55"
                raise ValueError(
                    f"work is in {self.unit}, but the rate on `{name}` is in {unit}; write for example `{example}`"
                )
        if self.runs_on.models and self.unit != "Mtok":
            raise ValueError(f"runs on models, so its work is in Mtok, not {self.unit}")
        for what, price in (("value", self.value), ("revenue", self.revenue)):
            if price is not None and price.unit != self.unit:
                raise ValueError(f"`{what}` is per {price.unit}, but work is in {self.unit}")
        if self.data is not None and self.data.moves[1] != self.unit:
            raise ValueError(f"data moves per {self.data.moves[1]}, but work is in {self.unit}")
        return self

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
    from_: Day | None = Field(default=None, description="first day; absent: the horizon's start")
    deadline: Day = Field(description="the day by which it is done")
    gang: Accelerators | None = Field(default=None, description="GPUs that must run together, on one offer")

    @model_validator(mode="after")
    def _dates(self) -> Training:
        if self.from_ and self.deadline <= self.from_:
            raise ValueError(f"the deadline {self.deadline} is not after the start {self.from_}")
        if self.gang and (self.gang.value < 1 or self.gang.value != int(self.gang.value)):
            raise ValueError(f"the gang is not a whole number of GPUs: `{self.gang}`")
        return self

    @property
    def unit(self) -> str:
        """The unit of its work."""
        return self.work.unit

    @property
    def facts(self) -> Facts:
        """What a scope may ask."""
        return self._facts("training")


Workload = Annotated[Inference | Batch | Training, Field(discriminator="kind")]
AnyWorkload = Inference | Batch | Training
