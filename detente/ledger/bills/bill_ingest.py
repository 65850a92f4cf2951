"""Bills and exports of use onto the books: each row once, whatever file it comes in, rated by the case or as stated.

Owns: what a row comes to. Of a row whose quantity is tokens, what it costs is rated at the case's prices and clauses,
as a call would be; of any other it is what the provider states. What the provider states is kept with the row in any
case. Rows that cannot be read are set aside with their place; rows for which there is no rule are told, and not on the
books. Not here: reading rows (``bill_rows``), writing (``books``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from detente.errors import FlawError
from detente.ledger.bills.bill_currency import BillCurrencies
from detente.ledger.bills.bill_files import BillCopies, apart
from detente.ledger.bills.bill_mapping import BillMapping
from detente.ledger.bills.bill_rating import BillRating
from detente.ledger.bills.bill_rows import BadRow, BillReader, BillRow, KnownBy, unreadable
from detente.ledger.bills.booked_rows import written_time
from detente.ledger.bills.like_rows import LikeRows
from detente.ledger.bills.stretches import months_within
from detente.ledger.bills.taken_back import BookedRows, tokens_of
from detente.ledger.bills.unknown_rows import RatedRow, UnknownRows
from detente.ledger.books.books import AHEAD, Books, LedgerBatch
from detente.ledger.store.store import Session
from detente.ledger.use.line import UseLine
from detente.ledger.use.metering import BILLED
from detente.ledger.use.twice import OfferOnDay, days_of_no_bill, days_over
from detente.values.micros import DAY
from detente.values.money import of_nanos
from detente.values.quantity import plain

BATCH = 5_000
MAX_TOLD = 200


@dataclass
class BillIngested:
    """What became of rows. ``aside`` holds the first of those that were set aside, each with its place."""

    files: int = 0
    rows: int = 0
    added: int = 0
    again: int = 0
    skipped: int = 0
    unmapped: int = 0
    unmapped_net: int = 0
    first_unmapped: str = ""
    unknown: int = 0
    untaken: int = 0
    """Corrections of tokens of which the books hold less: they are set aside."""
    twice: int = 0
    """Rows of an offer on a day of which the books hold use that is of no bill."""
    first_twice: str = ""
    copies: BillCopies = field(default_factory=BillCopies)
    bad: int = 0
    net: int = 0
    aside: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether every row is on the books, or skipped by a rule."""
        return not (self.bad or self.unmapped or self.broken)


