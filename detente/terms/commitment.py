"""Minimum commitment: spend at least so much in each window, or pay for what is missing.

See ``docs/terms/minimum-commitment.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.meter import Meter
from detente.contract.program import Program
from detente.contract.settlement import Settlement, settled
from detente.contract.standing import FLOOR, MILESTONE, SUPERSEDED
from detente.contract.stated import StatedWindows
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.verdict import Reason
from detente.contract.window import Calendar, Every, Window
from detente.errors import Flaw
from detente.values.money import Cash, Money, shown
from detente.values.noun import Noun
from detente.values.period import Day, Horizon, moment, named
from detente.values.quantity_field import Percent, Portion


class Shortfall(Noun):
    """What happens to what is missing."""

    fee: Percent = Field(default=Decimal(1), description="what is paid of the missing amount")


Remedy = Annotated[
    Annotated[Shortfall, Tag("fee")] | Annotated[Literal["forbidden"], Tag("forbidden")],
    Discriminator(lambda given: "fee" if isinstance(given, (dict, Shortfall)) else "forbidden"),
]


class Milestone(Noun):
    """So much in all by a day, or a fee on what is missing then."""

    by: Day
    reach: Cash
    fee: Percent = Field(default=Decimal(0), description="what is paid of the missing amount; 0%: must be reached")

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        price = f"{float(self.fee):.0%} of what is missing then is owed" if self.fee else "it must be reached"
        return f"{shown(self.reach.amount, self.reach.currency)} by {self.by}: {price}"


class MinimumCommitment(Term):
    """Eligible spend of at least an amount in each window; part of an excess carries over to the next."""

    kind: Literal["minimum-commitment"]
    amount: Cash = Field(description="of each window; with a ramp: of all windows together")
    windows: Every = Every()
    shortfall: Remedy = Shortfall()
    carry_over: Portion = Field(
        default=Decimal(0), description="the part of a window's amount that an excess may carry"
    )
    milestones: tuple[Milestone, ...] = ()

    theirs: ClassVar[bool] = True

    @property
    def spend(self) -> Meter:
        """What counts towards each window."""
        return Meter(self.id, "spend", self.covered, "spend", self.calendar(self.windows))

    @property
    def reached(self) -> tuple[tuple[Milestone, Meter], ...]:
        """What counts towards each milestone: all from the clause's first day. A plan sees those of its horizon."""
        every = ((m, self._up_to(m, f"milestone-{index}")) for index, m in enumerate(self.milestones))
        return tuple((milestone, meter) for milestone, meter in every if self._sees(milestone))

    @property
    def superseded(self) -> Meter | None:
        """What counted in the window that an amendment took over whole; None where it took over none."""
        ended = self.validity.ended
        if ended is None or ended.running is None or ended.how != "whole-window":
            return None
        taken = Calendar("term", ended.running.start, ended.running.start, self.validity.end)
        windows = taken if self._seen is None else taken.seen_by(self._seen)
        return Meter(self.id, SUPERSEDED, self.covered, "spend", windows)

    def _up_to(self, milestone: Milestone, name: str) -> Meter:
        return Meter(self.id, name, self.covered, "spend", self.calendar(Every(), moment(milestone.by)))

    def _sees(self, milestone: Milestone) -> bool:
        """A milestone after a plan's horizon, or after an amendment, is no part of it."""
        return not self._amended_before(milestone) and (self._seen is None or milestone.by <= self._seen.end)

    def _amended_before(self, milestone: Milestone) -> bool:
        return self.validity.ended is not None and moment(milestone.by) > self.validity.end

    def meters(self) -> tuple[Meter, ...]:
        """Spend in each window, up to each milestone, and in a window that was taken over."""
        taken = self.superseded
        return self.spend, *(meter for _, meter in self.reached), *([taken] if taken else [])

    def required(self, window: Window) -> Fraction:
        """The amount of a window."""
        return Fraction(self.amount.amount) * self.windows.share(window)

    @property
    def fee(self) -> Fraction:
        """What is paid of a missing amount."""
        return Fraction(self.shortfall.fee) if isinstance(self.shortfall, Shortfall) else Fraction(0)

    def shape(self, program: Program) -> None:
        """Spend and what is carried in, with what is missing, less what is carried out, reaches the amount."""
        amounts = [self.required(window) for window in self.spend.windows]
        if amounts:
            carried = program.slack(self, "carried", most=[a * Fraction(self.carry_over) for a in amounts])
            reached = program.total(self.spend) + carried.lag() - carried
            if isinstance(self.shortfall, Shortfall):
                reached += program.slack(self, "shortfall", most=amounts, price=self.fee, remedy=True)
            program.require(self, "floor", reached >= amounts)
        for milestone, meter in self.reached:
            amounts = [Fraction(milestone.reach.amount) * window.part for window in meter.windows]
            if not amounts:
                continue
            reached = program.total(meter)
            if milestone.fee:
                fee = Fraction(milestone.fee)
                reached += program.slack(self, f"missing at {meter.name}", most=amounts, price=fee, remedy=True)
            program.require(self, meter.name, reached >= amounts)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """Drawdown, balance carried over and shortfall fee of each window; fees of missed milestones."""
        parts = [*self._floors(totals, as_of), *self._milestones(totals, as_of), *self._taken_over(totals, as_of)]
        return Settlement.of(parts)

    def _floors(self, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        meter, brought = self.spend, Fraction(0)
        for window, ended in meter.begun(as_of):
            amount, drawn = self.required(window), totals.total(meter, window)
            balance = drawn + brought - amount
            carried = min(max(balance, Fraction(0)), amount * Fraction(self.carry_over))
            missing = max(-balance, Fraction(0))
            yield settled(
                meter, window, FLOOR, "shortfall-fee", ended=ended, amount=amount, drawn=drawn,
                brought=brought, carried=carried, short=missing, owed=missing * self.fee,
            )  # fmt: skip
            brought = carried

    def _milestones(self, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        for index, (milestone, meter) in enumerate(self.reached):
            for window, ended in meter.begun(as_of):
                amount, drawn = Fraction(milestone.reach.amount) * window.part, totals.total(meter, window)
                missing = max(amount - drawn, Fraction(0))
                yield settled(
                    meter, replace(window, index=index), MILESTONE, "milestone-fee", ended=ended,
                    amount=amount, drawn=drawn, short=missing, owed=missing * Fraction(milestone.fee),
                )  # fmt: skip

    def _taken_over(self, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        meter, ended = self.superseded, self.validity.ended
        if meter is None or ended is None or ended.running is None:
            return
        amount = self.required(ended.running)
        for window, over in meter.begun(as_of):
            drawn = totals.total(meter, window)
            yield settled(meter, window, SUPERSEDED, None, ended=over, amount=amount, drawn=drawn)

    def explain(self) -> Reason:
        """What the clause does."""
        each = "over its windows" if self.windows.ramp else f"in each {self.windows.every}"
        if self.windows.every == "term":
            each = "over its whole term"
        price = "it must be met"
        if isinstance(self.shortfall, Shortfall):
            price = f"{float(self.shortfall.fee):.0%} of what is missing is owed"
        amount = shown(self.amount.amount, self.amount.currency)
        milestones = "".join(f"; {m.told}" for m in self.milestones)
        return Reason(self.id, f"at least {amount} of spend ({self.covered}) {each}; {price}{milestones}")

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those of its amount."""
        return (StatedWindows(("windows",), self.windows, "amount"),)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Milestones outside its time, out of order, above its amount, or that count from before the horizon."""
        previous: Milestone | None = None
        for index, milestone in enumerate(self.milestones):
            path = ("milestones", index, "by")
            if self._amended_before(milestone):
                continue
            if not self.validity.start < moment(milestone.by) <= self.validity.end:
                what = f"{milestone.by} is not while the clause is in force ({self._dates})"
                yield Flaw(what, "move the milestone, or the dates of the clause", path)
            if previous and (milestone.by <= previous.by or milestone.reach.amount < previous.reach.amount):
                what = f"milestones out of order: {previous.by} comes before {milestone.by}"
                yield Flaw(what, "write the earlier and the smaller first", path)
            if (most := self._in_all) is not None and milestone.reach.amount > most.amount:
                what = f"{milestone.reach} by {milestone.by} is more than the {most} that are committed in all"
                yield Flaw(what, "lower the milestone, or raise `amount`", ("milestones", index, "reach"))
            if self._counts_from_before(milestone, case.horizon):
                yield Flaw("counts spend from before the horizon", "say `windows: { cut: prorate }`", path)
            previous = milestone

    @property
    def _in_all(self) -> Money | None:
        """The amounts of all windows together; None where there is no last one."""
        windows = self.calendar(self.windows)
        if windows.endless:
            return None
        total = sum((self.required(window) for window in windows), Fraction(0))
        return Money(Decimal(total.numerator) / total.denominator, self.amount.currency)

    def _counts_from_before(self, milestone: Milestone, horizon: Horizon | None) -> bool:
        if horizon is None or self.windows.cut == "prorate":
            return False
        return self.validity.start < moment(horizon.start) < moment(milestone.by)

    @property
    def _dates(self) -> str:
        return named(self.validity.start, self.validity.end)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        if part.startswith("milestone-"):
            milestone = self.milestones[int(part.partition("-")[2])]
            return (
                f"accept {shown(amount, currency)} less than the milestone of "
                f"{shown(milestone.reach.amount, currency)} by {milestone.by}"
            )
        return f"accept a shortfall of {shown(amount, currency)} against this commitment"
