"""Reconciling: a provider's bill beside the books, to the billionth, by offer, day and cause.

Owns: which part of a difference has which cause. What the bill's quantity would cost at our prices and under our
clauses (``BillRating``) stands between the two: what is billed above it is a matter of price, and what it is above the
books one of quantity. Days are those of the mapping's zone. Where all of a bill's days fit the books once our hours
are counted in another time zone, that is why they differ day by day. Not here: reading bills (``bill_rows``), and how
it is told (``report``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from detente.errors import FlawError
from detente.ledger.bill_mapping import BillMapping
from detente.ledger.bill_rating import BillRating
from detente.ledger.bill_rows import BadRow, BillReader, LikeRows, unreadable
from detente.ledger.books import Books
from detente.ledger.line import LineSum, summed
from detente.ledger.running import all_sums
from detente.ledger.store import Session
from detente.ledger.stored_lines import BILLED, use_lines
from detente.ledger.stretches import LocalClock, Stretches, days_of, local_clock
from detente.values.micros import DAY, HOUR

Cause = Literal["price", "quantity", "not on the books", "not on the bill", "rounding", "time zone", "not rated"]
CENT = 10_000_000
"""In billionths: no bill is rounded more than to the cent."""
ZONES = (*range(1, 15), *range(-1, -13, -1))
"""Hours that a time zone may be ahead of the mapping's."""
OfferDay = tuple[str, int]
"""An offer, and a day as microseconds since 1970."""


@dataclass
class BilledDay:
    """An offer on a day: what is billed, what its quantity would cost at our prices, what the books say; billionths."""

    rows: int = 0
    end: int = 0
    """The day after the last that its rows are for."""
    billed: int = 0
    rated: int = 0
    tokens: int = 0
    unrated: int = 0
    slack: int = 0
    """What its rounding may come to: half of the last digit of each of its rows."""
    own: int = 0
    """The same of ours, where its quantity is rated."""

    def add(self, other: BilledDay) -> None:
        """With the rows of another day."""
        self.rows, self.end = self.rows + other.rows, max(self.end, other.end)
        self.billed, self.rated = self.billed + other.billed, self.rated + other.rated
        self.tokens, self.unrated = self.tokens + other.tokens, self.unrated + other.unrated
        self.slack, self.own = self.slack + other.slack, self.own + other.own


class BookedUse(NamedTuple):
    """What the books say of an offer in a time: money, tokens, and what our own rounding of each use may come to."""

    money: int = 0
    tokens: int = 0
    slack: int = 0

    def plus(self, other: BookedUse) -> BookedUse:
        """With that of another time."""
        return BookedUse(self.money + other.money, self.tokens + other.tokens, self.slack + other.slack)

    @classmethod
    def of(cls, each: LineSum) -> BookedUse:
        """List price and what is taken off are rounded for each use, by half a billionth at most."""
        return cls(each.net, each.work, max(each.count, 1) * (1 + len(each.off)))


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more is billed than is on the books, of one offer on one day, for one cause; in billionths.

    Days for which the bill has rows of more than one day are one: ``2026-01-01 to 2026-01-31``.
    """

    offer: str
    day: str
    cause: Cause
    amount: int


@dataclass
class Reconciled:
    """A bill beside the books. ``differences`` add up to ``billed`` less ``booked``, to the billionth.

    ``rows`` were compared; ``zones`` says for which offers the bill counts days in which time zone; ``aside`` are rows
    that cannot be read, ``unmapped`` those for which there is no rule.
    """

    rows: int = 0
    billed: int = 0
    booked: int = 0
    differences: list[Difference] = field(default_factory=list)
    zones: dict[str, int] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)
    unmapped: int = 0
    unknown: int = 0

    @property
    def claims(self) -> list[Difference]:
        """What is billed above what was agreed or served: to be claimed, or explained by the provider."""
        wanted = ("price", "quantity", "not on the books")
        return [each for each in self.differences if each.amount > 0 and each.cause in wanted]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs but by rounding, or by the time zone in which days are counted; not of nothing."""
        return self.rows > 0 and all(each.cause in ("rounding", "time zone") for each in self.differences)


