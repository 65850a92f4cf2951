"""A stage: the gateway's app behind a real socket, providers that play scripts, a journal, and callers.

The app and its protocol are those of production; only the server around them is asyncio's own, so that a test starts
and stops it at once. ``tests/cli/test_serve.py`` runs the whole under uvicorn, as a process.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

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
from detente.ledger.store.opening import open_store
from detente.live.key import hash_of
from detente.providers.authority import Authority
from detente.results.plan import Plan
from tests.builders import Data, data_of, day, tokens, work
from tests.gateway.caller import KEY, Answer, Caller, request
from tests.gateway.script import Provider
from tests.waiting import Ahead, so

SECRET = "upstream-secret-9f2c"
VARIABLE = "DETENTE_STAGE_KEY"
NOON = day("2026-03-10").replace(hour=12)
DEADLINES = {"connect": "600 s", "first-byte": "600 s", "idle": "600 s", "total": "6000 s"}
"""None of them passes unless a test says so (``Stage.passes``)."""
QUIET = "6000 s"
"""No signs of life to callers either, unless a test asks for them."""
SERVING: Data = {"deadlines": DEADLINES, "keep-alive": QUIET, "retry": False}
"""Nobody is asked twice either."""
PATIENT: Data = SERVING | {"retry": True}
"""As a case has it that says nothing, but for time, which passes where the test lets it."""
LATE = 601
"""Seconds after which a provider is late."""


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
    """The gateway over a case. ``async with`` starts and stops it; ``again``: a worker that is started again."""

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
        again: bool = False,
    ) -> None:
        self.tracing, self.again = tracing, again
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
            self._recovers.cancel()
            self.watch.close()
            await self.renewing.close()
        await self.kept.close()
        self.journal.close()

    async def _leases(self, ledger: str, ids: str) -> None:
        """Keep caps by a ledger, as a worker does; the supervisor makes it, before the first is started."""
        if not self.again:
            open_store(ledger, make=True).close()
        self.renewing = Renewing(ledger, ids, self.folder, 0, self.clock, self.said.append)
        self.renewing.follow(self.policy.case)
        self.standings = self.renewing.leases
        self.watch = BooksWatch(ledger, self.folder, self.standings, self.clock, self.said.append)
        self.watch.follow(self.policy.case)
        begin = asyncio.get_running_loop().create_task
        self._recovers = begin(self.renewing.recover())
        if not self.again:  # else the ledger may be away, and it goes on until that is back
            await self._recovers
        self._renews = begin(self.renewing.run())

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
