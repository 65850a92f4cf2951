"""A dossier: the evidence for a workload, a clause, a time, or those of them that are given together.

Owns: which rows of the books belong to it, batch by batch, each with its proof; and what they come to. Its memory is
that of one batch, however many there are. Not here: the evidence for one call, and how rows are told (``evidence``);
how it is written (``report``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from detente.errors import CaseError
from detente.ledger.books.books import Books
from detente.ledger.books.stands import ClauseStands, stands_in
from detente.ledger.journals.record import CallRoute, read_route
from detente.ledger.proof.evidence import (
    LINE_COLUMNS,
    batch_told,
    call_told,
    clause_told,
    counts,
    line_told,
    written_in,
)
from detente.ledger.store.store import Session, StoredRow
from detente.ledger.use.line import UseClass
from detente.values.likeness import did_you_mean
from detente.values.micros import micros

Exhibit = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DossierScope:
    """What is asked for: use from a moment until another; of a workload, if one is named; that a clause is about."""

    since: datetime
    until: datetime
    workload: str | None = None
    clause: str | None = None


@dataclass
class ComesTo:
    """What the rows of a dossier come to: whole billionths, ``off`` by clause, and the rest by offer."""

    calls: int = 0
    lines: int = 0
    unknown: int = 0
    listed: Counter[str] = field(default_factory=Counter)
    net: Counter[str] = field(default_factory=Counter)
    off: Counter[str] = field(default_factory=Counter)

    def add(self, line: Exhibit) -> None:
        """Count one line."""
        self.lines += 1
        if line["unknown"]:
            self.unknown += line["count"]
            return
        name = line["offer"].get("offer") or line["offer"].get("product") or "unknown"
        self.listed[name] += line["listed"]
        self.net[name] += line["net"]
        self.off.update(line["off"])


class Dossier:
    """The evidence, piece by piece, of one view of the books: ``head``, each of ``batches``, then ``comes_to``.

    Raises CaseError where the case and the books know no such workload or clause.
    """

    def __init__(self, books: Books, session: Session, scope: DossierScope) -> None:
        books.must_match(session)
        self._books, self._session, self._scope = books, session, scope
        self._terms = [term for term in books.terms if scope.clause in (None, term.id)]
        self._routes = {n: r for n, r in _routes(session) if self._route(r)}
        self._classes = {n: of for n, of in _classes(session) if self._class(of)}
        self._must_know()
        self._routes = {n: self._routes[n] for n in self._in_its_time("calls", "route", "at", self._routes)}
        self._classes = {n: self._classes[n] for n in self._in_its_time("lines", "class", "start", self._classes)}
        self._given: set[int] = set()
        """Routes that were given."""
        self._of: set[int] = set()
        """Classes of the lines that were given."""
        self._begun: set[str] = set()
        """The calls given so far of which only the begin was on the books."""
        self.comes_to = ComesTo()
        self.holds = True

    # -- what belongs to it ------------------------------------------------------------------------------------------
    def _route(self, route: CallRoute) -> bool:
        scope = self._scope
        if scope.workload not in (None, route.workload):
            return False
        return scope.clause is None or any(each.clause == scope.clause for each in route.denied)

    def _class(self, of: UseClass) -> bool:
        scope = self._scope
        if scope.workload is not None and (of.demand or {}).get("workload") != scope.workload:
            return False
        return scope.clause is None or any(counts(term, of.demand, of.offer) for term in self._terms)

    def _must_know(self) -> None:
        scope, case = self._scope, self._books.case
        known = {workload.id for workload in case.workloads}
        if scope.workload is not None and not (scope.workload in known or self._routes or self._classes):
            remedy = did_you_mean(scope.workload, known)
            what = f"neither the case nor the books know `{scope.workload}`"
            raise CaseError.of_parameter("workload", what, remedy)
        if scope.clause is not None and not (self._terms or self._routes):
            remedy = did_you_mean(scope.clause, {term.id for term in self._books.terms})
            what = f"neither the case nor the books know `{scope.clause}`"
            raise CaseError.of_parameter("clause", what, remedy)

    def _in_its_time(self, table: str, column: str, at: str, these: Iterable[int]) -> list[int]:
        """Those of which there are rows in its time: the books keep a route or a class once, and for all time."""
        sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN {{these}} AND {self._during(at)}"
        return sorted(int(n) for (n,) in self._session.among(sql, list(these)))

    # -- what is told ------------------------------------------------------------------------------------------------
    def head(self) -> Exhibit:
        """What was asked, the clauses that are concerned, the prices of what was used, and the end of the chain."""
        scope, row = self._scope, self._session.one("SELECT batch, hash FROM batches ORDER BY batch DESC LIMIT 1")
        return {
            "case": self._books.case.hash,
            "from": scope.since.isoformat(), "until": scope.until.isoformat(),
            "workload": scope.workload, "clause": scope.clause,
            "chain": {"batches": int(row[0]), "hash": row[1]} if row else {"batches": 0, "hash": None},
            "clauses": list(self._clauses()), "prices": list(self._prices()),
        }  # fmt: skip

    def stands(self) -> tuple[ClauseStands, ...]:
        """Where those clauses stood at the end, in windows that ended or ran; what no clause counts is in none."""
        concerned = {each["clause"] for each in self._clauses()}
        since, until = self._scope.since, self._scope.until
        found = stands_in(self._session, self._books, until, all_windows=True, headings=False).clauses
        return tuple(c for c in found if c.term in concerned and (c.standing is None or c.standing.end > since))

    def _clauses(self) -> Iterator[Exhibit]:
        denied = {each.clause for route in self._routes.values() for each in route.denied}
        for term in self._terms:
            counted = any(counts(term, of.demand, of.offer) for of in self._classes.values())
            roles = [role for role, is_so in (("denied", term.id in denied), ("counts", counted)) if is_so]
            if roles or self._scope.clause is not None:
                yield clause_told(self._books.case, term, roles)

    def _prices(self) -> Iterator[Exhibit]:
        """The list prices of the offers of the case that were used."""
        used = {of.offer.get("offer") for of in self._classes.values()}
        for offer in self._books.case.offers:
            if offer.id in used:
                steps = [{"from": None if day is None else f"{day}", **price} for day, price in offer.stated_prices()]
                yield {"offer": offer.id, "source": offer.source, "prices": steps}

    def batches(self) -> Iterator[Exhibit]:
        """Each batch that holds rows of it: its heading, whether it holds, and those rows.

        Then those in which no more was written than the routes and classes that these rows refer to.
        """
        given = sorted(self._numbers())
        for number in given:
            head = self._told(number)
            lines = list(self._lines(number))
            calls = list(self._calls(number, lines))
            yield {
                **head, "routes": self._fresh(call["route"] for call in calls), "calls": calls,
                "lines": [line for line in lines if line["call"] is None],
                "entries": list(self._entries(number)),
            }  # fmt: skip
        first = written_in(self._session, "routes", self._given) | written_in(self._session, "classes", self._of)
        for number in sorted(first.difference(given)):
            yield {**self._told(number), "routes": {}, "calls": [], "lines": [], "entries": []}

    def _told(self, number: int) -> Exhibit:
        """A batch's heading; all of it stands only as long as each batch does."""
        head = batch_told(self._session, number)
        self.holds = self.holds and head["holds"]
        return head

    def _numbers(self) -> set[int]:
        found = {int(batch) for batch, *_ in self._booked()}
        for table, column, at, these in (
            ("lines", "class", "start", self._classes),
            ("calls", "route", "at", self._routes),
        ):
            sql = f"SELECT DISTINCT batch FROM {table} WHERE {column} IN {{these}} AND {self._during(at)}"
            found |= {int(batch) for (batch,) in self._session.among(sql, list(these))}
        return found

    def _lines(self, batch: int) -> Iterator[Exhibit]:
        sql = f"SELECT {LINE_COLUMNS} FROM lines WHERE batch = ? AND {self._during('start')} ORDER BY n"
        for row in self._session.all(sql, (batch,)):
            of = self._classes.get(int(row[2]))
            if of is not None:
                line = line_told(batch, of, row)
                self._of.add(int(row[2]))
                self.comes_to.add(line)
                yield line

    def _calls(self, batch: int, lines: Iterable[Exhibit]) -> Iterator[Exhibit]:
        by: dict[int, list[Exhibit]] = {}
        for line in lines:
            if line["call"] is not None:
                by.setdefault(line["call"], []).append(line)
        since, until = micros(self._scope.since), micros(self._scope.until)
        rows = self._session.all(
            "SELECT n, id, outcome, route, at, body, mark FROM calls WHERE batch = ? ORDER BY n", (batch,)
        )
        for n, id, outcome, route, at, body, stated in rows:
            if int(n) in by or (int(route) in self._routes and since <= int(at) < until):
                self.comes_to.calls += id not in self._begun  # the end of one that had begun is no other call
                if outcome == "begun":
                    self._begun.add(id)
                yield call_told(batch, n, stated) | {
                    "route": int(route),
                    **json.loads(body),
                    "lines": by.get(int(n), []),
                }

    def _fresh(self, numbers: Iterable[int]) -> Mapping[str, Exhibit]:
        """The routes that were not given yet: what was decided, with who was rejected, by which clause."""
        fresh = sorted(set(numbers) - self._given)
        self._given.update(fresh)
        rows = self._session.among("SELECT route, body FROM routes WHERE route IN {these} ORDER BY route", fresh)
        return {str(number): json.loads(body) for number, body in rows}

    def _entries(self, batch: int) -> Iterator[Exhibit]:
        names = ("row", "day", "account", "unit", "amount", "subject", "adjusts")
        for _, *row in self._booked(batch):
            yield dict(zip(names, row, strict=True)) | {"amount": str(row[4])}

    def _booked(self, batch: int | None = None) -> Iterator[StoredRow]:
        """The entries of it: a clause's, or all of a time; those of use are sums of all workloads, and of none."""
        scope = self._scope
        if scope.workload is not None:
            return
        columns, where = "batch, n, day, account, unit, amount, subject, adjusts", "day >= ? AND day < ?"
        days = f"{scope.since:%Y-%m-%d}", f"{scope.until:%Y-%m-%d}"
        more = "" if batch is None else f" AND batch = {batch}"
        for row in self._session.all(f"SELECT {columns} FROM entries WHERE {where}{more} ORDER BY batch, n", days):
            if scope.clause is None or _is_about(scope.clause, row[3], row[6]):
                yield row

    def _during(self, column: str) -> str:
        """The rows of its time."""
        return f"{column} >= {micros(self._scope.since)} AND {column} < {micros(self._scope.until)}"


def _is_about(clause: str, account: str, subject: str) -> bool:
    """Whether an entry is a clause's, by its subject, or by the place of clauses in an account."""
    return subject.startswith(f"{clause}@") or account.split("/")[3:4] == [clause]


def _routes(session: Session) -> Iterator[tuple[int, CallRoute]]:
    for number, body in session.all("SELECT route, body FROM routes"):
        yield int(number), read_route(str(body).encode())


def _classes(session: Session) -> Iterator[tuple[int, UseClass]]:
    for number, body in session.all("SELECT class, body FROM classes"):
        yield int(number), UseClass.read(body)
