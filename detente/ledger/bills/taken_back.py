"""Corrections of rated use: a row of fewer tokens than none takes back what is on the books, as it was rated there.

Owns: which rows of the books a correction takes back, and with which lines: those of the same use, time and kind of
tokens; first one of as many tokens, else in the order in which they were booked, of the last a part (pro rata). Where
they are too few, those that lie within the correction's time, one of as many tokens first, else by time: what is taken
of each stands on the books under the time of that one. Which of them earlier corrections took is found by the same
rule, in the order of the books. A correction of more than there is takes nothing. Not here: what is taken back of use
that is unknown (``unknown_rows``), and what rows come to otherwise (``bill_rating``).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from detente.ledger.bills.bill_rows import BillRow
from detente.ledger.bills.booked_rows import UseBegun, booked_rows, written_time
from detente.ledger.bills.unknown_rows import NOTHING_TO_TAKE, RatedRow
from detente.ledger.store.store import Session
from detente.ledger.use.line import AMOUNTS, UseLine
from detente.values.micros import micros
from detente.values.rounding import half_even

_Lines = Sequence[UseLine]
_Key = tuple[str, int, str, bool, bool]
"""The class of a row, its start, its end as it is written, and whether its tokens are cached, and output."""


class BookedRows:
    """What corrections among some rows may take back: of earlier rows, and of those among them that take nothing."""

    def __init__(self, session: Session, rows: Sequence[RatedRow]) -> None:
        self._session, self._rows = session, rows
        self._open: dict[_Key, _OpenRows] = {}
        self._look_at({_key(row, lines) for row, lines in rows if tokens_of(lines) < 0})

    def back(self, row: BillRow, lines: _Lines) -> list[RatedRow]:
        """A row as it is booked: of a correction, once for each time of what it takes back, with the other sign.

        Nothing, where there is less of it on the books than it takes back.
        """
        whole = -tokens_of(lines)
        if whole <= 0:
            return [(row, lines)]
        rows = self._open[_key(row, lines)]
        unknown = any(line.unknown for line in lines)
        taken: _Lines = ()
        if rows.known >= whole or unknown:
            taken = rows.take(whole, known=True, only_all=unknown and rows.known < whole)
        taken = taken or rows.take(whole, known=False, only_all=True)
        if taken or unknown:
            return [(row, [_reversed(line) for line in taken] or lines)]
        return self._within(row, lines, whole)

    def _within(self, row: BillRow, lines: _Lines, whole: int) -> list[RatedRow]:
        """The same of rows that lie within a correction's time."""
        (body, start, end, *kind), found = _key(row, lines), list[RatedRow]()
        times = self._session.all(
            "SELECT DISTINCT start FROM lines JOIN classes ON lines.class = classes.class"
            ' WHERE body = ? AND start >= ? AND start < ? AND start <> "end"',
            (body, row.start, row.end),
        )
        wanted = {(body, int(at)) for (at,) in times}
        booked = {key for _, key, _ in self._stored(wanted)} | {_key(each, own) for each, own in self._rows}
        alike = (key for key in booked if [key[0], *key[3:]] == [body, *kind])
        # ends are written to the second, so what begins and ends at the correction's end is told by its start
        inside = {key for key in alike if start <= key[1] < row.end and key[2] <= end}
        self._look_at(inside - self._open.keys())
        keys = sorted(inside)
        if sum(self._open[key].known for key in keys) < whole:
            return []
        like = next((key for key in keys if self._open[key].has(whole)), None)
        for key in keys if like is None else [like]:
            taken = self._open[key].take(whole, known=True, only_all=False)
            if taken:
                whole -= tokens_of(taken)
                found.append((_part_of(row, key, len(found)), [_reversed(line) for line in taken]))
        return found

    def _look_at(self, keys: set[_Key]) -> None:
        """Find what is left of some rows: of those on the books, and of those that are booked with a correction."""
        self._open |= {key: _OpenRows() for key in keys}
        for _, key, lines in sorted(self._stored({key[:2] for key in keys}), key=lambda each: each[0]):
            if key in keys:
                self._open[key].book(lines)
        for row, lines in self._rows:
            if tokens_of(lines) > 0 and (key := _key(row, lines)) in keys:
                self._open[key].book(lines)

    def _stored(self, wanted: set[UseBegun]) -> Iterator[tuple[tuple[int, bool, int], _Key, _Lines]]:
        """Rows on the books that have a use and a start, each with its place in their order."""
        for booked in booked_rows(self._session, wanted):
            batch, call, _, lines = booked
            if tokens := tokens_of(lines):
                key = lines[0].of.body, lines[0].start, booked.end, *_kind(lines)
                yield (batch, tokens < 0, call), key, lines


def _part_of(row: BillRow, key: _Key, number: int) -> BillRow:
    """A correction as it stands on the books for rows of one time: its money is with the first."""
    start, end = key[1], micros(datetime.fromisoformat(key[2]))
    if not number:
        return replace(row, start=start, end=end)
    return replace(row, key=f"{row.key}/{number}", start=start, end=end, quantity=None, listed=None, net=0, charged=0)


