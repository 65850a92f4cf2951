"""Revenue share: a part of what workloads earn is owed to the other party.

See ``docs/terms/revenue-share.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import Field

from detente.contract.bases.capped_charge import CappedCharge
from detente.contract.case_view import CaseView
from detente.contract.metered.meter import Meter
from detente.contract.reach.verdict import Reason
from detente.errors import Flaw
from detente.values.quantity import in_percent
from detente.values.quantity_field import Portion

SHOWN = 3
"""Workloads that a message names; of more it says how many."""


class RevenueShare(CappedCharge):
    """A rate of the revenue of what is covered, wherever it runs unless the scope says where; up to a cap."""

    kind: Literal["revenue-share"]
    rate: Portion = Field(description="the part of revenue that is owed")
    fixed: ClassVar[Mapping[str, str]] = {
        "measure": "revenue is what is shared",
        "moment": "work earns as it is done",
        "counts": "all that it covers is shared; leave the rest out with `except`",
    }
    effect = "restrains"

    @property
    def counted(self) -> Meter:
        """What is earned in each window."""
        return self.meter("revenue", "revenue", self.calendar(self.windows))

    @property
    def each(self) -> Fraction:
        """Its part."""
        return Fraction(self.rate)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A part of nothing: no workload of the case states revenue. Where others do, a note says so of its own."""
        yield from super().check(case)
        covered = {demand["workload"] for demand, _ in case.uses(self.covered, "workload")}
        if covered and all(w.revenue is None for w in case.workloads):
            names = ", ".join(f"`{name}`" for name in sorted(covered)[:SHOWN])
            names += f" and {len(covered) - SHOWN} more" if len(covered) > SHOWN else ""
            what = f"a share of revenue, and no workload states any ({names})"
            yield Flaw(what, "state what the work earns (`revenue:` of the workload), or drop the clause", ("rate",))

    def explain(self) -> Reason:
        """What the clause does."""
        who, part = self.validity.counterparty, in_percent(self.rate)
        return Reason(self.id, f"{part} of the revenue of {self.covered} is owed to {who}{self.told_cap}")
