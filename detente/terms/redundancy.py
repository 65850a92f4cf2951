"""Redundancy: the loss of any one provider leaves a share of demand served (N-1).

See ``docs/terms/redundancy.md``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field

from detente.contract.program import Program
from detente.contract.reach.scope import Selection
from detente.contract.reach.verdict import Reason
from detente.contract.roles import StandbyHedge
from detente.contract.term import Term
from detente.values.quantity import in_percent, percent_below
from detente.values.quantity_field import Portion


class Redundancy(Term, StandbyHedge):
    """Each covered workload keeps standby capacity, so that a share of it survives the loss of any one provider."""

    kind: Literal["redundancy"]
    survives: Portion = Field(description="the share of demand that must still be served")

    effect = "restrains"
    idle_at_zero = ("survives",)

    @property
    def standby(self) -> Selection:
        """Standby for all that is covered."""
        return self.covered

    def shape(self, program: Program) -> None:
        """Standby capacity at the other providers."""
        program.survive(self, self.covered, Fraction(self.survives))

    def explain(self) -> Reason:
        """What the clause does."""
        share = in_percent(self.survives)
        return Reason(self.id, f"{share} of {self.covered} survives the loss of any one provider")

    def concede_part(self, part: str, portion: Fraction) -> str:
        """In the contract's words."""
        left, asked = percent_below(Fraction(self.survives) - portion), in_percent(self.survives)
        return f"let {left} of {self.covered} survive the loss of any one provider, not {asked}"
