"""How a test of the client is run: on both loops, and no descriptor is left open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from tests.gateway.http.peer import run

Play = Callable[[Callable[[], Awaitable[None]]], None]


def descriptors() -> int:
    """How many are open."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def played(main: Callable[[], Awaitable[None]], *, plain: bool) -> None:
    """Run a test, and count descriptors."""

    async def whole() -> None:
        await main()

    run(asyncio.sleep(0), plain=plain)
    before = descriptors()
    run(whole(), plain=plain)
    assert descriptors() == before
