"""The client of providers: connections are shared and waited for, bodies arrive whole, and errors say what happened."""

from __future__ import annotations

import asyncio

import pytest

from detente.gateway.upstream import Incoming, UpstreamError
from detente.gateway.upstream.connection import SLICE
from detente.providers.outgoing import Outgoing
from tests.gateway.http.peer import Peer, Script, nobody, reply
from tests.gateway.upstream.asking import ASK, LONG, OK, STREAM, ask, client, later
from tests.gateway.upstream.play import Play
from tests.waiting import AGES, PATIENCE, so

pytestmark = pytest.mark.usefixtures("unhurried")


# -- pools ----------------------------------------------------------------------------------------------------------
def test_calls_one_after_the_other_share_a_connection(play: Play) -> None:
    async def main() -> None:
        async with Peer([OK]) as peer:
            upstream = client()
            for _ in range(20):
                assert await ask(upstream, peer.base) == b"ok"
            assert await ask(upstream, f"{peer.base}/other/base") == b"ok"
            assert peer.connections == 1
            assert peer.requests[-1][0].startswith(b"POST /other/base/v1/chat/completions HTTP/1.1\r\n")
            await upstream.close()
            await peer.left()

    play(main)


def test_more_calls_at_once_than_connections_wait_their_turn(play: Play) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with Peer([gate, OK]) as peer:
            upstream = client(most=3)
            asked = asyncio.gather(*(ask(upstream, peer.base) for _ in range(30)))
            await so(lambda: peer.open == 3)
            gate.set()
            assert await asked == [b"ok"] * 30
            assert peer.connections == peer.most_open == 3
            await upstream.close()
            await peer.left()

    play(main)


def test_a_lost_connection_gives_its_turn_to_who_waits(play: Play) -> None:
    async def main() -> None:
        async with Peer(["turns", OK, "close"]) as peer:
            upstream = client(most=2)
            assert await asyncio.gather(*(ask(upstream, peer.base) for _ in range(10))) == [b"ok"] * 10
            assert peer.most_open <= 4  # two of which the peer has not yet seen closed
            await upstream.close()
            await peer.left()

    play(main)


def test_no_turn_by_the_connect_deadline_is_our_own_limit_and_the_next_is_served(play: Play) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with Peer([gate, OK], [OK]) as peer:
            upstream = client(most=1)
            first = asyncio.create_task(ask(upstream, peer.base))
            await so(lambda: peer.requests)
            upstream.follow(connect=0)
            with pytest.raises(UpstreamError, match=r"connect deadline.*all 1 are in use") as caught:
                await ask(upstream, peer.base)
            assert (caught.value.kind, caught.value.sent) == ("busy", False)
            upstream.follow(connect=AGES)
            with pytest.raises(UpstreamError, match="total deadline"):
                await ask(upstream, peer.base, until=later(0))
            gate.set()
            assert await first == b"ok"
            assert await ask(upstream, peer.base) == b"ok"
            await upstream.close()
            await peer.left()

    play(main)


def test_who_leaves_while_waiting_for_a_turn_takes_none(play: Play) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with Peer([gate, OK]) as peer:
            upstream = client(most=1)
            tasks = [asyncio.create_task(ask(upstream, peer.base)) for _ in range(12)]
            await so(lambda: peer.requests)
            for task in tasks[1::2]:
                task.cancel()
            # Cancelled in the very moment in which a turn is given: it is passed on.
            tasks[0].add_done_callback(lambda _: tasks[2].cancel())
            gate.set()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [result for result in results if isinstance(result, bytes)] == [b"ok"] * 5
            async with asyncio.timeout(PATIENCE):
                assert await ask(upstream, peer.base) == b"ok"
            await upstream.close()
            await peer.left()

    play(main)


def test_idle_connections_grow_old_and_are_closed(play: Play) -> None:
    async def main() -> None:
        async with Peer([OK]) as peer:
            upstream = client(keep=0)
            await ask(upstream, peer.base)
            await peer.left()  # by the sweep, without another call
            await ask(upstream, peer.base)
            assert peer.connections == 2
            await upstream.close()
            await peer.left()

    play(main)


