"""Every hostile server: its reply is served or refused, and never confused with the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream import Upstream, UpstreamError
from detente.providers.outgoing import Outgoing
from tests.gateway.http.behaviours import REFUSED, SERVED, SMALL, Behaviour
from tests.gateway.http.peer import Peer, Script, reply, run
from tests.waiting import PATIENCE

ASK = Outgoing("/v1/chat/completions", (("content-type", "application/json"),), b'{"model":"m"}')
NEXT = reply(b"next")
Get = Callable[[Upstream, str], Awaitable[tuple[int, bytes, dict[str, str]]]]


def client() -> Upstream:
    return Upstream(Outbox(asyncio.get_running_loop()), connect=PATIENCE)


async def whole(upstream: Upstream, base: str) -> tuple[int, bytes, dict[str, str]]:
    incoming = await upstream.send(base, ASK, (), until=asyncio.get_running_loop().time() + PATIENCE)
    try:
        return incoming.status, await incoming.read(1_000_000), incoming.headers
    finally:
        incoming.close()


async def streamed(upstream: Upstream, base: str) -> tuple[int, bytes, dict[str, str]]:
    incoming = await upstream.send(base, ASK, (), until=asyncio.get_running_loop().time() + PATIENCE)
    body = b""
    try:
        while piece := await incoming.piece():
            body += piece
        return incoming.status, body, incoming.headers
    finally:
        incoming.close()


@pytest.mark.parametrize("plain", [False, True], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("get", [whole, streamed])
@pytest.mark.parametrize("behaviour", SERVED, ids=lambda b: b.name)
def test_a_reply_that_is_served(behaviour: Behaviour, get: Get, plain: bool) -> None:
    async def main() -> None:
        async with Peer(behaviour.script, [NEXT]) as peer:
            upstream = client()
            status, body, headers = await get(upstream, peer.base)
            assert (status, body) == (behaviour.status, behaviour.body)
            assert headers.get("content-type") is None  # trailers are no headers
            if "late" in behaviour.name:
                await peer.left()
            assert (await get(upstream, peer.base))[:2] == (200, b"next")
            assert peer.connections == (1 if behaviour.kept else 2)
            await upstream.close()
            await peer.left()

    run(main(), plain=plain)


@pytest.mark.parametrize("plain", [False, True], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("get", [whole, streamed])
@pytest.mark.parametrize("behaviour", REFUSED, ids=lambda b: b.name)
def test_a_reply_that_is_refused(behaviour: Behaviour, get: Get, plain: bool) -> None:
    async def main() -> None:
        async with Peer(behaviour.script, [NEXT]) as peer:
            upstream = client()
            with pytest.raises(UpstreamError) as caught:
                await get(upstream, peer.base)
            assert caught.value.kind == "broken"
            assert caught.value.sent
            assert peer.base in str(caught.value)
            assert len(peer.requests) == 1  # it was not asked twice
            assert (await get(upstream, peer.base))[:2] == (200, b"next")
            assert peer.connections == 2
            await upstream.close()
            await peer.left()

    run(main(), plain=plain)


@pytest.mark.parametrize("data", SMALL, ids=["length", "chunks"])
def test_a_reply_that_is_cut_at_any_byte_is_broken(data: bytes) -> None:
    async def main() -> None:
        scripts: list[Script] = [[data[:cut], end] for cut in range(len(data)) for end in ("close", "end")]
        async with Peer(*scripts) as peer:
            upstream = client()
            for _ in scripts:
                with pytest.raises(UpstreamError, match="closed the connection"):
                    await whole(upstream, peer.base)
            await upstream.close()
            await peer.left()
            assert peer.connections == len(scripts)

    run(main())
