"""Residency: a class of workloads runs only in certain countries or areas.

See ``docs/terms/residency.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from detente.contract.bases.kept_within import KeptWithin
from detente.contract.case_view import CaseView
from detente.contract.reach.verdict import Reason, Verdict
from detente.errors import Flaw, KeyPath
from detente.values.country import Area, in_area
from detente.values.facts import Facts


class Residency(KeptWithin):
    """What is covered runs only in regions whose country is in one of the areas."""

    kind: Literal["residency"]
    within: tuple[Area, ...] = Field(min_length=1)

    def is_inside(self, offer: Facts) -> bool:
        """In a region whose country lies in one of the areas."""
        country = offer.get("country")
        return country is not None and any(in_area(country, area) for area in self.within)

    def judge_covered(self, demand: Facts, offer: Facts, *, known: bool) -> Verdict:
        """Deny it outside the areas; a region of unknown country is undecided."""
        country = offer.get("country")
        if country is None or not known:
            unknown = "the region's country" if country is None else f"whether this is {self.covered}"
            return Verdict("undecided", self.because(f"{unknown} is not known"))
        where = f"`{offer.get('region')}` is in {country}"
        return Verdict("deny", self.because(f"{self.covered} stays in {self.inside}, and {where}"))

    @property
    def inside(self) -> str:
        """One of the areas."""
        return " or ".join(self.within)

    def explain(self) -> Reason:
        """What the clause does."""
        return self.because(f"{self.covered} stays in {self.inside}")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Areas of which none holds any region of the case."""
        there = sorted(case.countries)
        if there and not any(in_area(country, area) for country in there for area in self.within):
            what = f"no region of the case lies in {' or '.join(f'`{area}`' for area in self.within)}"
            path: KeyPath = ("within", 0) if len(self.within) == 1 else ("within",)
            yield Flaw(what, "they lie in " + ", ".join(f"`{country}`" for country in there), path)
