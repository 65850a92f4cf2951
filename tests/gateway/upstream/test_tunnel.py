"""Proxies, trust and certificates of our own: against a proxy and peers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Self

import pytest

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream import Upstream, UpstreamError
from detente.gateway.upstream.origin import Origin
from detente.gateway.upstream.tunnel import Proxy, ProxyError, proxy_to
from detente.live.connection import ConnectionSpec
from detente.providers.outgoing import Outgoing
from tests.gateway.http.peer import Peer, nobody, reply, run
from tests.gateway.script import SERVED
from tests.gateway.script import play as play_provider
from tests.gateway.stage import Stage, one
from tests.gateway.upstream.play import Play
from tests.waiting import AGES, PATIENCE

ASK, OK = Outgoing("/v1/chat/completions", (), b"{}"), reply(b"ok")
HERE = Origin("https", "api.example", 443)


class Relaying:
    """A proxy that leads to one peer, whoever is asked for; or that answers something else."""

    def __init__(self, leads_to: int = 0, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self._port, self._answer = leads_to, answer
        self.heads: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.closing(writer):
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self._answer)
            if not self._port:
                await writer.drain()
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            with contextlib.closing(back):
                both = [asyncio.ensure_future(_copied(reader, back)), asyncio.ensure_future(_copied(there, writer))]
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in both:
                        one.cancel()
                    await asyncio.gather(*both, return_exceptions=True)


async def _copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()


async def ask(base: str, spec: ConnectionSpec | None = None, times: int = 1) -> bytes:
    loop = asyncio.get_running_loop()
    upstream = Upstream(Outbox(loop), connect=PATIENCE, keep=AGES)
    try:
        found = b""
        for _ in range(times):
            incoming = await upstream.send(base, ASK, (), until=loop.time() + AGES, spec=spec)
            found += await incoming.read(1000)
            incoming.close()
        return found
    finally:
        await upstream.close()


def serving(certificate: Path, *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)
    return context


# -- through a proxy --------------------------------------------------------------------------------------------------
def test_calls_go_through_a_proxy_and_share_a_connection(play: Play) -> None:
    async def main() -> None:
        async with Peer([OK]) as peer, Relaying(peer.port) as proxy:
            assert await ask("http://far.example", ConnectionSpec(proxy=proxy.address), times=3) == b"ok" * 3
            assert proxy.heads == [b"CONNECT far.example:80 HTTP/1.1\r\nhost: far.example:80\r\n\r\n"]
            assert peer.requests[0][0].startswith(b"POST /v1/chat/completions HTTP/1.1\r\nhost: far.example\r\n")

    play(main)


def test_tls_is_spoken_through_the_proxy_with_the_origin(play: Play, certificate: Path) -> None:
    async def main() -> None:
        async with Peer([OK], tls=serving(certificate)) as peer, Relaying(peer.port) as proxy:
            trusting = ConnectionSpec(proxy=proxy.address, ca=str(certificate))
            assert await ask(peer.base, trusting, times=2) == b"okok"
            assert proxy.heads[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % peer.port)
            with pytest.raises(UpstreamError, match="could not be trusted"):
                await ask(peer.base, ConnectionSpec(proxy=proxy.address))

    play(main)


ANSWERS = {
    b"HTTP/1.1 407 Login\r\n\r\n": r"asks for a user and a password \(407\)",
    b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n": "does not lead there: it answers 403",
    b"hello\r\n\r\n": "answers what is no answer to CONNECT",
    b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n": "answers what is no answer to CONNECT",
    b"": "closes the connection",
    b"x" * 70_000: "answers with a head that does not end",
}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: repr(answer[:20]))
def test_a_proxy_that_does_not_lead_there_says_why(play: Play, answer: bytes) -> None:
    async def main() -> None:
        async with Relaying(answer=answer) as proxy:
            with pytest.raises(UpstreamError, match=ANSWERS[answer]) as caught:
                await ask("http://far.example", ConnectionSpec(proxy=proxy.address))
            assert (caught.value.kind, caught.value.sent) == ("unreachable", False)

    play(main)


def test_a_proxy_that_is_not_there_is_named(play: Play) -> None:
    async def main() -> None:
        with nobody() as gone, pytest.raises(UpstreamError, match=r"the proxy 127\.0\.0\.1:[0-9]+ cannot be reached"):
            await ask("http://far.example", ConnectionSpec(proxy=gone))

    play(main)


def test_a_deployments_calls_go_by_its_proxy_and_the_journal_says_what_became_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with play_provider(SERVED) as south, Relaying(south.port) as proxy:
            data = one(south)
            data["deployments"][0] |= {"endpoint": "http://far.example/v1", "connection": {"proxy": proxy.address}}
            async with Stage(tmp_path / "led", data) as stage:
                assert (await stage.ask()).status == 200
                assert proxy.heads[0].startswith(b"CONNECT far.example:80 ")
            async with Relaying(answer=b"HTTP/1.1 403 No\r\n\r\n") as closed:
                data["deployments"][0]["connection"] = {"proxy": closed.address}
                async with Stage(tmp_path / "closed", data) as stage:
                    answer = await stage.ask()
                    assert answer.status in (502, 503)
                    assert "does not lead there: it answers 403" in stage.records[0].attempts[0].detail
                    assert answer.json["error"]["message"] == "south-m could not be reached"

    run(main())


# -- which proxy ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p.example:3128"}, Proxy("p.example", 3128)),
        ({"https_proxy": "p.example:80", "HTTPS_PROXY": "http://q.example:1"}, Proxy("p.example", 80)),
        ({"HTTPS_PROXY": "http://u:a%20b@p.example:3128"}, Proxy("p.example", 3128, "Basic dTphIGI=")),
        ({"HTTPS_PROXY": "http://p.example:3128", "NO_PROXY": "other.example, .example"}, None),
        ({"HTTPS_PROXY": "http://p.example:3128", "no_proxy": "api.example"}, None),
        ({"HTTPS_PROXY": "http://p.example:3128", "no_proxy": "i.example"}, Proxy("p.example", 3128)),
        ({"HTTPS_PROXY": "http://p.example:3128", "no_proxy": "*"}, None),
        ({"HTTP_PROXY": "http://p.example:3128", "ALL_PROXY": "http://p.example:3128"}, None),
    ],
)
def test_which_proxy_the_environment_names(environment: dict[str, str], expected: Proxy | None) -> None:
    assert proxy_to(HERE, None, environment) == expected


def test_what_a_deployment_states_comes_first() -> None:
    environment = {"HTTPS_PROXY": "http://p.example:3128", "NO_PROXY": "*"}
    assert proxy_to(HERE, ConnectionSpec(proxy="direct"), environment) is None
    assert proxy_to(HERE, ConnectionSpec(proxy="http://q.example:8080"), environment) == Proxy("q.example", 8080)


@pytest.mark.parametrize(
    "origin", [Origin("http", "api.example", 80), Origin("https", "localhost", 1), Origin("https", "::1", 1)]
)
def test_what_is_here_or_plain_needs_none(origin: Origin) -> None:
    assert proxy_to(origin, None, {"HTTPS_PROXY": "http://p.example:3128"}) is None


@pytest.mark.parametrize(
    "stated", ["https://p.example:1", "p.example", "http://p.example:1/path", "socks5://p:1", "http://:1"]
)
def test_what_is_no_proxy_is_told_without_its_secret(stated: str) -> None:
    with pytest.raises(ProxyError, match="`HTTPS_PROXY` is not `http://host:port`"):
        proxy_to(HERE, None, {"HTTPS_PROXY": stated})
    with pytest.raises(ValueError, match="is no proxy"):
        ConnectionSpec(proxy=stated)


# -- certificates -----------------------------------------------------------------------------------------------------
def test_a_deployment_trusts_its_own_ca_and_shows_its_certificate(play: Play, certificate: Path) -> None:
    async def main() -> None:
        key, shown = certificate.with_name("key.pem"), certificate.with_name("cert.pem")
        async with Peer([OK], tls=serving(certificate, asks=True)) as peer:
            spec = ConnectionSpec(ca=str(shown), certificate=str(shown), private_key=str(key))
            assert await ask(peer.base, spec) == b"ok"
            assert await ask(peer.base, ConnectionSpec(ca=str(shown), certificate=str(certificate))) == b"ok"
            with pytest.raises(UpstreamError):
                await ask(peer.base, ConnectionSpec(ca=str(shown)))

    play(main)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"ca": "nowhere.pem"}, r"its `ca`, .*nowhere.pem, cannot be read \(No such file or directory\)"),
        ({"ca": "empty.pem"}, "its `ca`, .*empty.pem, does not hold what it is to hold"),
        ({"certificate": "cert.pem"}, "its `certificate`, .*cert.pem, or the key of it does not hold"),
        ({"certificate": "nowhere.pem"}, "its `certificate`, .*nowhere.pem, or the key of it cannot be read"),
    ],
)
def test_files_that_cannot_be_used_are_told(play: Play, certificate: Path, spec: dict[str, str], why: str) -> None:
    certificate.with_name("empty.pem").write_text("")
    stated = ConnectionSpec.model_validate({name: str(certificate.with_name(file)) for name, file in spec.items()})

    async def main() -> None:
        async with Peer([OK], tls=serving(certificate)) as peer:
            with pytest.raises(UpstreamError, match=why) as caught:
                await ask(peer.base, stated)
            assert (caught.value.kind, caught.value.sent) == ("unreachable", False)

    play(main)


def test_a_key_without_its_certificate_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="`private-key` stands without `certificate`"):
        ConnectionSpec(private_key="k")


def test_a_proxys_password_does_not_belong_in_a_case() -> None:
    with pytest.raises(ValueError, match="holds a secret") as caught:
        ConnectionSpec(proxy="http://u:hush@p.example:1")
    assert "hush" not in str(caught.value.errors()[0]["msg"])  # type: ignore[attr-defined]
