"""Credit: money off what is owed, from a pool or as a rate of spend (a subsidy), up to a cap.

See ``docs/terms/credit.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.case_view import CaseView
from detente.contract.posting import Posting
from detente.contract.stacking import more_than_all
from detente.contract.stated import StatedWindows
from detente.contract.term import Program, Term
from detente.contract.usage import Metered
from detente.contract.verdict import Reason
from detente.contract.window import Every, Window
from detente.errors import Flaw, FlawError
from detente.values.money import Cash, nano, shown
from detente.values.period import Horizon
from detente.values.quantity import Portion


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

    def most(self, horizon: Horizon) -> list[tuple[Window, Fraction | None]]:
        """The cap of each window, prorated where the horizon cuts it (and the clause says so)."""
        found: list[tuple[Window, Fraction | None]] = []
        for window in self.cut_into(self.windows, horizon):
            if self.amount is None:
                found.append((window, None))
                continue
            part = Fraction(self.windows.ramp[window.index]) if self.windows.ramp else Fraction(1)
            found.append((window, Fraction(self.amount.amount) * part * window.part))
        return found

    def shape(self, program: Program) -> None:
        """Given back: at most the cap, at most the rate of spend; each unit lowers the cost by one."""
        caps = self.most(program.horizon)
        if not caps:
            return
        windows = [w for w, _ in caps]
        spend = program.sum(self.covered, of="spend", by=windows)
        most = [e if c is None else min(c, e) for (_, c), e in zip(caps, program.most(spend), strict=True)]
        given = program.slack(self, "given", len(windows), price=Fraction(-1), most=most)
        program.require(self, "earned", given - spend * Fraction(self.rate) <= [Fraction(0)] * len(windows))

    def account(self, metered: Metered, horizon: Horizon) -> list[Posting]:
        """What is given back in each window."""
        postings = []
        caps = self.most(horizon)
        for (window, cap), spend in zip(caps, metered.totals(self.covered, "spend", [w for w, _ in caps]), strict=True):
            earned = spend * Fraction(self.rate)
            given = nano(earned if cap is None else min(earned, cap))
            if given:
                postings.append(Posting(self.id, "credit", window.index, window.start, window.end, -given))
        return postings

    def explain(self) -> Reason:
        """What the clause does."""
        cap = f", at most {shown(self.amount.amount, self.amount.currency)}" if self.amount else ""
        return Reason(self.id, f"{float(self.rate) * 100:g}% of spend ({self.covered}) is given back{cap}")

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those of its amount; of a rate alone, a window that is cut loses nothing."""
        return (StatedWindows(("windows",), self.windows, "nothing" if self.amount is None else "amount"),)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Credits that together give more than everything."""
        others = [(other, other.rate) for other in case.beside if isinstance(other, Credit)]
        return more_than_all((self, self.rate), others, case)
