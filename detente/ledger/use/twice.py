"""Use that may be on the books twice: of an offer on one day, both from bills and from calls that were served.

Owns: which offers and days these are. Whether it is the same use, nobody can tell from the rows: one team's calls may
go through the gateway, and another's not. So it is told, and not refused. Not here: holding a bill against calls that
were served (``reconciling``).
"""

from __future__ import annotations

from detente.ledger.store.store import Session
from detente.ledger.use.line import UseClass
from detente.ledger.use.metering import BILLED
from detente.values.micros import DAY

OfferOnDay = tuple[str, int]
"""An offer, and a day as days since 1970."""

_OF_BILLS = "batch IN (SELECT batch FROM batches WHERE kind = 'bill')"


def days_over(start: int, end: int) -> range:
    """The days of a time, as days since 1970; of a moment, its own."""
    return range(start // DAY, max(end - 1, start) // DAY + 1)


def days_of_bills(session: Session) -> set[OfferOnDay]:
    """The offers and days of which rows of bills are on the books."""
    routes = session.number(f"""SELECT COUNT(*) FROM routes WHERE body LIKE '{{"path":"{BILLED}"%'""")
    if not routes:  # so that nobody looks through all batches of a ledger that has no bills
        return set()
    offers = _offers(session)
    rows = session.all(f'SELECT DISTINCT class, start, "end" FROM lines WHERE {_OF_BILLS}')
    return {(offers[of], day) for of, start, end in rows if of in offers for day in days_over(start, end)}


def days_of_no_bill(session: Session) -> set[OfferOnDay]:
    """Those of which the books hold use that is of no bill: calls that were served, or what stood idle."""
    offers = _offers(session)
    counts: dict[tuple[int, int], int] = {}
    for sign, rows in ((1, "sums WHERE 1 = 1"), (-1, f"lines WHERE {_OF_BILLS}")):
        known = "count + unknown" if sign > 0 else "count"
        for of, start, count in session.all(f"SELECT class, start, SUM({known}) FROM {rows} GROUP BY class, start"):
            key = int(of), int(start) // DAY
            counts[key] = counts.get(key, 0) + sign * int(count)
    return {(offers[of], day) for (of, day), count in counts.items() if count > 0 and of in offers}


def _offers(session: Session) -> dict[int, str]:
    """The offers of classes of use, by their numbers; of what the case has no offer for, there is none."""
    read = (
        (int(n), UseClass.read(body).offer.get("offer")) for n, body in session.all("SELECT class, body FROM classes")
    )
    return {number: offer for number, offer in read if offer is not None}
