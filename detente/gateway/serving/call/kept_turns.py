"""Turns of conversations that the gateway keeps, in a file that its workers share.

Owns: that a turn is found by whoever presents the key it was made with, on any worker, and nobody else; and that no key
takes more than its bounds. What is not used longest goes first. The file lives as long as the gateway and is its user's
alone: what was said is nowhere else on a disk. It is read and written in a thread of its own, so that no other call
waits for it. Not here: what a turn is (``surfaces/responses_kept``), and who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from detente.gateway.surfaces.surface import KeptTurn
from detente.live.serving import KeptResponses

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")
WAIT = 2.0
"""Seconds that a call waits for its turn to be found or kept, behind those of other calls and workers."""


class UnkeptError(Exception):
    """What the file of turns says of itself where it cannot be read or written."""


FAILURES = (UnkeptError, TimeoutError)
"""What becomes of a turn that cannot be found or kept, or not in time."""
_TABLES = """
pragma journal_mode = wal;
pragma synchronous = off;
create table if not exists turns (
    id text primary key, key text not null, previous text not null, input blob not null, response blob not null,
    size integer not null, used real not null, deleted integer not null default 0
) without rowid;
create index if not exists by_key on turns (key, used, id, size);
create index if not exists by_use on turns (used);
create index if not exists by_previous on turns (previous);
create index if not exists by_deleted on turns (id) where deleted;
"""
_CHAIN = """
with recursive chain (id, previous, input, response, depth) as (
    select id, previous, input, response, 0 from turns
    where id = :id and key = :key and used > :since and not deleted
    union all
    select turns.id, turns.previous, turns.input, turns.response, depth + 1 from chain
    join turns on turns.id = chain.previous and turns.key = :key
) select id, previous, input, response from chain order by depth desc
"""
_UNUSED = """
delete from turns where deleted and not exists (
    select 1 from turns as later where later.previous = turns.id and later.key = turns.key
)
"""
"""Deleted turns that no turn builds on. With them goes what only they needed, if that is deleted, too: ask again."""
_TOO_MUCH = """
select id from (
    select id, row_number() over newest as place, sum(size) over newest as bytes from turns where key = ?
    window newest as (order by used desc, id desc)
) where place > ? or bytes > ?
"""


class KeptTurns:
    """The turns of one gateway. Times are the event loop's, which all processes of a machine share.

    Parameters
    ----------
    file
        Where they are; None: nothing is kept. It is made when it is first needed.
    wait
        Seconds that a call waits for it.
    """

    def __init__(self, file: Path | None = None, *, wait: float = WAIT) -> None:
        self._file, self._wait = file, wait
        self._opened: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    def keeps(self, bounds: KeptResponses) -> bool:
        """Whether anything is kept at all."""
        return self._file is not None and bounds.age > 0

    async def keep(self, key: str, turn: KeptTurn, bounds: KeptResponses, now: float) -> None:
        """Keep a turn that was made with a key, and let go of what is over the bounds. Raises ``FAILURES``."""
        await self._beside(partial(self._keep, key, turn, bounds, now))

    async def recall(self, key: str, response: str, bounds: KeptResponses, now: float) -> Sequence[KeptTurn]:
        """A conversation up to a response, the oldest turn first; nothing where not all of it is there.

        Raises ``FAILURES``.
        """
        if not self.keeps(bounds):
            return ()
        return await self._beside(partial(self._recall, key, response, bounds, now))

    async def forget(self, key: str, response: str) -> None:
        """Let go of a turn. What others that build on it need of it goes with the last of them. Raises ``FAILURES``."""
        await self._beside(partial(self._forget, key, response))

    async def close(self) -> None:
        """Let go of the file and of the thread, after what is under way in it, however long that takes."""
        thread, self._thread = self._thread, None
        if thread is not None:
            released = asyncio.get_running_loop().run_in_executor(thread, self._release)
            thread.shutdown(wait=False)  # it ends after that
            await asyncio.shield(released)

    async def _beside(self, act: Callable[[], T]) -> T:
        """Act beside the event loop, in turn. What nobody waits for any more is not begun."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "detente-turns")
        async with asyncio.timeout(self._wait):
            return await asyncio.get_running_loop().run_in_executor(self._thread, _acted, act)

    # -- in the thread ------------------------------------------------------------------------------------------------
    def _keep(self, key: str, turn: KeptTurn, bounds: KeptResponses, now: float) -> None:
        size = len(turn.input) + len(turn.response)
        row = (turn.id, key, turn.previous, turn.input, turn.response, size, now)
        with self._database() as database:
            database.execute("insert or replace into turns values (?, ?, ?, ?, ?, ?, ?, 0)", row)
            database.execute("delete from turns where used <= ?", (now - bounds.age,))
            over = database.execute(_TOO_MUCH, (key, bounds.count, bounds.bytes)).fetchall()
            database.executemany("delete from turns where id = ?", over)
            _tidied(database)

    def _recall(self, key: str, response: str, bounds: KeptResponses, now: float) -> Sequence[KeptTurn]:
        with self._database() as database:
            asked = {"id": response, "key": key, "since": now - bounds.age}
            found = [KeptTurn(*row) for row in database.execute(_CHAIN, asked)]
            if not found or found[0].previous:
                return ()
            database.executemany("update turns set used = ? where id = ?", [(now, turn.id) for turn in found])
        return found

    def _forget(self, key: str, response: str) -> None:
        with self._database() as database:
            database.execute("update turns set deleted = 1 where id = ? and key = ?", (response, key))
            _tidied(database)

    def _release(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _database(self) -> sqlite3.Connection:
        if self._opened is None:
            import sqlite3

            if self._file is None:
                raise UnkeptError("nothing is kept")
            opened = sqlite3.connect(self._file, timeout=self._wait)
            with closing(opened.executescript(_TABLES)):
                self._opened = opened
        return self._opened


def _tidied(database: sqlite3.Connection) -> None:
    """Let go of deleted turns that none builds on, and then of those before them."""
    while database.execute(_UNUSED).rowcount:
        pass


def _acted(act: Callable[[], T]) -> T:
    """What it comes to. The database is imported with the first turn: most gateways keep none. Raises UnkeptError."""
    import sqlite3

    try:
        return act()
    except sqlite3.Error as error:
        raise UnkeptError(str(error)) from error


NOTHING_KEPT = KeptTurns()
