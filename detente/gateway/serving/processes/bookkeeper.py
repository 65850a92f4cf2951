"""The bookkeeper: a process beside the workers, which puts what they record on the books about once a second.

Owns: how it is told to stop, and the case by which it reads, as its files are now. Not here: reading
(``ledger/books/following``), and starting it again (``supervisor``).

It is a process of its own since it works in long pieces, and calls would wait for them.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress

from detente.case.case import Case
from detente.errors import DetenteError
from detente.gateway.deciding.policy import Policy
from detente.gateway.serving.settings import Say, Settings
from detente.ledger.books.following import Following
from detente.ledger.books.giving_back import freed_told
from detente.ledger.books.ingest import Ingested

LOOK = 2.0
"""Seconds between two looks at whether the case's files changed, at least."""
NICE = 5
"""How far it steps back behind the workers where processors are few."""


class Bookkeeper:
    """Keeps books until it is told to stop, and reads once more then."""

    def __init__(self, settings: Settings, policy: Policy, say: Say) -> None:
        self._settings, self._say = settings, say
        self._case = policy.case
        self._looked = 0.0

    def run(self) -> None:
        """Returns after SIGTERM."""
        assert self._settings.ledger is not None, "books are kept where there is a ledger"
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        os.nice(NICE)
        following = Following(self._settings.ledger, [self._settings.journal], self._say)
        following.run(self._now, self._settings.clock.now, stop, self._tell)

    def _tell(self, found: Ingested) -> None:
        """What is of use to an operator."""
        if found.freed:
            self._say(freed_told(found.freed))

    def _now(self) -> Case:
        """The case as its files are; where they are wrong, as they were: a worker says so."""
        if time.monotonic() - self._looked < LOOK:
            return self._case
        self._looked = time.monotonic()
        if self._settings.source.changed():
            with suppress(DetenteError):
                self._case = self._settings.source.read().case
        return self._case
