"""Kept connections that turn out to be closed: a call is sent once more, and never twice to who may have heard it."""

from __future__ import annotations

import pytest

from detente.gateway.upstream import UpstreamError
from tests.gateway.http.peer import Peer, Script, reply
from tests.gateway.upstream.asking import OK, ask, client
from tests.gateway.upstream.play import Play

pytestmark = pytest.mark.usefixtures("unhurried")


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
