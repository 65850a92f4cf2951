"""The price of an offer as it was stated, where it was in another currency than the case's, and its rate on a day.

Not here: converting (``case.exchanging``): a converted price knows what it was.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from detente.market.offer import AnyOffer
from detente.values.held import held_in, with_held
from detente.values.money import Price

SomeOffer = TypeVar("SomeOffer", bound=AnyOffer)


def priced_in(offer: AnyOffer) -> str | None:
    """The currency in which its prices are stated; None where that is the case's."""
    return next((held.stated.currency for _, held in held_in(offer.price, Price) if held.stated), None)


def as_stated(offer: SomeOffer) -> SomeOffer:
    """The same offer with its prices in the currency in which they are stated."""
    found: SomeOffer = with_held(offer, Price, lambda _, held: held.as_stated)
    return found


def rate_at(offer: AnyOffer, at: datetime) -> Decimal | None:
    """What one of that currency is in the case's at a moment of use; None where nothing was converted."""
    now = offer.price.on(at)
    return next((held.stated.rate for _, held in held_in(now, Price) if held.stated), None)
