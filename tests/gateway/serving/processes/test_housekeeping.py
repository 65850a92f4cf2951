"""Housekeeping goes on after a defect, which is told, and ends when it is told to. The loop's clock is moved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from detente.gateway.serving.processes.housekeeping import PAUSE, SECOND, Housekeeping
from tests.gateway.http.peer import run
from tests.waiting import Ahead, turns


async def passes(seconds: float) -> None:
    """So much time passes, and all that waited for it goes on."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Ahead)
    loop.ahead += seconds
    await turns()


def kept(main: Callable[[Housekeeping], Coroutine[Any, Any, None]]) -> list[str]:
    """What was told while a test ran."""
    told: list[str] = []

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        await main(Housekeeping())

    run(whole(), plain=True)
    return told


def test_what_follows_goes_on_after_a_defect() -> None:
    """It ended in silence: of a watch on keys, no revocation was seen any more."""
    looks = 0

    async def main(beside: Housekeeping) -> None:
        again = asyncio.Event()

        async def follow() -> None:
            nonlocal looks
            while True:
                looks += 1
                if looks == 2:
                    raise ValueError("one bad row")
                await again.wait()
                again.clear()

        async def looked() -> int:
            again.set()
            await turns()
            return looks

        beside.begin(follow)
        await turns()
        assert looks == 1
        assert await looked() == 2
        await passes(PAUSE)
        assert looks == 3
        assert await looked() == 4
        await beside.end()
        assert await looked() == 4

    assert kept(main) == ["one bad row"]


def test_what_is_done_is_not_begun_again() -> None:
    begun = 0

    async def once() -> None:
        nonlocal begun
        begun += 1

    async def main(beside: Housekeeping) -> None:
        beside.begin(once)
        await turns()
        await passes(2 * PAUSE)
        await beside.end()

    assert kept(main) == []
    assert begun == 1


def test_each_second_goes_on_beside_what_hangs() -> None:
    times: list[float] = []

    async def tick(now: float) -> None:
        times.append(now)
        if len(times) == 1:
            raise OSError("no room")

    async def main(beside: Housekeeping) -> None:
        beside.begin(asyncio.Event().wait)  # type: ignore[arg-type]  # for ever
        beside.each_second(tick)
        await turns()
        assert times == []
        for seconds in (SECOND, PAUSE, SECOND):
            await passes(seconds)
        await beside.end()

    assert kept(main) == ["no room"]
    assert len(times) == 2


def test_a_defect_at_the_end_is_told_and_being_cancelled_is_none() -> None:
    async def badly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("it could not let go")

    async def well() -> None:
        await asyncio.Event().wait()

    async def main(beside: Housekeeping) -> None:
        beside.begin(well)
        beside.begin(badly)
        await turns()
        await beside.end()

    assert kept(main) == ["it could not let go"]


def test_a_defect_that_comes_again_and_again_is_told_at_growing_intervals() -> None:
    """It fails each two seconds, with its pause: told at 1, at 61 (29 between: 3 to 59), at 181 (59: 63 to 179)."""
    messages: list[tuple[float, str]] = []
    what = ["the same"]

    async def main(beside: Housekeeping) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        loop.set_exception_handler(lambda _, told: messages.append((round(loop.time() - began), told["message"])))

        async def fails(now: float) -> None:
            raise ValueError(what[0])

        beside.each_second(fails)
        await turns()
        for _ in range(190):
            await passes(1)
        what[0] = "another"
        for _ in range(4):
            await passes(1)
        await beside.end()

    kept(main)
    failed = "a worker's housekeeping failed"
    assert messages == [
        (1, failed),
        (61, f"{failed}, and 29 times more since that was told"),
        (181, f"{failed}, and 59 times more since that was told"),
        (191, failed),
    ]
