"""CPU time of an exchange with a provider: detente's own client, beside a bare asyncio protocol.

    python bench/gateway/upstream.py [--exchanges 60000] [--at-once 16] [--size 1024]

A trivial server (uvloop, one canned reply) runs in another process; a request and a reply have `--size` bytes each. The
figure is the client process's CPU time (user and system) per exchange, the best and the median of several rounds. The
bare protocol writes the same bytes and counts those of the reply: what the loop and the kernel cost without HTTP, pool
and deadlines. aiohttp joins in where it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe
from typing import cast

import uvloop

from detente.gateway.http.outbox import Outbox
from detente.gateway.upstream import Upstream
from detente.providers.outgoing import Outgoing

HEADERS = (
    b"date: Mon, 05 Jan 2026 10:00:00 GMT\r\nserver: bench\r\ncontent-type: application/json\r\n"
    b"x-request-id: 0f8fad5b-d9cb-469f-a165-70867728950e\r\nx-ms-region: East US\r\nx-ratelimit-remaining-tokens: 9\r\n"
)
TARGET = "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
KEY = (("api-key", "0123456789abcdef0123456789abcdef"),)
One = Callable[[], Awaitable[None]]


class Canned(asyncio.Protocol):
    """Answers each request of a known length with the same bytes."""

    def __init__(self, size: int) -> None:
        self.size, self.seen = size, b""
        self.reply = b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (HEADERS, size, b"x" * size)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.seen += data
        end = self.seen.find(b"\r\n\r\n")
        if end >= 0 and len(self.seen) >= end + 4 + self.size:
            self.seen = b""
            self.transport.write(self.reply)


def serve(pipe: Pipe, size: int) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Canned(size), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(main())


class Bare(asyncio.Protocol):
    """One connection that counts bytes."""

    def __init__(self, expected: int) -> None:
        self.expected = self.left = expected
        self.done: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.left -= len(data)
        if not self.left and self.done is not None:
            self.left = self.expected
            self.done.set_result(None)


async def measured(one: Callable[[int], One], exchanges: int, at_once: int, rounds: int = 7) -> list[float]:
    """CPU microseconds per exchange, of each round."""

    async def worker(call: One) -> None:
        for _ in range(exchanges // at_once):
            await call()

    calls = [one(i) for i in range(at_once)]
    await asyncio.gather(*(call() for call in calls))
    found = []
    for _ in range(rounds):
        start = time.process_time()
        await asyncio.gather(*(worker(call) for call in calls))
        found.append((time.process_time() - start) / (exchanges // at_once * at_once) * 1e6)
    return found


def told(name: str, found: list[float]) -> None:
    print(f"{name:<24} best {min(found):6.1f} µs   median {statistics.median(found):6.1f} µs")


async def compare(port: int, exchanges: int, at_once: int, size: int) -> None:
    loop = asyncio.get_running_loop()
    base = f"http://127.0.0.1:{port}"
    body = b"y" * size
    outgoing = Outgoing(TARGET, (("content-type", "application/json"),), body)

    request = (
        f"POST {TARGET} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept-encoding: identity\r\ncontent-length: {size}\r\n"
        f"content-type: application/json\r\napi-key: {KEY[0][1]}\r\n\r\n"
    ).encode() + body
    expected = len(Canned(size).reply)
    bare = [(await loop.create_connection(lambda: Bare(expected), "127.0.0.1", port))[1] for _ in range(at_once)]

    def raw(i: int) -> One:
        protocol = bare[i]

        async def call() -> None:
            protocol.done = loop.create_future()
            protocol.transport.write(request)
            await protocol.done

        return call

    told("bare protocol", await measured(raw, exchanges, at_once))
    for protocol in bare:
        protocol.transport.abort()

    upstream = Upstream(Outbox(loop), connect=3)

    async def ours() -> None:
        reply = await upstream.send(base, outgoing, KEY, until=loop.time() + 600)
        await reply.read(1 << 20)
        reply.close()

    told("detente upstream", await measured(lambda _: ours, exchanges, at_once))
    await upstream.close()
    await other(base, body, exchanges, at_once)


async def other(base: str, body: bytes, exchanges: int, at_once: int) -> None:
    """The same with aiohttp, where it is installed."""
    try:
        import aiohttp  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        print("aiohttp                  not installed")
        return
    headers = {"content-type": "application/json", KEY[0][0]: KEY[0][1]}
    async with aiohttp.ClientSession() as session:

        async def call() -> None:
            async with session.post(base + TARGET, data=body, headers=headers) as reply:
                await reply.read()

        told("aiohttp", await measured(lambda _: call, exchanges // 4, at_once))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=60_000, help="of each round")
    parser.add_argument("--at-once", type=int, default=16, help="connections in use")
    parser.add_argument("--size", type=int, default=1024, help="bytes of a request's and of a reply's body")
    given = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there, given.size), daemon=True)
    server.start()
    try:
        uvloop.run(compare(here.recv(), given.exchanges, given.at_once, given.size))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
