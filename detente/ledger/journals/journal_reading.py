"""Journals as they are read: records in order, and whatever is wrong between them, told where it stands.

Owns: gaps in the numbers, damage, torn ends, over the files of a worker. Not here: the bytes of one file (``frames``),
and the fields of a record (``record``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from detente.errors import JournalError
from detente.ledger.journals.frames import NUMBERS, JournalFrame, Torn, frames
from detente.ledger.journals.record import Record, decoded


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a journal's file: damage, a gap, what cannot be read; or a torn end."""

    file: Path
    why: str
    torn: bool = False

    def __str__(self) -> str:
        return f"{self.file}: {self.why}"


def worker_of(path: Path) -> str:
    """Whose file it is: those of one worker follow each other."""
    return f"{path.parent}/{path.name.partition('-')[0]}"


def of_worker(mine: Iterable[Path]) -> Iterator[tuple[Path, JournalFrame] | Trouble]:
    """The records of one worker's files, each with its file, and what is wrong between them."""
    due: int | None = None
    for file in mine:
        for item in of_file(file, due):
            if isinstance(item, JournalFrame):
                due = item.due
                yield file, item
            else:
                yield item


def records(mine: Iterable[Path]) -> Iterator[Record | Trouble]:
    """The same, each record as it says."""
    for item in of_worker(mine):
        yield item if isinstance(item, Trouble) else _decoded(*item)


def _decoded(file: Path, item: JournalFrame) -> Record | Trouble:
    try:
        return decoded(item.payload)
    except msgspec.DecodeError as error:
        return Trouble(file, f"record {item.number} is not one of this version: {error}")


def of_file(file: Path, due: int | None = None, since: int = 0) -> Iterator[JournalFrame | Trouble]:
    """The records of one file, and what is wrong between them; ``due`` is the number of the next, where known."""
    try:
        for item in frames(file, since):
            if isinstance(item, JournalFrame):
                if due is not None and item.number != due:
                    yield Trouble(file, f"{_gap(due, item.number)}, before byte {item.end}")
                due = (item.number + 1) % NUMBERS
                yield item
            elif isinstance(item, Torn):
                said = f"{item.length} bytes from byte {item.offset} on are a record that was not finished"
                yield Trouble(file, said, torn=True)
            else:
                yield Trouble(file, f"damaged at byte {item.offset}, for {item.length} bytes, {item.told}")
    except JournalError as error:
        yield Trouble(file, error.why)


def _gap(due: int, found: int) -> str:
    """What a number says that is not the one that was due."""
    missing = (found - due) % NUMBERS
    if missing < NUMBERS // 2:
        return f"{missing:,} record{'s are' if missing != 1 else ' is'} missing"
    return f"records {found:,} to {due - 1:,} come again" if found != due - 1 else f"record {found:,} comes again"
