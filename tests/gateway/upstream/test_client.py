"""The client against peers on loopback: pools, kept connections, deadlines, leaving, back-pressure, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream import WHOLE, Incoming, Patience, Upstream, UpstreamError
from detente.gateway.upstream.connection import SLICE
from detente.gateway.upstream.incoming_reply import MAX_BUFFERED
from detente.providers.outgoing import Outgoing
from tests.gateway.http.peer import Peer, Script, Step, nobody, reply, run
from tests.gateway.upstream.play import Play, played
from tests.waiting import AGES, PATIENCE, Ahead, so, turns

ASK = Outgoing("/v1/chat/completions", (), b"{}")
OK = reply(b"ok")
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n"


def later(seconds: float = AGES) -> float:
    return asyncio.get_running_loop().time() + seconds


def client(connect: float = AGES, most: int = 1024, keep: float = AGES, tls: ssl.SSLContext | None = None) -> Upstream:
    return Upstream(
        Outbox(asyncio.get_running_loop()),
        connect=connect,
        max_connections=most,
        keep=keep,
        tls=tls,
    )


async def ask(upstream: Upstream, base: str, until: float | None = None, patience: Patience = WHOLE) -> bytes:
    incoming = await upstream.send(base, ASK, (), until=until or later(), patience=patience)
    try:
        return await incoming.read(200_000_000)
    finally:
        incoming.close()


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


# -- kept connections that turn out to be closed --------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly a test runs, a connection that closes was closed before."""
    monkeypatch.setattr("detente.gateway.upstream.connection.STALE", AGES)


def test_a_call_on_a_connection_that_was_closed_meanwhile_is_sent_once_more(play: Play) -> None:
    async def main() -> None:
        # The peer closes when the second request comes, as one does whose patience ended as it was sent.
        async with Peer([OK], ["close"], [reply(b"again")]) as peer:
            upstream = client()
            assert await ask(upstream, peer.base) == b"ok"
            assert await ask(upstream, peer.base) == b"again"
            assert peer.connections == 2
            await upstream.close()
            await peer.left()

    play(main)


def test_it_is_sent_once_more_and_not_twice(play: Play) -> None:
    async def main() -> None:
        async with Peer([OK], ["close"], ["close"], [OK]) as peer:
            upstream = client()
            await ask(upstream, peer.base)
            with pytest.raises(UpstreamError, match="before it replied"):
                await ask(upstream, peer.base)
            assert len(peer.requests) == 3
            await upstream.close()
            await peer.left()

    play(main)


@pytest.mark.parametrize("script", [[b"H", "close"], [b"HTTP/1.1 100 Continue\r\n\r\n", "close"], [b"\r\n", "close"]])
def test_a_call_of_whose_reply_one_byte_was_seen_is_not_sent_again(play: Play, script: Script) -> None:
    async def main() -> None:
        async with Peer([OK], script, [OK]) as peer:
            upstream = client()
            await ask(upstream, peer.base)
            with pytest.raises(UpstreamError, match="closed the connection within"):
                await ask(upstream, peer.base)
            assert len(peer.requests) == 2
            await upstream.close()
            await peer.left()

    play(main)


