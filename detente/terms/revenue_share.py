"""Revenue share: a part of what workloads earn is owed to the other party.

See ``docs/terms/revenue-share.md``.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Literal

from pydantic import Field

from detente.contract.decisions import Decisions
from detente.contract.meter import Meter
from detente.contract.posting import PostingPart
from detente.contract.program import Program
from detente.contract.settlement import Settlement, settled
from detente.contract.standing import Role
from detente.contract.stated import StatedWindows
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.verdict import Reason
from detente.contract.window import Every, Window
from detente.values.quantity import Portion


class RevenueShare(Term):
    """A rate of the revenue of what is covered (uncapped), wherever it runs unless the scope says where."""

    kind: Literal["revenue-share"]
    rate: Portion = Field(description="the part of revenue that is owed")
    windows: Every = Every(every="month", cut="prorate")

    @property
    def revenue(self) -> Meter:
        """What is earned in each window."""
        return Meter(self.id, "revenue", self.covered, "revenue", self.calendar(self.windows))

    def meters(self) -> tuple[Meter, ...]:
        """Revenue in each window."""
        return (self.revenue,)

    def shape(self, program: Program) -> None:
        """A cost in proportion to revenue."""
        program.charge(self, self.revenue, Fraction(self.rate))

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is owed for each window."""
        meter = self.revenue
        return Settlement.of(
            self._window(window, totals.total(meter, window), ended=ended) for window, ended in meter.begun(as_of)
        )

    def _window(self, window: Window, earned: Fraction, *, ended: bool) -> Settlement:
        owed = earned * Fraction(self.rate)
        return settled(
            self.revenue,
            window,
            Role.SHARE,
            PostingPart.REVENUE_SHARE,
            ended=ended,
            amount=None,
            drawn=earned,
            owed=owed,
        )

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those in which it is owed; a rate loses nothing where a window is cut."""
        return (StatedWindows(("windows",), self.windows, "nothing"),)

    def explain(self) -> Reason:
        """What the clause does."""
        who = self.validity.counterparty
        return Reason(self.id, f"{float(self.rate) * 100:g}% of the revenue of {self.covered} is owed to {who}")