# -- bodies ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [0, 1, SLICE, SLICE + 1, 8_000_000])
def test_a_request_arrives_whole(play: Play, size: int) -> None:
    async def main() -> None:
        body = (bytes(range(251)) * (size // 251 + 1))[:size]
        async with Peer([OK]) as peer:
            upstream = client()
            for _ in range(2):
                incoming = await upstream.send(peer.base, Outgoing("/", (), body), (("a", "b"),), until=later())
                assert await incoming.read(10) == b"ok"
            assert [sent for _, sent in peer.requests] == [body, body]
            await upstream.close()
            await peer.left()

    play(main)


def test_an_early_refusal_is_delivered_while_the_request_is_still_going_out(play: Play) -> None:
    async def main() -> None:
        refusal = reply(b"too large", status="413 Content Too Large")
        async with Peer([refusal, "silence"], [OK], eager=True) as peer:
            upstream = client()
            incoming = await upstream.send(peer.base, Outgoing("/", (), b"x" * 60_000_000), (), until=later())
            assert (incoming.status, await incoming.read(100)) == (413, b"too large")
            await peer.left()
            await upstream.close()

    play(main)


@pytest.mark.parametrize("script", [[LONG], [STREAM, *[b"400\r\n" + b"x" * 1024 + b"\r\n"] * 9]])
def test_a_body_longer_than_asked_for_is_broken(play: Play, script: Script) -> None:
    async def main() -> None:
        async with Peer([*script, "silence"]) as peer:
            upstream = client()
            incoming = await upstream.send(peer.base, ASK, (), until=later())
            with pytest.raises(UpstreamError, match="more than 8000 bytes") as caught:
                await incoming.read(8000)
            assert caught.value.kind == "broken"
            await peer.left()
            await upstream.close()

    play(main)


def test_a_stream_that_is_cut_gives_what_came_and_then_fails(play: Play) -> None:
    async def main() -> None:
        async with Peer([STREAM + b"2\r\nab\r\n", b"2\r\ncd\r\n", "close"]) as peer:
            upstream = client()
            incoming: Incoming = await upstream.send(peer.base, ASK, (), until=later())
            await so(lambda: incoming.failure)
            assert await incoming.piece() == b"abcd"
            for _ in range(2):
                with pytest.raises(UpstreamError, match="within its reply"):
                    await incoming.piece()
            await upstream.close()
            await peer.left()

    play(main)


def test_headers_are_by_name_in_lower_case_and_the_last_counts(play: Play) -> None:
    async def main() -> None:
        async with Peer([reply(b"", "X-A: 1", "x-a: 2", "X-B: é")]) as peer:
            upstream = client()
            incoming = await upstream.send(peer.base, ASK, (), until=later())
            assert incoming.headers == {"content-length": "0", "x-a": "2", "x-b": "Ã©"}
            await upstream.close()
            await peer.left()

    play(main)


# -- what is not reached --------------------------------------------------------------------------------------------
def test_what_cannot_be_reached_is_told_in_plain_words(play: Play) -> None:
    async def main() -> None:
        upstream = client()
        with nobody() as refuses:
            for base, words in [
                (refuses, "refuses connections"),
                ("http://nobody.invalid", "does not resolve"),
                (f"http://{'a' * 80}.invalid", "does not resolve"),
            ]:
                with pytest.raises(UpstreamError, match=words) as caught:
                    await ask(upstream, f"{base}/secret")
                assert (caught.value.kind, caught.value.sent) == ("unreachable", False)
                assert base in str(caught.value)
                assert "secret" not in str(caught.value)
        await upstream.close()

    play(main)


def test_a_header_that_could_inject_another_is_refused_before_a_connection_is_made(play: Play) -> None:
    async def main() -> None:
        async with Peer([OK]) as peer:
            upstream = client()
            with pytest.raises(ValueError, match="authorization"):
                await upstream.send(peer.base, ASK, (("authorization", "a\r\nevil: b"),), until=later())
            assert peer.connections == 0
            await upstream.close()

    play(main)
