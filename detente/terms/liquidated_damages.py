"""Liquidated damages: a breach that has a price. It is not forbidden, and a case that is performed has none.

See ``docs/terms/liquidated-damages.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.capped_charge import CappedCharge
from detente.contract.case_view import CaseView
from detente.contract.meter import Measure, Meter
from detente.contract.term import Term
from detente.contract.verdict import Reason
from detente.errors import Flaw, FlawError
from detente.market.offer import AnyOffer
from detente.values.money import Money, WorkPrice, shown
from detente.values.noun import Id
from detente.values.quantity_field import Portion


class LiquidatedDamages(CappedCharge):
    """What is covered is a breach: so much is owed for each unit of it, or a part of what it costs."""

    kind: Literal["liquidated-damages"]
    price: WorkPrice | None = Field(default=None, description="for each unit of work that is done in breach")
    rate: Portion | None = Field(default=None, description="or: the part of what that use costs")
    within: Id | None = Field(default=None, description="the liability cap of the agreement that bounds them")

    breach: ClassVar[bool] = True

    _bound: Term | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        if (self.price is None) == (self.rate is None):
            raise FlawError("says neither or both of `price` and `rate`", "write one of them")
        if self.within is not None and (self.cap is not None or self.cap_each is not None):
            raise FlawError("states a cap of its own, and one of liability", "keep one of them", ("within",), key=True)
        return self

    def told(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing the cap that bounds it."""
        found = self.model_copy()
        found._bound = next((each for each in reversed(clauses) if each.id == self.within), None)
        return found

    @property
    def in_all(self) -> Money | None:
        """Its own cap, or that of liability."""
        return self._bound.bounds_claims if self._bound is not None else self.cap

    @property
    def counted(self) -> Meter:
        """What is done in breach in each window."""
        of: Measure = "spend" if self.price is None else "work"
        return Meter(self.id, "breach", self.covered, of, self.calendar(self.windows))

    @property
    def each(self) -> Fraction:
        """What is owed for a unit of it."""
        return Fraction(self.price.amount if self.price is not None else self.rate or 0)

    # -- for people, and for the case's checks -----------------------------------------------------------------------
    def explain(self) -> Reason:
        """What is a breach, and its price."""
        price = f"{self.price}" if self.price is not None else f"{float(self.rate or 0) * 100:g}% of what it costs"
        what = f"{self.covered} is a breach: {price} is owed to {self.validity.counterparty}"
        return Reason(self.id, what + self.told_cap)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A price in another unit; a cap that there is not, or that has no one amount."""
        yield from super().check(case)
        if self.price is not None:
            covered = {demand["workload"] for demand, _ in case.uses(self.covered, "workload")}
            unlike = next((w for w in case.workloads if w.id in covered and w.unit != self.price.unit), None)
            if unlike is not None:
                what = f"work of `{unlike.id}` is in {unlike.unit}, and damages are per {self.price.unit}"
                yield Flaw(what, f"write `price` per {unlike.unit}, or narrow `of`", ("price",))
        if self.within is not None and self.within not in case.unread:
            yield from self._of_cap()
        for other in case.beside:
            shared = isinstance(other, LiquidatedDamages) and self.within and other.within == self.within
            if shared and other.id != self.id:
                what = f"`{self.id}` and `{other.id}` are bounded by `{self.within}`, and each would use all of it"
                yield Flaw(what, "write them as one clause, or give each a `cap` of its own", ("within",))

    def _of_cap(self) -> Iterator[Flaw]:
        path = ("within",)
        if self._bound is None:
            what = f"there is no liability cap `{self.within}` in this agreement"
            yield Flaw(what, "name a clause of `kind: liability-cap`, or state `cap`", path)
        elif self._bound.bounds_claims is None:
            what = f"`{self.within}` says no one amount in all: it turns on fees, or is there anew each year"
            yield Flaw(what, "state what it comes to: `cap`, or `cap-each` with `windows: { every: year }`", path)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        unit = currency if self.price is None or part in ("rate", "cap", "reached") else unit
        return f"waive {shown(amount, unit)} of damages for {self.covered.quoted}"
