"""Rows of bills that do not say how much they are for: a correction takes one of them back, whichever comes first.

Owns: which row takes which back: one of the same use and time that states as much money, with the other sign. Not here:
what rows come to otherwise (``bill_rating``), and calls of which nobody knows what they used (``books.ingest``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from detente.ledger.bills.bill_rating import NO_QUANTITY
from detente.ledger.bills.bill_rows import BillRow
from detente.ledger.store.store import Session
from detente.ledger.use.line import UseLine
from detente.values.money import whole_nanos

NOTHING_TO_TAKE = "the row states no quantity, and takes back use of as much money that is not on the books"

RatedRow = tuple[BillRow, Sequence[UseLine]]
_Kind = tuple[str, str, int, int]
"""Why it is unknown how much rows are for; the class of their use, and their time."""


class UnquantifiedRows:
    """Such rows of a ledger that nothing has taken back, by kind and by money: those that some rows may meet."""

    def __init__(self, session: Session, rows: Iterable[RatedRow]) -> None:
        self._open: Counter[tuple[_Kind, int]] = Counter()
        met = {_kinds(row, line)[1] for row, lines in rows for line in lines if line.unknown == NO_QUANTITY}
        classes = session.among("SELECT class, body FROM classes WHERE body IN {these}", [kind[1] for kind in met])
        numbers = {str(body): int(number) for number, body in classes}
        kinds = {(kind[0], numbers[kind[1]], *kind[2:]): kind for kind in met if kind[1] in numbers}
        key, bodies = ("unknown", "class", "start", '"end"'), "batch = lines.batch AND n = lines.call"
        columns = f"{', '.join(key)}, count, (SELECT body FROM calls WHERE {bodies})"
        found = session.found(columns, "lines", key, list(kinds), which="lines.unknown <> ''")
        for why, number, start, end, count, body in found:
            net = _stated(str(body))
            if (net * count > 0) == (why == NO_QUANTITY):  # what no correction was seen in, before there were any
                self._open[kinds[why, number, start, end], abs(net)] += count

    def met(self, row: BillRow, line: UseLine) -> UseLine:
        """A row's line: that of one more such row, or what takes back one that is there already."""
        if line.unknown != NO_QUANTITY:
            return line
        own, other = _kinds(row, line)
        if row.net and self._open[other, abs(row.net)] > 0:
            self._open[other, abs(row.net)] -= 1
            return msgspec.structs.replace(line, unknown=other[0], count=-1)
        self._open[own, abs(row.net)] += 1
        return msgspec.structs.replace(line, unknown=own[0])


def _kinds(row: BillRow, line: UseLine) -> tuple[_Kind, _Kind]:
    """Of which kind a row is, and of which those are that it takes back, or that take it back."""
    here = line.of.body, line.start, line.end
    use, correction = (NO_QUANTITY, *here), (NOTHING_TO_TAKE, *here)
    return (use, correction) if row.net >= 0 else (correction, use)


def _stated(body: str) -> int:
    """What the provider charges for a row that is on the books, in billionths."""
    return whole_nanos(Decimal(msgspec.json.decode(body)["stated"]["net"]))
