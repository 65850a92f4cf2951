"""Renewing: a worker's leases fetched, renewed and given back, in threads of their own, off the path of calls.

Owns: the connection to the ledger, when it is asked, and what the operator is told of it. Not here: what is claimed
(``leaseholder``), and what the ledger makes of it (``ledger/caps/leasing``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from detente.case.case import Case
from detente.errors import DetenteError, LedgerError
from detente.gateway.serving.caps.cap_news import CapNews
from detente.gateway.serving.caps.leaseholder import Leaseholder
from detente.gateway.serving.clock import Clock
from detente.gateway.serving.settings import Say
from detente.ledger.books.books import Books, must_be_of
from detente.ledger.books.giving_back import given_back
from detente.ledger.books.ingest import Ingest
from detente.ledger.caps.leasing import ANEW, CapAnswer, CapClaim, CapWindow, HolderEndedError, Leasing, UnmetClaim
from detente.ledger.journals.journal import of_worker, replica_of
from detente.ledger.store.followed_store import FollowedStore
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store

EVERY, REST, AGAIN = 0.25, 0.02, 2.0
"""Seconds between two claims, at least between two that are asked for, and after one that failed."""
LONGEST = 60.0
"""Seconds between two tries to read the journal of earlier lives, at most."""


class Renewing:
    """Keeps a worker's leases.

    Parameters
    ----------
    url
        The ledger's.
    holder
        The name of this life of the worker: what its calls' ids begin with.
    journal, worker
        Whose journal it writes: what held leases for it before is dead.
    news
        Who is told that a cap is nearly used up; default: ``say`` alone.
    """

    def __init__(
        self, url: str, holder: str, journal: Path, worker: int, clock: Clock, say: Say, news: CapNews | None = None
    ) -> None:
        self._news = CapNews(say) if news is None else news
        self.url, self._holder, self._worker = url, holder, worker
        self._journal, self._clock, self._say = journal, clock, say
        self._thread, self._reading = ThreadPoolExecutor(1, "detente-leases"), ThreadPoolExecutor(1, "detente-ingest")
        self._asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.leases = Leaseholder(self._asked.set, loop.time)
        self._ledger = FollowedStore(url, self._begun)
        """Used in the thread of leases alone."""
        self._opened, self._beat, self._last = False, 0, loop.time()
        self._case: Case
        self._followed: Case | None = None

    def follow(self, case: Case) -> None:
        """The case whose caps are kept from now on."""
        self._case = case

    async def run(self) -> None:
        """Claim until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._asked.wait()
            self._asked.clear()
            await asyncio.sleep(REST if await self.claim() else AGAIN)

    async def claim(self) -> bool:
        """Claim once; whether the ledger answered."""
        loop, at = asyncio.get_running_loop(), self._clock.now()
        claims = self.leases.claims(loop.time() - self._last, at)
        self._last = loop.time()
        known = self._opened and not self.leases.away and self._followed is self._case
        if known and not claims and not self.leases.spares:
            return True
        try:
            answers, unmet = await loop.run_in_executor(self._thread, self._claimed, claims, self._case)
        except HolderEndedError as error:
            self._opened = False
            self._holder += ANEW
            self.leases.lost()
            self._away(str(error))
            return False
        except (DetenteError, OSError) as error:
            self._away(str(error))
            return False
        except Exception:
            self._away("an internal error")  # calls that wait for it are not left waiting
            raise
        self._answered(answers, at)
        self.leases.lacked(unmet)
        return True

    def _claimed(
        self, claims: Mapping[CapWindow, CapClaim], case: Case
    ) -> tuple[dict[CapWindow, CapAnswer], set[UnmetClaim]]:
        """In the thread: open what is not open yet, claim, and look where calls of others lack something."""
        with self._ledger.open() as leasing:
            if self._followed is not case:
                with leasing.store.writing() as session:
                    books = Books(leasing.store, case)
                    books.totals.catch_up(session, books.length(session))
                self._followed = case
            if not self._opened:
                leasing.open(self._holder, replica_of(self._journal), self._worker)
                self._opened = True
            if claims:
                self._beat += 1
            answers = leasing.renew(self._holder, self._beat, claims) if claims else {}
            return answers, leasing.lacked(self._holder)

    def _begun(self, store: Store) -> Leasing:
        """In the thread: the ledger was opened; a backup may not have counted yet what the clauses of the case ask."""
        must_be_of(store, self._case)
        self._followed = None
        return Leasing(store)

    # -- what is told ----------------------------------------------------------------------------------------------
    def _away(self, why: str) -> None:
        if not self.leases.away:
            self._say(f"the ledger is away: {why}; calls go on within what worker {self._worker} has leased")
        self.leases.failed("the ledger is away")

    def _answered(self, answers: Mapping[CapWindow, CapAnswer], at: datetime) -> None:
        if self.leases.away:
            self._say(f"the ledger answers worker {self._worker} again")
        for key, answer in answers.items():
            if answer.reached:
                kept = self.leases.kept[key]
                self._news.tell(kept.cap, kept.allows, answer.reached, max(0, answer.unused))
        self.leases.answered(answers, at)

    # -- the life before -------------------------------------------------------------------------------------------
    async def recover(self) -> None:
        """Put the journal of this worker's earlier lives on the books, so that what they held and did not use is free.

        In a thread of its own: calls are served meanwhile. Again and again until it is done: the ledger may be away.
        """
        loop, wait, said = asyncio.get_running_loop(), AGAIN, ""
        while True:
            try:
                freed = await loop.run_in_executor(self._reading, self._recovered, self._case)
                break
            except (DetenteError, OSError) as error:
                if str(error) != said:
                    what = "what it leased before it was restarted stays reserved until its journal is on the books"
                    self._say(
                        f"the journal of worker {self._worker} could not be read into the ledger: {error}; {what}"
                    )
                said = str(error)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST)
        if freed:
            self._say(f"worker {self._worker}: its journal is on the books, and what {freed} earlier held is free")

    def _recovered(self, case: Case) -> int:
        """In the thread. It holds the lock of its journal, so that all others who wrote it are dead."""
        with open_store(self.url) as store:
            ingest, mine = Ingest(Books(store, case)), of_worker(self._journal, self._worker)
            if not ingest.run(mine, self._clock.now()).whole:
                raise LedgerError(f"{self._journal}: parts of it are damaged; see `detente ingest`")
            at = self._clock.now()
            return given_back(ingest, self._journal, self._worker, at, lambda *_: True, self._holder)

    # -- the end ---------------------------------------------------------------------------------------------------
    async def close(self) -> None:
        """Give back what is free."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._closed)
        except (DetenteError, OSError) as error:
            self._say(f"worker {self._worker} could not give back what it leased: {error}")
        finally:
            self._thread.shutdown()
            self._reading.shutdown(wait=False, cancel_futures=True)

    def _closed(self) -> None:
        try:
            if self._opened:
                with self._ledger.open() as leasing:
                    leasing.close(self._holder, self._beat + 1, self.leases.ending())
        finally:
            self._ledger.close()
