"""Most favoured customer, and benchmarking: nobody comparable pays less, or it is lowered. Computes what is known.

See ``docs/terms/most-favoured.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.bases.position import Position
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Every
from detente.contract.reminder import Reminder, last_day
from detente.errors import FlawError, KeyPath
from detente.values.money import WorkPrice
from detente.values.noun import Noun, Title
from detente.values.period import Day, later, moment, named
from detente.values.quantity import in_percent
from detente.values.quantity_field import Length, Portion


class ComparedPrice(Noun):
    """What we pay, and what somebody comparable pays, as far as is known."""

    what: Title = Field(description="what was compared, and with whom")
    ours: WorkPrice
    theirs: WorkPrice
    on: Day = Field(description="the day on which it was found")
    lowered: Day | None = Field(default=None, description="the day from which our price was lowered")

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if self.ours.unit != self.theirs.unit:
            what = f"`{self.what}`: ours is per {self.ours.unit}, theirs per {self.theirs.unit}"
            raise FlawError(what, "compare prices of one unit", ("theirs",))
        return self


class MostFavoured(Position):
    """A right to the best price that somebody comparable has; each window somebody asks for it."""

    kind: Literal["most-favoured"]
    compared_with: Title = Field(description="who is comparable: a class of volume, a region, a peer group")
    band: Portion = Field(default=Decimal(0), description="how much dearer we may be; of a benchmark: the band")
    at_most: Portion | None = Field(default=None, description="the most that a price is lowered at once")
    windows: Every = Field(default=Every(every="year"), description="how often it may be asked for")
    report_within: Length | None = Field(default=None, description="how soon a lower price of others must be told")
    compared: tuple[ComparedPrice, ...] = Field(default=(), description="what was found")

    def cut(self, found: ComparedPrice) -> Fraction:
        """The part of our price by which it is lowered: down to theirs and the band."""
        ours, theirs = Fraction(found.ours.amount), Fraction(found.theirs.amount) * (1 + Fraction(self.band))
        part = max(ours - theirs, Fraction(0)) / ours if ours else Fraction(0)
        return part if self.at_most is None else min(part, Fraction(self.at_most))

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """When to ask, by when to be told, and what was found and is not lowered yet."""
        for window in self.calendar(self.windows).over(self.validity.start, until):
            if window.end > since:
                what = f"the last day to ask for a comparison of prices in {named(window.start, window.end)}"
                yield Reminder(last_day(window.end), "right", what, "self")
        for found in self.compared:
            if self.cut(found):
                on = later(moment(found.on), self.report_within).date() if self.report_within else found.on
                yield Reminder(on, "duty", self._told(found), self.other, found.lowered)

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """When a price of others was found, and ours was lowered."""
        for index, each in enumerate(self.compared):
            yield ("compared", index, "on"), each.on
            if each.lowered is not None:
                yield ("compared", index, "lowered"), each.lowered

    def _told(self, found: ComparedPrice) -> str:
        prices, cut = f"{found.what}: {found.ours} against {found.theirs}", self.cut(found)
        if not cut:
            return f"{prices}, so nothing is due"
        done = f" and was given on {found.lowered}" if found.lowered else ""
        return f"{prices}, so {in_percent(cut)} less is due{done}"

    def explain(self) -> Reason:
        """Whose price, and what is known."""
        band = f", beyond {in_percent(self.band)}" if self.band else ""
        known = (
            "; ".join(map(self._told, self.compared))
            or "no price of others is stated (`compared`), so nothing is computed: ask for one"
        )
        return self.says(f"{self.other} lowers a price that is above those of {self.compared_with}{band}: {known}")
