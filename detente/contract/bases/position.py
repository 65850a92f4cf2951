"""A position: a clause that denies nothing and moves no number, and that somebody must remember all the same.

Owns: ``Position``, the base of such kinds: they explain themselves and remind (``Term.reminds``). Not here: any one of
them (``terms``).
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from detente.contract.reach.verdict import Reason
from detente.contract.stated import Divided
from detente.contract.term import Effect, Term
from detente.errors import FlawError


class Position(Term):
    """A clause about the parties and not about use: it has no scope."""

    effect: ClassVar[Effect] = "restrains"

    @model_validator(mode="after")
    def _of_no_use(self) -> Self:
        for key, given in (("of", self.of.wanted), ("except", self.except_), ("readings", self.readings)):
            if given:
                raise FlawError("is about the parties, and speaks of no use", f"leave out `{key}`", (key,), key=True)
        return self

    @property
    def divides(self) -> Divided:
        """Nothing: no plan counts in its windows."""
        return "nothing"

    @property
    def other(self) -> str:
        """The other party, as it is named in the case."""
        return self.validity.counterparty

    def says(self, sentence: str) -> Reason:
        """A sentence of this clause, and that no plan turns on it."""
        return Reason(self.id, f"{sentence}; no plan turns on it")
