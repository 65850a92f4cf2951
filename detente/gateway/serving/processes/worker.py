"""A worker: one process that serves, with what it does beside calls, once a second.

Owns: starting and stopping an app under uvicorn, syncing the journal, renewing secrets and reading a changed case, all
of it away from the event loop. Not here: keeping it up (``housekeeping``), and how many workers there are
(``supervisor``).
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

from detente.errors import DetenteError, JournalError, ServeError
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.standings import Standings
from detente.gateway.http.exchange import DATE
from detente.gateway.http.protocol import protocol
from detente.gateway.serving.app import App, new_ids
from detente.gateway.serving.aside import TURN
from detente.gateway.serving.beside.notifier import Notifier
from detente.gateway.serving.beside.secret_renewal import Renewals
from detente.gateway.serving.call.kept_turns import KeptTurns
from detente.gateway.serving.caps.cap_news import CapNews
from detente.gateway.serving.caps.own_count import OwnCount
from detente.gateway.serving.clock import Clock
from detente.gateway.serving.observing.call_trace import Tracing
from detente.gateway.serving.observing.metrics import Metrics
from detente.gateway.serving.processes.housekeeping import Housekeeping
from detente.gateway.serving.settings import Say, Settings
from detente.ledger.journals.journal import Journal
from detente.providers.authority import Authority

if TYPE_CHECKING:
    from detente.gateway.serving.beside.key_watch import KeyWatch
    from detente.gateway.serving.beside.watch import BooksWatch
    from detente.gateway.serving.caps.renewing import Renewing

LOOK = 2.0
"""Seconds between two looks at whether the case's files changed, at least."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Worker:
    """Serves on a socket until it is told to stop."""

    def __init__(self, settings: Settings, number: int, say: Say) -> None:
        self._settings, self._number, self._say = settings, number, say
        self._files, self._disk = ThreadPoolExecutor(1, "detente-files"), ThreadPoolExecutor(1, "detente-disk")
        self._renewals = Renewals(say)
        self._reload = False
        self._looked = 0.0
        self._unwritten = False
        """Whether it was said that the journal cannot be written."""
        self._app: App
        self._journal: Journal
        self._renewing: Renewing | None = None
        self._own: OwnCount | None = None
        self._notifier = Notifier(say)
        self._news: CapNews
        self._metrics: Metrics
        self._watch: BooksWatch
        self._keys: KeyWatch | None = None

    def run(self, listening: socket.socket, policy: Policy, ready: Callable[[], None]) -> None:
        """Serve. Returns after a graceful stop. Raises DetenteError where it cannot start."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(listening, policy, ready))

    async def _serve(self, listening: socket.socket, policy: Policy, ready: Callable[[], None]) -> None:
        async with AsyncExitStack() as ending:  # what was opened last is closed first
            await self._open(policy, ending)
            server = self._server(policy)
            await self._keep(ending)
            # What there is now stays: the collector need not look at it again, nor after every few hundred values.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            sys.setswitchinterval(TURN)
            sockets = [listening]
            if (metrics := self._settings.metrics) is not None:
                self._app.metrics_port = metrics.getsockname()[1]
                sockets.append(metrics)
            for each in sockets:
                each.listen(2048)
            self._app.ready = True
            ready()
            await server.serve(sockets=sockets)

    async def _open(self, policy: Policy, ending: AsyncExitStack) -> None:
        """The app, and what it serves by."""
        settings, on_disk = self._settings, asyncio.get_running_loop().run_in_executor
        ending.callback(self._files.shutdown, wait=False, cancel_futures=True)
        ending.callback(self._disk.shutdown)
        self._journal = Journal(settings.journal, self._number)
        ending.push_async_callback(on_disk, self._disk, self._journal.close)
        ending.callback(self._notifier.close)
        tracing = _tracing() if settings.traces else None
        if tracing is not None:
            ending.push_async_callback(on_disk, self._disk, tracing.close)
        turns = KeptTurns(settings.kept)
        ending.push_async_callback(turns.close)
        self._metrics = Metrics()
        authorities = await self._authorities(policy, {})
        ids = new_ids(self._number)
        self._app = App(
            policy,
            authorities,
            self._journal,
            settings.clock,
            self._metrics,
            Load(settings.workers),
            ids,
            self._leases(policy, ids),
            turns,
            tracing,
        )
        DATE.tick(Clock.wall())

    def _server(self, policy: Policy) -> _Server:
        """Uvicorn around the app; it stops at a signal. Raises ServeError where its certificate is wrong."""
        settings, loop = self._settings, asyncio.get_running_loop()
        config = uvicorn.Config(
            _no_application,
            http=protocol(self._app),  # type: ignore[arg-type]  # it only calls it
            ws="none",
            lifespan="off",
            loop="none",
            log_config=None,
            access_log=False,
            backlog=2048,
            timeout_graceful_shutdown=max(1, round(policy.serving.drain)),
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.private_key,
        )
        try:
            config.load()  # a certificate that is wrong is said before anyone is told that it serves
        except OSError as error:
            what = f"{settings.certificate}: cannot be used with {settings.private_key}"
            raise ServeError(f"{what}: {error.strerror or error}; give a certificate and its key, as PEM") from None
        server = _Server(config, self._app)
        loop.add_signal_handler(signal.SIGHUP, self._asked_to_reload)
        for name in _STOPPING:  # from before it says that it is ready
            loop.add_signal_handler(name, server.handle_exit, name, None)
        return server

    async def _keep(self, ending: AsyncExitStack) -> None:
        """Begin what is done beside calls; what the ledger says is known before anyone is told that this serves."""
        beside = Housekeeping()
        for what in (self._tick, self._sync, self._renew, self._look):
            beside.each_second(what)
        if (kept := self._renewing) is not None:
            from detente.gateway.serving.beside.key_watch import KeyWatch

            ending.push_async_callback(kept.close)
            ending.callback(self._watch.close)
            await kept.claim()
            self._keys = KeyWatch(kept.url, self._app.change_keys, self._say)
            self._keys.follow(self._app.policy.case)
            ending.callback(self._keys.close)
            self._app.door.made = None
            await self._keys.look()
            for each in (kept.run, kept.recover, self._watch.run, self._keys.run):
                beside.begin(each)
        ending.push_async_callback(self._app.close)
        ending.push_async_callback(beside.end)

    def _leases(self, policy: Policy, ids: str) -> Standings:
        """Who keeps the caps and budgets of the case: without a ledger, budgets alone are, by this worker's own count.

        A policy with budgets and several workers without a ledger is refused (``PolicySource``).
        """
        settings = self._settings
        self._news = CapNews(self._say, self._metrics.told, self._notifier.send)
        self._news.usual = policy.serving.notify
        if settings.ledger is None:
            self._own = OwnCount(self._news)
            return self._own
        from detente.gateway.serving.beside.watch import BooksWatch
        from detente.gateway.serving.caps.renewing import Renewing

        journal = settings.journal, self._number
        self._renewing = Renewing(settings.ledger, ids, *journal, settings.clock, self._say, self._news)
        self._renewing.follow(policy.case)
        self._watch = BooksWatch(settings.ledger, settings.journal, self._renewing.leases, settings.clock, self._say)
        self._watch.follow(policy.case)
        return self._renewing.leases

    # -- once a second -----------------------------------------------------------------------------------------
    async def _tick(self, now: float) -> None:
        """Time passes: for the ``date`` header, for silent callers, for what was counted."""
        DATE.tick(Clock.wall())
        await asyncio.sleep(0)  # uvloop's timers come before what was sent while this process did not run: that first
        for connection in list(self._app.connections):
            connection.sweep(now)
        if self._own is not None:
            self._own.tick(self._settings.clock.now())
        self._app.flush()

    async def _sync(self, now: float) -> None:
        """What is recorded goes to the disk, and into a file that is still where its name says."""
        loop = asyncio.get_running_loop()
        self._tell()  # also of what will have passed in a moment
        try:
            astray = await loop.run_in_executor(self._disk, self._journal.astray)
            if astray is not None:
                how = "cut short" if self._journal.cut_short else "moved or deleted"
                begun = self._journal.again()  # here, where records are appended
                self._say(
                    f"{astray} was {how} while in use: worker {self._number} now records in"
                    f" {begun}; earlier records are no longer where they were written"
                )
            await loop.run_in_executor(self._disk, self._journal.sync)
            if self._app.unrecorded != "":
                await loop.run_in_executor(self._disk, self._journal.probe)
                self._app.unrecorded = ""
        except OSError as error:
            self._app.unrecorded = error.strerror or str(error)
        except JournalError as error:
            self._app.unrecorded = str(error)
        self._tell()

    def _tell(self) -> None:
        """Say once that the journal cannot be written, and once that it can again."""
        why = self._app.unrecorded
        if bool(why) is self._unwritten:
            return
        self._unwritten = bool(why)
        journal = f"the journal of worker {self._number} in {self._journal.folder}"
        if why:
            self._say(f"{journal} cannot be written: {why}; calls get a 503 until it can be written")
        else:
            self._say(f"{journal} can be written again; calls are served")

    async def _renew(self, now: float) -> None:
        """Secrets that end, or were refused, are fetched again."""
        rejected = self._app.calls.rejected
        self._renewals.begin(self._app.policy.authorities, rejected, now, Clock.wall())
        rejected.clear()

    async def _authorities(self, policy: Policy, known: Mapping[str, Authority]) -> dict[str, Authority]:
        """What authorizes each deployment's requests; one that has no secret yet is said, and asked again later."""
        made = {d.id: d.wire.authority() for d in policy.deployed if d.id not in known}
        await self._renewals.first(made)
        return {**known, **made}

    # -- a changed case ----------------------------------------------------------------------------------------
    def _asked_to_reload(self) -> None:
        self._reload = True

    async def _look(self, now: float) -> None:
        """Read the case again where a file changed, or where asked to. A bad one is said, and the old one stays."""
        if not self._reload and now - self._looked < LOOK:
            return
        self._looked = now
        loop, source = asyncio.get_running_loop(), self._settings.source
        if not (await loop.run_in_executor(self._files, source.changed) or self._reload):
            return
        self._reload = False
        try:
            policy = await loop.run_in_executor(self._files, source.read)
        except DetenteError as error:
            self._say(f"the changed case is rejected; the previous one stays in force:\n{error}")
            return
        self._app.follow(policy, await self._authorities(policy, self._kept(policy)))
        self._news.usual = policy.serving.notify
        if self._keys is not None:
            self._keys.follow(policy.case)
            self._keys.told(self._app.door.keys.strangers)
        if self._renewing is not None:
            self._renewing.follow(policy.case)
            self._watch.follow(policy.case)
        self._say(f"the case was read again: {len(policy.deployed)} deployments, {len(policy.keys)} keys")

    def _kept(self, policy: Policy) -> dict[str, Authority]:
        """The secrets of deployments that did not change: a provider of tokens that is away now takes nothing away."""
        before = {d.id: d.deployment for d in self._app.policy.deployed}
        same = [d.id for d in policy.deployed if before.get(d.id) == d.deployment]
        return {name: self._app.policy.authorities[name] for name in same}


def _tracing() -> Tracing:
    """Who collects traces; it is imported where they are wanted, and nowhere else."""
    from detente.gateway.serving.observing.exporting import Exporting

    return Exporting()


class _Server(uvicorn.Server):
    """Uvicorn's server; as soon as it stops, ``/readyz`` says so."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.ready = False
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The worker has handlers; uvicorn would raise the signals again, and the journal is yet to be closed."""
        yield


async def _no_application(scope: Any, receive: Any, send: Any) -> None:
    """Never called: the protocol answers."""
