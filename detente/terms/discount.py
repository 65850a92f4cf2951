"""Discount: a flat reduction of list prices.

See ``docs/terms/discount.md``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from pydantic import Field, model_validator

from detente.contract.combining import Combine
from detente.contract.rated.price_clause import PriceClause
from detente.contract.reach.verdict import Reason
from detente.errors import FlawError
from detente.values.facts import Facts
from detente.values.quantity import in_percent
from detente.values.quantity_field import Portion

COMBINED: dict[Combine, str] = {
    "product": "beside other discounts: of what they leave",
    "sum": "beside other discounts: added up",
    "best-of": "beside other discounts: the largest alone",
}
"""How several discounts combine, in a clause's sentence."""


_TIERS = "`kind: volume-discount`, with `tiers` and their `method`"
_UP_TO = "`kind: credit`, with its `rate`, and the most that is given back as its `amount`"
_PRICE = "`kind: price-lock`, with its `method`, and the price under `at`"
_ELSEWHERE = {"tiers": _TIERS, "above": _TIERS, "windows": _TIERS, "cap": _UP_TO, "up-to": _UP_TO, "amount": _UP_TO}
_ELSEWHERE |= {"price": _PRICE}
"""Keys of clauses that are no discount though contracts call them so, and what to write instead."""


class Discount(PriceClause):
    """What is covered costs less by a part of its price; how several on one price combine, their agreement says."""

    kind: Literal["discount"]
    off: Portion = Field(description="the part of the list price that is taken off")

    @model_validator(mode="before")
    @classmethod
    def _of_every_unit(cls, given: Any) -> Any:
        for key, instead in _ELSEWHERE.items():
            if isinstance(given, dict) and key in given:
                what = f"a discount takes the same part off every unit, and `{key}` says otherwise"
                raise FlawError(what, f"write {instead}", (key,), key=True)
        return given

    effect = "grants"
    idle_at_zero = ("off",)

    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction | None:
        """Its part, of what it covers."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else Fraction(self.off) * covered

    def explain(self) -> Reason:
        """What the clause does."""
        way = f" ({COMBINED[self.validity.combine]})" if self.validity.combine else ""
        return Reason(self.id, f"{in_percent(self.off)} off the list price of {self.covered}{way}")
