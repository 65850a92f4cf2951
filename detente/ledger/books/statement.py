"""A statement: all that is between us and a party in a time, line by line, from what was owed before to what is after.

Owns: gathering it from entries, and that it adds up. What a statement says of closed books stays true: what comes late
is booked, by name, in the first time that is open, and clauses are told to stand where they stood without it. Not here:
booking (``closing``), and how it is shown (``report``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from detente.contract.clause_text import SELF
from detente.contract.settled.standing import Standing
from detente.errors import LedgerError
from detente.ledger.books.books import Books
from detente.ledger.books.over_midnight import OverMidnight, over_midnight
from detente.ledger.books.pricing_currency import StatedUse, stated_use
from detente.ledger.books.stands import ClauseStands, stands_as_closed, stands_in
from detente.ledger.store.store import Session
from detente.ledger.use.known_purchases import KnownPurchases, told_purchases
from detente.ledger.use.late import sums_as_closed, sums_booked
from detente.ledger.use.line import LineSum
from detente.ledger.use.purchases import PurchaseInvoice, unpaid
from detente.ledger.use.running_totals import unknown_sums
from detente.values.micros import micros
from detente.values.period import moment

KINDS = ("use", "off", "clause", "rounding")
"""The accounts that what is owed to a party comes of, in the order of a statement."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A line: the kind of account, and what of it (an offer; an agreement, a clause and its part).

    ``adjusts`` is the closed period that it adjusts; ``amount``, how much more is owed by it, in whole billionths.
    """

    kind: str
    what: tuple[str, ...]
    adjusts: str
    amount: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What is between us and a party from a day up to another, which begin on the party's clock.

    Attributes
    ----------
    opening, closing
        What was owed before and is owed after, in whole billionths; payments are on no books here.
    closed
        When the time begins that is still open, at most the end; None: never. Later windows have not been settled.
    accruing
        What the party's clauses would come to if the windows that run ended now, as it was last booked.
    clauses
        Where its clauses stand at the end, in the windows of that time.
    past
        The same in every window up to the end.
    planned
        Where a plan has its clauses at the end of each window; empty where none is given.
    stated
        Use of offers that are priced in another currency, booked in that time: what it came to in that, at the rate of
        the day of use.
    invoices
        What the party invoices in that time of what is reserved, where its offers say when, with what of a closed time
        was told in it: what is owed grows with each hour that it is held, whenever that is invoiced.
    unknown
        How many uses before the end are of an amount or price that is not known, of what the party sold or may have.
    unpaid
        Its reserved offers whose use is in the statement without what was paid for it (``purchases.unpaid``), of a
        closed time as it was closed.
    over
        Use over its first or last midnight: clauses count more or less of it in that time than is booked.
    """

    party: str
    start: datetime
    end: datetime
    currency: str
    opening: int
    lines: tuple[StatementLine, ...]
    closing: int
    accruing: int
    closed: datetime | None
    clauses: tuple[ClauseStands, ...]
    past: tuple[ClauseStands, ...]
    unknown: int
    planned: tuple[Standing, ...] = ()
    stated: tuple[StatedUse, ...] = ()
    invoices: tuple[PurchaseInvoice, ...] = ()
    unpaid: tuple[str, ...] = ()
    over: tuple[OverMidnight, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the books are closed for all of it."""
        return self.closed is not None and self.end <= self.closed


def statement(
    books: Books, party: str, since: date, until: date, planned: Iterable[Standing] = (), now: datetime | None = None
) -> Statement:
    """The statement of a party from a day up to another, on its clock, beside where a plan has its clauses.

    ``now``: windows that end later run still, however long that day goes on; None: the last day is over.

    Raises LedgerError where its lines do not add up: the books were changed.
    """
    zone = books.clock(party)
    start, end = (moment(day, zone) for day in (since, until))
    with books.store.reading() as session:
        books.must_match(session)
        lines = tuple(_lines(session, party, start, end))
        opening, closing = (_owed(session, party, day) for day in (start, end))
        accruing = -sum(amount for account, _, amount in _entries(session, None, end) if account == f"accruals/{party}")
        closed = books.closed(session)
        settled = closed is not None and end <= closed
        lacking = unpaid(session, books.case, end, end if settled else closed, as_closed=settled)
        if settled:
            closed, sums = end, list(sums_as_closed(session, end))
            found = stands_as_closed(session, books, sums, end)
        else:
            sums, found = list(unknown_sums(session)), stands_in(session, books, min(end, now or end), all_windows=True)
        stated = stated_use(books.case, party, sums_booked(session, start, end))
        over = tuple(over_midnight(session, party, start, end))
        bought = KnownPurchases(books.case, told_purchases(session))
        facts, invoiced = books.case.offer_facts, [invoice for _, invoice in bought.invoiced(start, end)]
    if opening + sum(line.amount for line in lines) != closing:
        what = f"{books.store.url}: what is owed to `{party}` is not what its lines come to"
        raise LedgerError(f"{what}; `detente audit` finds what was changed")
    agreements = {term.validity.agreement for term in books.terms if term.validity.counterparty == party}
    own = (c for c in found.clauses if c.agreement in agreements)
    seen = tuple(c for c in own if c.standing is None or c.standing.start < end)
    inside = tuple(c for c in seen if c.standing is None or c.standing.end > start)
    return Statement(
        party, start, end, books.case.currency, opening, lines, closing, accruing, closed, inside, seen,
        _unknown(sums, party, end), tuple(planned), stated,
        tuple(i for i in invoiced if facts[i.of.offer].get("provider") == party),
        tuple(name for name in lacking if facts[name].get("provider") == party), over,
    )  # fmt: skip


def parties(books: Books) -> list[str]:
    """Everybody to whom anything was ever owed."""
    with books.store.reading() as session:
        rows = session.all("SELECT DISTINCT account FROM entries WHERE account LIKE 'owed/%' ORDER BY account")
        return [account.partition("/")[2] for (account,) in rows]


def _lines(session: Session, party: str, start: datetime, end: datetime) -> Iterator[StatementLine]:
    """The lines by account, those that adjust a closed period apart."""
    found: dict[tuple[int, str, str], int] = {}
    for account, adjusts, amount in _entries(session, start, end):
        kind, _, rest = account.partition("/")
        if kind in KINDS and rest.startswith(f"{party}/"):
            key = KINDS.index(kind), rest.removeprefix(f"{party}/"), adjusts
            found[key] = found.get(key, 0) + amount
    for (kind_at, rest, adjusts), amount in sorted(found.items(), key=lambda item: (item[0][2] != "", item[0])):
        if amount:
            yield StatementLine(KINDS[kind_at], tuple(rest.split("/")), adjusts, amount)


def _owed(session: Session, party: str, before: datetime) -> int:
    return -sum(amount for account, _, amount in _entries(session, None, before) if account == f"owed/{party}")


def _unknown(sums: Iterable[LineSum], party: str, before: datetime) -> int:
    """How many uses are in no sum: of a party's offers, and of those whose seller is not known; for oneself, all."""
    found = (each for each in sums if each.start < micros(before))
    return sum(each.unknown for each in found if party == SELF or each.of.offer.get("provider", party) == party)


def _entries(session: Session, start: datetime | None, end: datetime) -> Iterator[tuple[str, str, int]]:
    """Entries of some days: account, what they adjust, amount."""
    first = "" if start is None else f"{start:%Y-%m-%d}"
    rows = session.all(
        "SELECT account, adjusts, amount FROM entries WHERE day >= ? AND day < ?", (first, f"{end:%Y-%m-%d}")
    )
    return ((account, adjusts, int(amount)) for account, adjusts, amount in rows)
