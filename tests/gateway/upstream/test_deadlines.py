"""Deadlines on connecting, on the first byte, on silence and in all: each ends a call by itself."""

from __future__ import annotations

import asyncio
import socket

import pytest

from detente.gateway.upstream import WHOLE, Incoming, Patience, Upstream, UpstreamError
from detente.gateway.upstream.incoming_reply import MAX_BUFFERED
from tests.gateway.http.peer import Peer, Script, Step
from tests.gateway.upstream.asking import ASK, OK, STREAM, ask, client, later
from tests.gateway.upstream.play import Play
from tests.waiting import AGES, so, turns

pytestmark = pytest.mark.usefixtures("unhurried")


def under_way(upstream: Upstream) -> Incoming:
    """The one reply that is awaited."""
    (connection,) = upstream._sweep.busy
    assert connection.incoming is not None
    return connection.incoming


HEAD = b"HTTP/1.1 200 OK\r\n"

TRICKLE: list[Step] = [b"1\r\na\r\n", "turns"] * 20

DRIBBLE: list[Step] = ["turns", b"a: b\r\n"] * 20

PATIENT = Patience(first=1000, idle=2000)

LATE: list[tuple[Script, Patience, float, str]] = [
    (["silence"], PATIENT, 1000, "first-byte deadline"),
    ([HEAD + b"content-", "silence"], PATIENT, 1000, "first-byte deadline"),
    ([HEAD, *DRIBBLE, "silence"], PATIENT, 1000, "first-byte deadline"),
    ([STREAM, *TRICKLE, "silence"], PATIENT, 1000, "first-byte deadline"),  # bytes are not content
    ([STREAM, "silence"], PATIENT, 2000, "idle deadline"),
    ([STREAM + b"2\r\nab\r\n", "silence"], PATIENT, 2000, "idle deadline"),
    ([STREAM, *TRICKLE, "silence"], WHOLE, 5000, "total deadline"),
    (["silence"], PATIENT, 500, "total deadline"),
    (["silence"], WHOLE, 5000, "total deadline"),
]


@pytest.mark.parametrize(("script", "patience", "after", "words"), LATE)
def test_deadlines(play: Play, script: Script, patience: Patience, after: float, words: str) -> None:
    async def main() -> None:
        async with Peer(script, [OK]) as peer:
            begun = any(isinstance(step, bytes) and step.startswith(STREAM) for step in script)
            upstream, now = client(), later(0)
            until = now + (after if "total" in words else 9000)
            call = asyncio.create_task(ask(upstream, peer.base, until, patience))
            await so(lambda: peer.silent)
            await so(lambda: under_way(upstream).status or not begun)
            if "idle" in words:
                under_way(upstream).speaks()
            upstream._sweep.look(now)  # sees what has come
            upstream._sweep.look(now + after - 100)
            assert under_way(upstream).failure is None
            upstream._sweep.look(now + after + 100)
            with pytest.raises(UpstreamError, match=words) as caught:
                await call
            assert (caught.value.kind, caught.value.sent) == ("timeout", True)
            await peer.left()
            assert await ask(upstream, peer.base) == b"ok"
            await upstream.close()

    play(main)


def test_a_deadline_ends_a_call_by_itself(play: Play) -> None:
    async def main() -> None:
        async with Peer(["silence"]) as peer:
            upstream = client()
            with pytest.raises(UpstreamError, match=r"within 0 s \(first-byte deadline\)"):
                await ask(upstream, peer.base, patience=Patience(first=0))
            await peer.left()
            await upstream.close()

    play(main)


def test_a_reply_that_came_while_we_did_not_run_is_in_time(play: Play) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            upstream = client()
            base = f"http://127.0.0.1:{listener.getsockname()[1]}"
            call = asyncio.create_task(ask(upstream, base, patience=Patience(first=AGES)))
            await so(lambda: upstream._sweep.busy)
            provider, _ = listener.accept()
            with provider:
                await turns()
                provider.sendall(OK)  # and it is not read before the sweep's time comes
                under_way(upstream).patience = Patience(first=0.0)
                upstream._sweep._tick(asyncio.get_running_loop())
                assert await call == b"ok"
            await upstream.close()

    play(main)


@pytest.mark.parametrize("speaks", [True, False])
def test_a_reply_whose_content_keeps_coming_is_not_idle(play: Play, speaks: bool) -> None:
    """What comes without content (comments, pings) keeps no reply alive."""

    async def main() -> None:
        gates = [asyncio.Event() for _ in range(5)]
        pieces: list[Step] = [step for gate in gates for step in (b"1\r\na\r\n", gate)]
        async with Peer([STREAM, *pieces, b"0\r\n\r\n"]) as peer:
            upstream, now = client(), later(0)
            incoming = await upstream.send(peer.base, ASK, (), until=now + 9000, patience=Patience(idle=1000))
            incoming.speaks()
            for gate in gates:  # a piece every 900 s
                assert await incoming.piece() == b"a"
                if speaks:
                    incoming.speaks()
                upstream._sweep.look(now := now + 900)
                if incoming.failure is not None:
                    break
                gate.set()
            if speaks:
                assert await incoming.piece() == b""
            else:
                with pytest.raises(UpstreamError, match="sent no more content for 1000 s"):
                    await incoming.piece()
            for gate in gates:
                gate.set()
            incoming.close()
            await upstream.close()
            await peer.left()

    play(main)


def test_a_slow_reader_is_not_its_providers_fault(play: Play) -> None:
    async def main() -> None:
        size = 40_000_000  # more than the sockets of both sides hold
        async with Peer([b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size, b"x" * size]) as peer:
            upstream = client()
            patience = Patience(first=AGES, idle=AGES)
            incoming = await upstream.send(peer.base, ASK, (), until=later(9 * AGES), patience=patience)
            incoming.speaks()
            await so(lambda: incoming.held > MAX_BUFFERED)
            for late in (AGES, 2 * AGES):
                upstream._sweep.look(later(late))
            assert incoming.failure is None
            assert incoming.held <= 2 * MAX_BUFFERED  # one read beyond the limit
            got = 0
            while piece := await incoming.piece():
                got += len(piece)
                assert incoming.held <= 2 * MAX_BUFFERED
            assert got == size
            incoming.close()
            await upstream.close()
            await peer.left()

    play(main)


def test_the_sweep_rests_when_nothing_is_under_way(play: Play) -> None:
    async def main() -> None:
        async with Peer([OK]) as peer:
            upstream = client(keep=0)
            await ask(upstream, peer.base)
            await peer.left()
            await so(lambda: upstream._sweep._timer is None)
            await upstream.close()

    play(main)
