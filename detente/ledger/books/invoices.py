"""What rounding adds to the invoices of months that are closed, as entries, where agreements say how a party rounds.

Owns: an invoice's lines by what is booked: of each offer what its use comes to after discounts, each reservation that
is invoiced, each part of a clause. A month's invoice is rounded once, when the books are closed for it: what comes late
is of the first invoice that is open. Not here: the same of a plan (``planner.answer.rounded_invoices``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, tzinfo

from detente.case.invoices import rounding_of, stated_roundings
from detente.ledger.books.books import Books
from detente.ledger.books.entry import LedgerEntry
from detente.ledger.store.store import Session
from detente.ledger.use.late import sums_booked
from detente.ledger.use.purchases import invoices, prepaid, purchases
from detente.market.invoicing import MONTH
from detente.values.micros import MICRO
from detente.values.period import later, moment

InvoiceLines = dict[tuple[str, ...], int]
"""What each line of an invoice comes to, in billionths."""


def rounding_entries(
    session: Session, books: Books, fresh: Sequence[LedgerEntry], as_of: datetime, closed: datetime | None
) -> Iterator[LedgerEntry]:
    """What rounding adds to each invoice of a month that ends by a day and was not closed before.

    ``fresh`` are entries of clauses that are about to be booked.
    """
    stated = stated_roundings(books.case.declared.agreements)
    for party in sorted({each.party for each in stated}):
        for start, end in _months(session, books.clock(party), as_of, closed):
            said = rounding_of(stated, party, start, end)
            lines = {} if said is None else _invoice(session, books, fresh, party, start, end)
            adds = 0 if said is None else int(said.rounding.adds(lines.values()))
            if said is not None and adds:
                day, currency = f"{end - MICRO:%Y-%m-%d}", books.case.currency
                yield LedgerEntry(day, f"rounding/{party}/{said.agreement}", currency, adds)
                yield LedgerEntry(day, f"owed/{party}", currency, -adds)


def _months(
    session: Session, zone: tzinfo, as_of: datetime, closed: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """The months of a clock that end by a day, from the first that is on the books and not closed."""
    first = session.one("SELECT MIN(day) FROM entries")
    if closed is None and (first is None or first[0] is None):
        return
    since = closed.astimezone(zone).date() if closed else date.fromisoformat(str(first[0] if first else ""))
    start = moment(since.replace(day=1), zone)
    while (end := later(start, MONTH)) <= as_of:
        yield start, end
        start = end


def _invoice(
    session: Session, books: Books, fresh: Sequence[LedgerEntry], party: str, start: datetime, end: datetime
) -> InvoiceLines:
    """The lines of a party's invoice of a month."""
    found: InvoiceLines = defaultdict(int)
    bought = list(purchases(session).elements())
    held = prepaid(books.case, bought)
    for each in sums_booked(session, start, end):
        if each.of.offer.get("provider", "unknown") != party:
            continue
        offer = each.of.offer.get("offer", "")
        if each.of.kind == "egress" or not any(a <= each.start < b for a, b in held.get(offer, ())):
            name = "" if each.of.kind == "egress" else offer or each.of.offer.get("product", "")
            found["use", name] += each.net
    for invoice in invoices(books.case, bought, start, end):
        if books.case.offer_facts[invoice.of.offer]["provider"] == party:
            found["reservation", invoice.of.offer, f"{invoice.at}"] += invoice.net
    first, after = f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"
    there = session.all("SELECT account, amount FROM entries WHERE day >= ? AND day < ?", (first, after))
    coming = [(entry.account, entry.amount) for entry in fresh if first <= entry.day < after]
    for account, amount in (*there, *coming):
        kind, of, *line = str(account).split("/", 4)
        if (kind, of) == ("clause", party):
            found[("clause", *line)] += int(amount)
    return found
