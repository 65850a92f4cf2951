"""The gateway's paths: who calls, what is asked, and from there to the relay.

Owns: routing, keys and labels. Not here: HTTP's framing (``protocol``), decisions (``admit``, ``choose``), asking
providers (``relay``, ``provider_call``), and what is kept of a reply (``recorder``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from detente.gateway.deciding.choose import Order
from detente.gateway.deciding.decision import Rejection, decided, read, rejected
from detente.gateway.deciding.few import must_be_few
from detente.gateway.deciding.keyring import HeldKey
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.openai_error import error
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.standings import NOT_KEPT, Standings
from detente.gateway.http.exchange import JSON, Exchange, HeaderLines, RequestHead
from detente.gateway.http.outbox import Outbox
from detente.gateway.http.protocol import Connection
from detente.gateway.serving.aside import LARGE, aside
from detente.gateway.serving.call.job import Job, Served
from detente.gateway.serving.call.kept_turns import NOTHING_KEPT, KeptTurns
from detente.gateway.serving.call.provider_call import LEFT, ProviderCalls
from detente.gateway.serving.call.recalling import forgotten, recalled
from detente.gateway.serving.call.recorder import Recorder
from detente.gateway.serving.call.relay import Relay
from detente.gateway.serving.clock import Clock
from detente.gateway.serving.door import Door, Shut
from detente.gateway.serving.models_page import models_page
from detente.gateway.serving.observing.call_trace import PARENT, Tracing, trace_of
from detente.gateway.serving.observing.metrics import TYPE, Metrics
from detente.gateway.serving.paths import plain, shown, surface_of, with_model
from detente.gateway.serving.standing_page import standing_page
from detente.gateway.serving.stated_labels import LABELS, stated_labels
from detente.gateway.surfaces import SURFACES
from detente.gateway.surfaces.messages_count import CountSurface
from detente.gateway.surfaces.surface import Asked, Surface
from detente.gateway.upstream import Upstream
from detente.ledger.journals.journal import Journal
from detente.live.key import Key
from detente.providers.authority import Authority
from detente.providers.wire import Refusal, Tokens

COUNTING = 10.0
"""Seconds that a count of tokens may take, before our own estimate is as good."""
_OPENAI = SURFACES[b"/v1/chat/completions"]
MAX_ROUNDS = 50
"""Answers of the ledger that a call waits for, while others take what comes, or give back what they have to spare."""


def new_ids(worker: int = 0) -> str:
    """What the ids of a worker's calls begin with: the same in no two lives."""
    return f"{os.urandom(6).hex()}{worker:02x}"


