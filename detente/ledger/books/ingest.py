"""Ingest: journals into the books, each record once, however often and by however many it is read.

Owns: which records are new, and what is set aside. A record is known by its id; of one that comes again with other
content the first stays, and the other is set aside. What was read of a file is marked in the same transaction as its
records, so that wherever it is killed, the next run goes on from there. Not here: what a call used (``metering``),
writing it (``books``).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from detente.errors import JournalError
from detente.ledger.books.books import AHEAD, Books, LedgerBatch
from detente.ledger.caps.budgets import counted
from detente.ledger.caps.cap import BookedCall, holder_of
from detente.ledger.caps.clause_caps import CapCounts
from detente.ledger.caps.leasing import any_holder, count, holders
from detente.ledger.journals.file_mark import FileMark, unread
from detente.ledger.journals.frames import JournalFrame
from detente.ledger.journals.journal import files
from detente.ledger.journals.journal_reading import Trouble, worker_of
from detente.ledger.journals.record import CallRoute, EndAsRead, parted, read_end, read_route
from detente.ledger.store.store import Session, Store
from detente.ledger.use.metering import NO_END, Metering
from detente.ledger.use.stored_lines import read_lines
from detente.ledger.use.twice import OfferOnDay, days_of_bills
from detente.values.micros import DAY, EPOCH, micros
from detente.values.money import written

BATCH = 5_000
"""Records of one transaction."""


@dataclass
class Ingested:
    """What became of the records that were read."""

    files: int = 0
    records: int = 0
    calls: int = 0
    again: int = 0
    unknown: int = 0
    batches: int = 0
    aside: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    differing: int = 0
    differs: str = ""
    twice: int = 0
    """Calls of an offer on a day of which rows of bills are on the books, too."""
    freed: int = 0
    """Gateways that ended, of which what they had leased and not used is free since."""

    def add(self, more: Ingested) -> None:
        """What became of others."""
        for name in ("records", "calls", "again", "unknown", "batches", "differing", "twice", "freed"):
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.aside += more.aside
        self.troubles += more.troubles
        self.differs = more.differs or self.differs

    @property
    def whole(self) -> bool:
        """Whether every record that was read is on the books; a torn end is no record."""
        return not self.aside and all(trouble.torn for trouble in self.troubles)


def journals(paths: Iterable[Path]) -> list[Path]:
    """The files of folders, and files by themselves. Raises JournalError where a path holds no journal, and OSError."""
    found: list[Path] = []
    for path in paths:
        mine = files(path) if path.is_dir() else [path]
        if not mine:
            raise JournalError(path, "holds no journal; name a folder that `detente serve` wrote")
        found += mine
    return found


class Ingest:
    """Reads journals into books."""

    def __init__(self, books: Books, batch: int = BATCH) -> None:
        self._books, self._size = books, batch
        self._metering = Metering(books.case)
        self._caps = CapCounts(books.case)
        self._routes: dict[bytes, tuple[int, CallRoute]] = {}
        """Routes that are in the store, by their bytes."""
        self._now = EPOCH
        self._billed: set[OfferOnDay] | None = None
        """Of what rows of bills were on the books when it first read."""

    @property
    def store(self) -> Store:
        """Where the books are."""
        return self._books.store

    def run(self, paths: Iterable[Path], at: datetime, between: Callable[[], object] = lambda: None) -> Ingested:
        """Read all that is new in some files; ``at`` is the time that the batches state.

        ``between`` is called after each batch: whoever reads beside others lets them write, too.

        Raises LedgerError, and OSError where a file cannot be read: what was read before is on the books.
        """
        with self._books.store.reading() as session:
            self._books.must_match(session)
            self._now = self._books.reached(session, at)
            if self._billed is None:
                self._billed = days_of_bills(session)
        found = Ingested()
        due: dict[str, int] = {}
        for path in paths:
            found.files += 1
            with self._books.store.reading() as session:
                mark, items = unread(session, path, due.get(worker_of(path)))
            worker = worker_of(path)
            if mark.due is not None:  # of a file without a record that can be read, the next one's is due as before
                due[worker] = mark.due
            for some in _batches(items, self._size):
                mark = self._batch(some, mark, found, at)
                between()
                last = next((item.due for item in reversed(some) if isinstance(item, JournalFrame)), mark.due)
                if last is not None:
                    due[worker] = last
        return found

    def _batch(
        self, items: Sequence[JournalFrame | Trouble], mark: FileMark, found: Ingested, at: datetime
    ) -> FileMark:
        """Add some records of one file, and mark how far it was read."""
        told = Ingested()
        with _uncollected(), self._books.store.writing() as session:
            routes, billed = dict(self._routes), self._billed or set()
            adding = _Adding(session, mark.name, self._books, self._metering, routes, billed, self._now)
            adding.records([item for item in items if isinstance(item, JournalFrame)], told)
            adding.troubles([item for item in items if isinstance(item, Trouble)], mark.print, told)
            read = mark.past(items, adding.to_come)
            if read.tail and read.row != mark.row:
                adding.batch.reads.append(read.row)
                read.keep(session)
            told.batches = int(self._books.write(session, adding.batch, at) > 0)
            self._count(session, adding.booked)
            mark = read
        self._routes = adding.routes
        found.add(told)
        return mark

    def _count(self, session: Session, calls: Sequence[BookedCall]) -> None:
        """Note what replicas used of caps."""
        among = holders(session, {holder_of(call.id) for call in calls})
        if among:
            count(session, {**self._caps.of(calls, among), **counted(calls, among)})


@contextmanager
def _uncollected() -> Iterator[None]:
    """Time in which nothing looks for cycles of garbage: a batch makes none, and looking took a fifth of its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _batches(items: Iterable[JournalFrame | Trouble], size: int) -> Iterator[list[JournalFrame | Trouble]]:
    """So many at a time."""
    rest = iter(items)
    while True:
        with _uncollected():
            some = list(islice(rest, size))
        if not some:
            return
        yield some


