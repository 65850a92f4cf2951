"""Renewals: secrets fetched again, each in a thread of its own.

Owns: when a secret is fetched, and that one which never comes holds up nothing: no other secret, no serving, and not
the end of the process, for which these threads are daemons. Not here: fetching (``providers/authority``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from threading import Thread

from detente.errors import DetenteError
from detente.providers.authority import Authority

RETRY = 10.0
"""Seconds until a secret that could not be had, or was refused, is fetched again."""
PATIENCE = 10.0
"""Seconds after which a secret that has not come is said to be missing; it is taken whenever it comes."""


class Renewals:
    """Fetches the secrets of a worker.

    Parameters
    ----------
    say
        Where it is told what went wrong.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._again: dict[str, float] = {}
        self._under_way: set[Authority] = set()
        self._tasks: set[asyncio.Task[str]] = set()

    async def first(self, authorities: Mapping[str, Authority]) -> None:
        """Fetch secrets that were never fetched, by deployment, and wait for them as long as ``PATIENCE``."""
        said = await asyncio.gather(*(self._fetched(name, authority) for name, authority in authorities.items()))
        again = asyncio.get_running_loop().time() + RETRY
        self._again |= {name: again for name, failed in zip(authorities, said, strict=True) if failed}
        for failed in filter(None, said):
            self._say(f"{failed}; calls go to other permitted deployments")

    def begin(self, authorities: Mapping[str, Authority], rejected: Collection[str], now: float, wall: float) -> None:
        """Begin to fetch the secrets that are due at ``wall``, or that were rejected. Waits for none."""
        for name, authority in authorities.items():
            if authority in self._under_way or now < self._again.get(name, 0.0):
                continue
            if name in rejected or authority.due(wall):
                self._again[name] = now + RETRY
                task = asyncio.get_running_loop().create_task(self._fetched(name, authority))
                self._tasks.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[str]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failed := task.result()):
            self._say(failed)

    async def _fetched(self, name: str, authority: Authority) -> str:
        """What went wrong, or nothing."""
        loop = asyncio.get_running_loop()
        fetched: asyncio.Future[Exception | None] = loop.create_future()

        def settle(failed: Exception | None) -> None:
            if not fetched.done():  # somebody still waits
                fetched.set_result(failed)

        def fetch() -> None:
            failed = None
            try:
                authority.renew()
            except Exception as error:
                failed = error
            self._under_way.discard(authority)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, failed)

        self._under_way.add(authority)
        Thread(target=fetch, name="detente-secret", daemon=True).start()
        try:
            async with asyncio.timeout(PATIENCE):
                failed = await fetched
        except TimeoutError:
            return f"{name}: its secret was not received within {PATIENCE:g} s"
        if failed is None or isinstance(failed, DetenteError):
            return f"{name}: {failed}" if failed else ""
        loop.call_exception_handler(
            {"message": f"internal error while fetching the secret of {name}", "exception": failed}
        )
        return f"{name}: its secret could not be fetched, because of an internal error"
