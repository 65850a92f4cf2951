"""Giving back: what dead gateways had leased of caps and did not use is free once their journals are on the books.

Owns: when that is certain. Not here: reading journals (``ingest``), and what stays of a lease (``caps/leases``).

In this order: who holds leases and wrote a journal is noted; then that nobody writes it any more, so that those who
were noted are dead; then it is read to its end; and they are closed. Another that begins to write it meanwhile was not
noted. Where anything of it is missing or damaged, what they had stays reserved: it may have been used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from detente.ledger.books.ingest import Ingest
from detente.ledger.caps.leasing import ANEW, Leasing, any_holder
from detente.ledger.journals.frames import NUMBERS, JournalFrame
from detente.ledger.journals.journal import REPLICA, of_worker, workers_of
from detente.ledger.journals.journal_lock import has_ended
from detente.ledger.journals.journal_reading import of_file, worker_of
from detente.ledger.store.store import Store

HasEnded = Callable[[Path, int], bool]
"""Whether it is certain that nobody writes a worker's journal any more but those who are left out."""


def give_back(ingest: Ingest, paths: Iterable[Path], at: datetime) -> int:
    """Free what the dead writers of some journals had leased and did not use; how many they were.

    Journals of which all files are given. Raises LedgerError, and OSError.
    """
    store = ingest.store
    with store.reading() as session:
        if not any_holder(session):
            return 0
    return sum(given_back(ingest, folder, worker, at) for folder, worker in workers_of(paths))


def given_back(
    ingest: Ingest, folder: Path, worker: int, at: datetime, ended: HasEnded = has_ended, but: str = ""
) -> int:
    """The same of one worker's journal; ``but``: who lives, also under a later name of its own."""
    replica, leasing = folder / REPLICA, Leasing(ingest.store)
    if not replica.exists():
        return 0  # of whoever wrote it without a ledger
    living = leasing.living(replica.read_text(encoding="ascii").strip(), worker)
    names = {name for name in living if name.rstrip(ANEW) != but.rstrip(ANEW)}
    if not names or not ended(folder, worker):
        return 0
    mine = of_worker(folder, worker)
    if not ingest.run(mine, at).whole or not _from_its_beginning(ingest.store, mine):
        return 0
    return leasing.bury(names)


def freed_told(writers: int) -> str:
    """What people are told of so many."""
    return f"what {writers} worker{'' if writers == 1 else 's'} that ended had leased of caps and not used is free"


def _from_its_beginning(store: Store, mine: list[Path]) -> bool:
    """Whether what stood before the first record that is there is on the books: full files may have been moved away."""
    first = next((item for file in mine for item in of_file(file) if isinstance(item, JournalFrame)), None)
    if first is None or first.number == 0:
        return True
    before = (first.number - 1) % NUMBERS
    with store.reading() as session:
        names = [str(name) for (name,) in session.all("SELECT name FROM files WHERE number = ?", (before,))]
    return any(Path(worker_of(Path(name))).resolve() == Path(worker_of(mine[0])).resolve() for name in names)
