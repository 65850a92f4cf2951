"""Marks: how far a journal's file was read into the books.

Owns: by what a file is known, and whether what was read of it still stands there. A file is known by its first record,
wherever it lies and whatever it is called. A mark saves reading again and promises nothing: where the record that it
names is another by now (a copy of the folder went its own way), the file is read from its beginning, and the ids of
records keep each once. Not here: adding records (``ingest``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from detente.ledger.journals.frames import NUMBERS, JournalFrame
from detente.ledger.journals.journal_reading import Trouble, of_file
from detente.ledger.store.store import Session


@dataclass(frozen=True, slots=True)
class FileMark:
    """The last record of a file that is on the books: where it begins, its number, and a digest of it.

    ``held``: something was wrong behind it, or is of a time to come; it stays there, so that a file that was mended is
    read again.
    """

    print: str
    name: str
    last: int
    number: int
    tail: str
    held: bool = False

    @property
    def due(self) -> int | None:
        """The number of the next record; None where none was read."""
        return (self.number + 1) % NUMBERS if self.tail else None

    def is_at(self, frame: JournalFrame) -> bool:
        """Whether this is the record that it names."""
        return (frame.start, frame.number, digest(frame.payload)) == (self.last, self.number, self.tail)

    def past(self, items: Sequence[JournalFrame | Trouble], to_come: Set[int] = frozenset()) -> FileMark:
        """The mark once these are on the books, but for those that begin where ``to_come`` says."""
        if self.held:
            return self
        wrong = len(items)
        if to_come or any(isinstance(item, Trouble) for item in items):  # hardly ever
            wrong = next((n for n, item in enumerate(items) if _stays(item, to_come)), wrong)
        last = next((item for item in reversed(items[:wrong]) if isinstance(item, JournalFrame)), None)
        found = replace(self, held=wrong < len(items))
        if last is None:
            return found
        return replace(found, last=last.start, number=last.number, tail=digest(last.payload))

    @property
    def row(self) -> tuple[str, str, int, int, str]:
        """As it stands in the store: in its batch, and as the last of its file."""
        return self.print, self.name, self.last, self.number, self.tail

    def keep(self, session: Session) -> None:
        """Write it as the last of its file."""
        session.put("files", ("print",), ("print", "name", "last", "number", "tail"), [self.row])


def read_files(session: Session) -> dict[str, tuple[str, int, int, str]]:
    """By the print of each file, the last mark of it that a batch holds: what ``files`` should say."""
    rows = session.all("SELECT print, name, last, number, tail FROM reads ORDER BY batch, n")
    return {str(print): (str(name), int(last), int(number), str(tail)) for print, name, last, number, tail in rows}


def _stays(item: JournalFrame | Trouble, to_come: Set[int]) -> bool:
    """Whether a mark stays before it."""
    return not item.torn if isinstance(item, Trouble) else item.start in to_come


def digest(payload: bytes) -> str:
    """What a record is known by."""
    return blake2b(payload, digest_size=16).hexdigest()


def unread(session: Session, path: Path, due: int | None) -> tuple[FileMark, Iterator[JournalFrame | Trouble]]:
    """The mark of a file, and what stands behind it. ``due`` is the number of its first record, where known."""
    first = next((item for item in of_file(path) if isinstance(item, JournalFrame)), None)
    if first is None:
        return FileMark("", str(path), 0, 0, ""), (item for item in of_file(path, due) if isinstance(item, Trouble))
    print = digest(first.payload)
    row = session.one("SELECT last, number, tail FROM files WHERE print = ?", (print,))
    new = FileMark(print, str(path), 0, 0, "")
    if row is None:
        return new, of_file(path, due)
    mark = replace(new, last=int(row[0]), number=int(row[1]), tail=str(row[2]))
    rest = of_file(path, mark.number, mark.last)
    there = next(rest, None)
    if isinstance(there, JournalFrame) and mark.is_at(there):
        return mark, rest
    return new, of_file(path, due)
