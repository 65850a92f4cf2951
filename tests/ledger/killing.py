"""Kills: writers of journals, ingests and closings that die at any moment, and books that hold all the same.

Each round forks a writer, which says of each record that is written that it is, and an ingest, which also closes the
books; each dies when it has used a random part of its processor's time (the kernel ends it; no line of Python runs), or
lives to its end. After all rounds, one undisturbed ingest and closing; then every record that was said to be written is
on the books once, none twice, the chain holds, every batch balances, and all is as in a ledger that was made at once.

``python -m tests.ledger.killing --kills 1000`` makes a thousand; ``--postgres`` on a server that it starts,
``--ledger URL`` on another database.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from detente.case.case import Case
from detente.errors import JournalError
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.ingest import Ingest, journals
from detente.ledger.journals.journal import Journal
from detente.ledger.proof.audit import audit
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Session, Store
from tests.builders import day
from tests.ledger.postgres_server import a_server
from tests.ledger.served import NOW, call, contents, served_case

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"}}
FLOOR |= {"measure": "after-discounts"}
TERMS = (FLOOR, {"id": "off", "kind": "discount", "off": "7%"})
LIFE = 0.02
"""Seconds of the processor's time within which a process dies, if it does: somewhat more than its work takes."""
DAYS = ("2026-02-01", "2026-03-01", "2026-04-01")
START = datetime(2026, 1, 1, tzinfo=UTC)


class BrokenPromiseError(AssertionError):
    """A promise that was not kept."""


def dies(work: Callable[[], None], after: float | None) -> bool:
    """Run something in a process of its own, which dies after some of the processor's time; whether it did."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            if after is not None:
                signal.signal(signal.SIGPROF, signal.SIG_DFL)
                signal.setitimer(signal.ITIMER_PROF, after)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise BrokenPromiseError("a process failed by itself: see above")
    return os.WIFSIGNALED(status)


def write(folder: Path, first: int, count: int, said: int) -> None:
    """Append records, and say of each, once it is written, that it is."""
    journal = Journal(folder, rotate_at=4096)
    for n in range(first, first + count):
        at = START + timedelta(minutes=37 * n % 129_600)
        if n % 3 == 0:
            journal.append(call(n, at, None, outcome="begun"))
        journal.append(call(n, at, None if n % 11 == 0 else (1000 + n, n % 97)))
        os.write(said, f"req_{n}\n".encode())
    journal.close()


def settle(url: str, case: Case, folder: Path, on: str | None) -> None:
    """Ingest, in small batches; and close the books, if a day is given."""
    with open_store(url, make=True) as store:
        books = Books(store, case)
        Ingest(books, 9).run(journals([folder]), NOW)
        if on is not None:
            close(books, day(on), NOW)


def killed(url: str, kills: int, seed: int, folder: Path) -> str:
    """Kill so often; what came of it, in a line. Raises BrokenPromiseError."""
    chance, case, journal = random.Random(seed), served_case(*TERMS), folder / "journal"
    written, said = os.pipe()
    os.set_blocking(written, False)
    deaths, first, closed = 0, 0, 0
    promised: set[str] = set()
    settle(url, case, _begun(journal), None)
    while deaths < kills:
        count = chance.randint(1, 20)
        life = chance.choice([None, chance.uniform(0, LIFE / 4)])
        deaths += dies(partial(write, journal, first, count, said), life)
        first += count
        promised |= _said(written)
        on = DAYS[closed] if chance.random() < 0.3 else None
        closed = min(closed + (on is not None and chance.random() < 0.05), len(DAYS) - 1)
        deaths += dies(partial(settle, url, case, journal, on), chance.uniform(0, LIFE))
    settle(url, case, journal, DAYS[-1])
    with open_store(url) as store:
        _holds(store, case, journal, promised, folder)
    return f"{deaths} kills, {len(promised)} records said to be written, all of them on the books once; the chain holds"


def _begun(journal: Path) -> Path:
    """A journal with one record, so that there is something to read."""
    first = Journal(journal)
    first.append(call(10**9, START))
    first.close()
    return journal


def _said(pipe: int) -> set[str]:
    found = b""
    try:
        while piece := os.read(pipe, 65536):
            found += piece
    except BlockingIOError:
        pass
    return set(found.decode().split())


def _holds(store: Store, case: Case, journal: Path, promised: set[str], folder: Path) -> None:
    books = Books(store, case)
    with store.reading() as session:
        there = [id for (id,) in session.all("SELECT id FROM calls WHERE outcome <> 'begun'")]
        unbalanced = _unbalanced(session)
    faults = audit(books).faults
    if len(there) != len(set(there)):
        raise BrokenPromiseError("a record is on the books twice")
    if not promised <= set(there):
        raise BrokenPromiseError(f"not on the books: {sorted(promised - set(there))[:5]}")
    if faults or unbalanced:
        raise BrokenPromiseError(f"the books: {[*map(str, faults), *unbalanced][:5]}")
    with open_store(str(folder / "at-once.db"), make=True) as other:
        anew = Books(other, case)
        Ingest(anew).run(journals([journal]), NOW)
        close(anew, day(DAYS[-1]), NOW)
        if contents(other) != contents(store):
            raise BrokenPromiseError("they are not those of a ledger that was made at once")


def _unbalanced(session: Session) -> list[str]:
    sums: dict[tuple[int, str], int] = {}
    for batch, unit, amount in session.all("SELECT batch, unit, amount FROM entries"):
        sums[int(batch), unit] = sums.get((int(batch), unit), 0) + int(amount)
    return [f"batch {batch} is {amount} {unit} off" for (batch, unit), amount in sums.items() if amount]


def main() -> None:
    """From a shell."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=1000)
    asked.add_argument("--ledger", default="", help="a URL; default: a file")
    asked.add_argument("--postgres", action="store_true", help="on a server that is started for it")
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    with ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory())
        url = given.ledger or f"{folder}/ledger.db"
        if given.postgres:
            url = closing.enter_context(a_server()).url
        try:
            print(killed(url, given.kills, given.seed, Path(folder)))
        except (BrokenPromiseError, JournalError) as error:
            sys.exit(f"BROKEN (seed {given.seed}): {error}")


if __name__ == "__main__":
    main()
