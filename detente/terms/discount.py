"""Discount: a flat reduction of list prices.

See ``docs/terms/discount.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from detente.contract.case_view import CaseView
from detente.contract.combining import Combine
from detente.contract.decisions import Decisions
from detente.contract.meter import Meter
from detente.contract.settlement import Settlement, rounded_on, settled
from detente.contract.shared_units import by_workload
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.verdict import Reason
from detente.contract.window import Every
from detente.errors import Flaw, FlawError
from detente.values.facts import Facts
from detente.values.quantity_field import Portion

COMBINED: dict[Combine, str] = {
    "product": "beside other discounts: of what they leave",
    "sum": "beside other discounts: added up",
    "best-of": "beside other discounts: the largest alone",
}
"""How several discounts combine, in a clause's sentence."""


class Discount(Term):
    """What is covered costs less by a part of its price; how several on one price combine, their agreement says."""

    kind: Literal["discount"]
    off: Portion = Field(description="the part of the list price that is taken off")

    @model_validator(mode="before")
    @classmethod
    def _of_every_unit(cls, given: Any) -> Any:
        if isinstance(given, dict) and "tiers" in given:
            what = "a discount takes the same part off every unit, and tiers do not"
            raise FlawError(
                what, "write `kind: volume-discount`, with `tiers` and their `method`", ("tiers",), key=True
            )
        return given

    theirs: ClassVar[bool] = True
    effect: ClassVar[Literal["restrains", "grants", "both"]] = "grants"
    prices: ClassVar[bool] = True

    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction | None:
        """Its part, of what it covers."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else Fraction(self.off) * covered

    @property
    def given(self) -> Meter:
        """What it took off, by the month of its time in force."""
        return Meter(self.id, "given", self.covered, "off", self.calendar(Every(every="month")))

    def meters(self) -> tuple[Meter, ...]:
        """What it took off."""
        return (self.given,)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What was taken off in each month; of all months together, exactly what was taken off each line of use."""
        meter = self.given
        months = list(meter.begun(as_of))
        given = rounded_on(totals.total(meter, window) for window, _ in months)
        return Settlement.of(
            settled(meter, window, "discount", "discount", ended=ended, amount=None, drawn=off, owed=-off)
            for (window, ended), off in zip(months, given, strict=True)
        )

    def explain(self) -> Reason:
        """What the clause does."""
        way = f" ({COMBINED[self.validity.combine]})" if self.validity.combine else ""
        return Reason(self.id, f"{float(self.off) * 100:g}% off the list price of {self.covered}{way}")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """One by workload on what workloads share."""
        yield from by_workload(self.kind, self.covered, case)
