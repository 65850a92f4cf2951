"""Spending cap: spend at most so much in each window.

See ``docs/terms/spending-cap.md``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import Field

from detente.contract.posting import Standing
from detente.contract.stated import StatedWindows
from detente.contract.term import Program, Term
from detente.contract.verdict import PERMIT, Reason, Verdict
from detente.contract.window import Every, Window
from detente.values.money import Cash, shown
from detente.values.period import Horizon


class SpendingCap(Term):
    """Spend on what is covered stays at or under an amount in each window."""

    kind: Literal["spending-cap"]
    amount: Cash = Field(description="of each window; with a ramp: of all windows together")
    windows: Every = Every()

    theirs: ClassVar[bool] = True

    def permits(self, standing: Standing) -> Verdict:
        """Deny where nothing remains."""
        if standing.remaining is None or standing.remaining > 0:
            return PERMIT
        return Verdict("deny", Reason(self.id, f"nothing remains of {shown(self.amount.amount, self.amount.currency)}"))

    def limits(self, horizon: Horizon) -> list[tuple[Window, Fraction]]:
        """The cap of each window, prorated where the horizon cuts it (and the clause says so)."""
        total = Fraction(self.amount.amount)
        ramp = self.windows.ramp
        return [
            (w, total * (Fraction(ramp[w.index]) if ramp else Fraction(1)) * w.part)
            for w in self.cut_into(self.windows, horizon)
        ]

    def shape(self, program: Program) -> None:
        """Spend under the cap."""
        limits = self.limits(program.horizon)
        if limits:
            spend = program.sum(self.covered, of="spend", by=[w for w, _ in limits])
            program.require(self, "cap", spend <= [limit for _, limit in limits])

    def explain(self) -> Reason:
        """What the clause does."""
        each = "over its whole term" if self.windows.every == "term" else f"in each {self.windows.every}"
        amount = shown(self.amount.amount, self.amount.currency)
        return Reason(self.id, f"at most {amount} of spend ({self.covered}) {each}")

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those of its amount."""
        return (StatedWindows(("windows",), self.windows, "amount"),)

    def concede(self, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"raise the cap by {shown(amount, currency)}"
