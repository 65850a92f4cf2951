"""Callers who leave: nothing of their call is left behind."""

from __future__ import annotations

import asyncio
import socket

import pytest

from detente.gateway.upstream import UpstreamError
from tests.gateway.http.peer import Peer, Script
from tests.gateway.upstream.asking import ASK, LONG, OK, ask, client, later
from tests.gateway.upstream.play import Play
from tests.waiting import so, turns

pytestmark = pytest.mark.usefixtures("unhurried")


@pytest.mark.parametrize(
    "script", [["silence"], [b"HTTP/1.1 200 OK\r\n", "silence"], [LONG, "silence"], [LONG + b"x", "silence"]]
)
def test_a_cancelled_caller_closes_the_connection_at_once(play: Play, script: Script) -> None:
    async def main() -> None:
        async with Peer(script, [OK]) as peer:
            upstream = client(most=1)
            task = asyncio.create_task(ask(upstream, peer.base))
            await so(lambda: peer.requests)
            await turns()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await peer.left()
            assert await ask(upstream, peer.base) == b"ok"
            assert not upstream._sweep.busy - set(upstream._pools.popitem()[1].open)
            await upstream.close()

    play(main)


def test_a_caller_cancelled_while_connecting_leaves_nothing_behind(play: Play) -> None:
    async def main() -> None:
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]  # a queue that is full: connections are not made any more
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        upstream = client(most=1)
        base = f"http://127.0.0.1:{port}"
        for _ in range(2):
            task = asyncio.create_task(ask(upstream, base))
            await turns()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        upstream.follow(connect=0)
        with pytest.raises(UpstreamError, match="connect deadline") as caught:
            await ask(upstream, base)
        assert (caught.value.kind, caught.value.sent) == ("timeout", False)
        await upstream.close()
        for one in [full, *fillers]:
            one.close()

    play(main)


def test_closing_a_reply_under_way_wakes_its_reader(play: Play) -> None:
    async def main() -> None:
        async with Peer([LONG + b"x", "silence"]) as peer:
            upstream = client()
            incoming = await upstream.send(peer.base, ASK, (), until=later())
            assert await incoming.piece() == b"x"
            reading = asyncio.create_task(incoming.piece())
            await asyncio.sleep(0)
            incoming.close()
            incoming.close()
            with pytest.raises(UpstreamError, match="was left"):
                await reading
            await peer.left()
            await upstream.close()

    play(main)


def test_stopping_fails_what_is_under_way_and_serves_no_more(play: Play) -> None:
    async def main() -> None:
        async with Peer([OK], [LONG, "silence"]) as peer:
            upstream = client()
            await ask(upstream, peer.base)
            incoming = await upstream.send(peer.base, ASK, (), until=later())
            await upstream.close()
            with pytest.raises(UpstreamError, match="stopping"):
                await incoming.piece()
            for base in (peer.base, "http://127.0.0.1:9"):
                with pytest.raises(UpstreamError, match="stopping"):
                    await ask(upstream, base)
            await peer.left()

    play(main)
