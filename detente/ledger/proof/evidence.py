"""Evidence for one call: what was asked and decided, what it used and cost, under which clauses, and that it stands.

Owns: gathering it from the books and the case, and how rows, batches and clauses are told as evidence. Not here: the
evidence for more than a call (``dossier``), and verifying a whole ledger (``audit``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any, Literal

from detente.case.case import Case
from detente.contract.term import Term
from detente.errors import LedgerError
from detente.ledger.books.books import Books
from detente.ledger.caps.budgets import CaseBudgets
from detente.ledger.journals.record import CallRoute, read_route
from detente.ledger.store.chain import GENESIS, hash_of, mark
from detente.ledger.store.store import Session, StoredRow, plain_value
from detente.ledger.store.tables import CHAINED
from detente.ledger.use.line import UseClass
from detente.live.budget_name import BudgetName
from detente.values.facts import Facts
from detente.values.micros import at_micros


@dataclass(frozen=True, slots=True)
class CallEvidence:
    """All that the books and the case say of a call.

    ``batches``: those that hold its rows, and those in which its route and the classes of its lines were first written.
    ``holds``: each has the hash that it was written with.
    """

    id: str
    records: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    clauses: list[dict[str, Any]]
    budgets: list[dict[str, Any]]
    batches: list[dict[str, Any]]
    holds: bool

    def to_json(self) -> str:
        """One document."""
        names = ("id", "records", "lines", "clauses", "budgets", "batches", "holds")
        return json.dumps({name: getattr(self, name) for name in names}, indent=1)


def of_call(books: Books, id: str) -> CallEvidence:
    """The evidence for a call. Raises LedgerError where it is not on the books, or the case is of another currency."""
    with books.store.reading() as session:
        books.must_match(session)
        rows = list(
            session.all(
                "SELECT calls.batch, calls.n, calls.mark, routes.body, calls.body, calls.route FROM calls"
                " JOIN routes ON calls.route = routes.route WHERE id = ? ORDER BY calls.batch, calls.n",
                (id,),
            )
        )
        if not rows:
            raise LedgerError(f"{books.store.url}: holds no call `{id}`; `detente ingest` puts journals on the books")
        records, stored = [_record(row) for row in rows], [each for row in rows for each in _lines(session, *row[:2])]
        lines = [line for _, line in stored]
        numbers = {int(row[0]) for row in rows} | written_in(session, "routes", {int(row[5]) for row in rows})
        numbers |= written_in(session, "classes", {of for of, _ in stored})
        batches = [batch_told(session, number) for number in sorted(numbers)]
        holds = all(each["holds"] for each in batches)
    route = read_route(str(rows[-1][3]).encode())
    clauses, budgets = list(_clauses(books, route, lines)), list(_budgets(books.case, route))
    return CallEvidence(id, records, lines, clauses, budgets, batches, holds)


def _record(row: StoredRow) -> dict[str, Any]:
    batch, n, stated, route, body, _ = row
    return {**call_told(batch, n, stated), **json.loads(route), **json.loads(body)}


def call_told(batch: int, n: int, stated: Any) -> dict[str, Any]:
    """Where a call stands on the books."""
    return {"place": {"batch": int(batch), "row": int(n), "mark": bytes(plain_value(stated)).hex()}}


LINE_COLUMNS = "n, call, class, part, start, count, unknown, input, cached, output, work, taken, listed, net, off"


def _lines(session: Session, batch: int, call: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line of a call, with the number of its class."""
    rows = session.all(f"SELECT {LINE_COLUMNS} FROM lines WHERE batch = ? AND call = ? ORDER BY n", (batch, call))
    for row in list(rows):
        body = session.one("SELECT body FROM classes WHERE class = ?", (row[2],))
        assert body is not None, "a line is of a class"
        yield int(row[2]), line_told(batch, UseClass.read(body[0]), row)


def written_in(session: Session, table: Literal["routes", "classes"], numbers: Set[int]) -> set[int]:
    """The batches in which routes or classes were written: what rows of later ones refer to stands there alone."""
    of = "route" if table == "routes" else "class"
    rows = session.among(f"SELECT DISTINCT batch FROM {table} WHERE {of} IN {{these}}", sorted(numbers))
    return {int(batch) for (batch,) in rows}


