"""The base of clauses about the capacity of one offer of accelerators: what is taken of it, window by window.

Owns: ``OneOffer``: the offer that it names, and what makes no sense of it. Not here: what is agreed of it (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.metered.meter import Meter
from detente.contract.reach.scope import Selection
from detente.contract.reach.window import Every
from detente.contract.stated import Reference
from detente.contract.term import Term
from detente.errors import Flaw
from detente.market.offer import GpuOffer
from detente.values.noun import Id


class OneOffer(Term):
    """GPU-hours of one offer, counted as they are taken."""

    offer: Id = Field(description="the offer of accelerators that it is about")
    windows: Every = Every(every="month")

    fixed: ClassVar[Mapping[str, str]] = {
        "measure": "it is about capacity, in the unit of its offer",
        "moment": "capacity is taken as it is used",
        "counts": "it is about all of one offer",
    }

    @property
    def covered(self) -> Selection:
        """What is taken of the one offer."""
        return super().covered.at(offer=self.offer)

    @property
    def taken(self) -> Meter:
        """GPU-hours taken in each window."""
        return self.meter("taken", "taken", self.calendar(self.windows))

    def meters(self) -> tuple[Meter, ...]:
        """What is taken in each window."""
        return (self.taken,)

    def references(self) -> tuple[Reference, ...]:
        """The offer that it is of."""
        return (Reference(("offer",), "offers", self.offer),)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """An offer of something else, or of somebody else."""
        for offer in (each for each in case.offers if each.id == self.offer):
            party = self.validity.counterparty
            if not isinstance(offer, GpuOffer):
                yield Flaw(f"`{self.offer}` is not capacity in GPUs", "name an offer of `kind: gpu`", ("offer",))
            elif offer.provider != party:
                what = f"`{offer.id}` is sold by `{offer.provider}`, and this agreement is with `{party}`"
                own = "" if party == SELF else f"name an offer of `{party}`, or "
                yield Flaw(what, f"{own}agree it with `{offer.provider}`", ("offer",))
