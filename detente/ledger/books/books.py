"""The books: a case's ledger in a store, to which whole batches are added and nothing else.

Owns: writing a batch (its rows with their marks, the sums and totals that follow from them, its hash) in a transaction
that is already open. Not here: where lines come from (``ingest``), what clauses owe (``closing``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from detente.case.agreement import clocks
from detente.case.case import Case
from detente.contract.metered.totals import Totals
from detente.contract.term import Term
from detente.errors import LedgerError
from detente.ledger.books.entry import LedgerEntry, balanced, of_use
from detente.ledger.store.store import Session, Store, big, bigs
from detente.ledger.use.late import note_late
from detente.ledger.use.line import LineSum, UseLine, summed
from detente.ledger.use.purchases import PurchaseRow, counted, purchases, told
from detente.ledger.use.running_totals import SUM_COLUMNS, SUM_KEY, RunningTotals, all_sums, kept, own, sum_of
from detente.ledger.use.sum_step import noted_step, step_of, sum_step, summing_clocks, summing_step
from detente.values.micros import MINUTE, at_micros, micros
from detente.values.period import moment

_JSON = msgspec.json.Encoder().encode
AHEAD = timedelta(days=1)
"""How far use may be ahead of whoever puts it on the books: clocks differ, and so do time zones. What is further ahead
is of a clock that is wrong: on the books, it would let windows be closed that are still to come."""


@dataclass
class LedgerBatch:
    """What one transaction adds.

    A call is its id, its route, when it was, how it ended, and its own part of the record; a line stands beside the
    call (by its place in the batch) that it is of.
    """

    kind: str
    calls: list[tuple[str, int, int, str, str]] = field(default_factory=list)
    lines: list[tuple[int | None, UseLine]] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    asides: list[tuple[str, str, bytes]] = field(default_factory=list)
    closings: list[int] = field(default_factory=list)
    routes: list[tuple[int, str]] = field(default_factory=list)
    purchases: list[PurchaseRow] = field(default_factory=list)
    reads: list[tuple[str, str, int, int, str]] = field(default_factory=list)
    """How far files were read: as ``FileMark`` says it."""

    @property
    def empty(self) -> bool:
        """Whether it would add nothing."""
        rows = self.calls or self.lines or self.entries or self.asides or self.closings or self.purchases or self.reads
        return not rows


class Books:
    """A case's ledger."""

    def __init__(self, store: Store, case: Case, terms: Sequence[Term] | None = None) -> None:
        self.store, self.case = store, case
        self.terms = case.signed if terms is None else tuple(terms)
        """The clauses that are settled: those of the case, with windows of their own."""
        self._own, self.totals = own(self.terms), RunningTotals(kept(self.terms))
        self._clocks = clocks(case.declared.agreements)
        self._step = summing_step(case)
        self._stood: dict[str, list[tuple[int, int, str]]] = {}
        """Of each clause, from when to when it stood in which agreement."""
        for term in self.terms:
            v = term.validity
            self._stood.setdefault(term.id, []).append((micros(v.start), micros(v.end), v.agreement))

    def agreement_of(self, term: str, at: int) -> str:
        """The agreement in which a clause stood at a stored moment: an amended one has stood in several."""
        own = self._stood.get(term, [(0, 0, "unknown")])
        if len(own) == 1:
            return own[0][2]
        return next((agreement for start, end, agreement in own if start <= at < end), own[-1][2])

    def clock(self, party: str) -> tzinfo:
        """On whose clock a party's days begin: that of its agreements where it is one; else UTC."""
        return self._clocks.get(party, UTC)

    def begins(self, day: date) -> datetime:
        """When a day has begun for every party, and on the clock of UTC."""
        return max(moment(day, zone).astimezone(UTC) for zone in self._zones)

    def begun_by(self, at: datetime) -> date:
        """The last day that had begun for every party at a moment."""
        return min(at.astimezone(zone).date() for zone in self._zones)

    @property
    def _zones(self) -> set[tzinfo]:
        return {UTC, *self._clocks.values()}

    # -- what there is -------------------------------------------------------------------------------------------
    def closed(self, session: Session) -> datetime | None:
        """The day up to which the books are closed."""
        found = session.one("SELECT MAX(as_of) FROM closings")
        return at_micros(int(found[0])) if found is not None and found[0] is not None else None

    def last(self, session: Session) -> datetime | None:
        """The end of the latest use that is on the books."""
        found = session.one("SELECT value FROM facts WHERE name = 'last'")
        return at_micros(int(found[0])) if found is not None else None

    def reached(self, session: Session, at: datetime) -> datetime:
        """The latest moment that is known to have come: the clock's, that of the last batch, or the day of closing."""
        last = session.one("SELECT at FROM batches ORDER BY batch DESC LIMIT 1")
        known = [at, datetime.fromisoformat(str(last[0])) if last is not None else at, self.closed(session) or at]
        return max(known)

    def begun(self, session: Session) -> datetime | None:
        """When the latest use on the books began; what is billed by the month or the year ends later."""
        found = session.number("SELECT MAX(start) FROM sums")
        return at_micros(found) if found else None

    def come(self, at: datetime) -> datetime:
        """The latest moment that has come for whoever asks: by the clock, by the books, and by the use on them."""
        with self.store.reading() as session:
            return max(self.reached(session, at), self.begun(session) or at)

    def first(self, session: Session) -> datetime | None:
        """The beginning of the earliest use that is on the books; None where a version before this wrote them."""
        found = session.one("SELECT value FROM facts WHERE name = 'first'")
        return at_micros(int(found[0])) if found is not None else None

    def as_of(self, session: Session, day: datetime, *, paced_since: datetime | None = None) -> Totals:
        """The totals of all use before a day, as far as it is on the books; with those by the day from a day on.

        Of what goes on after it (a row of a bill), the part before it.
        """
        last = self.last(session)
        if last is None or last < day:
            return self.with_bought(session, self.totals.read(session, self.totals.asked(self._own, paced_since)), day)
        found = Totals(self.totals.meters)
        for each in all_sums(session):
            each.count_in(found, until=micros(day))
        return self.with_bought(session, found, day)

    def with_bought(self, session: Session, totals: Totals, day: datetime, *, as_closed: bool = False) -> Totals:
        """Let totals count what was reserved before a day, in the clauses that do so when it is bought or invoiced.

        Where some of what is reserved and used is not on the books as bought, they do not know it. ``as_closed``: what
        was on the books when they were closed for the day.
        """
        moments = {meter.moment for meter in self._own} - {"use"}
        if not moments:
            return totals
        known = list(purchases(session, day if as_closed else None).elements())
        if told(session, known):
            totals.tell(counted(self.case, known, moments, day), self._own)
        return totals

    def length(self, session: Session) -> int:
        """How many batches there are: more, once anything was added."""
        return session.number("SELECT MAX(batch) FROM batches")

    def must_match(self, session: Session) -> None:
        """Raise LedgerError where the ledger is of another case than this, in another currency, or sums too coarsely.

        A case is known by its `name`: whatever else of it is amended, it stays the same.
        """
        if what := self.mismatch(session):
            raise LedgerError(what)

    def mismatch(self, session: Session) -> str:
        """How the case whose ledger it is differs from this; nothing where it does not, or is not noted."""
        found = {str(name): str(value) for name, value in session.all("SELECT name, value FROM facts")}
        case, currency = found.get("case") or self.case.declared.name, found.get("currency") or self.case.currency
        if currency != self.case.currency:
            what = f"{self.store.url}: the ledger is in {currency}, and the case in {self.case.currency}"
            return f"{what}; keep a ledger for each"
        if case != self.case.declared.name:
            what = f"{self.store.url}: the ledger is of the case `{case}`, and this is `{self.case.declared.name}`"
            return f"{what}; keep a ledger for each, or leave the `name` of the case as it was"
        if "last" in found and self._step % (there := sum_step(session)):
            horizon = self.case.declared.horizon
            within = [z for z in summing_clocks(self.case) if step_of([z], horizon.opens, horizon.closes) % there]
            what = f"{self.store.url}: its use is summed by {there // MINUTE} minutes, and days begin within them"
            what += f" on the clock of {', '.join(sorted(map(str, within)))}"
            return f"{what}; make a ledger anew of the same journals and bills, or leave the `zone` as it was"
        return ""

    # -- adding ----------------------------------------------------------------------------------------------------
    def post(self, lines: Iterable[UseLine], at: datetime, kind: str = "use") -> None:
        """Add lines of use that come from no journal, as one batch."""
        with self.store.writing() as session:
            self.write(session, LedgerBatch(kind, lines=[(None, line) for line in lines]), at)

    def write(self, session: Session, batch: LedgerBatch, at: datetime) -> int:
        """Add a batch; returns its number. One that is empty is not added.

        Its entries are balanced here: those of its lines are made of them, and the others must be.
        """
        self.must_match(session)
        if batch.empty:
            return 0
        sums = summed((line for _, line in batch.lines), noted_step(session, self._step))
        money = [each for each in sums.values() if each.known]
        closed = self.closed(session)
        batch.entries += of_use(money, self.agreement_of, self.clock, self.case.currency, closed)
        assert balanced(batch.entries), "a batch's entries add up to nothing"
        classes, fresh = _classes(session, (key[0] for key in sums))
        rows = self._rows(batch, classes, fresh)
        number = session.append((batch.kind, f"{at:%Y-%m-%dT%H:%M:%SZ}", self.case.hash), rows)
        note_late(session, number, [line.start for _, line in batch.lines], closed)
        self.totals.catch_up(session, number - 1)
        self._sum(session, sums, classes)
        self.totals.add(session, money, number)
        self._note_times(session, sums)
        self._note_case(session)
        return number

    def _note_case(self, session: Session) -> None:
        """Note whose ledger it is; one of a version that did not is this case's from now on."""
        for fact in (("currency", self.case.currency), ("case", self.case.declared.name)):
            session.run(
                "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name)"
                " DO UPDATE SET value = excluded.value WHERE facts.value = ''",
                fact,
            )

    def _note_times(self, session: Session, sums: Iterable[tuple[str, int, int]]) -> None:
        """Note the earliest and the latest use that is on the books, so that nobody has to look for it."""
        times = {(start, end) for _, start, end in sums}
        if not times:
            return
        first, last = min(times)[0], max(end for _, end in times)
        for name, at, way in (("first", first, "<"), ("last", last, ">")):
            session.run(
                f"INSERT INTO facts (name, value) VALUES ('{name}', ?) ON CONFLICT (name) DO UPDATE"
                f" SET value = excluded.value WHERE {at} {way} CAST(facts.value AS BIGINT)",
                (str(at),),
            )

    def _rows(self, batch: LedgerBatch, classes: dict[str, int], fresh: list[str]) -> dict[str, list[Sequence[Any]]]:
        """The rows of each table, in the order of its columns, each amount as it is stored."""
        return {
            "routes": [(number, body) for number, body in batch.routes],
            "classes": [(classes[body], body) for body in fresh],
            "calls": list(batch.calls),
            "lines": [_line_row(call, classes[line.of.body], line) for call, line in batch.lines],
            "entries": [(e.day, e.account, e.unit, big(e.amount), e.subject, e.adjusts) for e in batch.entries],
            "asides": list(batch.asides),
            "closings": [(as_of,) for as_of in batch.closings],
            "purchases": list(batch.purchases),
            "reads": list(batch.reads),
        }

    def _sum(self, session: Session, sums: dict[tuple[str, int, int], LineSum], classes: dict[str, int]) -> None:
        """Add to the sums of lines by class and time."""
        keys = {(classes[body], start, end): more for (body, start, end), more in sums.items()}
        columns = ", ".join((*SUM_KEY, *SUM_COLUMNS))
        newest = _newest(session, {key[0] for key in keys})
        asked = [key for key in keys if key[1] <= newest.get(key[0], key[1] - 1)]
        for of, start, end, *row in session.keyed(columns, "sums", SUM_KEY, asked):
            key = of, start, end
            keys[key] = sum_of(keys[key].of, (start, end, *row)).merge(keys[key])
        session.put("sums", SUM_KEY, (*SUM_KEY, *SUM_COLUMNS), [(*key, *_sum_row(each)) for key, each in keys.items()])


