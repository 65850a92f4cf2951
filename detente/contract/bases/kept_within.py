"""Work that is kept within some places: what is covered runs there, and elsewhere only as the clause says.

Owns: ``KeptWithin``, the base of such kinds, and ``AtHome``, of those that keep it on one provider. Not here: what lets
it out (``first_right``, ``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import ClassVar

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.stated import Reference
from detente.contract.term import Term
from detente.errors import Flaw
from detente.values.facts import Facts
from detente.values.money import sufficient
from detente.values.noun import Id


class KeptWithin(Term):
    """What is not covered may run anywhere; of the rest the kind judges."""

    effect = "restrains"

    @property
    def inside(self) -> str:
        """Where it is kept, in words."""
        raise NotImplementedError

    def is_inside(self, offer: Facts) -> bool:
        """Whether an offer is known to be where it is kept: anything may run there."""
        return False

    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """Outside, of what is covered, or may be, as ``judge_covered``."""
        if self.is_inside(offer):
            return PERMIT
        covered = self.covered.covers(demand, offer)
        return PERMIT if covered is False else self.judge_covered(demand, offer, known=covered is True)

    def judge_covered(self, demand: Facts, offer: Facts, *, known: bool) -> Verdict:
        """May it run there, outside? It is covered; or that is not known, and then it may not be denied."""
        raise NotImplementedError

    def because(self, sentence: str) -> Reason:
        """The clause, as the reason of a verdict."""
        return Reason(self.id, sentence)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"let {sufficient(amount, unit)} of {self.covered} run outside {self.inside}"


class AtHome(KeptWithin):
    """It is kept on one provider, at home."""

    provider: Id | None = Field(default=None, description="default: the other party")

    of_nobody: ClassVar[str]
    """What is wrong where the clause names no provider, and has no other party."""

    @property
    def home(self) -> str:
        """The one provider."""
        return self.provider or self.validity.counterparty

    @property
    def inside(self) -> str:
        """At home."""
        return self.home

    def is_inside(self, offer: Facts) -> bool:
        """At home."""
        return offer["provider"] == self.home

    def references(self) -> tuple[Reference, ...]:
        """The provider that it names."""
        return (Reference(("provider",), "providers", self.provider),) if self.provider else ()

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A home that nobody has."""
        if self.home == SELF:
            yield Flaw(self.of_nobody, "add `provider: …`", ("kind",))
