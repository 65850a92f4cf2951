"""Reconciling: a provider's bill beside the books, to the billionth, by offer, day and cause.

Owns: what is held against what. Tokens and hours are held against what was served, and of capacity that is reserved
against what stood idle, too: both together are what is paid. Invoices of a reservation are held against those that
follow from what the books hold as bought, month by month. Days are those of the mapping's zone. Not here: which part
of a difference has which cause (``difference``), reading bills (``bill_rows``), and how it is told (``report``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from math import ceil, gcd
from pathlib import Path
from zoneinfo import ZoneInfo

from detente.case.case import Case
from detente.case.invoices import rounding_of, stated_roundings
from detente.contract.settled.invoice_rounding import InvoiceRounding
from detente.errors import FlawError
from detente.ledger.bills.bill_currency import BillCurrencies
from detente.ledger.bills.bill_difference import PART, BilledDay, BookedUse, Difference, differences
from detente.ledger.bills.bill_files import BillCopies, apart
from detente.ledger.bills.bill_mapping import BillMapping, BillRule
from detente.ledger.bills.bill_rating import BillRating
from detente.ledger.bills.bill_rows import BadRow, BillReader, BillRow, unreadable
from detente.ledger.bills.bill_value import LATEST
from detente.ledger.bills.like_rows import LikeRows
from detente.ledger.bills.stretches import days_of, local_clock, moments, month_of
from detente.ledger.books.books import Books
from detente.ledger.store.store import Session
from detente.ledger.use.line import LineSum, summed
from detente.ledger.use.purchases import PurchaseInvoice, instalments_of, invoices, purchases
from detente.ledger.use.running_totals import all_sums
from detente.ledger.use.stored_lines import BILLED, SERVED, billed_rows, use_lines
from detente.ledger.use.sum_step import step_of, sum_step
from detente.market.invoicing import Invoiced
from detente.values.micros import DAY, HOUR, at_micros, micros

CENT = 10_000_000
"""In billionths: no bill is rounded more than to the cent, unless its agreement says so."""
OfferDay = tuple[str, int]
"""An offer, and a day as microseconds since 1970."""
HELD = ("use", "idle", "reserved")
"""The kinds of use that are paid by the offer: what is used, and what stands idle."""


@dataclass
class Reconciled:
    """A bill beside the books. ``differences`` add up to ``billed`` less ``booked``, to the billionth.

    ``rows`` were compared; ``zones`` says for which offers the bill counts days in which time zone; ``aside`` are rows
    that cannot be read, ``unmapped`` those for which there is no rule. ``days`` are the first and the last that were
    compared, and ``beyond`` is what the books hold of the same offers on other days of the same months. ``of_bills``
    counts the rows of bills on the books, of the same offers and days: they are left out. ``copies`` are what the
    command was given twice.
    """

    rows: int = 0
    billed: int = 0
    booked: int = 0
    differences: list[Difference] = field(default_factory=list)
    zones: dict[str, float] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)
    unmapped: int = 0
    unknown: int = 0
    days: tuple[str, str] = ("", "")
    beyond: int = 0
    of_bills: int = 0
    copies: BillCopies = field(default_factory=BillCopies)

    @property
    def claims(self) -> list[Difference]:
        """What is billed above what was agreed or served: to be claimed, or explained by the provider."""
        wanted = ("price", "exchange", "quantity", "not on the books")
        return [each for each in self.differences if each.amount > 0 and each.cause in wanted]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs but by rounding, or by the time zone in which days are counted; not of nothing."""
        return self.rows > 0 and all(each.cause in ("rounding", "time zone") for each in self.differences)


def reconcile(books: Books, mapping: BillMapping, paths: Sequence[Path]) -> Reconciled:
    """Hold a bill against what was served. Rows of bills on these books are left out: it would be held to itself."""
    found = Reconciled()
    bill = _Bill(books.case, mapping)
    files, found.copies = apart(paths)
    for path in files:
        bill.read(path, found)
    bill.likes.close()
    if not bill.days:
        if not found.aside and not found.unmapped:
            found.aside.append("no row of the bill is compared, since rules skip all of them; correct the mapping")
        return found
    found.days = f"{at_micros(bill.span[0]):%Y-%m-%d}", f"{at_micros(bill.span[1] - DAY):%Y-%m-%d}"
    found.rows = sum(each.rows for each in bill.days.values())
    with books.store.reading() as session:
        books.must_match(session)
        booked = _booked(session, books.case, bill, found, HOUR)
        by_parts = cache(partial(_booked, session, books.case, bill, Reconciled(), PART))  # once, for all that ask
        for offer in sorted({offer for offer, _ in (*bill.days, *booked)}):
            theirs = {day: each for (name, day), each in bill.days.items() if name == offer}
            span = bill.months if offer in bill.invoiced else bill.span
            finer = partial(_finer, offer, by_parts)
            found.differences += differences(offer, theirs, _of(offer, booked), span, found.zones, finer)
    found.billed = sum(each.billed for each in bill.days.values())
    found.booked = found.billed - sum(each.amount for each in found.differences)
    return found


