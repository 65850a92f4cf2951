"""What was reserved, on the books: units of an offer for a term. Some clauses count them when bought, or when invoiced.

Owns: which purchases are on the books and which are to be added, and what clauses count of them, when. A purchase that
is no longer so is taken back by a row of its own. Not here: what of it stood idle, and is paid hour by hour (``idle``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor
from typing import NamedTuple

from detente.case.case import Case
from detente.contract.metered.counting_moment import BoughtCapacity, CountingMoment, reserved
from detente.contract.metered.use import nanos
from detente.contract.rated.rating import Rating
from detente.ledger.store.store import Session, big
from detente.ledger.use.line import UseClass
from detente.market.invoicing import Invoiced, instalments
from detente.market.offer import AnyOffer, TokenOffer
from detente.results.plan_rows import Purchase
from detente.values.micros import at_micros, micros
from detente.values.money import NANOS, nano


class BookedPurchase(NamedTuple):
    """Units of an offer from a moment to another, as they are stored; the list price of all of it, in billionths."""

    offer: str
    start: int
    end: int
    units: int
    cost: int

    @classmethod
    def of(cls, held: Purchase) -> BookedPurchase:
        """Of a plan."""
        return cls(held.offer, micros(held.start), micros(held.end), held.units, nanos(held.cost))


PurchaseRow = tuple[str, int, int, int, int | str, int]
"""A row: a purchase, and how many of it: 1, or -1 of one that is taken back."""


def purchases(session: Session, closed: datetime | None = None) -> Counter[BookedPurchase]:
    """What is on the books, and how often; ``closed``: what was when they were closed for a day."""
    which: str = ""
    values: tuple[int, ...] = ()
    if closed is not None:
        which, values = " WHERE batch <= (SELECT MIN(batch) FROM closings WHERE as_of >= ?)", (micros(closed),)
    found: Counter[BookedPurchase] = Counter()
    for offer, start, end, units, cost, count in session.all(
        f'SELECT offer, start, "end", units, cost, count FROM purchases{which}', values
    ):
        found[BookedPurchase(str(offer), int(start), int(end), int(units), int(cost))] += int(count)
    return +found


def missing(session: Session, held: Iterable[Purchase], as_of: datetime) -> list[PurchaseRow]:
    """The rows by which the books hold what is reserved before a day, and nothing else; none where nobody says."""
    wanted = Counter(BookedPurchase.of(p) for p in held if p.reserved and p.start < as_of)
    if not wanted:
        return []
    there = purchases(session)
    found = [(each, 1) for each in (wanted - there).elements()]
    found += [(each, -1) for each in (there - wanted).elements()]
    return [(each.offer, each.start, each.end, each.units, big(each.cost), count) for each, count in sorted(found)]


def told(session: Session, bought: Iterable[BookedPurchase]) -> bool:
    """Whether all that is reserved and used is on the books as bought."""
    known = {each.offer for each in bought}
    classes = (UseClass.read(body) for (body,) in session.all("SELECT body FROM classes"))
    return bool(known) and all(
        of.offer.get("offer") in known for of in classes if of.kind == "use" and reserved(of.offer)
    )


def unpaid(
    session: Session, case: Case, until: datetime, closed: datetime | None, *, as_closed: bool = False
) -> tuple[str, ...]:
    """The reserved offers that calls used before a day, and of which the books do not hold yet what was paid for that.

    They do once they are closed with what is reserved: until then calls count at the price of their day alone. Rows of
    bills state what was paid. ``as_closed``: by what the books held when they were closed for the day.
    """
    if not any(reserved(facts) for facts in case.offer_facts.values()):
        return ()
    known = {each.offer for each in purchases(session, until if as_closed else None)}
    found = set()
    for number, body in session.all("SELECT class, body FROM classes WHERE body LIKE '%reserved%'"):
        of = UseClass.read(body)
        name = of.offer.get("offer", "")
        if of.kind == "use" and reserved(of.offer) and name in case.offer_facts:
            since = micros(closed) if closed is not None and name in known else 0
            if session.one(
                "SELECT 1 FROM sums WHERE class = ? AND start >= ? AND start < ? LIMIT 1",
                (number, since, micros(until)),
            ):
                found.add(name)
    return tuple(sorted(found))


class PurchaseInvoice(NamedTuple):
    """A part of a purchase that is invoiced on a day; amounts in billionths, before and after discounts."""

    of: BookedPurchase
    at: datetime
    parts: int
    """Of how many equal ones it is one."""
    listed: int
    net: int


def invoices(case: Case, bought: Iterable[BookedPurchase], since: datetime, until: datetime) -> list[PurchaseInvoice]:
    """What is invoiced in a time of purchases whose offers say when; in the order of time."""
    offers, rating = {offer.id: offer for offer in case.offers}, Rating(case.signed)
    found = []
    for each in bought:
        offer = offers.get(each.offer)
        if offer is None or offer.invoicing is None:
            continue
        days = _days(case, offer, each, "invoice")
        sums = [0, *(floor(each.cost * part) for part in accumulate(_parts(offer, days)))]
        for at, (before, after) in zip(days, pairwise(sums), strict=True):
            if since <= at < until:
                listed = after - before
                off = rating.at(None, case.offer_facts[offer.id], at).of(listed)
                found.append(PurchaseInvoice(each, at, len(days), listed, listed - sum(off)))
    return sorted(found, key=lambda invoice: (invoice.at, invoice.of))


def prepaid(case: Case, bought: Iterable[BookedPurchase]) -> dict[str, list[tuple[int, int]]]:
    """Of each offer that says when it is invoiced, the times for which purchases are: their use is not billed."""
    says = {offer.id for offer in case.offers if offer.invoicing is not None}
    found: dict[str, list[tuple[int, int]]] = {}
    for each in bought:
        if each.offer in says:
            found.setdefault(each.offer, []).append((each.start, each.end))
    return found


def counted(
    case: Case, bought: Iterable[BookedPurchase], moments: Iterable[CountingMoment], as_of: datetime
) -> Iterator[BoughtCapacity]:
    """What clauses count of purchases before a day that count them at some moments."""
    offers, rating = {offer.id: offer for offer in case.offers}, Rating(case.signed)
    for each in bought:
        offer = offers.get(each.offer)
        if offer is None or isinstance(offer, TokenOffer):
            continue
        for moment in sorted(moments):
            days = _days(case, offer, each, moment)
            parts = zip(days, _parts(offer, days), strict=True)
            for at, part in ((day, part) for day, part in parts if day < as_of):
                listed = nano(Fraction(each.cost, NANOS) * part)
                facts = case.offer_facts[offer.id]
                off = rating.at(None, facts, at).of(nanos(listed))
                yield BoughtCapacity(moment, facts, at, listed, listed - nano(Fraction(sum(off), NANOS)))


def _days(case: Case, offer: AnyOffer, bought: BookedPurchase, moment: CountingMoment) -> Sequence[datetime]:
    """When parts of it count."""
    if moment == "purchase" or offer.invoicing is None:  # the case was checked
        return [at_micros(bought.start)]
    return instalments_of(case, bought, offer.invoicing)


def _parts(offer: AnyOffer, days: Sequence[datetime]) -> list[Fraction]:
    """What of a purchase counts on each day."""
    assert not isinstance(offer, TokenOffer), "tokens are not reserved"
    return offer.instalment_parts(days)


def instalments_of(case: Case, bought: BookedPurchase, how: Invoiced) -> list[datetime]:
    """When its equal instalments are invoiced: by months of the clock of the horizon, on which a plan reserves it."""
    clock = case.declared.horizon.clock
    start, end = at_micros(bought.start).astimezone(clock), at_micros(bought.end).astimezone(clock)
    return [at.astimezone(UTC) for at in instalments(how, start, end)]
