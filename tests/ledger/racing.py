"""Races: replicas that use one cap up between them, and die at any moment; the cap is used up, and never passed.

Each replica is a process that leases, records each use in a file and counts it. It dies when it has used a random part
of its processor's time (the kernel ends it; no line of Python runs). As a gateway does that follows a dead one, its
file is put on the books and its lease closed, and another life begins. At the end every unit of the cap was used, once.

``python -m tests.ledger.racing --workers 8 --calls 200000`` races whole; ``--postgres`` on a server that it starts,
``--ledger URL`` on another database.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from detente.ledger.caps.leasing import Leasing, count
from detente.ledger.store.opening import open_store
from tests.ledger.killing import BrokenPromiseError
from tests.ledger.lease_racer import CAP, race
from tests.ledger.postgres_server import a_server

AHEAD = 50
"""Units that a replica leases ahead, at most."""


@dataclass
class Race:
    """A race under way: who runs, by process, as slot and name."""

    url: str
    folder: Path
    calls: int
    chance: random.Random
    life: float
    running: dict[int, tuple[int, str]] = field(default_factory=dict)
    lives: int = 0
    deaths: int = 0

    def start(self, slot: int, *, mortal: bool = True) -> None:
        """Let a replica run, which dies in the middle where it is mortal."""
        name = f"w{slot}-{self.lives}"
        self.lives += 1
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                if mortal:
                    signal.signal(signal.SIGPROF, signal.SIG_DFL)
                    signal.setitimer(signal.ITIMER_PROF, self.chance.uniform(self.life / 10, self.life))
                race(self.url, name, self.calls, 0, AHEAD, self.folder, slot)
                code = 0
            finally:
                os._exit(code)
        self.running[child] = slot, name

    def ended(self) -> int | None:
        """Wait for one to end; its slot where it died, once its file is on the books. Raises BrokenPromiseError."""
        child, status = os.waitpid(-1, 0)
        slot, name = self.running.pop(child)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                raise BrokenPromiseError("a process failed by itself: see above")
            return None
        self.deaths += 1
        self._follow(slot, name)
        return slot

    def _follow(self, slot: int, name: str) -> None:
        """What follows a death: its uses go on the books, and what it did not use is free."""
        with open_store(self.url) as store:
            used = self.used(name)
            with store.writing() as session:
                count(session, {(CAP, name): used} if used else {})
            Leasing(store).bury({name})

    def used(self, name: str = "*") -> int:
        """What was recorded, of one or of all."""
        return sum(file.stat().st_size for file in self.folder.glob(name))


def raced(url: str, folder: Path, workers: int, calls: int, kills: int, seed: int, life: float) -> str:
    """Race until the cap is used up; what came of it, in a line. Raises BrokenPromiseError."""
    open_store(url, make=True).close()
    found = Race(url, folder, calls, random.Random(seed), life)
    for slot in range(workers):
        found.start(slot)
    while found.running:
        died = found.ended()
        if found.used() > calls:
            raise BrokenPromiseError(f"{found.used()} of {calls} were used")
        if died is not None:
            found.start(died, mortal=found.deaths < kills)
    found.start(workers, mortal=False)  # what came back after the others had ended
    found.ended()
    if found.used() != calls:
        raise BrokenPromiseError(f"{found.used()} of {calls} were used, and not all")
    return f"{workers} replicas, {found.deaths} of {found.lives} lives killed: {calls} of {calls} units used"


def main() -> int:
    """Race, and say what came of it."""
    asks = argparse.ArgumentParser()
    for name, usual in (("workers", 8), ("calls", 200_000), ("kills", 400), ("seed", 1)):
        asks.add_argument(f"--{name}", type=int, default=usual)
    asks.add_argument("--life", type=float, default=0.01, help="seconds of the processor's time that a replica lives")
    asks.add_argument("--ledger")
    asks.add_argument("--postgres", action="store_true")
    given = asks.parse_args()
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        (folder / "used").mkdir()
        url = given.ledger or str(folder / "ledger.db")
        if given.postgres:
            url = closing.enter_context(a_server()).url
        print(raced(url, folder / "used", given.workers, given.calls, given.kills, given.seed, given.life))
    return 0


if __name__ == "__main__":
    sys.exit(main())