# -- the bill ----------------------------------------------------------------------------------------------------------
class _Bill:
    """The rows of a bill by offer and day; those of no offer of the case stand under what was sold.

    ``invoiced`` are the offers whose rows are invoices of what is reserved: those go by the month in which they begin,
    however long they are for.
    """

    def __init__(self, case: Case, mapping: BillMapping) -> None:
        self._case, self._mapping = case, mapping
        self._rating, self.likes = BillRating(case, mapping), LikeRows()
        self._currencies = BillCurrencies(case, mapping)
        self.zone = ZoneInfo(mapping.zone)
        self.local, self.moment = local_clock(mapping.zone), moments(mapping.zone)
        invoiced = _invoiced(case, mapping)
        self.invoiced = frozenset(invoiced)
        self._arrears = {offer for offer, how in invoiced.items() if how == "in-arrears"}
        self._agreed = stated_roundings(case.declared.agreements)
        self._sellers = {offer.id: offer.provider for offer in case.offers}
        self.days: dict[OfferDay, BilledDay] = {}
        self._begin, self._end = LATEST, 0

    def read(self, path: Path, found: Reconciled) -> None:
        """Add the rows of a file; what is wrong with it is told."""
        reader = BillReader(path, self._mapping, self._currencies, self.likes)
        try:
            for row in reader.rows():
                if isinstance(row, BadRow):
                    found.aside.append(f"{path}:{row.row}:{row.column}: {row.what}")
                elif row.rule is None:
                    found.unmapped += 1
                elif not self._mapping.rules[row.rule].skip:
                    self._add(row, self._mapping.rules[row.rule])
        except FlawError as error:
            found.aside += unreadable(error, path)
        found.copies.add(reader.copies)

    def _add(self, row: BillRow, rule: BillRule) -> None:
        name = rule.offer or rule.sold.get("product", "other")
        start, end = self.local(row.start), self.local(row.end)
        day = start - start % DAY
        until = day + (DAY if name in self.invoiced else days_of(start, end) * DAY)
        self._begin, self._end = min(self._begin, day), max(self._end, until)
        if name in self.invoiced:
            day, until = month_of(day)
            if name in self._arrears and days_of(start, end) == 1:  # it is dated by when it is sent
                day, until = month_of(day - DAY)
        into = self.days.setdefault((name, day), BilledDay())
        into.rows += 1
        into.end = max(into.end, until)
        into.billed += row.net
        into.slack += ceil(_rounding(row.charged, self._stated(name, row.start)) * row.rate)
        if name in self.invoiced:  # a month's invoices are one, whatever they come to
            into.rated, into.taken = into.billed, 1
            return
        assert row.rule is not None
        into.rates.update(self._currencies.others(row.currency, row.rule, row.start))
        lines = self._rating.by_quantity(row)
        into.unrated += 0 if lines else row.net
        for line in lines:
            into.rated += line.net
            into.own += 1 + len(line.off)
            into.tokens += line.work if rule.tokens else 0
            into.cached, into.output = into.cached + line.tokens.cached, into.output + line.tokens.output
            into.taken += line.taken if rule.hours else 0

    def _stated(self, offer: str, at: int) -> InvoiceRounding | None:
        """How the seller of an offer rounds at a time, where an agreement says it."""
        seller, when = self._sellers.get(offer), at_micros(at)
        said = rounding_of(self._agreed, seller, when, when + timedelta.resolution) if seller else None
        return None if said is None else said.rounding

    @property
    def span(self) -> tuple[int, int]:
        """Its first day, and the day after its last."""
        return self._begin, self._end

    @property
    def months(self) -> tuple[int, int]:
        """The months in which its days lie, and those before, of which instalments in arrears are sent."""
        return month_of(month_of(self.span[0])[0] - DAY)[0], month_of(self.span[1] - DAY)[1]

    @property
    def around(self) -> tuple[int, int]:
        """The months in which its days lie, with a day before and after them: as moments."""
        first, last = month_of(self.span[0])[0], month_of(self.span[1] - DAY)[1]
        return self.moment(first - DAY), self.moment(last + DAY)

    def covers(self, offer: str, sent: int, day: int) -> bool:
        """Whether an invoice that is sent at a time, for what begins on a day, would be on it."""
        return self.span[0] <= sent < self.span[1] or (offer, month_of(day)[0]) in self.days


