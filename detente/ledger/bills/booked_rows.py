"""Rows of bills as they stand on the books: found by their use, and by when a line of theirs begins.

Owns: that one way to find them. Not here: which of them a correction takes back (``taken_back``; of use that is
unknown, ``unknown_rows``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from detente.ledger.store.store import Session
from detente.ledger.use.line import UseClass, UseLine
from detente.ledger.use.stored_lines import LINE, stored_line
from detente.values.micros import at_micros
from detente.values.money import whole_nanos

UseBegun = tuple[str, int]
"""The class of a use, and when it begins."""
_FOUND = ('lines.start <> lines."end"', "lines.unknown <> ''")
"""Which lines are looked for, each by an index of its own: those that are over a time, and those that are unknown."""


class BookedRow(NamedTuple):
    """A row on the books: the batch and the call that it is, what was written of it, and its lines in order."""

    batch: int
    call: int
    said: dict[str, Any]
    lines: list[UseLine]

    @property
    def end(self) -> str:
        """When it ends, as it was written (``written_time``)."""
        return str(self.said.get("end", ""))

    @property
    def net(self) -> int:
        """What the provider charges for it, in billionths."""
        return whole_nanos(Decimal(self.said["stated"]["net"]))


def booked_rows(session: Session, wanted: Iterable[UseBegun]) -> list[BookedRow]:
    """The rows that have a line of such a use, in the order in which they were booked."""
    begun = {*wanted}
    classes = session.among("SELECT body, class FROM classes WHERE body IN {these}", sorted({of for of, _ in begun}))
    numbers = {str(body): int(number) for body, number in classes}
    keys = sorted((numbers[of], start) for of, start in begun if of in numbers)
    found, in_parts = dict[tuple[int, int], BookedRow](), set[tuple[int, int]]()
    for which in _FOUND:
        for row in _by(session, ("class", "start"), keys, which):
            (line,) = row.lines
            if (written_time(line.start), written_time(line.end)) == (row.said.get("at"), row.end):
                found[row.batch, row.call] = row
            else:  # other lines of it begin at other times
                in_parts.add((row.batch, row.call))
    for row in _by(session, ("batch", "call"), sorted(in_parts), ""):
        found.setdefault((row.batch, row.call), row._replace(lines=[])).lines.extend(row.lines)
    for row in found.values():
        row.lines.sort(key=lambda line: line.start)
    return [found[place] for place in sorted(found)]


def _by(session: Session, key: Sequence[str], keys: Sequence[tuple[int, int]], which: str) -> Iterator[BookedRow]:
    """Rows by a key of their lines, once for each line that is found."""
    call = "FROM calls WHERE calls.batch = lines.batch AND calls.n = lines.call AND calls.outcome = 'billed'"
    columns = f"batch, call, (SELECT calls.body {call}), (SELECT body FROM classes WHERE class = lines.class), {LINE}"
    for batch, number, body, of, *rest in session.keyed(columns, "lines", key, keys, which=which):
        if body is not None:
            yield BookedRow(batch, number, msgspec.json.decode(body), [stored_line(UseClass.read(str(of)), rest)])


def written_time(at: int) -> str:
    """A moment as rows on the books state it, to the second."""
    return f"{at_micros(at):%Y-%m-%dT%H:%M:%SZ}"
