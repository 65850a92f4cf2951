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
from detente.values.money import WorkPrice, nano, shown
from detente.values.noun import Noun, Title
from detente.values.period import Day, later, moment, named
from detente.values.quantity import Span, in_percent
from detente.values.quantity_field import Length, Portion, Work


class ComparedPrice(Noun):
    """What we pay, and what somebody comparable pays, as far as is known."""

    what: Title = Field(description="what was compared, and with whom")
    ours: WorkPrice
    theirs: WorkPrice
    on: Day = Field(description="the day on which it was found")
    lowered: Day | None = Field(default=None, description="the day from which our price was lowered")
    bought: Work | None = Field(default=None, description="what we bought at our price in the `look-back` before it")
    refunded: Day | None = Field(default=None, description="the day on which that was given back")

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if self.bought is not None and self.bought.unit != self.ours.unit:
            what = f"`{self.what}`: ours is per {self.ours.unit}, and what was bought is in {self.bought.unit}"
            raise FlawError(what, f"write it in {self.ours.unit}", ("bought",))
        if self.refunded is not None and self.bought is None:
            what = f"`{self.what}`: {self.refunded} is when it was given back, and of how much is not said"
            raise FlawError(what, "add `bought`, or leave out `refunded`", ("refunded",), key=True)
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
    lower_within: Length | None = Field(default=None, description="how soon after that our price must be lowered")
    look_back: Length | None = Field(default=None, description="of how long before, what was paid too much is refunded")
    compared: tuple[ComparedPrice, ...] = Field(default=(), description="what was found")

    @model_validator(mode="after")
    def _looks_back(self) -> Self:
        for index, each in enumerate(self.compared):
            if each.bought is not None and self.look_back is None:
                what = f"`{each.what}` says what was bought before, and nothing is looked back to"
                raise FlawError(what, "add `look-back`, or leave out `bought`", ("compared", index, "bought"))
        return self

    def refund(self, found: ComparedPrice) -> Fraction:
        """What was paid too much of what was bought in the look-back, in the currency of our price."""
        bought = Fraction(found.bought.value) if found.bought else Fraction(0)
        return self.cut(found) * Fraction(found.ours.amount) * bought

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
                told = self._after(found.on, self.report_within)
                if self.lower_within:
                    yield Reminder(told, "notice", f"the last day to tell of {found.what}", self.other)
                yield Reminder(
                    self._after(told, self.lower_within), "duty", self._told(found), self.other, found.lowered
                )
            if self.refund(found):
                on = self._after(self._after(found.on, self.report_within), self.lower_within)
                yield Reminder(on, "duty", f"{self._back(found)} is due back", self.other, found.refunded)

    @staticmethod
    def _after(on: date, span: Span | None) -> date:
        return later(moment(on), span).date() if span else on

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """When a price of others was found, and ours was lowered."""
        for index, each in enumerate(self.compared):
            yield ("compared", index, "on"), each.on
            for key in ("lowered", "refunded"):
                if (on := getattr(each, key)) is not None:
                    yield ("compared", index, key), on

    def _told(self, found: ComparedPrice) -> str:
        prices, cut = f"{found.what}: {found.ours} against {found.theirs}", self.cut(found)
        if not cut:
            return f"{prices}, so nothing is due"
        done = f" and was given on {found.lowered}" if found.lowered else ""
        back = f"; {self._back(found)} is due back" if self.refund(found) else ""
        back += f", and was given on {found.refunded}" if found.refunded else ""
        return f"{prices}, so {in_percent(cut)} less is due{done}{back}"

    def _back(self, found: ComparedPrice) -> str:
        of = shown(found.bought.value, found.bought.unit) if found.bought else ""
        return f"{shown(nano(self.refund(found)), found.ours.currency)} of {of} in the {self.look_back} before"

    def explain(self) -> Reason:
        """Whose price, and what is known."""
        band = f", beyond {in_percent(self.band)}" if self.band else ""
        known = (
            "; ".join(map(self._told, self.compared))
            or "no price of others is stated (`compared`), so nothing is computed: ask for one"
        )
        return self.says(f"{self.other} lowers a price that is above those of {self.compared_with}{band}: {known}")
