"""What is reserved and paid all at once, where a clause that lowers or raises prices begins, turns or ends meanwhile.

A plan has the price of such a use as of any other, by its time; the invoice was of the day on which the term began. No
kind of clause is known here. Not here: when a reservation is invoiced (``market.invoicing``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from detente.case.checks.view import View
from detente.contract.payer import Payer
from detente.contract.roles import PriceChange
from detente.contract.term import Term
from detente.errors import Flaw
from detente.market.offer import AnyOffer, TokenOffer
from detente.values.period import Horizon, later


def paid_at_once(offer: AnyOffer) -> bool:
    """Whether it is reserved, and all of it is invoiced on its first day."""
    return offer.invoicing == "upfront"


def flaws(term: Term, view: View) -> Iterator[Flaw]:
    """The first moment inside a term that is paid for already, at which a clause changes what it comes to."""
    horizon, there = view.horizon, [offer for offer in view.offers if paid_at_once(offer)]
    if horizon is None or not there:
        return
    covered = {offer["offer"] for _, offer in view.uses(term.covered, "offer")}
    for offer in (offer for offer in there if offer.id in covered):
        at = next((at for at in _edges(term, view, horizon) if _within(offer, at, view, horizon)), None)
        if at is not None:
            priced = isinstance(term, PriceChange)
            does = "changes that price on" if priced else "begins or ends to pay for it on"
            what = f"`{offer.id}` is paid upfront, at the price of the day on which its term begins"
            remedy = "leave it out with `except: [{ buy: reserved }]`, or drop the clause if nothing is left"
            remedy += "; a price of later terms stands in the offer's `price`, from its day on" if priced else ""
            yield Flaw(f"{what}, and `{term.id}` {does} {at:%Y-%m-%d}, within a term", remedy)
            return


def _edges(term: Term, view: View, horizon: Horizon) -> Iterator[datetime]:
    """When it begins and ends, unless another text says the same; and when windows of an amount do."""
    own = term.counted_time
    for at in (own.start, own.end):
        beside = (each for each in view.beside if each.id == term.id and at in (each.validity.start, each.validity.end))
        if horizon.opens < at < horizon.closes and not any(_same(term, each, view) for each in beside):
            yield at
    for stated in term.found_windows if isinstance(term, Payer) else ():
        if stated.divides == "amount":
            for window in term.calendar(stated.every).over(horizon.opens, horizon.closes):
                yield from (at for at in (window.start, window.end) if horizon.opens < at < horizon.closes)


def _same(one: Term, other: Term, view: View) -> bool:
    """Whether two texts take off the same of all that is paid for at once."""
    names = {offer.id for offer in view.offers if paid_at_once(offer)}
    uses = [use for use in view.uses(one.covered, "offer", *other.covered.keys) if use[1]["offer"] in names]
    if not (isinstance(one, PriceChange) and isinstance(other, PriceChange)):
        return False
    return all(one.takes_off(*use) == other.takes_off(*use) for use in uses)


def _within(offer: AnyOffer, at: datetime, view: View, horizon: Horizon) -> bool:
    """Whether a term of it that a plan may buy has begun before a moment, and ends after it."""
    assert not isinstance(offer, TokenOffer), "tokens are not reserved"
    if offer.term is None:
        return False
    ends = (later(start, offer.term) for start in offer.begins(view.case.begins) if start < at)
    return any(end > at and (end <= horizon.closes or offer.cut != "refuse") for end in ends)
