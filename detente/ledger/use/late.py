"""What came late: lines of a time for which the books were closed already when they came.

Owns: which lines these are, sums as they were when a time was closed, and as they are booked. What is closed stays
closed: such lines count from the first day that was open then. Not here: on which day they are booked (``entry``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from detente.ledger.store.store import Session
from detente.ledger.store.tables import LATE_LINES
from detente.ledger.use.line import LineSum, summed
from detente.ledger.use.running_totals import all_sums, sums_between
from detente.ledger.use.stored_lines import use_lines
from detente.values.micros import micros

_LATE = " JOIN late ON late.batch = lines.batch AND late.n = lines.n"


def note_late(session: Session, batch: int, starts: Sequence[int], closed: datetime | None) -> None:
    """Note which lines of a batch are of a time that is closed."""
    if closed is not None:
        until = micros(closed)
        late = [(batch, n, until) for n, start in enumerate(starts) if start < until]
        if late:
            session.add("late", ("batch", "n", "closed"), late)


def sums_as_closed(session: Session, day: datetime) -> Iterator[LineSum]:
    """Every sum of lines, without those before a day that came once the books were closed for it."""
    until = micros(day)
    late = summed(line.times(-1) for line in use_lines(session, f"{_LATE} WHERE closed >= {until} AND start < {until}"))
    for each in all_sums(session):
        less = late.get((each.of.body, each.start, each.end))
        if less is not None:
            each.merge(less)
        if each.known or each.unknown:
            yield each


def sums_booked(session: Session, start: datetime, end: datetime) -> Iterator[LineSum]:
    """What is booked in a time: its own use, without what came late, and what came late and is booked in it."""
    since, until = micros(start), micros(end)
    found = {(each.of.body, each.start, each.end): each for each in sums_between(session, start, end)}
    for sign, times in ((-1, f"start >= {since} AND start < {until}"), (1, f"closed >= {since} AND closed < {until}")):
        for at, more in summed(line.times(sign) for line in use_lines(session, f"{_LATE} WHERE {times}")).items():
            found[at] = found[at].merge(more) if at in found else more
    yield from (each for each in found.values() if each.known or each.unknown)


def misnoted(session: Session) -> list[tuple[int, int]]:
    """The lines, by batch and place, that came late and are not noted so, or are noted so and did not."""
    noted, found = (
        {tuple(map(int, row)) for row in session.all(sql)} for sql in ("SELECT batch, n, closed FROM late", LATE_LINES)
    )
    return sorted({(batch, n) for batch, n, _ in noted ^ found})
