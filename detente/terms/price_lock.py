"""Price lock: what is covered costs what it cost on a day, or what was agreed, though the list changes.

See ``docs/terms/price-lock.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator

from detente.contract.case_view import CaseView
from detente.contract.rated.price_clause import PriceClause
from detente.contract.reach.scope import Scope, Selection
from detente.contract.reach.verdict import Reason
from detente.contract.stated import Reference
from detente.contract.term import Term
from detente.errors import Flaw, FlawError, KeyPath
from detente.market.offer import AnyOffer, TokenPrices
from detente.values.facts import Facts
from detente.values.money import CapacityPrice, Price
from detente.values.noun import Id
from detente.values.period import Day, moment

NOTHING = Fraction(0)
ListPrice = Price | TokenPrices
Parts = dict[str, tuple[Fraction, str]]
"""The prices of an offer by what they are for, each with its unit."""


class PriceLock(PriceClause):
    """A price holds though the list rises; and, where it is the lower of the two, follows it when it falls."""

    kind: Literal["price-lock"]
    method: Literal["fixed", "lower-of"] = Field(
        description="`fixed`: the price holds; `lower-of`: it holds, and the list does where it is lower"
    )
    on: Day | None = Field(default=None, description="the day whose list prices hold; default: the clause's first day")
    at: dict[Id, CapacityPrice] = Field(
        default_factory=dict, description="by offer, the price that holds, where it is not that of the list"
    )

    @field_validator("at", mode="before")
    @classmethod
    def _of_capacity(cls, given: Any) -> Any:
        for name, price in given.items() if isinstance(given, dict) else ():
            if isinstance(price, str) and price.strip().endswith("tok"):
                what = f"`{price}` is of tokens, which have prices for input and for output, and `at` is of capacity"
                raise FlawError(what, f"write the prices that hold into `{name}`, from that day on", (name,))
        return given

    _offers: dict[str, AnyOffer] = PrivateAttr(default_factory=dict)

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing the list."""
        found = self.model_copy()
        found._offers = {offer.id: offer for offer in offers}
        return found

    def turns(self, since: datetime, until: datetime) -> Iterable[datetime]:
        """The days on which the price of an offer changes."""
        return {moment(on) for offer in self._offers.values() for on, _ in offer.price.steps if on is not None}

    # -- the prices ----------------------------------------------------------------------------------------------
    @property
    def day(self) -> datetime:
        """The day whose list prices hold."""
        return self.begin(self.on) if self.on else self.validity.first

    def _locked(self, offer: AnyOffer) -> ListPrice | None:
        """The prices that hold."""
        return self.at.get(offer.id) or offer.price.on(self.day)

    def part(self, offer: AnyOffer) -> Fraction | None:
        """The part of an offer's list price that it takes off in this version; None where there is no one part."""
        locked, listed_now = self._locked(offer), offer.price.on(self.validity.start)
        if locked is None or listed_now is None:
            return NOTHING
        found = _in_one_unit(locked, listed_now)
        if found is None:
            return None
        held, now = found
        parts = {1 - held[name][0] / listed for name, (listed, _) in now.items() if listed}
        if len(parts) > 1 or any(held[name][0] for name, (listed, _) in now.items() if not listed):
            return None
        off = parts.pop() if parts else NOTHING
        return max(off, NOTHING) if self.method == "lower-of" else off

    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction | None:
        """All by which the list is dearer; of a fixed price, less than nothing where it is cheaper."""
        covered = self.covered.covers(demand, offer)
        sold = self._offers.get(offer.get("offer", ""))
        if sold is None or covered is False:
            return NOTHING
        return None if covered is None else self.part(sold)

    def sets_price(self, demand: Facts | None, offer: Facts) -> bool:
        """Of what it covers, at the list's price too."""
        return self._offers.get(offer.get("offer", "")) is not None and self.covered.covers(demand, offer) is True

    @property
    def follows_list(self) -> bool:
        """Where it is the lower of the two."""
        return self.method == "lower-of"

    # -- for people, and for the case's checks ---------------------------------------------------------------------
    def explain(self) -> Reason:
        """Which prices hold."""
        stated = ", ".join(f"{price} for `{offer}`" for offer, price in self.at.items())
        held = f"prices of {self.covered} are those of the list of {self.day:%Y-%m-%d}"
        held += f" ({stated})" if stated else ""
        return Reason(self.id, held + (", or the list's where they are lower" if self.method == "lower-of" else ""))

    def acting_days(self) -> Iterator[tuple[KeyPath, date]]:
        """The day whose list prices hold from then on."""
        if self.on is not None:
            yield ("on",), self.on

    def references(self) -> tuple[Reference, ...]:
        """The offers that it names a price of."""
        return tuple(Reference(("at", name), "offers", name) for name in self.at)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Offers without a price on the day, or whose prices do not change by one part; reservations."""
        yield from super().check(case)
        sold = {offer["offer"] for _, offer in case.uses(self.covered, "offer")}
        for offer in case.offers:
            if offer.id in sold:
                yield from self._of(offer)
            elif offer.id in self.at and self._apart(offer.id, case):
                what = f"`{offer.id}` is no part of {self.covered}, so that this price is that of no use"
                remedy = "leave it out, or cover it with `of`, in an agreement with who sells it"
                yield Flaw(what, remedy, ("at", offer.id))

    def _apart(self, offer: str, case: CaseView) -> bool:
        """Whether it covers no use of an offer, as far as all of it is known."""
        uses = case.uses(Selection((Scope({"offer": (offer,)}),)), *self.covered.keys)
        return bool(uses) and all(self.covered.covers(*use) is False for use in uses)

    def _of(self, offer: AnyOffer) -> Iterator[Flaw]:
        path = ("at", offer.id) if offer.id in self.at else ("kind",)
        if offer.reserved:
            what = f"`{offer.id}` is reserved, at the price of the day on which its term begins"
            yield Flaw(what, "leave it out with `except: [{ buy: reserved }]`", path)
        elif self._locked(offer) is None:
            what = f"`{offer.id}` has no list price on {self.day:%Y-%m-%d}"
            yield Flaw(what, "say the day whose prices hold (`on`), or the price (`at`)", path)
        elif (units := self._other_unit(offer)) is not None:
            what = f"`{offer.id}` is priced per {units[1]}, and this price is per {units[0]}"
            yield Flaw(what, f"write it per {units[1]}", path)
        elif self.part(offer) is None:
            what = f"the prices of `{offer.id}` of {self.validity.start:%Y-%m-%d} are not one part of those that hold"
            yield Flaw(what, "write the prices that hold into the offer, from that day on", path)

    def _other_unit(self, offer: AnyOffer) -> tuple[str, str] | None:
        """The units of a stated price and of the list's, where they differ."""
        stated, listed = self.at.get(offer.id), offer.price.on(self.validity.start)
        if stated is None or not isinstance(listed, Price) or stated.unit == listed.unit:
            return None
        return stated.unit, listed.unit


def _in_one_unit(held: ListPrice, now: ListPrice) -> tuple[Parts, Parts] | None:
    """Two prices that compare: as both were stated, so that no rate of exchange is locked; else as converted."""
    for as_stated in (True, False):
        found = _parts(held, as_stated=as_stated), _parts(now, as_stated=as_stated)
        if _units(found[0]) == _units(found[1]):
            return found
    return None


def _units(parts: Parts) -> dict[str, str]:
    return {name: unit for name, (_, unit) in parts.items()}


def _parts(price: ListPrice, *, as_stated: bool) -> Parts:
    """The prices that one price is made of."""

    def told(of: Price) -> tuple[Fraction, str]:
        of = of.as_stated if as_stated else of
        return Fraction(of.amount), f"{of.currency} per {of.unit}"

    if not isinstance(price, TokenPrices):
        return {"price": told(price)}
    batch = 1 if price.batch is None else price.batch
    found = {name: told(of) for name, of in zip(("input", "cached", "output"), price.each, strict=True)}
    return found | {f"{name} in batch": (amount * Fraction(batch), unit) for name, (amount, unit) in found.items()}