class BillIngest:
    """Reads bills into books."""

    def __init__(self, books: Books, mapping: BillMapping, batch: int = BATCH) -> None:
        self._books, self._mapping, self._size = books, mapping, batch
        self._rating, self._currencies = BillRating(books.case, mapping), BillCurrencies(books.case, mapping)
        self._routes: dict[str, int] = {}
        self._served: set[OfferOnDay] = set()
        self._known_by: set[KnownBy] = set()
        """By what the rows that are on the books are known."""

    def run(self, paths: Sequence[Path], at: datetime) -> BillIngested:
        """Read files: together they are one export. Raises LedgerError; what was read before is on the books."""
        with self._books.store.reading() as session:
            self._books.must_match(session)
            until = self._books.reached(session, at) + AHEAD
            self._served, self._known_by = days_of_no_bill(session), _known_by(session)
        found, likes = BillIngested(), LikeRows()
        files, found.copies = apart(paths)
        try:
            for path in files:
                found.files += 1
                self._file(path, likes, found, at, until)
        finally:
            likes.close()
        return found

    def _file(self, path: Path, likes: LikeRows, found: BillIngested, at: datetime, until: datetime) -> None:
        reader = BillReader(path, self._mapping, self._currencies, likes, until, self._known_by)
        rows, more = reader.rows(), True
        while more:
            some, broken = _next(rows, self._size)
            more = len(some) == self._size and broken is None
            if some:
                self._batch(path, some, reader.known_by, found, at)
            found.broken += unreadable(broken, path) if broken is not None else ()
        found.copies.add(reader.copies)

    def _batch(
        self, path: Path, rows: Sequence[BillRow | BadRow], known_by: KnownBy, found: BillIngested, at: datetime
    ) -> None:
        """Add some rows in one transaction."""
        told, routes = BillIngested(), dict(self._routes)
        with self._books.store.writing() as session:
            batch = LedgerBatch("bill")
            batch.asides += self._asides(session, path, [row for row in rows if isinstance(row, BadRow)], told)
            new = self._new(session, path, [row for row in rows if isinstance(row, BillRow)], told)
            rated = self._rated(session, path, new, batch, told)
            unknown, known = UnknownRows(session, rated), _known_text(known_by)
            for row, lines in rated:
                own = [unknown.met(row, line) for line in lines]
                self._add(session, batch, path, row, own, known, routes, told)
            self._books.write(session, batch, at)
        self._routes = routes
        for name in (
            "rows",
            "added",
            "again",
            "skipped",
            "unmapped",
            "unmapped_net",
            "unknown",
            "untaken",
            "twice",
            "bad",
            "net",
        ):
            setattr(found, name, getattr(found, name) + getattr(told, name))
        found.first_unmapped = found.first_unmapped or told.first_unmapped
        found.first_twice = found.first_twice or told.first_twice
        found.aside += told.aside[: MAX_TOLD - len(found.aside)]

    def _new(self, session: Session, path: Path, rows: Sequence[BillRow], told: BillIngested) -> Iterator[BillRow]:
        """The rows that are not on the books yet and have a rule."""
        told.rows += len(rows)
        keys = [key for row in rows for key in (row.key, *row.others)]
        there = {id for (id,) in session.among("SELECT id FROM calls WHERE id IN {these}", keys)}
        for row in rows:
            if row.rule is None:
                told.unmapped += 1
                told.unmapped_net += row.net
                told.first_unmapped = told.first_unmapped or f"{path}:{row.row}"
            elif self._mapping.rules[row.rule].no_use:
                told.skipped += 1
            elif not there.isdisjoint((row.key, *row.others)):
                told.again += 1
            else:
                yield row

    def _rated(
        self, session: Session, path: Path, new: Iterable[BillRow], batch: LedgerBatch, told: BillIngested
    ) -> list[RatedRow]:
        """What rows come to; of corrections, what they take back, as it was rated. Others of them are set aside."""
        rated = [(row, [part for line in self._rating.lines(row) for part in self._by_month(line)]) for row in new]
        booked, found, untaken = BookedRows(session, rated), list[RatedRow](), list[tuple[str, str]]()
        for row, lines in rated:
            own = booked.back(row, lines)
            found += own
            told.added -= max(0, len(own) - 1)  # one row, which stands on the books under several times
            if not own:
                what = f"it takes back {-tokens_of(lines):,} tokens, and the books hold less of that use in its time"
                untaken.append((f"{path}:{row.row}", f"{what}; give it again once the use is there, or with its time"))
        told.untaken += len(untaken)
        batch.asides += self._set_aside(session, untaken, told)
        return found

    def _asides(
        self, session: Session, path: Path, rows: Sequence[BadRow], told: BillIngested
    ) -> Iterator[tuple[str, str, bytes]]:
        """Rows that cannot be read, each once."""
        told.rows += len(rows)
        return self._set_aside(session, [(f"{path}:{row.row}:{row.column}", row.what) for row in rows], told)

    @staticmethod
    def _set_aside(
        session: Session, rows: Sequence[tuple[str, str]], told: BillIngested
    ) -> Iterator[tuple[str, str, bytes]]:
        """Rows that are not on the books, by their places, each once."""
        places = [place for place, _ in rows]
        there = {place for (place,) in session.among("SELECT place FROM asides WHERE place IN {these}", places)}
        for place, what in rows:
            told.bad += 1
            told.aside.append(f"{place}: {what}")
            if place not in there:
                there.add(place)
                yield place, what, b""

    def _by_month(self, line: UseLine) -> list[UseLine]:
        """A line of more than a day as one for each month on its seller's clock: each stands on the month's statement.

        Of what is not known, no part is.
        """
        if line.unknown or line.end - line.start <= DAY:
            return [line]
        seller = line.of.offer.get("provider", "")
        return line.cut(months_within(line.start, line.end, self._books.clock(seller)))

    # -- a row on the books ----------------------------------------------------------------------------------------
    def _add(
        self,
        session: Session,
        batch: LedgerBatch,
        path: Path,
        row: BillRow,
        lines: Sequence[UseLine],
        known: str,
        routes: dict[str, int],
        told: BillIngested,
    ) -> None:
        assert row.rule is not None
        text = f"{self._rating.routes[row.rule][:-1]},{known}}}"
        if text not in routes:
            routes[text] = _numbered(session, batch, text)
        number = routes[text]
        place = len(batch.calls)
        batch.calls.append((row.key, number, row.start, "billed", _body(path, row)))
        batch.lines += [(place, line) for line in lines]
        offer = self._mapping.rules[row.rule].offer
        if offer is not None and any((offer, day) in self._served for day in days_over(row.start, row.end)):
            told.twice += 1
            told.first_twice = told.first_twice or f"{path}:{row.row}"
        told.added += 1
        told.net += row.net
        told.unknown += next((line.count for line in lines if line.unknown), 0)


