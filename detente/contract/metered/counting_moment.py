"""When what a clause covers counts: when it is used, when it is invoiced, or when it is bought.

Owns: the vocabulary (``moment``), when use is invoiced, what is bought as a clause counts it (``BoughtCapacity``), and
what a clause that counts so cannot be written of. Not here: when a reservation is invoiced (``market.invoicing``), and
sums (``totals``).

Only what is reserved is bought before it is used. All else is bought as it is used, and invoiced on the first day of
the next month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from detente.contract.case_view import CaseView
from detente.contract.reach.scope import Selection
from detente.errors import Flaw
from detente.market.invoicing import MONTH
from detente.values.facts import Facts
from detente.values.period import elapsed, later

CountingMoment = Literal["use", "invoice", "purchase"]
"""``use``: as it is used, of what is reserved bit by bit over its term; ``invoice``: on the day of the invoice;
``purchase``: of what is reserved all of it when its term begins, of all else as it is used."""

COUNTED: dict[CountingMoment, str] = {
    "use": "when it is used",
    "invoice": "when it is invoiced",
    "purchase": "when it is bought",
}
"""In a clause's sentence."""


@dataclass(frozen=True, slots=True)
class BoughtCapacity:
    """What is reserved, as a clause counts it that counts it at that moment: at list price, and after discounts."""

    moment: CountingMoment
    offer: Facts
    at: datetime
    listed: Decimal
    net: Decimal


def reserved(offer: Facts) -> bool:
    """Whether what is sold so is reserved."""
    return offer.get("buy") == "reserved"


def invoice_day(at: datetime) -> datetime:
    """When the use of a moment is invoiced."""
    return later(at.replace(day=1, hour=0, minute=0, second=0, microsecond=0), MONTH)


def first_invoiced(at: datetime) -> datetime:
    """The first moment whose use is invoiced then or later."""
    just_before = at - timedelta.resolution
    return just_before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def by_invoice(start: datetime, end: datetime) -> Iterator[tuple[datetime, int, int]]:
    """Each invoice of a time's use, with its share of that time as two numbers: part and whole."""
    at, whole = start, elapsed(start, end) // timedelta.resolution
    while at < end:
        until = min(invoice_day(at), end)
        yield invoice_day(at), elapsed(at, until) // timedelta.resolution, whole
        at = until
    if not whole:
        yield invoice_day(start), 1, 1


def untimed(moment: CountingMoment, covered: Selection, case: CaseView) -> Iterator[Flaw]:
    """What is reserved, and is not known to be whose or invoiced when."""
    found = [offer for _, offer in case.uses(covered, "buy", "offer") if reserved(offer)]
    sold = {offer["offer"] for offer in found}
    there = [offer for offer in case.offers if offer.id in sold]
    if moment == "use" or not there:
        return
    of_work = {offer["offer"] for offer in found if not covered.covers(None, offer)}
    for offer in [each for each in there if each.id in of_work][:1]:
        what = f"`{offer.id}` counts {COUNTED[moment]}, and whose work will run on it is not known then"
        yield Flaw(what, "let `of` ask for offers only, or say `moment: use`", ("moment",))
    for offer in there if moment == "invoice" else ():
        if offer.invoicing is None:
            what = f"`{offer.id}` is reserved, and when it is invoiced is not said"
            yield Flaw(what, "add `invoiced:` to the offer: `upfront`, `monthly` or `in-arrears`", ("moment",))
