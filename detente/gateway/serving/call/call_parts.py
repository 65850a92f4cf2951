"""The parts of a call that is made as several, a few at a time.

Owns: that all of them succeed, or none is waited for any longer. Not here: which parts there are (``providers``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from detente.providers.wire import Failure

T = TypeVar("T")
AT_ONCE = 8
"""Parts of one call that are under way at a time: more would take the places of other calls."""


class _PartError(Exception):
    """A part failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


async def all_of(parts: Sequence[Callable[[], Awaitable[Failure | T]]]) -> list[T] | Failure:
    """What came of all parts, in their order, or the first failure: then the others are given up."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(ask: Callable[[], Awaitable[Failure | T]]) -> T:
        async with turns:
            found = await ask()
        if isinstance(found, Failure):
            raise _PartError(found)
        return found

    tasks = [asyncio.ensure_future(one(part)) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    except _PartError as failed:
        return failed.failure
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
