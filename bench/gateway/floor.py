"""The least that a gateway on uvicorn can be: bare ASGI in, a pooled httptools client out, no rule and no record.

    python bench/gateway/floor.py --port 8080 --upstream 9101 [--workers 1]

Owns: the floor under our own figures. What `detente serve` costs above it is what policy, metering and the journal
cost. Not here: anything that a real gateway needs (deadlines, limits, failing over).
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httptools
import uvicorn

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
UPSTREAM = "DETENTE_BENCH_UPSTREAM"  # workers are processes of their own, and get it by the environment
_HOP = {b"connection", b"transfer-encoding", b"keep-alive"}


class Connection(asyncio.Protocol):
    """One connection to the upstream, one exchange at a time."""

    def __init__(self) -> None:
        self.parser: Any = None
        self.transport: asyncio.Transport
        self.waiter: asyncio.Future[None] | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.done, self.lost = True, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self.done = True
        self._wake()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)
        self._wake()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name not in _HOP:
            self.headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        self.done = True

    def ask(self, request: bytes) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.headers, self.pieces, self.done = [], [], False
        self.transport.write(request)

    async def piece(self) -> bytes | None:
        """What came since; None at the end."""
        while not self.pieces and not self.done:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        if not self.pieces:
            return None
        data = b"".join(self.pieces)
        self.pieces = []
        return data


class Floor:
    """The application."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle: list[Connection] = []

    async def _connection(self) -> Connection:
        while self.idle:
            found = self.idle.pop()
            if not found.lost:
                return found
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, "127.0.0.1", self.port)
        return made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message.get("more_body", False)
        upstream = await self._connection()
        head = b"%b %b HTTP/1.1\r\nhost: stub\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        upstream.ask(head % (scope["method"].encode(), scope["raw_path"], len(body)) + body)
        data = await upstream.piece()
        if data is None:
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        start = {"type": "http.response.start", "status": upstream.parser.get_status_code()}
        await send({**start, "headers": upstream.headers})
        while not upstream.done or upstream.pieces:
            await send({"type": "http.response.body", "body": data, "more_body": True})
            following = await upstream.piece()
            if following is None:
                data = b""
                break
            data = following
        await send({"type": "http.response.body", "body": data})
        if not upstream.lost:
            self.idle.append(upstream)


def application() -> Floor:
    return Floor(int(os.environ[UPSTREAM]))


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--port", type=int, required=True)
    given.add_argument("--upstream", type=int, required=True)
    given.add_argument("--workers", type=int, default=1)
    asked = given.parse_args()
    os.environ[UPSTREAM] = str(asked.upstream)
    uvicorn.run(
        "floor:application",
        factory=True,
        app_dir=os.path.dirname(os.path.abspath(__file__)),
        host="127.0.0.1",
        port=asked.port,
        workers=asked.workers,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
    )


if __name__ == "__main__":
    main()
