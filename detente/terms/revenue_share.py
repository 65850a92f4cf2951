"""Revenue share: a part of what workloads earn is owed to the other party.

See ``docs/terms/revenue-share.md``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field

from detente.contract.posting import Posting
from detente.contract.term import Program, Term
from detente.contract.usage import Metered
from detente.contract.verdict import Reason
from detente.values.money import nano
from detente.values.period import Horizon
from detente.values.quantity import Portion


class RevenueShare(Term):
    """A rate of the revenue of what is covered (uncapped), wherever it runs unless the scope says where."""

    kind: Literal["revenue-share"]
    rate: Portion = Field(description="the part of revenue that is owed")

    def shape(self, program: Program) -> None:
        """A cost in proportion to revenue."""
        program.charge(self, self.covered, "revenue", Fraction(self.rate))

    def account(self, metered: Metered, horizon: Horizon) -> list[Posting]:
        """What is owed over the time in force."""
        time = self.in_force(horizon)
        owed = nano(metered.totals(self.covered, "revenue", [time])[0] * Fraction(self.rate))
        return [Posting(self.id, "revenue-share", 0, time.start, time.end, owed)] if owed else []

    def explain(self) -> Reason:
        """What the clause does."""
        who = self.force.counterparty
        return Reason(self.id, f"{float(self.rate) * 100:g}% of the revenue of {self.covered} is owed to {who}")
