"""Liability cap: the most that one party can claim of the other, and what is outside of it.

See ``docs/terms/liability-cap.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.bases.claims_cap import ClaimsCap
from detente.contract.case_view import CaseView
from detente.contract.reach.verdict import Reason
from detente.errors import Flaw, FlawError
from detente.values.money import Cash, Money
from detente.values.noun import Title
from detente.values.quantity_field import Length

_THEIRS = {"provider", "service provider", "cloud provider", "seller", "supplier", "vendor", "licensor", "lessor"}
"""What a contract calls the other party, who sells."""
_OURS = {"customer", "client", "buyer", "purchaser", "licensee", "lessee", "subscriber", "self", "we", "us"}
"""What a contract calls us, who buy."""
_EITHERS = {
    "either party",
    "each party",
    "any party",
    "both parties",
    "all parties",
    "parties",
    "either",
    "each",
    "both",
}
"""What it calls whichever of the two."""


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

    def of_theirs(self, called: Collection[str]) -> bool:
        """Whether its party is the other one, by what it is called in the case, or what a contract calls who sells."""
        return self._named in _THEIRS | {self.other.casefold(), *map(str.casefold, called)}

    @property
    def _named(self) -> str:
        """Its party, as a word to be known."""
        return " ".join(self.party.casefold().split()).removeprefix("the ")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A party of which it is not known who it is, where damages go by it."""
        yield from super().check(case)
        ours = _OURS | {name.casefold() for name in (*self.parties, *self.validity.parties)}
        if self.bounds and not self.of_theirs(case.called) and self._named not in ours | _EITHERS:
            damages = " and ".join(f"`{name}`" for name in self.bounds)
            what = f"whether `{self.party}` is us or `{self.other}` is not known, and {damages} goes by this cap"
            remedy = f"write `Customer` or `self` (us), `{self.other}` or `Provider` (the other), or `either party`"
            yield Flaw(what, remedy, ("party",))

    def explain(self) -> Reason:
        """How much, and what not."""
        parts = [self.amount.told] if self.amount else []
        parts += [f"the fees of {self.fees_of}"] if self.fees_of else []
        most = parts[0] if len(parts) == 1 else f"the larger of {parts[0]} and {parts[1]}"
        outside = f"; outside of it: {', '.join(self.uncapped)}" if self.uncapped else ""
        when = "in each year" if self.each == "year" else "in all"
        return self.says(f"the liability of {self.party} is {when} at most {most}{outside}")
