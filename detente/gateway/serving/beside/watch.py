"""A watch on the books: where clauses stand, looked at beside calls, in a thread of its own.

Owns: when they are looked at, and what the operator is told of floors that will fall short. Not here: the standings
(``ledger/books/stands``), which floors are at risk (``ledger/books/at_risk``), and which calls they steer
(``deciding``).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from detente.case.case import Case
from detente.errors import DetenteError
from detente.gateway.deciding.standings import Standings
from detente.gateway.serving.clock import Clock
from detente.gateway.serving.settings import Say
from detente.ledger.books.at_risk import at_risk
from detente.ledger.books.books import Books
from detente.ledger.books.stands import BooksStand, stands
from detente.ledger.caps.budget_stands import budgets_stand
from detente.ledger.journals.lag import ReadUpTo, lags, read_up_to, said
from detente.ledger.store.followed_store import FollowedStore
from detente.ledger.store.store import Store

EVERY = 1.0
"""Seconds between two looks, at least."""
PART = 50
"""How many times as long as a look takes it is to the next one: a worker's calls wait for the thread that looks."""
STALE = timedelta(seconds=30)
"""After so long it is looked again although nothing was booked: time has passed, and windows end."""


class BooksWatch:
    """Watches where the clauses of a case stand.

    Parameters
    ----------
    url
        The ledger's.
    journal
        The folder of which it is watched how far the books lag behind it, also while the ledger is away.
    standings
        Where what is seen is kept for those who decide.
    """

    def __init__(self, url: str, journal: Path, standings: Standings, clock: Clock, say: Say) -> None:
        self._journal, self._standings, self._clock, self._say = journal, standings, clock, say
        self._thread = ThreadPoolExecutor(1, "detente-watch")
        self._case: Case
        self._ledger = FollowedStore(url, self._begun)
        """Used in the thread alone."""
        self._looked: tuple[Case, int] | None = None
        """The case and the last batch of what was seen."""
        self._marks: ReadUpTo | None = None
        """As they were read last; None: nobody knows yet what is on the books."""
        self._late: set[str] = set()
        """Journals of which it was told that the books lag behind."""

    def follow(self, case: Case) -> None:
        """The case whose clauses are watched from now on."""
        self._case = case

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self.look()
            await asyncio.sleep(max(EVERY, PART * (loop.time() - began)))

    async def look(self) -> None:
        """Look once. Where the ledger is away, what was seen last holds on."""
        case, kept = self._case, self._standings
        seen: BooksStand | None = None
        with suppress(DetenteError, OSError):  # it is told by whoever claims leases
            seen = await asyncio.get_running_loop().run_in_executor(self._thread, self._seen, case)
        self._tell_lags()
        if seen is None:
            return
        before = {floor.term for floor in kept.at_risk}
        found, kept.seen = at_risk(seen, case.signed), seen
        if found != kept.at_risk:
            kept.at_risk = found
        for each in found:
            if each.term not in before:
                what = "lapse in part" if each.lapses else "fall short"
                self._say(
                    f"{each.term} is expected to {what} by {each.end:%Y-%m-%d}; calls that count towards it go there"
                )

    def _tell_lags(self) -> None:
        """Tell once that the books lag behind a journal by more than the bound, and once that they no longer do."""
        now = self._clock.now()
        late = {lag.journal: lag for lag in self._standings.lags if lag.late(now)}
        for journal, lag in late.items():
            if journal not in self._late:
                self._say(said(lag, now))
        for journal in self._late - late.keys():
            self._say(f"the books have caught up with {journal}")
        self._late = set(late)

    def _seen(self, case: Case) -> BooksStand | None:
        """In the thread: where they stand; None where that is known, since nothing was booked of late."""
        try:
            with self._ledger.open() as store:
                return self._read(store, case)
        finally:
            if self._marks is not None:
                with suppress(OSError):
                    self._standings.lags = lags([self._journal], self._marks)

    def _begun(self, store: Store) -> Store:
        """In the thread: the ledger was opened; as many batches as before may be others."""
        self._looked = None
        return store

    def _read(self, store: Store, case: Case) -> BooksStand | None:
        now, before = self._clock.now(), self._standings.seen
        self._standings.budgets = budgets_stand(store, case, now)
        books = Books(store, case)
        with store.reading() as session:
            looked = case, books.length(session)
            self._marks = read_up_to(session)
        if looked == self._looked and before is not None and now - before.as_of < STALE:
            return None
        self._looked = looked
        return stands(books, now)

    def close(self) -> None:
        """Let go, in the thread that holds it."""
        self._thread.submit(self._ledger.close)
        self._thread.shutdown(wait=False)
