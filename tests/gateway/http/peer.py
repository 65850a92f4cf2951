"""A provider in tests: a raw server that reads requests and plays scripts of bytes, and counts who is connected."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, Literal, Self, TypeVar

import uvloop

from tests.waiting import Ahead, patiently, turns

T = TypeVar("T")
Step = bytes | asyncio.Event | Literal["turns", "heard", "end", "close", "reset", "silence"]
"""Bytes are sent, an event is waited for, ``turns`` lets the other side read, ``heard`` waits until the test says that
what came before was heard; then: half-close, close, reset, or say nothing more."""
Script = Sequence[Step]


def reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A proper reply."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """An address that refuses connections: its port is held, and nobody listens there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


class Peer:
    """Answers the nth request, over all connections, with the nth script; the last one again and again.

    ``eager`` answers when the head of a request is there, and never reads its body.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, eager: bool = False) -> None:
        self.scripts, self.tls, self.eager = scripts, tls, eager
        self.answers: dict[bytes, Script] = {}
        """Scripts of certain paths, in place of the nth."""
        self.requests: list[tuple[bytes, bytes]] = []
        """Heads and bodies."""
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.silent = False
        """Whether it has said all that it will say to somebody who still waits."""
        self.heard = asyncio.Event()
        self.emptied = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls, limit=1 << 26)
        self.port = self._server.sockets[0].getsockname()[1]
        self.base = f"{'https' if self.tls else 'http'}://{'localhost' if self.tls else '127.0.0.1'}:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def left(self) -> None:
        """Until nobody is connected any more."""
        while self.open:
            self.emptied.clear()
            await self.emptied.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side left, or the test is over
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self.open -= 1
            self.emptied.set()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        body = b"" if self.eager else await reader.readexactly(int(fields.get(b"content-length", b"0")))
        usual = self.scripts[min(len(self.requests), len(self.scripts) - 1)]
        script = self.answers.get(head.split(b" ", 2)[1], usual) if self.answers else usual
        self.requests.append((head, body))
        for step in script:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, asyncio.Event):
                await step.wait()
            elif step == "turns":
                await turns()
            elif step == "heard":
                await self.heard.wait()
            elif step == "end":
                writer.write_eof()
            elif step == "reset":
                # Without lingering, closing is a reset and no orderly end (socket(7), `SO_LINGER`).
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return False
            elif step == "close":
                writer.close()
                return False
            else:
                self.silent = True
                await reader.read()  # until the other side leaves
                return False
        return True


def run(main: Coroutine[Any, Any, T], *, plain: bool = False) -> T:
    """Run on uvloop, as the gateway does, or on asyncio's own loop, whose time a test may let pass (``Ahead``)."""
    with asyncio.Runner(loop_factory=Ahead if plain else uvloop.new_event_loop) as runner:
        return runner.run(patiently(main))
