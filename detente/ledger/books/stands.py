"""Where clauses stand: what each window asks, has drawn and has left, and where it is heading.

Owns: standings of the books as of a day, with what is unknown of them and what is expected by the window's end. Not
here: the rules (``Term.settle``), the estimate (``pace``), and how it is shown (``report``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from detente.case.counted_unit import counted_unit
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.meter import PAYMENTS, Meter
from detente.contract.metered.totals import Totals
from detente.contract.reach.scope import Selection
from detente.contract.reach.window import Calendar, Window
from detente.contract.settled.standing import CREDIT, Standing
from detente.contract.settling import settle_each, settled_with
from detente.contract.term import Term
from detente.errors import SettleError
from detente.ledger.books.books import Books
from detente.ledger.books.pace import WEEKS, UseRhythm
from detente.ledger.store.store import Session
from detente.ledger.use.line import LineSum, UseClass
from detente.ledger.use.purchases import unpaid
from detente.ledger.use.running_totals import by_day, unknown_sums
from detente.values.micros import at_micros, micros
from detente.values.zone import zone_of_clock


@dataclass(frozen=True, slots=True)
class Heading:
    """Where a window that runs is heading: what will be drawn by its end, and what that comes to in money owed then.

    ``worst`` is what is owed at the end of the range that costs more. ``saves`` is what a credit still pays of one unit
    more that counts.
    """

    drawn: Decimal
    low: Decimal
    high: Decimal
    owed: Decimal
    worst: Decimal
    saves: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ClauseStands:
    """A clause in one window, as of a day; ``unknown``: why nothing can be said, in place of a standing.

    ``unit`` is the name of that in which it counts, where that is known. ``uncounted`` is how many uses in the window
    are unknown that it counts, or may count.
    """

    term: str
    agreement: str
    since: datetime
    standing: Standing | None
    heading: Heading | None = None
    uncounted: int = 0
    unknown: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class BooksStand:
    """Where all clauses stand as of a day, and how many uses are unknown that no clause counts or may count.

    ``unpaid`` are reserved offers whose use counts without what was paid for it (``purchases.unpaid``).
    """

    as_of: datetime
    clauses: tuple[ClauseStands, ...]
    unknown: int
    unpaid: tuple[str, ...] = ()


def stands(books: Books, as_of: datetime, *, all_windows: bool = False, headings: bool = True) -> BooksStand:
    """Where the clauses of a case stand, in the windows that run; with ``all_windows`` in those that ended, too.

    Without ``headings`` it is read in less than half the time, and does not say where windows are heading.
    """
    with books.store.reading() as session:
        books.must_match(session)
        return stands_in(session, books, as_of, all_windows=all_windows, headings=headings)


def stands_in(
    session: Session, books: Books, as_of: datetime, *, all_windows: bool = False, headings: bool = True
) -> BooksStand:
    """The same in a view of the books that is open."""
    totals = books.as_of(session, as_of, paced_since=paced_since(as_of) if headings else None)
    unknown = [
        (each.of, at_micros(each.start), at_micros(each.end), each.unknown)
        for each in unknown_sums(session)
        if at_micros(each.start) < as_of
    ]
    first = books.first(session)
    since = first.date() if first is not None else None
    found = stands_by(books.terms, totals, as_of, unknown, since, all_windows=all_windows, headings=headings)
    lacking = unpaid(session, books.case, as_of, books.closed(session))
    return replace(_in_named_units(books, found), unpaid=lacking)


def stands_by(
    terms: Sequence[Term],
    totals: Totals,
    as_of: datetime,
    unknown: Sequence[UnknownUse] = (),
    since: date | None = None,
    *,
    all_windows: bool = False,
    headings: bool = True,
) -> BooksStand:
    """The same by totals that are kept elsewhere; headings need those by the day, too (``running.kept``).

    ``since``: from when on there is use, of whatever kind.
    """
    view = _View(terms, totals, as_of, unknown, since)
    found = tuple(view.clauses(all_windows=all_windows, headings=headings))
    return BooksStand(as_of, found, sum(count for *_, count in unknown))


def stands_as_closed(session: Session, books: Books, sums: Iterable[LineSum], as_of: datetime) -> BooksStand:
    """Where the clauses stood in all windows as of a day for which the books are closed (``late.sums_as_closed``)."""
    before = [each for each in sums if each.start < micros(as_of)]
    totals = Totals(books.totals.meters)
    for each in before:
        each.count_in(totals, until=micros(as_of))
    books.with_bought(session, totals, as_of, as_closed=True)
    unknown = [(s.of, at_micros(s.start), at_micros(s.end), s.unknown) for s in before if s.unknown]
    since = min((at_micros(each.start).date() for each in before), default=None)
    return _in_named_units(books, stands_by(books.terms, totals, as_of, unknown, since, all_windows=True))


def _in_named_units(books: Books, found: BooksStand) -> BooksStand:
    """The same, with the name of the unit in which each clause counts."""
    meters = {(t.validity.agreement, t.id, t.validity.start, m.name): m for t in books.terms for m in t.meters()}
    units: dict[Meter, str] = {}
    clauses = []
    for each in found.clauses:
        meter = meters.get((each.agreement, each.term, each.since, each.standing.meter)) if each.standing else None
        if meter is not None and meter not in units:
            units[meter] = counted_unit(books.case, meter) or ""
        clauses.append(each if meter is None else replace(each, unit=units[meter]))
    return replace(found, clauses=tuple(clauses))


def paced_since(as_of: datetime) -> datetime:
    """From when on the days are asked by which it is told where windows are heading."""
    return as_of - (7 * WEEKS + 1) * timedelta(1)


UnknownUse = tuple[UseClass, datetime, datetime, int]
"""Uses of one class and time of which it is not known how much they were, and how many there are."""


class _View:
    """The totals of a moment, and what is asked of them."""

    def __init__(
        self,
        terms: Sequence[Term],
        totals: Totals,
        as_of: datetime,
        unknown: Sequence[UnknownUse],
        since: date | None,
    ) -> None:
        self._terms, self._totals, self._as_of, self._unknown = terms, totals, as_of, unknown
        self._since = since
        self._rhythms: dict[Meter, UseRhythm | None] = {}
        self._made: dict[int, Sequence[Meter]] = {}
        self._days: dict[Calendar, list[Window]] = {}
        """By calendar, the last days: clauses that begin together have them together."""

    def clauses(self, *, all_windows: bool, headings: bool) -> Iterator[ClauseStands]:
        found = settle_each(self._terms, self._totals, NOTHING_DECIDED, self._as_of)
        for term, each in zip(self._terms, found, strict=True):
            agreement, since = term.validity.agreement, term.validity.start
            if isinstance(each, SettleError):
                yield ClauseStands(term.id, agreement, since, None, unknown=str(each))
                continue
            for standing in each.standings:
                if all_windows or not standing.ended:
                    heading = self._heading(term, standing) if headings and not standing.ended else None
                    yield ClauseStands(term.id, agreement, since, standing, heading, self._uncounted(term, standing))

    def _uncounted(self, term: Term, standing: Standing) -> int:
        """How many uses in a window are unknown that a clause counts, or may count."""
        meter = next((meter for meter in self._meters(term) if meter.name == standing.meter), None)
        inside = (u for u in self._unknown if u[1] < standing.end and u[2] >= standing.start)
        if meter is None:
            return 0
        return sum(count for of, _, _, count in inside if _may_cover(meter.selection, of))

    # -- where it is heading ---------------------------------------------------------------------------------------
    def _heading(self, term: Term, standing: Standing) -> Heading | None:
        """What is drawn and owed at a window's end, if use goes on as it went; None where that cannot be said yet."""
        own = next((m for m in self._meters(term) if m.name == standing.meter and m.measure not in PAYMENTS), None)
        rhythm = self._rhythm(own) if own is not None else None
        if standing.amount is None or rhythm is None or any(m.measure == "saved" for m in self._meters(term)):
            return None
        assert own is not None
        found = rhythm.over(self._now(own), standing.end)
        to_come = [more for each in self._settled_with(term) for more in self._to_come(each, standing.end)]
        ends = []
        for way in (found.expected, found.low, found.high):
            part = way / found.expected if found.expected else Fraction(1)
            ends.append(self._ended(term, standing, [(meter, at, more * part) for meter, at, more in to_come]))
        if any(end is None for end in ends):
            return None
        (drawn, owed), (low, one), (high, other) = (end for end in ends if end is not None)
        more = self._ended(term, standing, [*to_come, *self._one_more(term)]) if standing.role == CREDIT else None
        saves = owed - more[1] if more is not None else Decimal(0)
        return Heading(drawn, low, high, owed, max(owed, one, other), saves)

    def _meters(self, term: Term) -> Sequence[Meter]:
        """The meters of a clause, which it makes anew each time that it is asked."""
        found = self._made.get(id(term))
        if found is None:
            found = self._made[id(term)] = tuple(term.meters())
        return found

    def _one_more(self, term: Term) -> Iterator[tuple[Meter, int, Fraction]]:
        """One unit more in what runs now of each meter of a clause."""
        for meter in self._meters(term):
            if meter.measure not in PAYMENTS:
                yield from (
                    (meter, window.index, Fraction(1)) for window in meter.windows.over(self._as_of, self._as_of)
                )

    def _ended(
        self, term: Term, standing: Standing, to_come: Sequence[tuple[Meter, int, Fraction]]
    ) -> tuple[Decimal, Decimal] | None:
        """What would be drawn and owed at a window's end with so much more."""
        totals, terms = self._totals.expecting(to_come), self._settled_with(term)
        found = settle_each(terms, totals, NOTHING_DECIDED, standing.end)[terms.index(term)]
        if isinstance(found, SettleError):
            return None
        same = (standing.role, standing.meter, standing.window)
        return next(((s.drawn, s.owed) for s in found.standings if (s.role, s.meter, s.window) == same), None)

    def _settled_with(self, term: Term) -> list[Term]:
        """A clause, and those who pay before it what it counts."""
        return settled_with([term], {meter.measure for meter in self._meters(term)}, self._terms)

    def _to_come(self, term: Term, end: datetime) -> Iterator[tuple[Meter, int, Fraction]]:
        """What each meter of a clause is expected to count up to an end, window by window."""
        for meter in self._meters(term):
            rhythm = self._rhythm(meter)
            for window in meter.windows.over(self._as_of, end) if rhythm is not None else ():
                assert rhythm is not None
                start, until = max(window.start, self._now(meter)), min(window.end, end)
                yield meter, window.index, rhythm.expected(start, until)

    def _rhythm(self, meter: Meter) -> UseRhythm | None:
        """How what a meter counts went in the last weeks; None where that is not kept, not known, or too little."""
        if meter not in self._rhythms:
            found = self._counted(meter)
            self._rhythms[meter] = UseRhythm.of(*found, self._now(meter), self._since) if found is not None else None
        return self._rhythms[meter]

    def _now(self, meter: Meter) -> datetime:
        """The moment as of which it is asked, on the clock by which a meter's days begin."""
        return self._as_of.astimezone(zone_of_clock(meter.windows.first))

    def _counted(self, meter: Meter) -> tuple[dict[date, int], int] | None:
        """What a meter counted on each of the last days, over one denominator."""
        if meter.measure in PAYMENTS or meter.windows.every == "hour":
            return None
        days = meter if meter.windows.every == "day" else by_day(meter)
        windows = self._days.get(days.windows)
        if windows is None:
            windows = self._days[days.windows] = list(days.windows.over(paced_since(self._as_of), self._as_of))
        try:
            found, per = self._totals.over_one(days, windows)
        except SettleError:
            return None
        return {window.start.date(): amount for window, amount in zip(windows, found, strict=True)}, per


def _may_cover(selection: Selection, of: UseClass) -> bool:
    """Whether a clause covers use, or may: of an offer that the case lacks, only what the record states is known."""
    if "product" in of.offer:
        return selection.covers(of.demand, of.offer) is not False
    asked = [item for scope in selection.within for item in scope.wanted.items()]
    known = {**(of.demand or {}), **of.offer}
    return not any(key in known and known[key] not in values for key, values in asked)
