"""Discount: a flat reduction of list prices.

See ``docs/terms/discount.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.posting import Posting
from detente.contract.stacking import more_than_all
from detente.contract.term import Program, Term
from detente.contract.usage import Metered, Usage
from detente.contract.verdict import Reason
from detente.errors import Flaw
from detente.values.money import nano
from detente.values.period import Horizon, hours_between
from detente.values.quantity import Portion

UNITS = ("gpu", "provisioned")
"""Products that are bought in units, each of which may serve several workloads."""


class Discount(Term):
    """What is covered costs less by a part of its list price; discounts on one price add up."""

    kind: Literal["discount"]
    off: Portion = Field(description="the part of the list price that is taken off")

    theirs: ClassVar[bool] = True
    effect: ClassVar[Literal["restrains", "grants", "both"]] = "grants"
    prices: ClassVar[bool] = True

    def shape(self, program: Program) -> None:
        """Lower prices; spend counts after them."""
        program.discount(self, self.covered, Fraction(self.off))

    def reduction(self, usage: Usage) -> Decimal:
        """What the clause takes off one line of usage: pro rata of the time in which it is in force."""
        if usage.end <= self.force.start or usage.start >= self.force.end:
            return Decimal(0)
        if self.covered.covers(usage.demand, usage.offer) is not True:
            return Decimal(0)
        seen = hours_between(max(usage.start, self.force.start), min(usage.end, self.force.end))
        part = seen / hours_between(usage.start, usage.end)
        return nano(Fraction(usage.listed) * Fraction(self.off) * part)

    def account(self, metered: Metered, horizon: Horizon) -> list[Posting]:
        """What was taken off in all."""
        total = sum((self.reduction(usage) for usage in metered), Decimal(0))
        if not total:
            return []
        time = self.in_force(horizon)
        return [Posting(self.id, "discount", 0, time.start, time.end, -total)]

    def explain(self) -> Reason:
        """What the clause does."""
        return Reason(self.id, f"{float(self.off) * 100:g}% off the list price of {self.covered}")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Discounts that together take off more than everything; one by workload on what workloads share."""
        others = [(other, other.off) for other in case.beside if isinstance(other, Discount)]
        yield from more_than_all((self, self.off), others, case)
        if not self.covered.asks_demand:
            return
        for _, offer in case.uses(self.covered, "offer"):
            if offer["product"] in UNITS:
                what = f"a discount by workload on `{offer['offer']}`, which is bought in units that workloads share"
                yield Flaw(what, "select offers instead (`offer:`, `product: tokens`)")
                return
