"""A stage: the gateway's app behind a real socket, providers that play scripts, a journal, and callers.

The app and its protocol are those of production; only the server around them is asyncio's own, so that a test starts
and stops it at once. ``tests/cli/test_serve.py`` runs the whole under uvicorn, as a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from detente.case.case import Case
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.standings import NOT_KEPT, Standings
from detente.gateway.http.exchange import DATE
from detente.gateway.http.protocol import Connection
from detente.gateway.serving.app import App, new_ids
from detente.gateway.serving.beside.watch import BooksWatch
from detente.gateway.serving.call.kept_turns import NOTHING_KEPT, KeptTurns
from detente.gateway.serving.caps.renewing import Renewing
from detente.gateway.serving.clock import Clock
from detente.gateway.serving.observing.call_trace import Tracing
from detente.gateway.serving.observing.metrics import Metrics
from detente.gateway.upstream import Incoming
from detente.ledger.journals.frames import Torn, read
from detente.ledger.journals.journal import Journal, files
from detente.ledger.journals.record import Record, decoded, ended
from detente.live.key import hash_of, make
from detente.providers.authority import Authority
from detente.results.plan import Plan
from tests.builders import Data, data_of, day, tokens, work
from tests.gateway.http.peer import Peer
from tests.waiting import Ahead, so

KEY = make("chat-key", bytes(32))
SECRET = "upstream-secret-9f2c"
VARIABLE = "DETENTE_STAGE_KEY"
NOON = day("2026-03-10").replace(hour=12)
DEADLINES = {"connect": "600 s", "first-byte": "600 s", "idle": "600 s", "total": "6000 s"}
"""None of them passes unless a test says so (``Stage.passes``)."""
QUIET = "6000 s"
"""No signs of life to callers either, unless a test asks for them."""
SERVING: Data = {"deadlines": DEADLINES, "keep-alive": QUIET, "retry": False}
"""Nobody is asked twice either."""
LATE = 601
"""Seconds after which a provider is late."""


# -- what providers say -----------------------------------------------------------------------------------------------
def http(body: bytes | Data, status: str = "200 OK", **headers: str) -> bytes:
    """A whole reply."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body


def completion(text: str = "hello", usage: Data | None = None, **more: object) -> Data:
    """A chat completion of 10 tokens in and 5 out."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15} if usage is None else usage,
        **more,
    }


def refusal(code: str, message: str = "no") -> Data:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": "some_error", "param": None, "code": code}}


SERVED = http(completion())
"""A call that is served."""
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(value: Data | str) -> bytes:
    """A server-sent event."""
    return b"data: " + (value if isinstance(value, str) else json.dumps(value)).encode() + b"\n\n"


def delta(finish: str | None = None, **said: object) -> bytes:
    """An event with a piece of a completion."""
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": said, "finish_reason": finish}],
        }
    )


ROLE = delta(role="assistant", content="")
USED = event(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
)
DONE = b"data: [DONE]\n\n"
FLOW: Sequence[bytes] = [
    SSE,
    *map(chunked, (ROLE, delta(content="he"), delta(content="llo"), delta("stop"), USED, DONE)),
    LAST,
]
"""A stream from its head to its end."""
HEARD: Sequence[bytes | str] = [*FLOW[:3], "heard", *FLOW[3:]]
"""The same; its end comes once its begin was heard."""
HALF: Sequence[bytes | str] = [SSE, chunked(ROLE), chunked(delta(content="half")), "heard"]
"""A stream that was heard, and is not over."""


# -- providers --------------------------------------------------------------------------------------------------------
class Provider(Peer):
    """A scripted provider."""

    @property
    def asked(self) -> list[Data]:
        """The bodies that it was sent."""
        return [json.loads(body) for _, body in self.requests]


def play(*scripts: Any) -> Provider:
    """A provider of these scripts."""
    return Provider(*(script if isinstance(script, list) else [script] for script in scripts))


# -- the case ---------------------------------------------------------------------------------------------------------
def deployment(name: str, offer: str, base: str, **more: object) -> Data:
    """An OpenAI-compatible deployment."""
    return {
        "id": name,
        "kind": "openai-compatible",
        "offer": offer,
        "endpoint": f"{base}/v1",
        "credential": {"env": VARIABLE},
    } | more


def case_data(bases: Mapping[str, str], *agreements: Data, **head: object) -> Data:
    """A deployment at each provider: South's is the cheapest, then North's, then East's."""
    prices = {"south": 2, "north": 3, "east": 4}
    base = data_of([tokens(p, prices[p]) for p in bases], [work(labels={"team": "sales"})], *agreements)
    base |= {
        "deployments": [deployment(f"{p}-m", f"{p}-api", at) for p, at in bases.items()],
        "keys": [{"id": "chat-key", "workload": "chat", "hash": hash_of(KEY)}],
        "serving": SERVING,
    }
    return base | head