def must_be_of(store: Store, case: Case) -> None:
    """Raise LedgerError where a ledger is of another case, as ``Books.must_match`` says."""
    with store.reading() as session:
        Books(store, case, ()).must_match(session)


def _classes(session: Session, bodies: Iterable[str]) -> tuple[dict[str, int], list[str]]:
    """The numbers of classes, and those of them that are new."""
    wanted = list(dict.fromkeys(bodies))
    found = {body: int(n) for n, body in session.among("SELECT class, body FROM classes WHERE body IN {these}", wanted)}
    fresh = [body for body in wanted if body not in found]
    last = session.number("SELECT MAX(class) FROM classes") if fresh else 0
    return {**found, **{body: last + 1 + n for n, body in enumerate(fresh)}}, fresh


def _newest(session: Session, classes: Iterable[int]) -> dict[int, int]:
    """From when on the last sum of each of some classes is: what is later has none yet, and need not be looked for."""
    latest = "(SELECT MAX(start) FROM sums WHERE sums.class = classes.class)"
    rows = session.among(f"SELECT class, {latest} FROM classes WHERE class IN {{these}}", list(classes))
    return {int(of): int(start) for of, start in rows if start is not None}


def _line_row(call: int | None, number: int, line: UseLine) -> tuple[Any, ...]:
    used = line.tokens
    off = _JSON(line.off).decode() if line.off else ""
    return (
        call, line.part, number, line.start, line.end, line.count, line.unknown,
        used.input, used.cached, used.written, used.output, used.reasoning,
        *bigs(line.work, line.taken, line.listed, line.net, line.revenue), off,
    )  # fmt: skip


def _sum_row(whole: LineSum) -> tuple[Any, ...]:
    off = _JSON([(*key, str(amount)) for key, amount in sorted(whole.off.items())]).decode() if whole.off else "[]"
    amounts = bigs(whole.work, whole.taken, whole.listed, whole.net, whole.revenue)
    return whole.count, whole.unknown, _JSON(whole.tokens).decode(), *amounts, off
