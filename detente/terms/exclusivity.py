"""Exclusivity: a class of workloads runs only on one provider.

See ``docs/terms/exclusivity.md``.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from detente.contract.bases.kept_within import AtHome
from detente.contract.reach.verdict import Reason, Verdict
from detente.values.facts import Facts


class Exclusivity(AtHome):
    """What is covered runs on ``provider`` and nowhere else, save for the carve-outs in ``except``."""

    kind: Literal["exclusivity"]

    of_nobody: ClassVar[str] = "a policy is exclusive to a provider that it names"

    def judge_covered(self, demand: Facts, offer: Facts, *, known: bool) -> Verdict:
        """Deny it elsewhere than at home."""
        if not known:
            return Verdict("undecided", self.because(f"whether this is {self.covered} is not known"))
        return Verdict("deny", self.because(f"{self.covered} runs only on {self.home}, so not on {offer['provider']}"))

    def explain(self) -> Reason:
        """What the clause does."""
        return self.because(f"{self.covered} runs only on {self.home}")
