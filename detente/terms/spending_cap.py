"""Spending cap: spend at most so much in each window.

See ``docs/terms/spending-cap.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.amounts.counting import MEASURED, OR_CHARGED, SAID, CapMeasure, repriced, saved_apart
from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.metered.counting_moment import COUNTED, CountingMoment, untimed
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.reach.window import Every, Window
from detente.contract.roles import AfterPlans, CallLimit
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import Standing
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.values.money import Cash, sufficient
from detente.values.period import named
from detente.values.quantity import NOTHING, Exact, plain


class SpendingCap(Term, CallLimit, AfterPlans):
    """Spend on what is covered stays at or under an amount in each window."""

    kind: Literal["spending-cap"]
    amount: Cash = Field(description="of each window; with a ramp: of all windows together")
    measure: CapMeasure = Field(default="after-discounts", description="which money counts")
    moment: CountingMoment = Field(default="use", description="when what is spent counts")
    windows: Every = Every()

    theirs: ClassVar[bool] = True
    fixed: ClassVar[Mapping[str, str]] = {
        "counts": "a class that counted up to a part would have no cap; leave it out with `except`",
    }
    effect = "restrains"

    @property
    def limits_calls(self) -> bool:
        """Only by use: no call waits for an invoice, nor for what a savings plan covers of its hour."""
        return self.moment == "use" and not self.after_plans

    @property
    def after_plans(self) -> bool:
        """Whether what savings plans charge counts, and not the use that they cover."""
        return self.measure == "after-plans"

    @model_validator(mode="after")
    def _as_it_is_used(self) -> Self:
        if self.after_plans and self.moment != "use":
            what = f"a savings plan covers what is used, and what counts does so {COUNTED[self.moment]}"
            raise FlawError(what, "say `moment: use`, or another `measure`", ("moment",))
        return self

    def permits(self, standing: Standing, need: Exact = NOTHING) -> Verdict:
        """Deny where less remains than is needed, or nothing does; by what is known later no call is denied."""
        left = standing.remaining if self.limits_calls else None
        if left is None or (left > 0 and left >= need):
            return PERMIT
        currency, when = self.amount.currency, named(standing.start, standing.end)
        some = f"{plain(left)} {currency}" if left > 0 else "nothing"
        sentence = f"{some} remains of {plain(standing.required)} {currency} in {when}"
        takes = f", and the call may take {plain(need)} {currency}" if need else ""
        return Verdict("deny", Reason(self.id, sentence + takes))

    @property
    def spend(self) -> Meter:
        """What counts towards it."""
        return self.meter("spend", MEASURED[self.measure], self.calendar(self.windows), moment=self.moment)

    @property
    def saved(self) -> Meter:
        """What savings plans save of it, less what they charge."""
        return self.meter("saved", "saved", self.calendar(self.windows))

    def meters(self) -> tuple[Meter, ...]:
        """Spend in each window, and what savings plans make of it."""
        return (self.spend, self.saved) if self.after_plans else (self.spend,)

    def limit(self, window: Window) -> Fraction:
        """The cap of a window."""
        return Fraction(self.amount.amount) * self.windows.share(window)

    def shape(self, program: Program) -> None:
        """Spend under the cap."""
        limits = [self.limit(window) for window in self.spend.windows]
        if limits:
            spend = program.total(self.spend)
            spend = spend - program.total(self.saved) if self.after_plans else spend
            program.require(self, "cap", spend <= limits)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is drawn of each window's cap: nothing is owed."""
        meter = self.spend
        return Settlement.of(
            settled(meter, window, "cap", None, ended=ended, amount=self.limit(window), drawn=drawn)
            for window, ended in meter.begun(as_of)
            for drawn in (self._drawn(totals, window),)
        )

    def _drawn(self, totals: Totals, window: Window) -> Fraction:
        spend = totals.total(self.spend, window)
        return spend - totals.total(self.saved, window) if self.after_plans else spend

    def explain(self) -> Reason:
        """What the clause does."""
        amount = self.amount.told
        when = f"; it counts {COUNTED[self.moment]}" if self.moment != "use" else ""
        return Reason(self.id, f"at most {amount} of {SAID[self.measure]} ({self.covered}) {self.windows.told}{when}")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Use that is charged for otherwise, and has no spend of its own; what is not known when it counts."""
        if self.measure == "after-plans":
            yield from saved_apart(self.saved, self, case)
        else:
            yield from repriced(self, self.measure, case, "amount", OR_CHARGED)
        yield from untimed(self.moment, self.covered, case)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"raise the cap by {sufficient(amount, currency)}"
