"""A journal, for people and for programs: its records, a line each.

Owns: how a record is shown. Not here: reading files (``ledger.journals.journal_reading``).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from operator import itemgetter
from pathlib import Path

import msgspec

from detente.errors import HIDDEN, JournalError, printable
from detente.ledger.journals.journal import files
from detente.ledger.journals.journal_reading import Trouble, records, worker_of
from detente.ledger.journals.record import Attempt, Record, TokenCounts, ended

Print = Callable[[str], None]


def records_view(folder: Path, last: int | None, as_json: bool, out: Print, warn: Print) -> int:
    """Print the records of a folder, in the order in which each worker wrote them; one JSON object a line if asked for.

    A stream that began and has no end stands, among the last ones, where its beginning was written; else behind all.

    Whatever is wrong is told where it stands, and the records behind it are printed. Returns 2 where a record is
    damaged, missing or repeated, else 0: a torn end is what a killed writer leaves, and holds no record. Raises
    JournalError where there is no journal, and OSError.
    """
    found = files(folder)
    if not found:
        raise JournalError(folder, f"holds no journal; `detente serve … --journal {folder}` writes one")
    code = 0
    for worker in dict.fromkeys(map(worker_of, found)):
        mine = [file for file in found if worker_of(file) == worker]
        for item in ended(records(mine)) if last is None else _last(records(mine), last):
            if isinstance(item, Trouble):
                code = code if item.torn else 2
                warn(str(item))
            else:
                out(_as_json(item) if as_json else line(item))
    return code


def _as_json(record: Record) -> str:
    """One object on one line, in which nothing moves the cursor: JSON leaves some of that as it is."""
    return HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], msgspec.json.encode(record).decode())


def _last(items: Iterable[Record | Trouble], last: int) -> Iterable[Record | Trouble]:
    """The last records as they were written, beginnings only of streams without an end; all troubles before them."""
    kept = deque[tuple[int, Record]](maxlen=last)
    begun: dict[str, tuple[int, Record]] = {}
    troubles = []
    for place, item in enumerate(items):
        if isinstance(item, Trouble):
            troubles.append(item)
        elif item.outcome == "begun":
            begun[item.id] = place, item
        else:
            begun.pop(item.id, None)
            kept.append((place, item))
    found = sorted([*kept, *begun.values()], key=itemgetter(0))
    return [*troubles, *(record for _, record in found[-last:])]


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
    top = f"{record.at[:19]}Z  {record.workload}  {record.model} → {where}  {ended}  {tokens}"
    if record.continued:
        top += "  continued"
    if record.cost is not None:
        top += f"  {record.cost}"
    why = [record.why] if record.why else []
    why += [_tried(a) for a in record.attempts if a.outcome != "served"]
    why += [f"not {d.deployment} [{d.clause}]" for d in record.denied]
    return printable(top) + (f"\n    {printable('; '.join(why))}" if why else "")


def _tried(attempt: Attempt) -> str:
    """An attempt that did not serve the call; that its use is not known is never left out (§12)."""
    told = f"{attempt.deployment}: {attempt.detail or attempt.outcome}"
    if attempt.used == "unknown":
        return f"{told} (use unknown)"
    if isinstance(attempt.used, TokenCounts):
        return f"{told} ({attempt.used.input:,} + {attempt.used.output:,} tok)"
    return told
