"""Liability cap: the most that one party can claim of the other, and what is outside of it.

See ``docs/terms/liability-cap.md``.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.bases.claims_cap import ClaimsCap
from detente.contract.reach.verdict import Reason
from detente.errors import FlawError
from detente.values.money import Cash, Money
from detente.values.noun import Title
from detente.values.quantity_field import Length

_SELLER = frozenset({"provider", "seller", "supplier", "vendor", "licensor", "service provider"})
"""What a contract calls the other party, who sells."""


class LiabilityCap(ClaimsCap):
    """An amount, or the fees of so many months; what is named is not capped."""

    kind: Literal["liability-cap"]
    amount: Cash | None = Field(default=None, description="the most in money")
    fees_of: Length | None = Field(default=None, description="or: the fees of so long before the claim")
    each: Literal["year", "term"] = Field(default="term", description="whether the cap is there anew each year")
    party: Title = Field(default="either party", description="whose liability is capped")
    uncapped: tuple[Title, ...] = Field(default=(), description="what is outside of the cap, in words")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.amount is None and self.fees_of is None:
            raise FlawError("says neither `amount` nor `fees-of`", "write one of them, or both: the larger holds")
        return self

    @property
    def in_all(self) -> Money | None:
        """Its amount; None where it turns on fees, or is there anew each year."""
        return self.amount if self.fees_of is None and self.each == "term" else None

    @property
    def of_theirs(self) -> bool:
        """Whether its party is the other one, by its name in the case or by what a contract calls who sells."""
        return self.party.casefold().removeprefix("the ") in _SELLER | {self.other.casefold()}

    def explain(self) -> Reason:
        """How much, and what not."""
        parts = [self.amount.told] if self.amount else []
        parts += [f"the fees of {self.fees_of}"] if self.fees_of else []
        most = parts[0] if len(parts) == 1 else f"the larger of {parts[0]} and {parts[1]}"
        outside = f"; outside of it: {', '.join(self.uncapped)}" if self.uncapped else ""
        when = "in each year" if self.each == "year" else "in all"
        return self.says(f"the liability of {self.party} is {when} at most {most}{outside}")