def _next(rows: Iterator[BillRow | BadRow], size: int) -> tuple[list[BillRow | BadRow], FlawError | None]:
    """The next rows, at most so many; and what keeps the file from being read any further, if anything does."""
    some: list[BillRow | BadRow] = []
    try:
        some.extend(islice(rows, size))
    except FlawError as error:
        return some, error
    return some, None


def _numbered(session: Session, batch: LedgerBatch, text: str) -> int:
    """A route's number, or a new one."""
    row = session.one("SELECT route FROM routes WHERE body = ?", (text,))
    if row is not None:
        return int(row[0])
    number = session.number("SELECT MAX(route) FROM routes") + len(batch.routes) + 1
    batch.routes.append((number, text))
    return number


def _known_by(session: Session) -> set[KnownBy]:
    """By what the rows of bills that are on the books are known: their routes say it."""
    rows = session.all(f"""SELECT body FROM routes WHERE body LIKE '{{"path":"{BILLED}"%'""")
    routes = [msgspec.json.decode(body) for (body,) in rows]
    stated = [{"columns": each["known_by"], **each.get("known_as", {})} for each in routes if each.get("known_by")]
    return {msgspec.convert(each, KnownBy) for each in stated}


def _known_text(known_by: KnownBy) -> str:
    """By what rows are known, as their route says it; of a ledger of before, ``known_by`` stands alone."""
    said = msgspec.to_builtins(known_by)
    columns, known_as = msgspec.json.encode(said.pop("columns")), msgspec.json.encode(said)
    return f'"known_by":{columns.decode()},"known_as":{known_as.decode()}'


def _body(path: Path, row: BillRow) -> str:
    """The row as the books keep it: its time, what its provider states, and where it was read."""
    found: dict[str, Any] = {"id": row.key, "at": written_time(row.start), "outcome": "billed"}
    stated = {"net": plain(of_nanos(row.net))} | ({} if row.listed is None else {"listed": plain(of_nanos(row.listed))})
    if row.rate != 1:
        stated |= {"charged": f"{plain(of_nanos(row.charged))} {row.currency}", "rate": str(row.rate)}
    if row.quantity is not None:
        stated["quantity"] = str(row.quantity)
    found |= {"stated": stated, "end": written_time(row.end), "row": f"{path.name}:{row.row}"}
    return msgspec.json.encode(found).decode()
