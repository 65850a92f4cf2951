"""Waiting for what another task, thread or process does: until it is so, never for a fixed time.

Owns: the only sleeps in the tests (``test_suite.py`` looks), and how long anything may take. Not here: what is waited
for.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from http.client import HTTPException
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 180.0
"""Seconds after which a test gives up. No measure of speed: far more than a busy machine takes."""
AGES = 1000.0
"""A deadline, in seconds, that no test lives to see: whoever tests it says that so much time has passed."""
_TURNS = 30


class Ahead(asyncio.SelectorEventLoop):
    """A loop whose clock a test moves."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


async def patiently(main: Coroutine[Any, Any, T]) -> T:
    """Run a whole test, which is cancelled where it hangs: by true time, whatever its loop's clock says."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    guard = threading.Timer(2 * PATIENCE, loop.call_soon_threadsafe, (task.cancel, "it hangs"))
    guard.daemon = True
    guard.start()
    try:
        return await main
    finally:
        guard.cancel()


def until(true: Callable[[], object], what: str | Callable[[], str] = "it does not happen") -> None:
    """Wait in a thread until something is so. What does not answer yet (``OSError``) is not so yet."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError, HTTPException):
            if true():
                return
        time.sleep(0.01)
    raise AssertionError(what if isinstance(what, str) else what())


async def attempts(pause: float = 0.001) -> AsyncIterator[None]:
    """Once, and then time and again, for as long as a test waits in a task for something that it has to ask for."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        yield
        await asyncio.sleep(pause)
    raise AssertionError("it does not happen")


async def so(true: Callable[[], object]) -> None:
    """Wait in a task until something is so."""
    async for _ in attempts():
        if true():
            return


async def turns() -> None:
    """Let everybody on this loop read what was sent to it, and act on it. What can be seen is waited for by ``so``."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