def reconcile(books: Books, mapping: BillMapping, paths: Sequence[Path]) -> Reconciled:
    """Hold a bill against what was served. Rows of bills on these books are left out: it would be held to itself."""
    found = Reconciled()
    bill = _billed(books, mapping, paths, found)
    if not bill:
        if not found.aside and not found.unmapped:
            found.aside.append("no row of the bill is compared, since rules skip all of them; correct the mapping")
        return found
    found.rows = sum(each.rows for each in bill.values())
    start, end = min(day for _, day in bill), max(each.end for each in bill.values())
    hours = _booked(books, {offer for offer, _ in bill}, start - DAY, end + DAY, local_clock(mapping.zone), found)
    for offer in sorted({offer for offer, _ in (*bill, *hours)}):
        mine = {day: each for (name, day), each in bill.items() if name == offer}
        ours = {hour: each for (name, hour), each in hours.items() if name == offer}
        found.differences += _of_offer(offer, mine, ours, (start, end), found)
    found.billed = sum(each.billed for each in bill.values())
    found.booked = found.billed - sum(each.amount for each in found.differences)
    return found


# -- what there is -----------------------------------------------------------------------------------------------------
def _billed(books: Books, mapping: BillMapping, paths: Sequence[Path], found: Reconciled) -> dict[OfferDay, BilledDay]:
    """The rows of a bill by offer and day; those of no offer of the case stand under what was sold."""
    rating, bill = BillRating(books.case, mapping), dict[OfferDay, BilledDay]()
    likes, local = LikeRows(), local_clock(mapping.zone)
    for path in paths:
        try:
            for row in BillReader(path, mapping, books.case.currency, likes).rows():
                if isinstance(row, BadRow):
                    found.aside.append(f"{path}:{row.row}:{row.column}: {row.what}")
                elif row.rule is None:
                    found.unmapped += 1
                elif not mapping.rules[row.rule].skip:
                    rule, line = mapping.rules[row.rule], rating.line(row)
                    name = rule.offer or rule.sold.get("product", "other")
                    start, end = local(row.start), local(row.end)
                    day = start - start % DAY
                    into = bill.setdefault((name, day), BilledDay())
                    into.rows += 1
                    into.end = max(into.end, day + days_of(start, end) * DAY)
                    into.billed += row.net
                    into.slack += _rounding(row.net)
                    if rule.tokens and not line.unknown:
                        into.rated += line.net
                        into.own += 1 + len(line.off)
                        into.tokens += line.work
                    else:
                        into.unrated += row.net
        except FlawError as error:
            found.aside += unreadable(error, path)
    likes.close()
    return bill


def _booked(
    books: Books, offers: set[str], start: int, end: int, local: LocalClock, found: Reconciled
) -> dict[tuple[str, int], BookedUse]:
    """What the books say of the same offers, and of all of the same providers, by the local hour."""
    case, hours = books.case, dict[tuple[str, int], BookedUse]()
    sellers = {offer.provider for offer in case.offers if offer.id in offers}
    wanted = {offer.id for offer in case.offers if offer.provider in sellers}
    with books.store.reading() as session:
        books.must_match(session)
        for each in _served(session):
            name = each.of.offer.get("offer", "")
            at = local(each.start)
            if each.of.kind == "use" and name in wanted and start <= at < end:
                found.unknown += each.unknown
                key = name, at - at % HOUR
                hours[key] = hours.get(key, BookedUse()).plus(BookedUse.of(each))
    return hours


