"""Lines as they are read back from a store: all of them, or some.

Not here: writing them (``books``), and their sums (``running_totals``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from detente.ledger.journals.record import TokenCounts
from detente.ledger.store.store import Session
from detente.ledger.use.line import UseClass, UseLine


def read_lines(session: Session, batch: int, unknown: str) -> Iterator[tuple[int, UseLine]]:
    """The lines of a batch's calls whose use is unknown for one reason, each with its call."""
    rows = session.all(
        'SELECT call, part, start, "end", body FROM lines JOIN classes ON lines.class = classes.class'
        " WHERE lines.batch = ? AND unknown = ? AND count = 1",
        (batch, unknown),
    )
    for call, part, start, end, body in rows:
        yield call, UseLine(UseClass.read(body), start, end, part, unknown=unknown)


LINE = 'start, "end", count, unknown, input, cached, written, output, reasoning, work, taken, listed, net, revenue, off'
"""The columns of a line beside its class."""


def stored_line(of: UseClass, columns: Sequence[Any]) -> UseLine:
    """A line as its columns say it."""
    start, end, count, unknown, given, cached, written, output, reasoning, *amounts, off = columns
    work, taken, listed, net, revenue = map(int, amounts)
    return UseLine(
        of, start, end, 0, count, unknown, TokenCounts(given, output, cached, written, reasoning),
        work, taken, listed, net, revenue, tuple(tuple(each) for each in json.loads(off)) if off else (),
    )  # fmt: skip


_OF_BILL = (
    "EXISTS (SELECT 1 FROM calls WHERE calls.batch = lines.batch AND calls.n = lines.call AND calls.outcome = 'billed')"
)
BILLED, SERVED = f" WHERE {_OF_BILL}", f" WHERE NOT {_OF_BILL}"
"""Which lines are of rows of bills, and which are not."""


def use_lines(session: Session, which: str = "") -> Iterator[UseLine]:
    """Every line, or some of them, as they come."""
    classes = {number: UseClass.read(body) for number, body in session.all("SELECT class, body FROM classes")}
    for number, *columns in session.all(f"SELECT class, {LINE} FROM lines{which}"):
        yield stored_line(classes[number], columns)


def billed_rows(session: Session, offers: Collection[str], start: int, end: int) -> int:
    """How many rows of bills are on the books, of some offers, with use that begins in a time (in microseconds)."""
    classes = session.all("SELECT class, body FROM classes")
    wanted = [int(number) for number, body in classes if UseClass.read(body).offer.get("offer") in offers]
    rows = f"SELECT DISTINCT batch, call FROM lines{BILLED} AND class IN {{these}} AND start >= ? AND start < ?"
    ((found,),) = session.among(f"SELECT COUNT(*) FROM ({rows}) AS billed", wanted, (start, end))
    return int(found)
