"""A journal, for people and for programs: its records, a line each.

Owns: how a record is shown. Not here: reading files (``ledger/journal``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from detente.errors import JournalError, printable
from detente.ledger.frames import Torn, read
from detente.ledger.journal import files
from detente.ledger.record import Record, decoded

Print = Callable[[str], None]


def records_view(folder: Path, last: int | None, as_json: bool, out: Print, warn: Print) -> int:
    """Print the records of a folder, in the order in which each worker wrote them; one JSON object a line if asked for.

    Returns 1 where a file ends in a torn record, else 0. Raises JournalError and OSError.
    """
    torn = 0
    found = files(folder)
    if not found:
        raise JournalError(f"{folder}: holds no journal; `detente serve … --journal {folder}` writes one")
    for worker in dict.fromkeys(file.name.partition("-")[0] for file in found):
        mine = [file for file in found if file.name.startswith(f"{worker}-")]
        for item in _last(_records(mine), last):
            if isinstance(item, str):
                torn += 1
                warn(item)
            else:
                out(msgspec.json.encode(item).decode() if as_json else line(item))
    return 1 if torn else 0


def _records(mine: Iterable[Path]) -> Iterator[Record | str]:
    for file in mine:
        for number, item in enumerate(read(file), 1):
            if isinstance(item, Torn):
                yield f"{file}: {item.length} bytes from byte {item.offset} on are a record that was not finished"
                continue
            try:
                yield decoded(item)
            except msgspec.DecodeError as error:
                raise JournalError(f"{file}: record {number} is not one of this version: {error}") from None


def _last(items: Iterable[Record | str], last: int | None) -> Iterable[Record | str]:
    return items if last is None else deque(items, maxlen=last)


def line(record: Record) -> str:
    """One record in one line or two: when, who, where, how it ended; then why, and why not elsewhere."""
    used = record.usage
    tokens = f"{used.input:,} + {used.output:,} tok" if used is not None else "use unknown"
    where = record.deployment or "nobody"
    if places := record.regions or ((record.region,) if record.region else ()):
        where += f" in {' or '.join(places)}"
    ended = record.outcome if record.status == 200 else f"{record.outcome} {record.status}"
    if (record.outcome == "abandoned" and record.stream) or (record.outcome == "cut" and record.pieces):
        ended += f" after {record.pieces:,} piece{'s' if record.pieces != 1 else ''}"
    top = f"{record.at[:19]}Z  {record.workload}  {printable(record.model)} → {where}  {ended}  {tokens}"
    if record.cost is not None:
        top += f"  {record.cost}"
    why = [record.why] if record.why else []
    why += [f"{a.deployment}: {a.detail or a.outcome}" for a in record.attempts if a.outcome != "served"]
    why += [f"not {d.deployment} [{d.clause}]" for d in record.denied]
    return top + (f"\n    {'; '.join(why)}" if why else "")
