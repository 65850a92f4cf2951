"""The base of clauses about the capacity of one offer of accelerators: what is taken of it, window by window.

Owns: ``OneOffer``: the offer that it names, and what makes no sense of it. Not here: what is agreed of it (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.metered.meter import Meter
from detente.contract.reach.scope import Selection
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.reach.window import Every
from detente.contract.stated import Reference
from detente.contract.term import Term
from detente.errors import Flaw
from detente.market.offer import GpuOffer
from detente.values.facts import Facts
from detente.values.money import sufficient
from detente.values.noun import Id

Others = Literal["none", "share", "apart"]
"""What those who are no party may do with the offer: nothing; take their part of the same; what is theirs apart."""


class OneOffer(Term):
    """GPU-hours of one offer, counted as they are taken.

    Of capacity that only its parties take, or that others share with them, all that is taken counts, idle or not.
    """

    offer: Id = Field(description="the offer of accelerators that it is about")
    others: Others | None = Field(
        default=None,
        description="what work of others than its parties may do with the offer: `none`, `share` or `apart`",
    )
    windows: Every = Every(every="month")

    apart: ClassVar[str] = "`others: apart` where what they take is no part of this"
    """What to write where others have capacity of their own."""

    fixed: ClassVar[Mapping[str, str]] = {
        "measure": "it is about capacity, in the unit of its offer",
        "moment": "capacity is taken as it is used",
        "counts": "it is about all of one offer",
    }

    @property
    def of_parties(self) -> Selection:
        """What its parties take of the one offer."""
        return super().covered.at(offer=self.offer)

    @property
    def covered(self) -> Selection:
        """What is taken of the one offer: by everybody, unless that of others is apart."""
        if self.others in ("none", "share"):
            return Selection((self.of,), self.except_).at(offer=self.offer)
        return self.of_parties

    @property
    def judges(self) -> bool:
        """Where it is for its parties alone."""
        return self.others == "none"

    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """Keep others off what is for its parties alone."""
        if self.others != "none" or offer.get("offer") != self.offer:
            return PERMIT
        about, theirs = self.covered.covers(demand, offer), self.of_parties.covers(demand, offer)
        if about is False or theirs:
            return PERMIT
        if about is None or theirs is None:
            return Verdict("undecided", Reason(self.id, f"whether this is work of {self._named} is not known"))
        return Verdict("deny", Reason(self.id, f"`{self.offer}` is for {self._named} alone"))

    @property
    def _named(self) -> str:
        return " and ".join(f"`{name}`" for name in self.parties or self.validity.parties)

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
        """An offer of something else, or of somebody else; work of others than its parties on it."""
        yield from self._of_others(case)
        for offer in (each for each in case.offers if each.id == self.offer):
            party = self.validity.counterparty
            if not isinstance(offer, GpuOffer):
                yield Flaw(f"`{self.offer}` is not capacity in GPUs", "name an offer of `kind: gpu`", ("offer",))
            elif offer.provider != party:
                what = f"`{offer.id}` is sold by `{offer.provider}`, and this agreement is with `{party}`"
                yield Flaw(what, f"name an offer of `{party}`, or agree it with `{offer.provider}`", ("offer",))

    def _of_others(self, case: CaseView) -> Iterator[Flaw]:
        """Work of which it is not said whether it may take of the offer; a word about it where there is none."""
        parties = {*(self.parties or self.validity.parties)}
        if not parties:
            if self.others is not None:
                what = "everybody on our side is bound by it, so that there are no others"
                yield Flaw(what, "leave it out, or say `parties`", ("others",), key=True)
            return
        all_of_it = Selection((self.of,), self.except_).at(offer=self.offer)
        found = {demand.get("party") for demand, _ in case.uses(all_of_it, "party")} - parties
        others = sorted(party for party in found if party is not None)
        if others and self.others is None:
            named = " and ".join(f"`{name}`" for name in others)
            what = f"work of {named} may run on `{self.offer}`, and this is for {self._named}:"
            what += " whose the capacity is, is not said"
            ways = "`others: share` where they take of the same, `others: none` where it is for the parties alone"
            yield Flaw(what, f"say {ways}, {self.apart}", ("offer",))

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words, of work that is kept off."""
        return f"let {sufficient(amount, unit)} of others run on `{self.offer}`"