class _OpenRows:
    """Rows of one use, time and kind of tokens that are on the books, less what corrections took back."""

    def __init__(self) -> None:
        self._rows: dict[int, _Lines] = {}
        self._alike: dict[tuple[bool, int], list[int]] = {}
        """By whether they are known, and how many tokens they are of: the numbers of rows, in order."""

    def book(self, lines: _Lines) -> None:
        """A row more, or a correction."""
        tokens, known = tokens_of(lines), not any(line.unknown for line in lines)
        if any(line.unknown.startswith(NOTHING_TO_TAKE) for line in lines):
            return
        if tokens < 0:
            self.take(-tokens, known=known, only_all=not known)
        else:
            self._put(len(self._rows), lines)

    def take(self, tokens: int, *, known: bool, only_all: bool) -> _Lines:
        """The lines of so many tokens that are left, at most; with ``only_all``, of a row of just as many, or none."""
        for number in self._alike.get((known, tokens), ())[:1]:
            return self._put(number, ())
        found: list[UseLine] = []
        for number in () if only_all else self._rows:
            if tokens and self._rows[number] and not any(line.unknown for line in self._rows[number]):
                lines, whole = self._rows[number], tokens_of(self._rows[number])
                part = _part(lines, min(tokens, whole), whole)
                self._put(number, _left(lines, part))
                found += part
                tokens -= tokens_of(part)
        return found

    def _put(self, number: int, lines: _Lines) -> _Lines:
        """What is left of a row; gives what was."""
        before = self._rows.get(number, ())
        if before:
            self._alike[_size(before)].remove(number)
        self._rows[number] = lines
        if lines:
            insort(self._alike.setdefault(_size(lines), []), number)
        return before

    def has(self, tokens: int) -> bool:
        """Whether a row of just as many is left."""
        return bool(self._alike.get((True, tokens)))

    @property
    def known(self) -> int:
        """How many tokens are left of rows of which they are known."""
        return sum(tokens * len(numbers) for (known, tokens), numbers in self._alike.items() if known)


def tokens_of(lines: Iterable[UseLine]) -> int:
    """How many tokens a row is of, which are all of one kind; less than none of a correction."""
    return sum(line.tokens.input + line.tokens.output for line in lines)


def _size(lines: _Lines) -> tuple[bool, int]:
    return not any(line.unknown for line in lines), tokens_of(lines)


def _kind(lines: _Lines) -> tuple[bool, bool]:
    return any(line.tokens.cached for line in lines), any(line.tokens.output for line in lines)


def _key(row: BillRow, lines: _Lines) -> _Key:
    return lines[0].of.body, row.start, written_time(row.end), *_kind(lines)


def _part(lines: _Lines, part: int, of: int) -> _Lines:
    """So many of the tokens of a row, even over its lines; all amounts in proportion."""
    found, upto, before = list[UseLine](), 0, 0
    for line in lines:
        each = tokens_of([line])
        upto += each
        at = half_even(upto * part, of)
        share, before = at - before, at
        if share:
            found.append(line if share == each else _share(line, abs(share), abs(each)))
    return found


def _share(line: UseLine, part: int, of: int) -> UseLine:
    off = tuple((term, start, end, half_even(amount * part, of)) for term, start, end, amount in line.off)
    amounts = {name: half_even(getattr(line, name) * part, of) for name in AMOUNTS}
    amounts["net"] = amounts["listed"] - sum(each[3] for each in off)
    used = msgspec.structs.astuple(line.tokens)
    tokens = type(line.tokens)(*(half_even(each * part, of) for each in used))
    return msgspec.structs.replace(line, tokens=tokens, off=off, **amounts)


def _left(lines: _Lines, taken: _Lines) -> _Lines:
    """What is left of a row's lines once a part of them is taken."""
    parts, found = {line.start: line for line in taken}, list[UseLine]()
    for line in lines:
        part = parts.get(line.start)
        if part is None:
            found.append(line)
        elif part.tokens != line.tokens:
            found.append(_less(line, part))
    return found


def _less(line: UseLine, part: UseLine) -> UseLine:
    both = zip(line.off, part.off, strict=True)
    off = tuple((term, start, end, amount - less[3]) for (term, start, end, amount), less in both)
    used = zip(msgspec.structs.astuple(line.tokens), msgspec.structs.astuple(part.tokens), strict=True)
    amounts = {name: getattr(line, name) - getattr(part, name) for name in AMOUNTS}
    return msgspec.structs.replace(line, tokens=type(line.tokens)(*(a - b for a, b in used)), off=off, **amounts)


def _reversed(line: UseLine) -> UseLine:
    """What takes a line back; of a known one it is a row more."""
    back = line.times(-1)
    return back if line.unknown else msgspec.structs.replace(back, count=1)
