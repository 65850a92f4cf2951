"""Visits: the address that was checked is the one that is connected to."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from detente.gateway.upstream import UpstreamError
from detente.gateway.upstream.origin import Origin
from detente.gateway.upstream.public import is_public
from detente.gateway.upstream.trust import Trust
from detente.gateway.upstream.visits import Visits
from tests.gateway.http.certificate import certificate as made
from tests.gateway.http.peer import Peer, reply, run
from tests.gateway.upstream.test_tunnel import Relaying, serving
from tests.waiting import AGES

FILE = reply(b"file", "content-type: image/png")


class Names:
    """Names that lead to other addresses each time they are asked for."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, int]]()

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


async def visit(origin: Origin, names: Names, trust: Trust | None = None, private: bool = True) -> bytes:
    """Visit a host; ``private``: loopback counts as public, as the peers of these tests are there."""
    trust = trust or Trust(ssl.create_default_context())
    visits = Visits(trust, resolve=names.resolve, public=(lambda _: True) if private else is_public)
    try:
        incoming = await visits.get(origin, "/a?b=c", asyncio.get_running_loop().time() + AGES)
        return await incoming.read(1000)
    finally:
        visits.close()


def test_a_name_is_resolved_once_and_nothing_of_the_callers_goes_along() -> None:
    async def main() -> None:
        async with Peer([FILE]) as peer:
            names = Names(["127.0.0.1"], ["192.0.2.1"])
            assert await visit(Origin("http", "files.example", peer.port), names) == b"file"
            assert names.asked == [("files.example", peer.port)]
            head = peer.requests[0][0].decode()
            assert head.startswith(f"GET /a?b=c HTTP/1.1\r\nhost: files.example:{peer.port}\r\n")
            assert sorted(line.split(":")[0] for line in head.split("\r\n")[1:] if line) == [
                *("accept", "accept-encoding", "host", "user-agent")
            ]

    run(main())


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::ffff:127.0.0.1"], []])
def test_a_name_with_any_address_that_is_not_public_is_not_visited(addresses: list[str]) -> None:
    async def main() -> None:
        async with Peer([FILE]) as peer:
            with pytest.raises(UpstreamError, match="an address that is not public"):
                await visit(Origin("http", "files.example", peer.port), Names(addresses), private=False)
            assert peer.connections == 0

    run(main())


def test_an_address_that_is_written_in_another_way_is_resolved_and_refused() -> None:
    """By the system's own resolver: `0x7f.1` and `2130706433` are loopback to it."""

    async def main() -> None:
        for host in ("127.0.0.1", "0x7f.1", "2130706433", "localhost"):
            with pytest.raises(UpstreamError, match=r"not public|does not resolve"):
                await Visits(Trust()).get(Origin("http", host, 9), "/", asyncio.get_running_loop().time() + AGES)

    run(main())


def test_tls_is_held_to_the_name_and_not_to_the_address(tmp_path: Path) -> None:
    async def main() -> None:
        certificate = made(tmp_path)
        trust = Trust(ssl.create_default_context(cafile=str(certificate)))
        async with Peer([FILE], tls=serving(certificate)) as peer:
            assert await visit(Origin("https", "localhost", peer.port), Names(["127.0.0.1"]), trust) == b"file"
            with pytest.raises(UpstreamError, match="could not be trusted"):
                await visit(Origin("https", "files.example", peer.port), Names(["127.0.0.1"]), trust)

    run(main())


def test_a_proxy_is_told_the_address_that_was_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        certificate = made(tmp_path)
        trust = Trust(ssl.create_default_context(cafile=str(certificate)))
        async with Peer([FILE], tls=serving(certificate)) as peer, Relaying(peer.port) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.address)
            monkeypatch.setattr("detente.gateway.upstream.tunnel._LOOPBACK", re.compile("never"))
            assert await visit(Origin("https", "localhost", 443), Names(["192.0.2.7"]), trust) == b"file"
            assert proxy.heads[0].startswith(b"CONNECT 192.0.2.7:443 HTTP/1.1\r\n")

    run(main())
