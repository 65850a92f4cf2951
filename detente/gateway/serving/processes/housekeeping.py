"""Housekeeping: what a worker does beside calls for as long as it serves, each in a task of its own.

Owns: that a defect in one of them is told, though not each second, and does not end it, and that they end together. Not
here: what is done (``worker``, ``beside``, ``caps/renewing``). A slow disk, folder or ledger holds up the task that
asks it, and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

SECOND = 1.0
PAUSE = 1.0
"""Seconds until what had a defect is begun again."""
FIRST_SILENCE = 60.0
LONGEST_SILENCE = 3600.0
"""Seconds for which a defect that comes again and again is not told once more: each time for twice as long."""
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
        defects = _Defects()
        while True:
            try:
                await work()
                return
            except Exception as defect:
                if (message := defects.news(defect, self._loop.time())) is not None:
                    self._loop.call_exception_handler({"message": message, "exception": defect})
            if self._ends:  # it was cancelled, and failed at that
                return
            await asyncio.sleep(PAUSE)

    async def end(self) -> None:
        """Cancel all, and wait until each has let go."""
        self._ends = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Defects:
    """The defects of one of them, and what was told of them."""

    def __init__(self) -> None:
        self._said, self._untold = "", 0
        self._silence, self._silent_until, self._seen = FIRST_SILENCE, 0.0, 0.0

    def news(self, defect: Exception, now: float) -> str | None:
        """What is told of a defect; None of one that was told a while ago and has come ever since."""
        said = f"{type(defect).__name__}: {defect}"
        if said != self._said or now - self._seen > FIRST_SILENCE:
            self._said, self._untold, self._silence = said, 0, FIRST_SILENCE
        elif now < self._silent_until:
            self._seen, self._untold = now, self._untold + 1
            return None
        else:
            self._silence = min(2 * self._silence, LONGEST_SILENCE)
        again = f", and {self._untold} times more since that was told" if self._untold else ""
        self._seen, self._silent_until, self._untold = now, now + self._silence, 0
        return f"a worker's housekeeping failed{again}"
