"""Closing: what clauses owe and give once their windows have ended, what is accruing, and what counted, as entries.

Owns: from settlements to entries, and from what is booked to what should be. Closing books the difference, so that
closing twice changes nothing; what was booked otherwise before (a record came late, a clause was amended, or taken out)
is reversed and booked anew, and the new entries name the window that they adjust. Each party's clauses are settled as
its own day begins, by which its statements end. Not here: the rules (``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.use import nanos
from detente.contract.settled.posting import Posting
from detente.contract.settled.settlement import Settlement
from detente.contract.settled.standing import Standing
from detente.contract.settling import settle_each
from detente.contract.term import Term
from detente.errors import LedgerError, SettleError
from detente.ledger.books.books import Books, LedgerBatch
from detente.ledger.books.entry import LedgerEntry, booked_on
from detente.ledger.books.idle import idle_lines
from detente.ledger.books.invoices import rounding_entries
from detente.ledger.store.store import Session
from detente.ledger.use.purchases import missing
from detente.ledger.use.running_totals import unknown_sums
from detente.results.plan_rows import Purchase
from detente.values.micros import MICRO, micros
from detente.values.period import midnight, moment, named

Booked = tuple[str, str, str]
"""What entries are about: the clause's window and part; the account; the unit."""


@dataclass(frozen=True)
class ClosedBooks:
    """What closing did: the batch (0: there was nothing to book), its entries, and the clauses that are not known.

    ``unmetered`` is how many uses before the day are of an amount or price that is not known: no clause counts them.
    ``gone`` are the clauses (agreement, id) that the case has no more, and of which what was booked was taken back.
    """

    batch: int
    entries: tuple[LedgerEntry, ...]
    unknown: tuple[tuple[str, str], ...]
    unmetered: int = 0
    gone: tuple[tuple[str, str], ...] = ()


def close(books: Books, as_of: datetime, at: datetime, held: Sequence[Purchase] = ()) -> ClosedBooks:
    """Book what clauses come to as of a day, after what stood idle of the capacity that is ``held``.

    Raises LedgerError where the books are closed for a later day already, and where the day is still to come.
    """
    with books.store.writing() as session:
        books.must_match(session)
        before = books.closed(session)
        _must_be_open(books.store.url, as_of, before)
        if as_of > at:
            _must_have_passed(books, as_of, max(at, books.begun(session) or at))
        clock = books.case.declared.horizon.clock  # a saved plan says of a moment how far it is from UTC, and no clock
        held = [replace(p, start=p.start.astimezone(clock), end=p.end.astimezone(clock)) for p in held]
        idle = LedgerBatch("idle", lines=[(None, line) for line in idle_lines(session, books, held, as_of)])
        idle.purchases += missing(session, held, as_of)
        books.write(session, idle, at)
        pairs = list(_settled(session, books, as_of))
        batch = LedgerBatch("close", closings=[] if before == as_of else [micros(as_of)])
        batch.entries += _differences(session, books, pairs, as_of, before)
        batch.entries += list(rounding_entries(session, books, batch.entries, as_of, before))
        booked = tuple(batch.entries)
        number = books.write(session, batch, at)
        unmetered = sum(each.unknown for each in unknown_sums(session) if each.start < micros(as_of))
    unknown = tuple((term.id, str(each)) for term, each in pairs if isinstance(each, SettleError))
    return ClosedBooks(number, booked, unknown, unmetered, _gone(books, booked))


def _settled(session: Session, books: Books, as_of: datetime) -> Iterator[tuple[Term, Settlement | SettleError]]:
    """What each clause comes to when the day began on the clock of its party: it has no part in what was used since."""
    begun = [midnight(as_of, books.clock(term.validity.counterparty)) for term in books.terms]
    found = {at: settle_each(books.terms, books.as_of(session, at), NOTHING_DECIDED, at) for at in {*begun}}
    for n, (term, at) in enumerate(zip(books.terms, begun, strict=True)):
        yield term, found[at][n]


def _gone(books: Books, booked: Iterable[LedgerEntry]) -> tuple[tuple[str, str], ...]:
    """The clauses of entries that are none of the case's, by agreement and id."""
    there = {(term.validity.agreement, term.id) for term in books.terms}
    lines = (e.account.split("/") for e in booked if e.account.startswith(("clause/", "accrued/", "drawn/")))
    return tuple(sorted({(of, term) for _, _, of, term, *_ in lines} - there))


def _must_be_open(url: str, as_of: datetime, before: datetime | None) -> None:
    if before is not None and as_of < before:
        what = f"{url}: the books are closed up to {before:%Y-%m-%d}, and not only to {as_of:%Y-%m-%d}"
        raise LedgerError(f"{what}; close them for a later day: what came late is booked as an adjustment then")