class Hands(Clock):
    """A clock that a test sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def one(south: Provider, *agreements: Data, **head: object) -> Data:
    """A case with South's deployment alone."""
    return case_data({"south": south.base}, *agreements, **head)


def two(south: Provider, north: Provider, *agreements: Data, **head: object) -> Data:
    """A case with South's, which is the cheaper, and North's."""
    return case_data({"south": south.base, "north": north.base}, *agreements, **head)


# -- the stage --------------------------------------------------------------------------------------------------------
class Stage:
    """The gateway over a case. ``async with`` starts and stops it."""

    def __init__(
        self,
        folder: Path,
        data: Data,
        *,
        plan: Plan | None = None,
        at: datetime = NOON,
        tls: ssl.SSLContext | None = None,
        standings: Standings = NOT_KEPT,
        ledger: str | None = None,
        kept: KeptTurns = NOTHING_KEPT,
        tracing: Tracing | None = None,
    ) -> None:
        self.tracing = tracing
        self.kept = kept
        self.standings, self.ledger = standings, ledger
        self.said: list[str] = []
        """What the operator was told of the ledger."""
        self.folder = folder / "journal"
        self.policy = Policy.of(Case.of(data), plan)
        self.clock, self.tls = Hands(at), tls
        self.state = SimpleNamespace(connections=set(), tasks=set())

    async def __aenter__(self) -> Stage:
        os.environ[VARIABLE] = SECRET
        DATE.tick(Clock.wall())
        self.journal = Journal(self.folder)
        self.load = Load()
        known, ids = authorities(self.policy), new_ids()
        if self.ledger is not None:
            await self._leases(self.ledger, ids)
        told = self.policy, known, self.journal, self.clock, Metrics(), self.load, ids, self.standings
        self.app = App(*told, self.kept, self.tracing)
        self.app.ready = True
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self.app, None, self.state, {}, loop), "127.0.0.1", 0, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in list(self.state.connections):
            connection.abort()
        await self.idle()
        await self.app.upstream.close()
        if self.ledger is not None:
            self._renews.cancel()
            self.watch.close()
            await self.renewing.close()
        await self.kept.close()
        self.journal.close()

    async def _leases(self, ledger: str, ids: str) -> None:
        """Keep caps by a ledger, as a worker does."""
        self.renewing = Renewing(ledger, ids, self.folder, 0, self.clock, self.said.append)
        self.renewing.follow(self.policy.case)
        self.standings = self.renewing.leases
        self.watch = BooksWatch(ledger, self.folder, self.standings, self.clock, self.said.append)
        self.watch.follow(self.policy.case)
        await self.renewing.recover()
        self._renews = asyncio.get_running_loop().create_task(self.renewing.run())

    async def idle(self) -> None:
        """Until no call is under way and nobody is connected."""
        await so(lambda: not (self.state.connections or self.app._active))

    @property
    def awaited(self) -> Incoming:
        """The one reply of a provider's that is awaited."""
        (connection,) = self.app.upstream._sweep.busy
        assert connection.incoming is not None
        return connection.incoming

    def passes(self, seconds: float) -> None:
        """So many seconds pass, in which nobody says anything. On asyncio's own loop (``run(…, plain=True)``)."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Ahead)
        self._look(loop.time())  # sees what has come
        loop.ahead += seconds
        self._look(loop.time())

    def _look(self, now: float) -> None:
        """As the sweep does twenty times a second, and the worker once."""
        self.app.upstream._sweep.look(now)
        for connection in list(self.app.connections):
            connection.sweep(now)

    @property
    def records(self) -> list[Record]:
        """What the journal's files hold now."""
        return recorded(self.folder)

    async def page(self, path: str) -> Answer:
        """A page of the gateway's own."""
        return await self.ask(path=path, method="GET")

    async def caller(self, *, limit: int = 1 << 26, tls: ssl.SSLContext | None = None) -> Caller:
        """Somebody who connects, and reads ahead as far as ``limit``."""
        return Caller(*await asyncio.open_connection("127.0.0.1", self.port, limit=limit, ssl=tls))

    async def ask(
        self, body: object = None, *heard: Provider, path: str = "/v1/chat/completions", **more: str
    ) -> Answer:
        """One call on a connection of its own. Once its reply begins, these providers are told that it was heard."""
        caller = await self.caller()
        try:
            caller.send(request(body, path=path, **more))
            return await caller.answer(*heard)
        finally:
            await caller.leave()


def authorities(policy: Policy) -> dict[str, Authority]:
    """What authorizes each deployment's requests, read from where the case says."""
    made = {deployed.id: deployed.wire.authority() for deployed in policy.deployed}
    for authority in made.values():
        authority.renew()
    return made


def recorded(folder: Path) -> list[Record]:
    """The records of a folder, none of them torn: of each stream its end, or its beginning where that is all."""
    found = list[Record]()
    for file in files(folder):
        for item in read(file):
            assert not isinstance(item, Torn)
            found.append(decoded(item))
    return list(ended(found))


# -- callers ----------------------------------------------------------------------------------------------------------
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
