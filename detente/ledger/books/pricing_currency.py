"""What use came to in the currency in which its offer is priced, at list price: told beside what is owed for it.

What is owed was converted once, where it was metered; here it is read back at the rate of its day. Not here: what is
between us and a party (``statement``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from detente.case.case import Case
from detente.ledger.use.line import LineSum
from detente.market.offer import AnyOffer
from detente.market.stated_price import priced_in, rate_at
from detente.values.micros import at_micros


@dataclass(frozen=True, slots=True)
class StatedUse:
    """Use of an offer in a time, at list price, in whole billionths: in the case's currency, and as it is priced."""

    offer: str
    currency: str
    listed: int
    stated: int


def rate_of(offer: AnyOffer, each: LineSum) -> tuple[str, Fraction] | None:
    """The currency in which use was priced, and what one of it was; None where nothing was converted."""
    currency, rate = priced_in(offer), rate_at(offer, at_micros(each.start))
    return None if currency is None or rate is None else (currency, Fraction(rate))


def stated_use(case: Case, party: str, sums: Iterable[LineSum]) -> tuple[StatedUse, ...]:
    """Of each offer of a party that is priced in another currency, what its use came to in some sums."""
    offers = {offer.id: offer for offer in case.offers if offer.provider == party and priced_in(offer)}
    found: dict[tuple[str, str], tuple[int, Fraction]] = {}
    for each in sums if offers else ():
        offer = offers.get(each.of.offer.get("offer", ""))
        stated = None if offer is None or each.of.kind == "egress" else rate_of(offer, each)
        if offer is not None and stated is not None:
            listed, before = found.get((offer.id, stated[0]), (0, Fraction(0)))
            found[offer.id, stated[0]] = listed + each.listed, before + each.listed / stated[1]
    each_offer = found.items()
    return tuple(StatedUse(name, currency, listed, round(amount)) for (name, currency), (listed, amount) in each_offer)
