"""A client of providers, as the tests of one call use it."""

from __future__ import annotations

import asyncio
import ssl

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream import WHOLE, Patience, Upstream
from detente.providers.outgoing import Outgoing
from tests.gateway.http.peer import reply
from tests.waiting import AGES

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
