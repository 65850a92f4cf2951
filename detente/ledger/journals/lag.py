"""How far the books lag behind journals: of each worker's, what it recorded that is not on the books, and since when.

Owns: counting it from the files and the marks. Records behind a place that cannot be read are not counted: whoever
ingests has set that aside. Not here: ingesting (``ingest``), and how it is told (``report``, the gateway's metrics).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from detente.ledger.journals.frames import NUMBERS, JournalFrame, frame_end
from detente.ledger.journals.journal import files
from detente.ledger.journals.journal_reading import of_file, worker_of
from detente.ledger.journals.record import parted, read_end
from detente.ledger.store.store import Session

MAX_COUNTED = 20_000
"""Records of a file that are counted one by one; of more, how many they are is told from their mean length."""
BOUND = timedelta(minutes=1)
"""Behind by more, it is told."""


@dataclass(frozen=True, slots=True)
class JournalLag:
    """A worker's journal: how many records are not on the books, and when the first of them was (None: there is none).

    ``exact``: whether they were counted, and not estimated.
    """

    journal: str
    records: int
    since: datetime | None
    exact: bool = True

    def seconds(self, now: datetime) -> float:
        """For how long the first of them has waited."""
        return max(0.0, (now - self.since).total_seconds()) if self.since is not None else 0.0

    def late(self, now: datetime) -> bool:
        """Whether it is behind by more than the bound."""
        return self.seconds(now) > BOUND.total_seconds()


def said(lag: JournalLag, now: datetime) -> str:
    """What people are told of it."""
    records = f"{'' if lag.exact else 'about '}{lag.records:,} record{'' if lag.records == 1 else 's'}"
    waits = f"the first of them for {lag.seconds(now):,.0f} s"
    return f"{lag.journal}: {records} of it {'is' if lag.records == 1 else 'are'} not on the books, {waits}"


ReadUpTo = Mapping[str, tuple[int, int]]
"""By a file's name, where the last record begins that is on the books, and its number."""


def read_up_to(session: Session) -> ReadUpTo:
    """How far files were read into the books."""
    return {str(name): (int(last), int(n)) for name, last, n in session.all("SELECT name, last, number FROM files")}


def folders_of(marks: ReadUpTo) -> list[Path]:
    """The folders here of files that were read."""
    found = dict.fromkeys(Path(name).parent for name in marks)
    return [folder for folder in found if folder.is_dir()]


def lags(folders: Iterable[Path], marks: ReadUpTo) -> tuple[JournalLag, ...]:
    """How far the books lag behind each worker's journal of some folders. Raises OSError."""
    found: dict[str, JournalLag] = {}
    for folder in folders:
        for path in files(folder):
            one = _lag(path, marks.get(str(path)))
            whole = found.get(one.journal)
            found[one.journal] = one if whole is None else _both(whole, one)
    return tuple(found.values())


def _lag(path: Path, mark: tuple[int, int] | None) -> JournalLag:
    """How far they lag behind one file."""
    size, since = path.stat().st_size, 0
    if mark is not None:
        since = frame_end(path, mark[0])
    if size <= since:
        return JournalLag(worker_of(path), 0, None)
    due = None if mark is None else (mark[1] + 1) % NUMBERS
    rest = _whole(path, due, since)
    first = next(rest, None)
    if first is None:
        return JournalLag(worker_of(path), 0, None)
    counted, end = 1, first.end
    for found in islice(rest, MAX_COUNTED - 1):
        counted, end = counted + 1, found.end
    exact = next(rest, None) is None
    records = counted if exact else counted * (size - first.start) // (end - first.start)
    return JournalLag(worker_of(path), records, _moment(first), exact)


def _whole(path: Path, due: int | None, since: int) -> Iterator[JournalFrame]:
    """The records from there on, up to what cannot be read."""
    for item in of_file(path, due, since):
        if not isinstance(item, JournalFrame):
            return
        yield item


def _moment(found: JournalFrame) -> datetime | None:
    try:
        return datetime.fromisoformat(read_end(parted(found.payload)[1]).at)
    except (msgspec.DecodeError, ValueError):
        return None  # it is no record of this version: it will be set aside


def _both(one: JournalLag, other: JournalLag) -> JournalLag:
    """A worker's files together."""
    moments = [lag.since for lag in (one, other) if lag.since is not None]
    records, exact = one.records + other.records, one.exact and other.exact
    return JournalLag(one.journal, records, min(moments, default=None), exact)