class App:
    """One worker of the gateway, in its event loop.

    Parameters
    ----------
    policy
        What it serves by; ``follow`` takes a new one.
    authorities
        What authorizes requests, by deployment.
    journal
        Where replies are recorded.
    clock, metrics, load
        Its time, what it counts, and what it knows of its deployments.
    ids
        What the ids of its calls begin with; default: new ones.
    standings
        Who knows where clauses stand.
    kept
        Where turns of conversations are kept.
    tracing
        Who collects traces; None: nobody.
    """

    def __init__(
        self,
        policy: Policy,
        authorities: Mapping[str, Authority],
        journal: Journal,
        clock: Clock,
        metrics: Metrics,
        load: Load,
        ids: str = "",
        standings: Standings = NOT_KEPT,
        kept: KeptTurns = NOTHING_KEPT,
        tracing: Tracing | None = None,
    ) -> None:
        self._standings, self._kept, self._tracing = standings, kept, tracing
        self._clock, self._metrics, self._load = clock, metrics, load
        self._lookups = Load()
        """What is known of the deployments as to calls that make nothing, whose limits are their own."""
        self._loop = asyncio.get_running_loop()
        self._ids, self._count = ids or new_ids(), 0
        self.max_body = self.max_connections = 0
        self.idle = self.keep_alive = 0.0
        self.epoch: object = None
        self.connections: set[Connection] = set()
        self.metrics_port: int | None = None
        self._active = 0
        self.ready = False
        self.unrecorded = ""
        """Why replies cannot be recorded; empty where they can."""
        self.door = Door(clock.now)
        deadlines = policy.serving.deadlines
        self.outbox = Outbox(self._loop)
        self.upstream = Upstream(self.outbox, connect=deadlines.connect)
        self._recorder = Recorder(journal, metrics, kept)
        self.calls = ProviderCalls(self.upstream, self._recorder, clock, metrics)
        self._relay = Relay(self.calls, self._recorder, self.turned)
        self.follow(policy, authorities)

    def follow(self, policy: Policy, authorities: Mapping[str, Authority]) -> None:
        """Serve by another policy from the next call on; calls under way end by the one that they began with."""
        self.policy, serving = policy, policy.serving
        self.max_body, self.max_connections = serving.body, serving.connections
        self.idle, self.keep_alive = serving.deadlines.idle, serving.keep_alive
        self.upstream.follow(connect=serving.deadlines.connect)
        policy.authorities.update(authorities)
        self.door.follow(policy)
        self._enter(self._clock.now())

    def change_keys(self, made: Iterable[Key]) -> Mapping[str, str]:
        """Other keys were made at run time; of those that do not fit the case, why not."""
        keys = self.door.change(self.policy, made)
        self._enter(self._clock.now())
        return keys.strangers

    def _enter(self, at: datetime) -> Moment:
        """What holds from a moment on."""
        self.epoch = self.door.keys  # a head is refused by them alone; one whose key expires is read each time
        self.moment = Moment(self.policy, at, self._standings, self.door.keys)
        for load in (self._load, self._lookups):
            load.limits(self.policy, at)
        self._load.enter(self.moment.period)
        return self.moment

    def turned(self, moment: Moment) -> Moment:
        """What holds now by the policy of an earlier moment: the same until its turn."""
        at = self._clock.now()
        if at < moment.until:
            return moment
        if moment.policy is not self.policy:
            return Moment(moment.policy, at, self._standings, moment.keys)
        return self.moment if at < self.moment.until else self._enter(at)

    async def close(self) -> None:
        """End what is still under way: each call is recorded as it ends."""
        await self.upstream.close()
        self.calls.fetching.visits.close()
        for connection in list(self.connections):
            connection.abort()
        while self._active:
            await asyncio.sleep(0.01)

    # -- what the protocol asks --------------------------------------------------------------------------------
    def refusal(self, head: RequestHead) -> tuple[int, HeaderLines, bytes] | None:
        """What is refused by its head: a stranger's body is not read."""
        surface, methods = surface_of(head)
        head.surface = surface
        if surface is None:
            return self._bodiless(head)
        if head.method not in methods:
            allowed = b", ".join(sorted(methods))
            said = _said(surface, 405, f"{surface.path} answers {allowed.decode()}")
            return 405, JSON + b"allow: %b\r\n" % allowed, said
        if b"content-encoding" in head.headers and head.headers[b"content-encoding"].lower() != b"identity":
            return 415, JSON, _said(surface, 415, "the body is compressed; send it uncompressed")
        found = self.door.opened(head)
        if isinstance(found, tuple):
            return _shut(surface, found)
        head.key = found.key
        return None

    def _bodiless(self, head: RequestHead) -> tuple[int, HeaderLines, bytes] | None:
        """What is refused of a page, or of a path that nothing answers: a body, which anyone could send."""
        headers = head.headers
        if b"transfer-encoding" not in headers and int(headers.get(b"content-length", b"0")) == 0:
            return None
        if head.method in (b"GET", b"HEAD"):
            return 400, JSON, self.malformed(400, f"{shown(head)} takes no body")
        return 404, JSON, self._nothing(head)

    def malformed(self, status: int, message: str) -> bytes:
        """The body of a reply to what is not a request."""
        return _said(_OPENAI, status, message)

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer a request. Cancelled when the caller leaves. Raises OSError, which ``withhold`` answers."""
        surface = exchange.head.surface
        if surface is None or exchange.connection.internal:
            return self._page(exchange)
        return self._call(surface, exchange)

    def withhold(self, exchange: Exchange, failed: OSError) -> None:
        """The journal cannot be written: what is not recorded is not given out (§12)."""
        self.unrecorded = failed.strerror or str(failed)
        if exchange.begun:
            exchange.cut()
        else:
            message = "the reply was withheld because it could not be recorded"
            exchange.reply(503, JSON, _said(exchange.head.surface or _OPENAI, 503, message))

    def flush(self) -> None:
        """Hand over what was counted."""
        now = self._loop.time()
        for deployed in self.policy.deployed:
            self._metrics.resting(deployed.id, not self._load.health(deployed.id).may_ask(now))
        self._metrics.away(bool(self._standings.away))
        for cap, allows, remaining in self._standings.caps():
            self._metrics.cap(cap, allows.limit, remaining)
        self._metrics.stands(self._standings)
        for lag in self._standings.lags:
            self._metrics.behind(Path(lag.journal).name, lag.records, lag.seconds(self._clock.now()))
        self._metrics.active(self._active, len(asyncio.all_tasks(self._loop)))
        self._metrics.flush()

    # -- pages -------------------------------------------------------------------------------------------------
    async def _page(self, exchange: Exchange) -> None:
        path = exchange.head.path
        if exchange.head.method not in (b"GET", b"HEAD"):
            exchange.reply(404, JSON, self._nothing(exchange.head))
        elif path == b"/healthz":
            exchange.reply(200, JSON, b'{"status":"alive"}')
        elif path == b"/readyz":
            why = f"the journal cannot be written: {self.unrecorded}" if self.unrecorded else ""
            why = why or ("" if self.ready else "starting or stopping")
            said = {"status": "not ready", "why": why} if why else {"status": "ready"}
            if away := self._standings.away:
                said["ledger"] = away
            exchange.reply(503 if why else 200, JSON, msgspec.json.encode(said))
        elif path == b"/metrics" and exchange.internal is (self.metrics_port is not None):
            self.flush()
            exchange.reply(200, TYPE, self._metrics.text())
        elif path == b"/standing" and exchange.internal:  # what was agreed is no caller's to read
            exchange.reply(200, JSON, msgspec.json.encode(standing_page(self._standings)))
        elif exchange.internal:
            exchange.reply(404, JSON, self._nothing(exchange.head))
        elif (same := plain(path)) == b"/v1/models" or same.startswith(b"/v1/models/"):
            self._models(exchange)
        else:
            exchange.reply(404, JSON, self._nothing(exchange.head))

    def _nothing(self, head: RequestHead) -> bytes:
        """Below a surface's path its clients ask: they are told in its shape, as are those who leave out ``/v1``."""
        above = asked = plain(head.path)
        while above and above not in SURFACES:
            above = above.rpartition(b"/")[0]
        meant = next((path for path in SURFACES if asked != path and asked.endswith(path.removeprefix(b"/v1"))), None)
        remedy = f"; did you mean {meant.decode()}? A base URL says /v1 once, or a client adds it" if meant else ""
        surface = SURFACES.get(above) or SURFACES.get(meant or b"", _OPENAI)
        return _said(surface, 404, f"there is no endpoint {shown(head)}{remedy}")

    def _models(self, exchange: Exchange) -> None:
        held = self.door.opened(exchange.head)
        if isinstance(held, tuple):
            exchange.reply(*_shut(_OPENAI, held))
            return
        status, body = models_page(exchange.head, self.policy, held.key, self.moment.at)
        exchange.reply(status, JSON, body)

    # -- calls -------------------------------------------------------------------------------------------------
    async def _call(self, surface: Surface, exchange: Exchange) -> None:
        at = self._clock.now()
        moment = self.moment if at < self.moment.until else self._enter(at)
        held = self.door.still(exchange.head.key)
        if isinstance(held, tuple):
            exchange.reply(*_shut(surface, held))
            return
        if self.unrecorded:  # a provider would be paid for what is not given
            message = "calls are not forwarded until replies can be recorded; try again later"
            exchange.reply(503, JSON, _said(surface, 503, message))
            return
        job, headers, lenient = self._job(surface, exchange, held, moment, at), exchange.head.headers, held.lenient
        try:
            if LABELS in headers:
                job.labels = stated_labels(job.labels, headers[LABELS], moment.keys.labels)
            job.size = len(exchange.body)
            if job.size <= LARGE:
                asked = job.asked = self._read(job, exchange, lenient)
            else:
                asked = job.asked = await aside(self._read, job, exchange, lenient)
            exchange.body = b""  # its members are all that is needed, and they hold it
            if asked.recalls or surface.keeps(asked):
                turns = await recalled(self._kept, job, lenient)
                if (own := surface.answered(job.asked, turns)) is not None:
                    await self._answer(job, exchange, own)
                    return
                asked = job.asked
            counts = isinstance(surface, CountSurface)
            load = self._load if counts else job.load  # it counts who would be asked: another's tokens are others
            decision = decided(moment, load, surface, asked, held, job.labels, job.began)
            rounds = 0
            while (more := self._standings.coming()) is not None and rounds < MAX_ROUNDS:
                await more
                rounds += 1
                job.moment = moment = self.turned(moment)
                decision = decided(moment, load, surface, asked, held, job.labels, self._loop.time())
            job.request, job.admission, job.order = decision.request, decision.admission, decision.order
        except Rejection as unserved:
            self._refuse(job, exchange, unserved)
            return
        except Refusal as refused:  # whoever read the call last
            self._refuse(job, exchange, rejected(refused))
            return
        except asyncio.CancelledError:
            self._recorder.record(job, Served("abandoned", LEFT), self._loop.time())
            raise
        if counts:
            first = [c for c in job.order.choices[:1] if job.load.health(c.candidate.deployed.id).may_ask(job.began)]
            job.order, job.until = Order(tuple(first)), min(job.until, job.began + COUNTING)
        else:
            for clause in job.admission.forbidding:
                self._metrics.denied(clause)
        self._active += 1
        try:
            await self._relay.serve(job, exchange)
        finally:
            self._active -= 1

    def _job(self, surface: Surface, exchange: Exchange, held: HeldKey, moment: Moment, at: datetime) -> Job:
        """What a call is known by from its beginning."""
        began = self._loop.time()
        self._count += 1
        job = Job(
            id=f"req_{self._ids}{hex(self._count)[2:].zfill(8)}",
            surface=surface,
            held=held,
            moment=moment,
            at=at,
            began=began,
            until=began + held.settings.total,
            labels=held.labels,
            load=self._load if surface.makes else self._lookups,
        )
        if PARENT in exchange.head.headers:
            job.trace = trace_of(exchange.head.headers)
        if self._tracing is not None:
            job.span = self._tracing.begins(surface.path, held.whose, job.trace)
        return job

    @staticmethod
    def _read(job: Job, exchange: Exchange, lenient: frozenset[str]) -> Asked:
        """What a body asks for. Raises Rejection."""
        held, head = job.held, exchange.head
        must_be_few(exchange.body, held.settings.parts)
        body = with_model(head.path, exchange.body)
        serving = partial(job.moment.policy.ids_of, held.workload) if lenient else None
        return read(job.surface, body, held.whose, lenient, head.headers, serving)

    async def _answer(self, job: Job, exchange: Exchange, body: bytes) -> None:
        """Answer a call from what is kept: nothing is generated, and so nothing is metered."""
        if job.asked.call.method == "DELETE":
            await forgotten(self._kept, job)
        self._recorder.record(job, Served("complete", 200, tokens=Tokens(0, 0)), self._loop.time())
        exchange.reply(200, JSON + self._recorder.disclosed(job, None, None), body)

    def _refuse(self, job: Job, exchange: Exchange, unserved: Rejection) -> None:
        """Answer a call that is asked of nobody."""
        self._recorder.record(job, Served("refused", unserved.status), self._loop.time())
        body = job.surface.error(unserved.status, {**unserved.error, "detente": {"request": job.id}})
        exchange.reply(unserved.status, JSON + self._recorder.disclosed(job, None, None), body)


def _shut(surface: Surface, why: Shut) -> tuple[int, HeaderLines, bytes]:
    status, headers, message = why
    return status, headers, _said(surface, status, message)


def _said(surface: Surface, status: int, message: str) -> bytes:
    return surface.error(status, error(status, message))