def _served(session: Session) -> Iterator[LineSum]:
    """Every sum of lines without those of rows of bills."""
    billed = summed(use_lines(session, BILLED))
    for each in all_sums(session):
        of_bills = billed.get((each.of.body, each.start, each.end))
        if of_bills is not None:
            each.count, each.unknown = each.count - of_bills.count, each.unknown - of_bills.unknown
            each.net, each.work = each.net - of_bills.net, each.work - of_bills.work
        if each.count or each.unknown or each.net:
            yield each


def _rounding(amount: int) -> int:
    """How much an amount may have been rounded, by the digits that it is stated with; ours is, to a billionth."""
    digit = CENT
    while amount % digit:
        digit //= 10
    return max(1, digit // 2)


# -- causes ----------------------------------------------------------------------------------------------------------
def _of_offer(
    offer: str,
    bill: dict[int, BilledDay],
    hours: dict[int, BookedUse],
    span: tuple[int, int],
    found: Reconciled,
) -> Iterator[Difference]:
    """The differences of one offer, day by day."""
    stretches = Stretches((day, each.end) for day, each in bill.items())
    bill = _together(bill, stretches)
    ahead = _zone(bill, hours, stretches) if bill else 0
    if ahead:
        found.zones[offer] = ahead
    plain, shifted = (_by_day(hours, by, stretches) for by in (0, ahead))
    for day in sorted({*bill, *plain, *shifted}):
        if not span[0] <= day < span[1]:
            continue
        theirs, ours = bill.get(day, BilledDay()), shifted.get(day, BookedUse())
        named = stretches.name(day)
        for cause, amount in _causes(theirs, ours, booked=day in shifted):
            if amount:
                yield Difference(offer, named, cause, amount)
        if moved := ours.money - plain.get(day, BookedUse()).money:
            yield Difference(offer, named, "time zone", moved)


def _together(bill: dict[int, BilledDay], stretches: Stretches) -> dict[int, BilledDay]:
    """What is billed, by the first day of each stretch."""
    found: dict[int, BilledDay] = {}
    for day, each in bill.items():
        found.setdefault(stretches.first(day), BilledDay()).add(each)
    return found


def _causes(theirs: BilledDay, ours: BookedUse, *, booked: bool) -> Iterator[tuple[Cause, int]]:
    """What is billed above the books, in parts that add up to it.

    As many tokens come to the same but for rounding: each call's amounts are rounded, and each row's.
    """
    if not theirs.rows:
        yield "not on the bill", -ours.money
        return
    price, quantity = theirs.billed - theirs.unrated - theirs.rated, theirs.rated - ours.money
    rounding = 0
    if abs(price) <= theirs.slack:
        price, rounding = 0, price
    if theirs.tokens == ours.tokens and abs(quantity) <= theirs.own + ours.slack:
        quantity, rounding = 0, rounding + quantity
    yield "not rated", theirs.unrated
    yield "price", price
    yield "rounding", rounding
    yield "quantity" if booked else "not on the books", quantity


def _zone(bill: dict[int, BilledDay], hours: dict[int, BookedUse], stretches: Stretches) -> int:
    """How many hours ahead of UTC the bill counts its days; 0 where days fit as they are, or in no zone."""

    def fits(ahead: int) -> bool:
        ours = _by_day(hours, ahead, stretches)
        return all(ours.get(day, BookedUse()).tokens == theirs.tokens for day, theirs in bill.items())

    if fits(0) or len(bill) < 2:  # one day fits by chance
        return 0
    return next((ahead for ahead in ZONES if fits(ahead)), 0)


def _by_day(hours: dict[int, BookedUse], ahead: int, stretches: Stretches) -> dict[int, BookedUse]:
    """Hours by the day (the first of its stretch) in which they lie where clocks are so many hours ahead of UTC."""
    found: dict[int, BookedUse] = {}
    for hour, each in hours.items():
        local = hour + ahead * HOUR
        day = stretches.first(local - local % DAY)
        found[day] = found.get(day, BookedUse()).plus(each)
    return found