def _must_have_passed(books: Books, as_of: datetime, now: datetime) -> None:
    """Fees of windows that still run would be owed for use that is to come, and no earlier day could be closed."""
    if as_of > now:
        what = f"{books.store.url}: {as_of:%Y-%m-%d} is still to come, and what is closed is not opened again"
        raise LedgerError(f"{what}; close the books for {books.begun_by(now):%Y-%m-%d} or an earlier day")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An amount as it should stand, and of which window."""

    amount: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class _Booked:
    """What stands on the books of something: the amount, its first day, and the closed period that it adjusts."""

    amount: int
    day: str
    adjusts: str


_NOT_BOOKED = _Booked(0, "", "")


def _differences(
    session: Session,
    books: Books,
    pairs: Sequence[tuple[Term, Settlement | SettleError]],
    as_of: datetime,
    closed: datetime | None,
) -> Iterator[LedgerEntry]:
    """What must be booked so that the books say what clauses come to, and nothing of those that the case has no more.

    Of those that are not known nothing is booked, and what is stays: of a clause that is not known in one of its texts,
    what was booked of a text that the case has no more, too.
    """
    wanted: dict[Booked, _Wanted] = {}
    booked: dict[Booked, _Booked] = {}
    for term, each in pairs:
        if isinstance(each, Settlement):
            begun = midnight(as_of, books.clock(term.validity.counterparty))
            for key, found in _amounts(term, each, books.case.currency, begun):
                before = wanted[key].amount if key in wanted else 0
                wanted[key] = replace(found, amount=before + found.amount)
    known = {_clause(term) for term, each in pairs if isinstance(each, Settlement)}
    unknown = {term.id for term, each in pairs if isinstance(each, SettleError)}
    for key, there in _booked(session).items():
        of = key[0].partition("/")[0]
        if of in known or of.partition("@")[0] not in unknown:
            booked[key] = there
    for key in sorted({*wanted, *booked}):
        should, there = wanted.get(key), booked.get(key, _NOT_BOOKED)
        amount = should.amount if should else 0
        if amount != there.amount:
            about, account, unit = key
            zone = books.clock(account.split("/")[1])
            day, late = (
                _taken_back_on(there, closed, zone) if should is None else _booked_on(should, as_of, closed, zone)
            )
            sides = [side for side in (-there.amount, amount) if side]
            yield from (LedgerEntry(day, account, unit, side, about, late) for side in sides)


def _booked_on(should: _Wanted, as_of: datetime, closed: datetime | None, zone: tzinfo) -> tuple[str, str]:
    """The last day of a window, or of what has come of it; what is late, on the first day that is open, by name."""
    end = min(should.end.astimezone(UTC), midnight(as_of, zone))
    if closed is not None and end <= midnight(closed, zone):
        return f"{closed.astimezone(zone):%Y-%m-%d}", named(should.start, should.end)
    return f"{(end - MICRO).astimezone(zone):%Y-%m-%d}", ""


def _taken_back_on(there: _Booked, closed: datetime | None, zone: tzinfo) -> tuple[str, str]:
    """Where what was booked is taken back of which nothing is left: its day, or that of what is late, by its name."""
    day, late = booked_on(moment(date.fromisoformat(there.day), zone), closed, zone)
    return day, there.adjusts or late


def _booked(session: Session) -> Mapping[Booked, _Booked]:
    """What stands on the books, of what is about clauses."""
    found: dict[Booked, _Booked] = {}
    for subject, account, unit, amount, day, adjusts in session.all(
        "SELECT subject, account, unit, amount, day, adjusts FROM entries WHERE subject <> '' ORDER BY batch, n"
    ):
        before = found.get((subject, account, unit), _NOT_BOOKED)
        first = before.day or day
        found[subject, account, unit] = _Booked(before.amount + int(amount), first, adjusts or before.adjusts)
    return found


def _clause(term: Term) -> str:
    """A clause, as entries name it: an amended one is several."""
    return f"{term.id}@{term.validity.start:%Y-%m-%d}"


def _amounts(term: Term, found: Settlement, currency: str, as_of: datetime) -> Iterator[tuple[Booked, _Wanted]]:
    """What a clause comes to, each amount twice, so that it adds up to nothing.

    What no longer accrues is stated too, as nothing: it is taken back on the last day of its window. A window that
    begins on the day has no part in the time that is closed.
    """
    party = term.validity.counterparty
    of = f"{party}/{term.validity.agreement}/{term.id}"
    for p in found.postings:
        if not p.in_spend:
            about = f"{_clause(term)}/{p.part}/{p.window}"
            yield from _pair((about, f"clause/{of}/{p.part}", currency), f"owed/{party}", p.amount, p)
    for stands in (each for each in found.standings if each.start < as_of):
        about = f"{_clause(term)}/{stands.role}/{stands.meter}/{stands.window}"
        if not _in_spend(term, stands):
            key = f"{about}/accruing", f"accrued/{of}/{stands.role}", currency
            yield from _pair(key, f"accruals/{party}", stands.accruing, stands)
        if stands.drawn:
            key = f"{about}/drawn", f"drawn/{of}/{stands.meter}", currency if stands.unit == "money" else stands.unit
            yield from _pair(key, f"counted/{of}/{stands.meter}", stands.drawn, stands)


def _pair(key: Booked, other: str, amount: Decimal, of: Posting | Standing) -> Iterator[tuple[Booked, _Wanted]]:
    yield key, _Wanted(nanos(amount), of.start, of.end)
    yield (key[0], other, key[2]), _Wanted(-nanos(amount), of.start, of.end)


def _in_spend(term: Term, stands: Standing) -> bool:
    """Whether what accrues is off the price of use, and booked with it."""
    return any(meter.name == stands.meter and meter.measure == "off" for meter in term.meters())
