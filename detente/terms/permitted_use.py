"""Permitted use: a class of use that the contract allows or forbids in words that only a person can read.

See ``docs/terms/permitted-use.md``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field

from detente.contract.bases.kept_within import KeptWithin
from detente.contract.reach.scope import Scope
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.values.facts import Facts
from detente.values.money import sufficient
from detente.values.noun import Flag, Noun, Title
from detente.values.period import Day


class UseDecision(Noun):
    """What a person decided of a part of it."""

    of: Scope = Field(default=Scope(), description="which of what the clause covers; default: all of it")
    allowed: Flag = Field(description="whether it may run")
    by: Title = Field(description="who decided")
    on: Day | None = Field(default=None, description="the day on which it was decided")


class PermittedUse(KeptWithin):
    """What is covered runs only where a person has decided that it may: a non-compete, a field of use."""

    kind: Literal["permitted-use"]
    asks: Title = Field(description="the question for whoever decides")
    decided: tuple[UseDecision, ...] = Field(default=(), description="what was decided; of several, the first holds")

    def judge_covered(self, demand: Facts, offer: Facts, *, known: bool) -> Verdict:
        """By the first decision that speaks of it; undecided, where none does."""
        for each in self.decided:
            inside = each.of.covers(demand, offer)
            if inside is None or not known:
                break
            if inside:
                no = self.because(f"{each.by} decided that it may not")
                return PERMIT if each.allowed else Verdict("deny", no)
        return Verdict("undecided", self.because(f"a person decides: {self.asks}"))

    def explain(self) -> Reason:
        """What the clause asks, and what was decided."""
        told = "; ".join(f"{e.of}: {'allowed' if e.allowed else 'not allowed'} ({e.by})" for e in self.decided)
        return self.because(
            f"{self.covered} runs only where a person decides that it may ({self.asks})"
            + (f"; decided: {told}" if told else "; nothing is decided, so nothing of it runs"),
        )

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"decide that {sufficient(amount, unit)} of {self.covered} may run"
