"""Minimum commitment: spend at least so much in each window, or pay for what is missing.

See ``docs/terms/minimum-commitment.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from detente.contract.case_view import CaseView
from detente.contract.posting import Posting
from detente.contract.stated import StatedWindows
from detente.contract.term import Program, Term
from detente.contract.usage import Metered
from detente.contract.verdict import Reason
from detente.contract.window import Every, Window
from detente.errors import Flaw
from detente.values.money import Cash, nano, shown
from detente.values.noun import Noun
from detente.values.period import Day, Horizon, hours_between, moment, named
from detente.values.quantity import Percent, Portion


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

    def required(self, horizon: Horizon) -> list[tuple[Window, Fraction]]:
        """The amount of each window, prorated where the horizon cuts it (and the clause says so)."""
        total = Fraction(self.amount.amount)
        found = []
        for window in self.windows_of(horizon):
            part = Fraction(self.windows.ramp[window.index]) if self.windows.ramp else Fraction(1)
            found.append((window, total * part * window.part))
        return found

    def windows_of(self, horizon: Horizon) -> tuple[Window, ...]:
        """The windows that the horizon sees."""
        return self.cut_into(self.windows, horizon)

    def milestones_in(self, horizon: Horizon) -> list[tuple[Milestone, Window, Fraction]]:
        """Milestones that fall inside the horizon: each a window from the clause's start, and its amount."""
        found = []
        begin, finish = moment(horizon.start), moment(horizon.end)
        for index, milestone in enumerate(self.milestones):
            start, by = self.force.start, moment(milestone.by)
            if start < by and begin < by <= finish:
                inside = hours_between(max(start, begin), by) / hours_between(start, by)
                found.append((milestone, Window(index, start, by, inside), Fraction(milestone.reach.amount) * inside))
        return found

    def shape(self, program: Program) -> None:
        """Spend and what is carried in, with what is missing, less what is carried out, reaches the amount."""
        required = self.required(program.horizon)
        windows, amounts = [w for w, _ in required], [a for _, a in required]
        if windows:
            spend = program.sum(self.covered, of="spend", by=windows)
            carried = program.slack(
                self, "carried", len(windows), most=[a * Fraction(self.carry_over) for a in amounts]
            )
            reached = spend + carried.lag() - carried
            if isinstance(self.shortfall, Shortfall):
                fee = Fraction(self.shortfall.fee)
                reached += program.slack(self, "shortfall", len(windows), price=fee, most=amounts, remedy=True)
            program.require(self, "floor", reached >= amounts)
        for milestone, window, amount in self.milestones_in(program.horizon):
            reached = program.sum(self.covered, of="spend", by=[window])
            if milestone.fee:
                fee = Fraction(milestone.fee)
                part = f"missing-{window.index}"
                reached += program.slack(self, part, 1, price=fee, most=[amount], remedy=True)
            program.require(self, f"milestone-{window.index}", reached >= [amount])

    def account(self, metered: Metered, horizon: Horizon) -> list[Posting]:
        """Drawdown, balance carried over and shortfall fee of each window; fees of missed milestones."""
        postings = []
        required = self.required(horizon)
        drawn = metered.totals(self.covered, "spend", [w for w, _ in required])
        carried = Fraction(0)
        for (window, amount), spend in zip(required, drawn, strict=True):
            balance = spend + carried - amount
            brought = carried
            carried = min(max(balance, Fraction(0)), amount * Fraction(self.carry_over))
            missing = max(-balance, Fraction(0))
            fee = missing * Fraction(self.shortfall.fee) if isinstance(self.shortfall, Shortfall) else Fraction(0)
            lines = {"required": amount, "drawn": spend, "brought": brought, "carried": carried, "short": missing}
            postings += [self._line(part, window, value, owed=False) for part, value in lines.items()]
            if fee:
                postings.append(self._line("shortfall-fee", window, fee))
        for milestone, window, amount in self.milestones_in(horizon):
            missing = max(amount - metered.totals(self.covered, "spend", [window])[0], Fraction(0))
            if missing and milestone.fee:
                postings.append(self._line("milestone-fee", window, missing * Fraction(milestone.fee)))
        return postings

    def _line(self, part: str, window: Window, amount: Fraction, *, owed: bool = True) -> Posting:
        return Posting(self.id, part, window.index, window.start, window.end, nano(amount), owed)

    def explain(self) -> Reason:
        """What the clause does."""
        each = "over its windows" if self.windows.ramp else f"in each {self.windows.every}"
        if self.windows.every == "term":
            each = "over its whole term"
        price = "it must be met"
        if isinstance(self.shortfall, Shortfall):
            price = f"{float(self.shortfall.fee):.0%} of what is missing is owed"
        amount = shown(self.amount.amount, self.amount.currency)
        return Reason(self.id, f"at least {amount} of spend ({self.covered}) {each}; {price}")

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those of its amount."""
        return (StatedWindows(("windows",), self.windows, "amount"),)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Milestones outside the clause's time, out of order, or that count from before the horizon."""
        previous: Milestone | None = None
        for index, milestone in enumerate(self.milestones):
            path = ("milestones", index, "by")
            if not self.force.start < moment(milestone.by) <= self.force.end:
                what = f"{milestone.by} is not while the clause is in force ({self._dates})"
                yield Flaw(what, "move the milestone, or the dates of the clause", path)
            if previous and (milestone.by <= previous.by or milestone.reach.amount < previous.reach.amount):
                what = f"milestones out of order: {previous.by} comes before {milestone.by}"
                yield Flaw(what, "write the earlier and the smaller first", path)
            if self._counts_from_before(milestone, case.horizon):
                yield Flaw("counts spend from before the horizon", "say `windows: { cut: prorate }`", path)
            previous = milestone

    def _counts_from_before(self, milestone: Milestone, horizon: Horizon | None) -> bool:
        if horizon is None or self.windows.cut == "prorate":
            return False
        return self.force.start < moment(horizon.start) < moment(milestone.by)

    @property
    def _dates(self) -> str:
        return named(self.force.start, self.force.end)

    def concede(self, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"accept a shortfall of {shown(amount, currency)} against this commitment"