def line_told(batch: int, of: UseClass, row: StoredRow) -> dict[str, Any]:
    """A line of use, its columns as ``LINE_COLUMNS`` says: amounts in whole billionths."""
    n, call, _, part, start, count, unknown, *amounts, off = row
    names = ("input", "cached", "output", "work", "taken", "listed", "net")
    return {
        "batch": batch, "row": int(n), "call": None if call is None else int(call), "part": int(part),
        "kind": of.kind, "demand": of.demand, "offer": of.offer,
        "at": at_micros(int(start)).isoformat(), "count": int(count), "unknown": unknown or None,
        **{name: int(amount) for name, amount in zip(names, amounts, strict=True)},
        "off": {term: amount for term, _, _, amount in json.loads(off)} if off else {},
    }  # fmt: skip


def batch_told(session: Session, number: int) -> dict[str, Any]:
    """A batch's heading, and whether its rows make its hash, between the batches beside it."""
    row = session.one('SELECT kind, at, "case", counts, before, hash FROM batches WHERE batch = ?', (number,))
    if row is None:
        return {"batch": number, "holds": False}
    kind, at, case, counts, before, told = row
    marks = [found for table in CHAINED for found in _marks(session, table, number)]
    holds = hash_of((number, kind, at, case), json.loads(counts), before, marks) == told
    holds = holds and _is_linked(session, number, before, told)
    return {"batch": number, "kind": kind, "at": at, "case": case, "before": before, "hash": told, "holds": holds}


def _is_linked(session: Session, number: int, before: str, told: str) -> bool:
    """Whether it states the hash of the batch before, and the batch after states its own."""
    last = session.one("SELECT hash FROM batches WHERE batch = ?", (number - 1,))
    after = session.one("SELECT before FROM batches WHERE batch = ?", (number + 1,))
    return before == (GENESIS if last is None else last[0]) and (after is None or after[0] == told)


def _marks(session: Session, table: str, batch: int) -> Iterator[bytes]:
    columns = ", ".join(CHAINED[table])
    for n, *values in session.all(f"SELECT n, {columns} FROM {table} WHERE batch = ? ORDER BY n", (batch,)):
        yield mark(table, batch, int(n), [plain_value(value) for value in values])


def _clauses(books: Books, route: CallRoute, lines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The clauses that kept the call from somewhere, took off its price, or count it."""
    denied = {each.clause for each in route.denied}
    off = {term for line in lines for term in line["off"]}
    for term in books.terms:
        roles = [role for role, those in (("denied", denied), ("off", off)) if term.id in those]
        roles += ["counts"] if any(counts(term, line["demand"], line["offer"]) for line in lines) else []
        if roles:
            yield clause_told(books.case, term, roles)


def _budgets(case: Case, route: CallRoute) -> Iterator[dict[str, Any]]:
    """The budgets of the case that had no room for the call somewhere, or that it counts towards, as they are now."""
    denied, stopped = {each.clause for each in route.denied}, {(each.clause, each.amount) for each in route.denied}
    counted = {name.budget for text in route.budgets if (name := BudgetName.read(text)) is not None}
    texts = {budget.id: budget.text for budget in case.declared.budgets}
    found: dict[str, list[dict[str, Any]]] = {}
    for cap, per in CaseBudgets(case).declared(case.declared.keys):
        if cap.id in denied | counted:
            every, zone, _ = cap.of.windows
            amount: dict[str, Any] = {
                "measure": cap.of.measure,
                "amount": cap.exact(cap.limit),
                "every": every,
                "zone": zone,
            }
            amount |= {"per": per} if per else {}
            amount |= {"denied": True} if (cap.id, cap.of.measure) in stopped else {}
            found.setdefault(cap.id, []).append(amount)
    for id, amounts in found.items():
        roles = [role for role, those in (("denied", denied), ("counts", counted)) if id in those]
        yield {"budget": id, "roles": roles, "text": texts.get(id, ""), "allows": amounts}


def clause_told(case: Case, term: Term, roles: list[str]) -> dict[str, Any]:
    """A clause: its text, what it does in a sentence, its source and place, and what it has to do with the evidence."""
    where = case.clauses.get((term.validity.agreement, term.id))
    return {
        "clause": term.id, "agreement": term.validity.agreement, "kind": term.kind, "roles": roles,
        "since": f"{term.validity.start:%Y-%m-%d}", "text": term.text, "sentence": term.explain().sentence,
        "source": term.source, "place": None if where is None else str(where),
    }  # fmt: skip


def counts(term: Term, demand: Facts | None, offer: Facts) -> bool:
    """Whether a clause counts use, or may."""
    return any(meter.selection.covers(demand, offer) is not False for meter in term.meters())
