"""Residency: a class of workloads runs only in certain countries or areas.

See ``docs/terms/residency.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.term import Term
from detente.errors import Flaw, KeyPath
from detente.values.country import Area, in_area
from detente.values.facts import Facts
from detente.values.money import sufficient


class Residency(Term):
    """What is covered runs only in regions whose country is in one of the areas."""

    kind: Literal["residency"]
    within: tuple[Area, ...] = Field(min_length=1)

    effect = "restrains"

    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """Deny what is covered outside the areas; a region of unknown country is undecided."""
        covered = self.covered.covers(demand, offer)
        if covered is False:
            return PERMIT
        country = offer.get("country")
        if country is not None and any(in_area(country, area) for area in self.within):
            return PERMIT
        if country is None or covered is None:
            unknown = "the region's country" if country is None else f"whether this is {self.covered}"
            return Verdict("undecided", Reason(self.id, f"{unknown} is not known"))
        where = f"`{offer.get('region')}` is in {country}"
        return Verdict("deny", Reason(self.id, f"{self.covered} stays in {self._areas}, and {where}"))

    @property
    def _areas(self) -> str:
        return " or ".join(self.within)

    def explain(self) -> Reason:
        """What the clause does."""
        return Reason(self.id, f"{self.covered} stays in {self._areas}")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Areas of which none holds any region of the case."""
        there = sorted(case.countries)
        if there and not any(in_area(country, area) for country in there for area in self.within):
            what = f"no region of the case lies in {' or '.join(f'`{area}`' for area in self.within)}"
            path: KeyPath = ("within", 0) if len(self.within) == 1 else ("within",)
            yield Flaw(what, "they lie in " + ", ".join(f"`{country}`" for country in there), path)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"let {sufficient(amount, unit)} of {self.covered} run outside {self._areas}"
