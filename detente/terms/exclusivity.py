"""Exclusivity: a class of workloads runs only on one provider.

See ``docs/terms/exclusivity.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

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


class Exclusivity(Term):
    """What is covered runs on ``provider`` and nowhere else, save for the carve-outs in ``except``."""

    kind: Literal["exclusivity"]
    provider: Id | None = Field(default=None, description="default: the other party")

    effect = "restrains"

    @property
    def home(self) -> str:
        """The one provider."""
        return self.provider or self.validity.counterparty

    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """Deny what is covered elsewhere than at home."""
        if offer["provider"] == self.home:
            return PERMIT
        covered = self.covered.covers(demand, offer)
        if covered is None:
            return Verdict("undecided", Reason(self.id, f"whether this is {self.covered} is not known"))
        if not covered:
            return PERMIT
        sentence = f"{self.covered} runs only on {self.home}, so not on {offer['provider']}"
        return Verdict("deny", Reason(self.id, sentence))

    def explain(self) -> Reason:
        """What the clause does."""
        return Reason(self.id, f"{self.covered} runs only on {self.home}")

    def references(self) -> tuple[Reference, ...]:
        """The provider that it names."""
        return (Reference(("provider",), "providers", self.provider),) if self.provider else ()

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Exclusive to nobody."""
        if self.home == SELF:
            yield Flaw("a policy is exclusive to a provider that it names", "add `provider: …`", ("kind",))

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"let {sufficient(amount, unit)} of {self.covered} run outside {self.home}"
