"""What came late: lines of a time for which the books were closed already when they came.

Owns: which lines these are, sums as they were when a time was closed, and as they are booked. What is closed stays
closed: such lines count from the first day that was open then. Not here: on which day they are booked (``entry``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from detente.ledger.store.store import Session
from detente.ledger.store.tables import LATE_LINES
from detente.ledger.use.line import LineSum, summed
from detente.ledger.use.running_totals import all_sums, sums_between
from detente.ledger.use.stored_lines import use_lines
from detente.ledger.use.sum_step import sum_step
from detente.values.micros import DAY, at_micros, micros

_BOOKED_AT = f'start + CASE WHEN "end" - start <= {DAY} THEN ("end" - start) / 2 ELSE 0 END'
"""As ``LineSum.booked_at``."""
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
    lines = use_lines(session, f"{_LATE} WHERE closed >= {until} AND start < {until}")
    late = summed((line.times(-1) for line in lines), sum_step(session))
    for each in all_sums(session):
        less = late.get((each.of.body, each.start, each.end))
        if less is not None:
            each.merge(less)
        if each.known or each.unknown:
            yield each


def sums_booked(session: Session, start: datetime, end: datetime) -> Iterator[LineSum]:
    """What is booked in a time: its own use, without what came late, and what came late and is booked in it."""
    found = {(each.of.body, each.start, each.end): each for each in sums_on_time(session, start, end)}
    for _, each in sums_late(session, start, end):
        at = each.of.body, each.start, each.end
        found[at] = found[at].merge(each) if at in found else each
    yield from found.values()


def sums_on_time(session: Session, start: datetime, end: datetime) -> Iterator[LineSum]:
    """The known use of a time, without what came once the books were closed for it; in order, as they come."""
    since, until = micros(start), micros(end)
    # what is of a day at most begins half a day before the moment on whose day it is booked, or later
    times = f"start >= {since - DAY} AND start < {until} AND {_BOOKED_AT} >= {since} AND {_BOOKED_AT} < {until}"
    late = summed((line.times(-1) for line in use_lines(session, f"{_LATE} WHERE {times}")), sum_step(session))
    for each in sums_between(session, start - timedelta(1), end):
        if not since <= each.booked_at < until:
            continue
        less = late.get((each.of.body, each.start, each.end))
        if less is not None:
            each.merge(less)
        if each.known:
            yield each


def sums_late(session: Session, start: datetime, end: datetime) -> Iterator[tuple[datetime, LineSum]]:
    """The known use that came late and is booked in a time: each with the day up to which the books were closed."""
    times = micros(start), micros(end)
    days = session.all("SELECT DISTINCT closed FROM late WHERE closed >= ? AND closed < ? ORDER BY closed", times)
    step = sum_step(session)
    for (closed,) in list(days):
        for each in summed(use_lines(session, f"{_LATE} WHERE closed = {int(closed)}"), step).values():
            if each.known:
                yield at_micros(closed), each


def misnoted(session: Session) -> list[tuple[int, int]]:
    """The lines, by batch and place, that came late and are not noted so, or are noted so and did not."""
    noted, found = (
        {tuple(map(int, row)) for row in session.all(sql)} for sql in ("SELECT batch, n, closed FROM late", LATE_LINES)
    )
    return sorted({(batch, n) for batch, n, _ in noted ^ found})
