"""Housekeeping: what a worker does beside calls for as long as it serves, each in a task of its own.

Owns: that a defect in one of them is told and does not end it, and that they end together. Not here: what is done
(``worker``, ``beside``, ``caps/renewing``). A slow disk, folder or ledger holds up the task that asks it, and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

SECOND = 1.0
PAUSE = 1.0
"""Seconds until what had a defect is begun again."""
BesideCalls = Callable[[], Coroutine[Any, Any, None]]
OncePerSecond = Callable[[float], Coroutine[Any, Any, None]]


class Housekeeping:
    """What is done beside calls, on the loop that runs."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._ends = False

    def begin(self, work: BesideCalls) -> None:
        """Do it until it returns, or all end. After a defect, which is told, it is begun again."""
        self._tasks.append(self._loop.create_task(self._kept_up(work)))

    def each_second(self, what: OncePerSecond) -> None:
        """Do it about once a second, by the loop's clock, which it is given, until all end."""

        async def again_and_again() -> None:
            while True:
                await asyncio.sleep(SECOND)
                await what(self._loop.time())

        self.begin(again_and_again)

    async def _kept_up(self, work: BesideCalls) -> None:
        while True:
            try:
                await work()
                return
            except Exception as defect:
                context = {"message": "a worker's housekeeping failed", "exception": defect}
                self._loop.call_exception_handler(context)
            if self._ends:  # it was cancelled, and failed at that
                return
            await asyncio.sleep(PAUSE)

    async def end(self) -> None:
        """Cancel all, and wait until each has let go."""
        self._ends = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