def test_a_peer_that_had_the_request_for_long_is_not_asked_again(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detente.gateway.upstream.connection.STALE", 0.0)

    async def main() -> None:
        async with Peer([OK], ["close"], [OK]) as peer:
            upstream = client()
            await ask(upstream, peer.base)
            with pytest.raises(UpstreamError, match="before it replied"):
                await ask(upstream, peer.base)
            assert len(peer.requests) == 2
            await upstream.close()
            await peer.left()

    play(main)


# -- deadlines ------------------------------------------------------------------------------------------------------
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


def test_a_reply_that_keeps_coming_is_not_idle(play: Play) -> None:
    async def main() -> None:
        gates = [asyncio.Event() for _ in range(5)]
        pieces: list[Step] = [step for gate in gates for step in (b"1\r\na\r\n", gate)]
        async with Peer([STREAM, *pieces, b"0\r\n\r\n"]) as peer:
            upstream, now = client(), later(0)
            incoming = await upstream.send(peer.base, ASK, (), until=now + 9000, patience=Patience(idle=1000))
            incoming.speaks()
            for gate in gates:  # a piece every 900 s
                assert await incoming.piece() == b"a"
                upstream._sweep.look(now := now + 900)
                gate.set()
            assert await incoming.piece() == b""
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


# -- leaving --------------------------------------------------------------------------------------------------------
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


# -- TLS ------------------------------------------------------------------------------------------------------------
def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def test_tls_with_a_bundle_from_the_environment(play: Play, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def main() -> None:
        big = bytes(3_000_000)
        names: list[str | None] = []
        context = serving(certificate)
        context.sni_callback = lambda _socket, name, _context: names.append(name)
        async with Peer([OK], [reply(big)], [STREAM + b"1\r\na\r\n", "silence"], tls=context) as peer:
            upstream = client()
            assert await ask(upstream, peer.base) == b"ok"
            incoming = await upstream.send(peer.base, Outgoing("/", (), big), (), until=later())
            assert await incoming.read(len(big)) == big
            assert peer.requests[-1][1] == big
            incoming = await upstream.send(peer.base, ASK, (), until=later())
            assert await incoming.piece() == b"a"
            incoming.close()
            await peer.left()
            assert peer.connections == 1
            assert names == ["localhost"]
            await upstream.close()

    play(main)


def test_http_1_is_agreed_on(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def main() -> None:
        async with Peer([OK], tls=serving(certificate)) as peer:
            upstream = client()
            await ask(upstream, peer.base)
            (connection,) = next(iter(upstream._pools.values())).open
            assert connection.transport.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
            await upstream.close()
            await peer.left()

    run(main())


def test_small_pieces_are_not_held_back() -> None:
    async def main() -> None:
        async with Peer([OK]) as peer:
            upstream = client()
            await ask(upstream, peer.base)
            (connection,) = next(iter(upstream._pools.values())).open
            sock = connection.transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            await upstream.close()
            await peer.left()

    run(main())


def test_a_certificate_that_nobody_vouches_for_is_unreachable(play: Play, certificate: Path) -> None:
    async def main() -> None:
        async with Peer([OK], tls=serving(certificate)) as peer:
            upstream = client()
            with pytest.raises(UpstreamError, match="certificate does not verify") as caught:
                await ask(upstream, peer.base)
            assert (caught.value.kind, caught.value.sent) == ("unreachable", False)
            assert not peer.requests
            await upstream.close()
            await peer.left()

    play(main)


def test_a_certificate_for_another_name_is_unreachable(play: Play, certificate: Path) -> None:
    async def main() -> None:
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with Peer([OK], tls=serving(certificate)) as peer:
            upstream = client(tls=trusting)
            with pytest.raises(UpstreamError, match="certificate does not verify"):
                await ask(upstream, f"https://127.0.0.1:{peer.port}")
            await upstream.close()
            await peer.left()

    play(main)


def test_a_peer_without_tls_is_unreachable(play: Play) -> None:
    """It takes our greeting for a request, which it refuses."""

    async def main() -> None:
        ended = asyncio.Event()

        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(reply(b"", status="400 Bad Request"))
            with suppress(ConnectionError):
                await reader.read()
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()
            ended.set()

        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as peer:
            upstream = client()
            with pytest.raises(UpstreamError, match="the TLS handshake failed") as caught:
                await ask(upstream, f"https://127.0.0.1:{peer.sockets[0].getsockname()[1]}")
            assert (caught.value.kind, caught.value.sent) == ("unreachable", False)
            await upstream.close()
            await ended.wait()

    play(main)


def test_a_peer_that_answers_no_greeting_is_late() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Ahead)
        async with Peer([OK]) as peer:  # waits for the end of a head, which no greeting has
            upstream = client()
            call = asyncio.create_task(ask(upstream, f"https://127.0.0.1:{peer.port}", until=later(9 * AGES)))
            await so(lambda: peer.open)
            loop.ahead += 2 * AGES
            with pytest.raises(UpstreamError, match="connect deadline") as caught:
                await call
            assert (caught.value.kind, caught.value.sent) == ("timeout", False)
            await upstream.close()
            await peer.left()

    played(main, plain=True)
