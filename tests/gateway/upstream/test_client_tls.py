"""TLS towards providers: who vouches for them, what is agreed on, and who does not answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from detente.gateway.upstream import UpstreamError
from detente.providers.outgoing import Outgoing
from tests.gateway.http.peer import Peer, reply, run
from tests.gateway.upstream.asking import ASK, OK, STREAM, ask, client, later
from tests.gateway.upstream.play import Play, played
from tests.waiting import AGES, Ahead, so

pytestmark = pytest.mark.usefixtures("unhurried")


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