class _ReadCall(msgspec.Struct, frozen=True, gc=False):
    """A record, read: where it stood, its route and that route's number, the bytes of its end, and what they say."""

    frame: JournalFrame
    number: int
    route: CallRoute
    body: bytes
    end: EndAsRead
    at: int


class _Adding:
    """A batch as it is put together, inside of its transaction."""

    def __init__(
        self,
        session: Session,
        file: str,
        books: Books,
        metering: Metering,
        routes: dict[bytes, tuple[int, CallRoute]],
        billed: Set[OfferOnDay],
        now: datetime,
    ) -> None:
        self._session, self._file, self._books = session, file, books
        self._metering, self.routes = metering, routes
        self._billed, self._now, self._until = billed, now, micros(now + AHEAD)
        self.to_come: set[int] = set()
        """Where records begin that are of a time to come: they are read again, and count once it has."""
        self.batch = LedgerBatch("ingest")
        self.booked: list[BookedCall] = []
        """The calls among it, for the caps that they drew on; none where no replica ever leased anything."""
        self._leased = any_holder(session)
        self._begun: set[str] = set()
        """Those of which it was on the books that they began."""

    def records(self, frames: Sequence[JournalFrame], told: Ingested) -> None:
        """Add those that are new."""
        told.records += len(frames)
        self._calls(self._new(list(self._read(frames, told)), told), told)

    def _read(self, frames: Sequence[JournalFrame], told: Ingested) -> Iterator[_ReadCall]:
        for frame in frames:
            try:
                route, body = parted(frame.payload)
                end = read_end(body)
                at = datetime.fromisoformat(end.at)
                if at.tzinfo is None:
                    raise ValueError(f"`{end.at}` states no zone")
                moment = micros(at)
                if moment > self._until:
                    self.to_come.add(frame.start)
                    what = f"it is of {end.at}, more than a day from now ({self._now:%Y-%m-%dT%H:%MZ})"
                    remedy = "see to the clocks: it counts once that has come"
                    self._aside(self._place(frame), f"{what}; {remedy}", body, told)
                    continue
                number, found = self.routes.get(route) or self._route(route)
                yield _ReadCall(frame, number, found, body, end, moment)
            except (msgspec.DecodeError, ValueError) as error:
                self._aside(self._place(frame), f"no record of this version: {error}", frame.payload, told)

    def _route(self, body: bytes) -> tuple[int, CallRoute]:
        """Find a route's number, or give it one."""
        found, text = read_route(body), body.decode()
        row = self._session.one("SELECT route FROM routes WHERE body = ?", (text,))
        if row is not None:
            number = int(row[0])
        else:
            number = self._session.number("SELECT MAX(route) FROM routes") + len(self.batch.routes) + 1
            self.batch.routes.append((number, text))
        self.routes[body] = number, found
        return number, found

    def _new(self, calls: Sequence[_ReadCall], told: Ingested) -> Iterator[_ReadCall]:
        """The records that are not on the books yet; of a stream, its end alone where that is there."""
        before = self._before([call.end.id for call in calls])
        ended: dict[str, bytes] = {id: body for (id, begun), body in before.items() if not begun}
        ends = {call.end.id for call in calls if call.end.outcome != "begun"}
        begun = {id for id, is_begun in before if is_begun}
        for call in calls:
            id, body = call.end.id, call.body
            if call.end.outcome == "begun":
                if id in ended or id in begun or id in ends:
                    told.again += id in begun
                    continue
                begun.add(id)
            elif id in ended:
                if ended[id] == body:
                    told.again += 1
                else:
                    self._aside(self._place(call.frame), f"another record of `{id}`, which is on the books", body, told)
                continue
            else:
                ended[id] = body
                if (id, True) in before:
                    self._take_back(id, told)
            yield call

    def _before(self, ids: Sequence[str]) -> dict[tuple[str, bool], bytes]:
        """What is on the books of some calls: by id, and whether it is a beginning."""
        rows = self._session.among("SELECT id, outcome, body FROM calls WHERE id IN {these}", ids)
        return {(id, outcome == "begun"): body.encode() for id, outcome, body in rows}

    def _take_back(self, id: str, told: Ingested) -> None:
        """Take back that what a call used is unknown, now that its end is there."""
        self._begun.add(id)
        batch, n = self._session.one("SELECT batch, n FROM calls WHERE id = ? AND outcome = 'begun'", (id,)) or (0, 0)
        for call, line in read_lines(self._session, int(batch), NO_END):
            if call == n:
                self.batch.lines.append((None, msgspec.structs.replace(line, count=-1)))
                told.unknown -= 1

    def _calls(self, calls: Iterable[_ReadCall], told: Ingested) -> None:
        """Add calls: what each used, and whether that costs what its record says."""
        rows, lines, metering = self.batch.calls, self.batch.lines, self._metering
        for call in calls:
            end, at, route = call.end, call.at, call.route
            place, used = len(rows), metering.lines(call.number, route, end, at)
            rows.append((end.id, call.number, at, end.outcome, call.body.decode()))
            for line in used:
                lines.append((place, line))
                if line.unknown:
                    told.unknown += 1
            if end.outcome != "begun":
                told.calls += 1
            if self._leased:
                self.booked.append(BookedCall(end.id, tuple(used), at, route.budgets, end.id not in self._begun))
            if self._billed:
                told.twice += (route.offer, at // DAY) in self._billed
            if end.cost is not None and used:
                first = used[0]
                if not first.unknown and not first.part and first.of.offer["product"] == "tokens":
                    cost = written(first.listed)
                    if cost != end.cost:
                        told.differing += 1
                        told.differs = told.differs or f"`{end.id}`: {end.cost} in the journal, {cost} by the case"

    # -- what is wrong ---------------------------------------------------------------------------------------------
    def troubles(self, found: Iterable[Trouble], print: str, told: Ingested) -> None:
        """Set aside what is wrong with a file, but for a torn end."""
        for trouble in found:
            told.troubles.append(trouble)
            if not trouble.torn:
                self._aside(f"{print} {trouble.why}", str(trouble), b"", told)

    def _place(self, frame: JournalFrame) -> str:
        """Where a record stands, for people."""
        return f"{self._file}: record {frame.number}"

    def _aside(self, place: str, why: str, payload: bytes, told: Ingested) -> None:
        """Keep what cannot be added, once."""
        there = self._session.one("SELECT 1 FROM asides WHERE place = ?", (place,))
        if there is None and all(place != other for other, _, _ in self.batch.asides):
            self.batch.asides.append((place, why, payload))
        if payload:
            told.aside.append(f"{place}: {why}")
