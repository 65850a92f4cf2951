"""Callers of the gateway, over sockets of their own: what they ask, and what they heard."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, NamedTuple

from detente.live.key import make
from tests.builders import Data
from tests.gateway.script import Provider

KEY = make("chat-key", bytes(32))


HELLO: Data = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
STREAM: Data = {**HELLO, "stream": True}


def request(
    body: object = None,
    *,
    path: str = "/v1/chat/completions",
    method: str = "POST",
    key: str | None = KEY,
    version: str = "1.1",
    **headers: str,
) -> bytes:
    """A request's bytes."""
    content = body if isinstance(body, bytes) else json.dumps(HELLO if body is None else body).encode()
    lines = [f"{method} {path} HTTP/{version}", "host: gateway"]
    lines += [f"authorization: Bearer {key}"] if key is not None else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines.append(f"content-length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + (content if method == "POST" else b"")


class Answer(NamedTuple):
    """A whole reply. ``whole`` is false where the connection ended within it."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of its events."""
        found = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [data.decode() if data == b"[DONE]" else json.loads(data) for data in found]

    @property
    def said(self) -> str:
        """The text of its events."""
        return "".join(
            choice["delta"].get("content", "")
            for found in self.events
            if isinstance(found, dict)
            for choice in found.get("choices", [])
        )


class Caller:
    """A raw connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next reply."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        return int(head[0].split(" ")[1]), fields

    async def chunk(self) -> bytes:
        """The next chunk's data; empty at the end."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def answer(self, *heard: Provider) -> Answer:
        """The next reply. Once it begins, these providers are told that what they said was heard."""
        status, fields = await self.head()
        for provider in heard:
            provider.heard.set()
        return await self.rest(status, fields)

    async def rest(self, status: int, fields: dict[str, str]) -> Answer:
        """The body of a reply whose head was read."""
        body = b""
        try:
            if "content-length" in fields:
                return Answer(status, fields, await self.reader.readexactly(int(fields["content-length"])))
            if fields.get("transfer-encoding") == "chunked":
                while data := await self.chunk():
                    body += data
                return Answer(status, fields, body)
            return Answer(status, fields, await self.reader.read())
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer(status, fields, body, whole=False)

    async def closed(self) -> bool:
        """Whether the gateway hangs up, with nothing more to say."""
        try:
            return not await self.reader.read()
        except ConnectionError:
            return True

    async def leave(self) -> None:
        """Hang up at once."""
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
