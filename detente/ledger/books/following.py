"""Following: journals as they grow, put on the books time after time, until told to stop.

Owns: which files changed since they were read, that one follows a folder where several would, and what is said of a
ledger or a folder that is away. Not here: reading a file into the books (``ingest``), and the process that does it.

Reading is exactly once however many do it, so that whoever follows may be killed at any moment: the next goes on.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event

from detente.case.case import Case
from detente.errors import DetenteError
from detente.ledger.books.books import Books
from detente.ledger.books.giving_back import give_back
from detente.ledger.books.ingest import Ingest, Ingested
from detente.ledger.journals.journal import files
from detente.ledger.journals.journal_reading import worker_of
from detente.ledger.store.followed_store import FollowedStore
from detente.ledger.store.store import Store

EVERY = 1.0
"""Seconds between two looks, at least; after one that took longer, as long as it took."""
BATCH = 1_000
"""Records of one transaction: fewer than of who reads alone, since leases are renewed between them."""
REST = 0.02
"""Seconds between two batches, for whoever else waits to write."""

Seen = tuple[int, int, int]
"""What tells that a file was read: which one it is, its size, and when it was changed."""
Told = Callable[[Ingested], None]


class Following:
    """Follows journals into a ledger, which is there.

    Parameters
    ----------
    url
        The ledger's.
    journals
        Folders, which may be empty yet, and files.
    say
        Takes a line for the operator: each mishap once, until it is over.
    """

    def __init__(self, url: str, journals: Sequence[Path], say: Callable[[str], None]) -> None:
        self._journals, self._say = journals, say
        self._ledger = FollowedStore(url, self._begun)
        self._ingest: tuple[Case, Ingest] | None = None
        self._seen: dict[Path, Seen] = {}
        """The files that were read into this ledger, as they were then."""
        self._wrong = ""
        """What was said to be wrong, and still is."""
        self._troubles: set[str] = set()

    def run(self, case: Callable[[], Case], now: Callable[[], datetime], stop: Event, told: Told) -> None:
        """Read what is new, time after time; once more when told to stop. ``told`` hears of each time."""
        with self._alone(stop):
            wait = 0.0
            while not stop.wait(wait):
                began = time.monotonic()
                told(self.look(case(), now(), lambda: stop.wait(REST)))
                wait = max(EVERY, time.monotonic() - began)
            told(self.look(case(), now()))
        self._ledger.close()

    def look(self, case: Case, at: datetime, between: Callable[[], object] = lambda: None) -> Ingested:
        """Read what is new, once. What cannot be read or written now is said, and tried again the next time."""
        found = Ingested()
        try:
            seen = {path: _seen(path) for path in self._paths()}
            with self._ledger.open() as store:
                changed = _with_the_one_before(seen, {path for path in seen if self._seen.get(path) != seen[path]})
                if changed:
                    found = self._reading(store, case).run(changed, at, between)
                if seen:
                    found.freed = give_back(self._reading(store, case), seen, at)
        except (DetenteError, OSError) as error:
            self._away(error)
            return found
        self._seen = seen
        self._here()
        self._tell(found)
        return found

    # -- what there is ---------------------------------------------------------------------------------------------
    def _paths(self) -> Iterator[Path]:
        for path in self._journals:
            yield from files(path) if path.is_dir() else [path]

    def _begun(self, store: Store) -> Store:
        """The ledger was opened: a backup may lack what was read into the one before."""
        self._ingest, self._seen = None, {}
        return store

    def _reading(self, store: Store, case: Case) -> Ingest:
        """What reads for a case; of another case a new one."""
        if self._ingest is None or self._ingest[0] is not case:
            self._ingest = case, Ingest(Books(store, case), BATCH)
        return self._ingest[1]

    @contextmanager
    def _alone(self, stop: Event) -> Iterator[None]:
        """While nobody else follows these folders, here: one is enough, and two would wait for each other."""
        held = []
        try:
            for folder in filter(Path.is_dir, self._journals):
                held.append(os.open(folder, os.O_RDONLY | os.O_CLOEXEC))
                said = False
                while not stop.is_set() and not _locked(held[-1]):
                    if not said:
                        self._say(f"{folder}: another process puts it on the books; this one waits until it ends")
                    said = True
                    stop.wait(EVERY)
            yield
        finally:
            for fd in held:
                os.close(fd)

    # -- what is said ----------------------------------------------------------------------------------------------
    def _away(self, error: DetenteError | OSError) -> None:
        said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        if said != self._wrong:
            what = "journals cannot be put on the books"
            self._say(f"{what}: {said}; what is recorded meanwhile is, once they can")
        self._wrong = said

    def _here(self) -> None:
        if self._wrong:
            self._say("journals are put on the books again")
        self._wrong = ""

    def _tell(self, found: Ingested) -> None:
        """What is wrong with journals, each once."""
        wrong = [*(str(trouble) for trouble in found.troubles if not trouble.torn), *found.aside]
        for said in wrong:
            if said not in self._troubles:
                self._say(f"set aside: {said}")
        self._troubles |= set(wrong)


def _seen(path: Path) -> Seen:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _with_the_one_before(paths: Iterable[Path], changed: set[Path]) -> list[Path]:
    """Files that changed, each after the worker's file before it: that says which record is due."""
    found: list[Path] = []
    before: dict[str, Path] = {}
    for path in paths:
        worker = worker_of(path)
        if path in changed:
            found += [before[worker]] if worker in before and before[worker] not in found else []
            found.append(path)
        before[worker] = path
    return found


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks; that two follow does no harm
    return True
