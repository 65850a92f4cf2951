"""Credit: money off what is owed, from a pool or as a rate of spend (a subsidy), up to a cap.

See ``docs/terms/credit.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.meter import Meter
from detente.contract.program import Program
from detente.contract.settlement import Settlement, settled
from detente.contract.stacking import more_than_all
from detente.contract.stated import StatedWindows
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.verdict import Reason
from detente.contract.window import Every, Window
from detente.errors import Flaw, FlawError
from detente.values.facts import Facts
from detente.values.money import Cash, shown
from detente.values.quantity_field import Portion


class Credit(Term):
    """A rate of covered spend is given back in each window, up to an amount; what is unused at its end is lost."""

    kind: Literal["credit"]
    amount: Cash | None = Field(default=None, description="the most in each window; with a ramp: in all")
    rate: Portion = Field(default=Decimal(1), description="the part of spend that it pays")
    windows: Every = Every()

    theirs: ClassVar[bool] = True
    effect: ClassVar[Literal["restrains", "grants", "both"]] = "grants"

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.amount is None and self.rate == 1:
            raise FlawError("says neither `amount` nor `rate`, so it would pay for everything", "add one of them")
        if self.amount is None and self.windows.ramp:
            raise FlawError(
                "a ramp divides an amount, and there is none", "add `amount: …`", ("windows", "ramp"), key=True
            )
        return self

    @property
    def spend(self) -> Meter:
        """What it is given on."""
        return Meter(self.id, "spend", self.covered, "spend", self.calendar(self.windows))

    def meters(self) -> tuple[Meter, ...]:
        """Spend in each window."""
        return (self.spend,)

    def most(self, window: Window) -> Fraction | None:
        """The most that is given in a window."""
        return None if self.amount is None else Fraction(self.amount.amount) * self.windows.share(window)

    def shape(self, program: Program) -> None:
        """Given back: at most the cap, at most the rate of spend; each unit lowers the cost by one."""
        caps = [self.most(window) for window in self.spend.windows]
        if not caps:
            return
        spend = program.total(self.spend)
        most = [e if c is None else min(c, e) for c, e in zip(caps, program.most(spend), strict=True)]
        given = program.slack(self, "given", most=most, price=Fraction(-1))
        program.require(self, "earned", given - spend * Fraction(self.rate) <= [Fraction(0)] * len(caps))

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is given back in each window."""
        meter = self.spend
        return Settlement.of(
            self._window(window, totals.total(meter, window), ended=ended) for window, ended in meter.begun(as_of)
        )

    def _window(self, window: Window, spend: Fraction, *, ended: bool) -> Settlement:
        cap, earned = self.most(window), spend * Fraction(self.rate)
        given = earned if cap is None else min(earned, cap)
        return settled(self.spend, window, "credit", "credit", ended=ended, amount=cap, drawn=given, owed=-given)

    def explain(self) -> Reason:
        """What the clause does."""
        cap = f", at most {shown(self.amount.amount, self.amount.currency)}" if self.amount else ""
        return Reason(self.id, f"{float(self.rate) * 100:g}% of spend ({self.covered}) is given back{cap}")

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those of its amount; of a rate alone, a window that is cut loses nothing."""
        return (StatedWindows(("windows",), self.windows, "nothing" if self.amount is None else "amount"),)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Credits that together give more than everything."""
        others = [other for other in case.beside if isinstance(other, Credit)]
        return more_than_all(self, others, case, Credit.gives)

    def gives(self, demand: Facts | None, offer: Facts) -> Decimal | None:
        """Its rate, of what it covers; None where that is not known."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else self.rate * covered
