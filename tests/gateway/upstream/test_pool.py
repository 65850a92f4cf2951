"""Turns at a pool's limit, in the moments that a network seldom shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream.connection import UpstreamConnection
from detente.gateway.upstream.deadline_sweep import Sweep
from detente.gateway.upstream.error import UpstreamError
from detente.gateway.upstream.origin import Origin
from detente.gateway.upstream.pool import Pool
from tests.gateway.http.peer import Peer, reply, run
from tests.waiting import PATIENCE


def play(main: Callable[[Pool], Awaitable[None]], *, plain: bool = False) -> None:
    """With a pool of one connection."""

    async def whole() -> None:
        async with Peer([reply(b"ok")]) as peer:
            sweep = Sweep(keep=PATIENCE)
            outbox = Outbox(asyncio.get_running_loop())
            origin = Origin("http", "127.0.0.1", peer.port)
            pool = Pool(origin, outbox, sweep, PATIENCE, 1, lambda: pytest.fail("no TLS here"))
            async with asyncio.timeout(PATIENCE):
                await main(pool)
                sweep.stop()
                await pool.close()
                await peer.left()

    run(whole(), plain=plain)


def asking(pool: Pool, *, fresh: bool = False) -> asyncio.Task[UpstreamConnection]:
    return asyncio.create_task(pool.connection(asyncio.get_running_loop().time() + PATIENCE, fresh=fresh))


def test_a_free_connection_goes_to_who_waits_longest() -> None:
    async def main(pool: Pool) -> None:
        first = await asking(pool)
        second, third = asking(pool), asking(pool)
        await asyncio.sleep(0)
        for task in (second, third):
            pool.release(first)
            assert await task is first
        pool.release(first)
        assert pool.take() is first
        assert pool.take() is None

    play(main)


def test_one_that_is_lost_before_its_new_user_wakes_is_replaced() -> None:
    async def main(pool: Pool) -> None:
        first = await asking(pool)
        second = asking(pool)
        await asyncio.sleep(0)
        pool.release(first)
        first.connection_lost(None)
        first.pool = Pool(pool.origin, pool.outbox, pool.sweep, PATIENCE, 1, pool._tls)  # it is lost once only
        assert await second is not first
        first.transport.abort()

    play(main)


def test_who_needs_a_fresh_one_closes_what_it_is_given_and_keeps_its_place() -> None:
    async def main(pool: Pool) -> None:
        first = await asking(pool)
        second, third = asking(pool, fresh=True), asking(pool)
        await asyncio.sleep(0)
        pool.release(first)
        fresh = await second
        assert fresh is not first
        assert first.closing
        assert not third.done()
        pool.release(fresh)
        assert await third is fresh

    play(main)


@pytest.mark.parametrize("lost", [False, True])
def test_one_that_is_given_to_who_leaves_goes_to_the_next(lost: bool) -> None:
    async def main(pool: Pool) -> None:
        first = await asking(pool)
        second, third = asking(pool), asking(pool)
        await asyncio.sleep(0)
        if lost:
            first.abort()
            while first in pool.open:
                await asyncio.sleep(0)
                second.cancel()
        else:
            pool.release(first)
            second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert (await third is first) != lost

    play(main)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("turns", range(6))
def test_who_stops_waiting_as_a_connection_is_made_leaves_its_place(turns: int, plain: bool) -> None:
    """Also where the socket is open already, and its loop closes it without a word."""

    async def main(pool: Pool) -> None:
        for _ in range(3):  # of one place
            task = asking(pool)
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                (await task).abort()
        with contextlib.suppress(UpstreamError):
            (await pool.connection(asyncio.get_running_loop().time())).abort()
        pool.release(await asking(pool))
        assert len(pool.open) == 1

    play(main, plain=plain)