def _invoiced(case: Case, mapping: BillMapping) -> dict[str, Invoiced]:
    """The offers that are billed by invoices, and when: they say it, and no rule counts their hours."""
    by_hours = {rule.offer for rule in mapping.rules if rule.hours}
    told = ((offer.id, offer.invoicing) for offer in case.offers if offer.id not in by_hours)
    return {name: invoicing for name, invoicing in told if invoicing is not None}


def _rounding(amount: int, stated: InvoiceRounding | None) -> int:
    """How much an amount may have been rounded, by the digits that it is stated with; ours is, to a billionth.

    Where the agreement says how each line is rounded, and it is so, by that.
    """
    if stated is not None and stated.per == "line" and amount % stated.to == 0:
        return stated.to if stated.how == "up" else stated.to // 2
    digit = CENT
    while amount % digit:
        digit //= 10
    return max(1, digit // 2)


# -- the books ---------------------------------------------------------------------------------------------------------
def _of(offer: str, booked: Mapping[OfferDay, BookedUse]) -> dict[int, BookedUse]:
    return {at: each for (name, at), each in booked.items() if name == offer}


def _finer(offer: str, by_parts: Callable[[], Mapping[OfferDay, BookedUse]]) -> dict[int, BookedUse]:
    """What the books say of an offer, by the quarter of an hour."""
    return _of(offer, by_parts())


def _booked(session: Session, case: Case, bill: _Bill, found: Reconciled, by: int) -> dict[OfferDay, BookedUse]:
    """What the books say of the same offers, and of all of the same providers, by the local hour, or by less."""
    hours: dict[OfferDay, BookedUse] = {}
    named = {offer for offer, _ in bill.days}
    sellers = {offer.provider for offer in case.offers if offer.id in named}
    wanted = {offer.id for offer in case.offers if offer.provider in sellers}
    start, end = bill.span
    earliest, latest = month_of(start)[0], month_of(end - DAY)[1]
    found.of_bills = billed_rows(session, wanted, bill.moment(start), bill.moment(end))
    for each in _served(session, bill, by):
        name = each.of.offer.get("offer", "")
        at = bill.local(each.start)
        if each.of.kind not in HELD or name not in wanted - bill.invoiced:
            continue
        if earliest <= at < latest and not start <= at < end:
            found.beyond += each.net
        if start - DAY <= at < end + DAY:
            found.unknown += each.unknown
            key = name, at - at % by
            hours[key] = hours.get(key, BookedUse()).plus(BookedUse.of(each))
    bought = [each for each in purchases(session).elements() if each.offer in wanted & bill.invoiced]
    for invoice in invoices(case, bought, at_micros(0), at_micros(end + 366 * DAY)):
        at = bill.local(micros(_is_for(case, invoice)))
        day = at - at % DAY
        if bill.covers(invoice.of.offer, bill.local(micros(invoice.at)), day):
            key = invoice.of.offer, day + DAY // 2  # at noon: no time zone moves it
            before = hours.get(key, BookedUse())
            hours[key] = BookedUse(before.money + invoice.net, 0, 1, before.slack + 1)
    return hours


def _is_for(case: Case, invoice: PurchaseInvoice) -> datetime:
    """When the time begins that an invoice is for: of one in arrears, the month before it."""
    offer = next(each for each in case.offers if each.id == invoice.of.offer)
    if offer.invoicing != "in-arrears":
        return invoice.at
    return max(at for at in instalments_of(case, invoice.of, "monthly") if at < invoice.at)


def _served(session: Session, bill: _Bill, by: int) -> Iterator[LineSum]:
    """Every sum of lines without those of rows of bills; by the hour of a clock, or by less.

    Where days of the bill's zone begin within the times by which the ledger sums up, of the bill's months alone, from
    their lines.
    """
    since, until = bill.around
    there = sum_step(session)
    step = gcd(there, by, step_of([bill.zone], at_micros(since), at_micros(until)))
    if step < there:
        yield from summed(use_lines(session, f"{SERVED} AND start >= {since} AND start < {until}"), step).values()
        return
    billed = summed(use_lines(session, BILLED), there)
    for each in all_sums(session):
        of_bills = billed.get((each.of.body, each.start, each.end))
        if of_bills is not None:
            each.count, each.unknown = each.count - of_bills.count, each.unknown - of_bills.unknown
            each.net, each.work = each.net - of_bills.net, each.work - of_bills.work
            each.tokens = [a - b for a, b in zip(each.tokens, of_bills.tokens, strict=True)]
            each.taken -= of_bills.taken
        if each.count or each.unknown or each.net:
            yield each
