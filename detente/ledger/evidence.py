"""Evidence for one call: what was asked and decided, what it used and cost, under which clauses, and that it stands.

Owns: gathering it from the books and the case. Not here: verifying a whole ledger (``audit``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from detente.contract.term import Term
from detente.errors import LedgerError
from detente.ledger.books import Books
from detente.ledger.chain import hash_of, mark
from detente.ledger.line import UseClass, at_micros
from detente.ledger.record import CallRoute, read_route
from detente.ledger.schema import CHAINED
from detente.ledger.store import Session, StoredRow, plain_value


@dataclass(frozen=True, slots=True)
class CallEvidence:
    """All that the books and the case say of a call. ``holds``: its batch has the hash that it was written with."""

    id: str
    records: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    clauses: list[dict[str, Any]]
    batches: list[dict[str, Any]]
    holds: bool

    def to_json(self) -> str:
        """One document."""
        names = ("id", "records", "lines", "clauses", "batches", "holds")
        return json.dumps({name: getattr(self, name) for name in names}, indent=1)


def of_call(books: Books, id: str) -> CallEvidence:
    """The evidence for a call. Raises LedgerError where it is not on the books, or the case is of another currency."""
    with books.store.reading() as session:
        books.currency(session)
        rows = list(
            session.all(
                "SELECT calls.batch, calls.n, calls.mark, routes.body, calls.body FROM calls"
                " JOIN routes ON calls.route = routes.route WHERE id = ? ORDER BY calls.batch, calls.n",
                (id,),
            )
        )
        if not rows:
            raise LedgerError(f"{books.store.url}: holds no call `{id}`; `detente ingest` puts journals on the books")
        records = [_record(row) for row in rows]
        lines = [line for batch, n, *_ in rows for line in _lines(session, int(batch), int(n))]
        batches = [_batch(session, number) for number in dict.fromkeys(int(row[0]) for row in rows)]
        holds = all(each["holds"] for each in batches)
    route = read_route(str(rows[-1][3]).encode())
    return CallEvidence(id, records, lines, list(_clauses(books, route, lines)), batches, holds)


def _record(row: StoredRow) -> dict[str, Any]:
    batch, n, stated, route, body = row
    place = {"batch": int(batch), "row": int(n), "mark": bytes(plain_value(stated)).hex()}
    return {"place": place, **json.loads(route), **json.loads(body)}


def _lines(session: Session, batch: int, call: int) -> Iterator[dict[str, Any]]:
    rows = session.all(
        "SELECT lines.n, part, body, start, count, unknown, input, cached, output, work, taken, listed, net, off"
        " FROM lines JOIN classes ON lines.class = classes.class WHERE lines.batch = ? AND call = ? ORDER BY lines.n",
        (batch, call),
    )
    for n, part, body, start, count, unknown, *amounts, off in rows:
        of = UseClass.read(body)
        names = ("input", "cached", "output", "work", "taken", "listed", "net")
        yield {
            "batch": batch, "row": int(n), "part": int(part), "kind": of.kind, "demand": of.demand, "offer": of.offer,
            "at": at_micros(int(start)).isoformat(), "count": int(count), "unknown": unknown or None,
            **{name: int(amount) for name, amount in zip(names, amounts, strict=True)},
            "off": {term: amount for term, _, _, amount in json.loads(off)} if off else {},
        }  # fmt: skip


def _batch(session: Session, number: int) -> dict[str, Any]:
    """A batch's heading, and whether its rows make its hash."""
    row = session.one('SELECT kind, at, "case", counts, before, hash FROM batches WHERE batch = ?', (number,))
    assert row is not None, "a call stands in a batch"
    kind, at, case, counts, before, told = row
    marks = [found for table in CHAINED for found in _marks(session, table, number)]
    holds = hash_of((number, kind, at, case), json.loads(counts), before, marks) == told
    return {"batch": number, "kind": kind, "at": at, "case": case, "before": before, "hash": told, "holds": holds}


def _marks(session: Session, table: str, batch: int) -> Iterator[bytes]:
    columns = ", ".join(CHAINED[table])
    for n, *values in session.all(f"SELECT n, {columns} FROM {table} WHERE batch = ? ORDER BY n", (batch,)):
        yield mark(table, batch, int(n), [plain_value(value) for value in values])


def _clauses(books: Books, route: CallRoute, lines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The clauses that kept the call from somewhere, took off its price, or count it: text, sentence, place, source."""
    denied = {each.clause for each in route.denied}
    off = {term for line in lines for term in line["off"]}
    for term in books.terms:
        roles = [role for role, those in (("denied", denied), ("off", off)) if term.id in those]
        roles += ["counts"] if any(_counts(term, line) for line in lines) else []
        if roles:
            where = books.case.clauses.get((term.validity.agreement, term.id))
            yield {
                "clause": term.id, "agreement": term.validity.agreement, "kind": term.kind, "roles": roles,
                "text": term.text, "sentence": term.explain().sentence, "source": term.source,
                "place": None if where is None else str(where),
            }  # fmt: skip


def _counts(term: Term, line: dict[str, Any]) -> bool:
    return any(meter.selection.covers(line["demand"], line["offer"]) is not False for meter in term.meters())
