"""What becomes known of offers in time: that they will be closed, from when on a plan may know of it.

Owns: that moment, and the offers as they are known at one. Not here: what a plan makes of the news (``planner``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detente.market.base_offer import Closed
from detente.market.offer import AnyOffer
from detente.values.period import Period, on_the_clock_of


def news(offers: Sequence[AnyOffer], periods: Sequence[Period]) -> tuple[datetime, ...]:
    """The moments after the first period's start at which it becomes known that offers will be closed, in order."""
    told = {_told(each, periods) for offer in offers for each in offer.closed}
    return tuple(sorted(at for at in told if at > periods[0].span_start))


def known_at(offers: Sequence[AnyOffer], periods: Sequence[Period], at: datetime) -> tuple[AnyOffer, ...]:
    """Offers as they are known at a moment: none is closed of which nobody knows it by then."""
    return tuple(
        offer.model_copy(update={"closed": tuple(each for each in offer.closed if _told(each, periods) <= at)})
        for offer in offers
    )


def _told(closed: Closed, periods: Sequence[Period]) -> datetime:
    """From when on a plan knows of it: at the latest as the period begins in which it begins, which is one."""
    start = periods[0].span_start
    if closed.known is None:
        return start
    closes = on_the_clock_of(start, closed.from_)
    begun = [period.span_start for period in periods if period.span_start <= closes]
    return min(on_the_clock_of(start, closed.known), begun[-1] if begun else start)
