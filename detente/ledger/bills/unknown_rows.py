"""Rows of bills whose use is unknown: a correction takes one of them back, whichever of the two comes first.

Owns: which row takes which back: one of the same use and time, unknown for the same reason, that is of as many tokens,
or of as much money where it does not say how many, with the other sign. Not here: what rows come to otherwise
(``bill_rating``), and calls of which nobody knows what they used (``books.ingest``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from detente.ledger.bills.bill_rows import BillRow
from detente.ledger.bills.booked_rows import BookedRow, booked_rows
from detente.ledger.store.store import Session
from detente.ledger.use.line import UseLine

NOTHING_TO_TAKE = "it takes use back that is not on the books: "
"""Before why the use of a correction is unknown, until what it takes back is there."""

RatedRow = tuple[BillRow, Sequence[UseLine]]
_Kind = tuple[str, str, int, int]
"""Why the use of rows is unknown; its class, and its time."""
_Amount = tuple[int, ...]
"""How much a row is of: tokens of input, cached input and output; of one that does not say it, billionths of money."""


class UnknownRows:
    """Such rows of a ledger that nothing has taken back, by kind and amount: those that some rows may meet."""

    def __init__(self, session: Session, rows: Iterable[RatedRow]) -> None:
        self._open: Counter[tuple[_Kind, _Amount]] = Counter()
        met = {_kinds(line, _of(row, line))[1] for row, lines in rows for line in lines if line.unknown}
        for booked in booked_rows(session, {(kind[1], kind[2]) for kind in met}):
            for line in booked.lines:
                kind, of = (line.unknown, line.of.body, line.start, line.end), _of(booked, line)
                corrects = line.unknown.startswith(NOTHING_TO_TAKE)  # before these were told apart, it does not
                if kind in met and (sum(of) * line.count < 0) == corrects:
                    self._open[kind, _size(of)] += line.count

    def met(self, row: BillRow, line: UseLine) -> UseLine:
        """A row's line: that of one more such row, or what takes back one that is there already."""
        if not line.unknown:
            return line
        of = _of(row, line)
        own, other = _kinds(line, of)
        if any(of) and self._open[other, _size(of)] > 0:
            self._open[other, _size(of)] -= 1
            return msgspec.structs.replace(line, unknown=other[0], count=-1)
        self._open[own, _size(of)] += 1
        return msgspec.structs.replace(line, unknown=own[0])


def _kinds(line: UseLine, of: _Amount) -> tuple[_Kind, _Kind]:
    """Of which kind a row is, and of which those are that it takes back, or that take it back."""
    here = line.of.body, line.start, line.end
    use, correction = (line.unknown, *here), (NOTHING_TO_TAKE + line.unknown, *here)
    return (use, correction) if sum(of) >= 0 else (correction, use)


def _of(row: BillRow | BookedRow, line: UseLine) -> _Amount:
    tokens = line.tokens.input, line.tokens.cached, line.tokens.output
    return tokens if any(tokens) else (row.net,)


def _size(of: _Amount) -> _Amount:
    return tuple(map(abs, of))
