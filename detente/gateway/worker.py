"""A worker: one process that serves, with what it does beside calls, once a second.

Owns: starting and stopping an app under uvicorn, syncing the journal, renewing secrets and reading a changed case, all
of it away from the event loop. Not here: how many workers there are (``supervisor``).
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop

from detente.errors import DetenteError
from detente.gateway.app import App
from detente.gateway.clock import Clock
from detente.gateway.load import Load
from detente.gateway.metrics import Metrics
from detente.gateway.policy import Policy
from detente.gateway.protocol import DATE, protocol
from detente.gateway.settings import Settings
from detente.ledger.journal import Journal
from detente.providers.authority import Authority

RETRY = 10.0
"""Seconds until a secret that could not be had, or was refused, is fetched again."""
LOOK = 2
"""Ticks between two looks at whether the case's files changed."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)

Say = Callable[[str], None]


class Worker:
    """Serves on a socket until it is told to stop."""

    def __init__(self, settings: Settings, number: int, say: Say) -> None:
        self._settings, self._number, self._say = settings, number, say
        self._threads = ThreadPoolExecutor(2, "detente")
        self._again: dict[str, float] = {}
        self._stamp = settings.stamp
        self._reading = False
        self._reload = False
        self._app: App
        self._journal: Journal

    def run(self, listening: socket.socket, policy: Policy, ready: Callable[[], None]) -> None:
        """Serve. Returns after a graceful stop. Raises DetenteError where it cannot start."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(listening, policy, ready))

    async def _serve(self, listening: socket.socket, policy: Policy, ready: Callable[[], None]) -> None:
        settings, loop = self._settings, asyncio.get_running_loop()
        self._journal = Journal(settings.journal, self._number)
        try:
            authorities = await self._authorities(policy)
            self._app = App(
                policy, authorities, self._journal, settings.clock, Metrics(), Load(settings.workers), self._number
            )
            DATE.tick(Clock.wall())
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
            server = _Server(config, self._app)
            loop.add_signal_handler(signal.SIGHUP, self._asked_to_reload)
            ticking = loop.create_task(self._tick())
            # What there is now stays: the collector need not look at it again, nor after every few hundred values.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            listening.listen(2048)
            self._app.ready = True
            ready()
            try:
                await server.serve(sockets=[listening])
            finally:
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)
                await self._app.upstream.close()
        finally:
            await loop.run_in_executor(self._threads, self._journal.close)
            self._threads.shutdown()

    # -- once a second -----------------------------------------------------------------------------------------
    async def _tick(self) -> None:
        loop, ticks = asyncio.get_running_loop(), 0
        while True:
            await asyncio.sleep(1.0)
            ticks += 1
            DATE.tick(Clock.wall())
            for connection in list(self._app.connections):
                connection.sweep(loop.time())
            try:
                await loop.run_in_executor(self._threads, self._journal.sync)
                if self._app.unrecorded != "" and await asyncio.to_thread(self._journal.has_room):
                    self._app.unrecorded = ""
            except OSError as error:
                self._app.unrecorded = error.strerror or str(error)
            self._app.flush()
            await self._renew(loop.time())
            if self._reload or ticks % LOOK == 0:
                await self._look()

    async def _renew(self, now: float) -> None:
        wall, due = Clock.wall(), []
        for name, authority in self._app.authorities.items():
            wanted = name in self._app.relay.rejected or authority.due(wall)
            if wanted and now >= self._again.get(name, 0.0):
                due.append((name, authority))
        self._app.relay.rejected.clear()
        for name, failed in (await self._renewed(dict(due))).items():
            self._again[name] = now + RETRY
            if failed:
                self._say(f"{name}: {failed}")

    async def _renewed(self, authorities: Mapping[str, Authority]) -> dict[str, str]:
        """Renew secrets, each in a thread; what went wrong with each, or nothing."""
        loop = asyncio.get_running_loop()

        async def one(authority: Authority) -> str:
            try:
                await loop.run_in_executor(self._threads, authority.renew)
            except DetenteError as error:
                return str(error)
            return ""

        said = await asyncio.gather(*(one(authority) for authority in authorities.values()))
        return dict(zip(authorities, said, strict=True))

    async def _authorities(self, policy: Policy) -> dict[str, Authority]:
        """What authorizes each deployment's requests; one that has no secret yet is said, and asked again later."""
        made = {deployed.id: deployed.wire.authority() for deployed in policy.deployed}
        for name, failed in (await self._renewed(made)).items():
            if failed:
                self._again[name] = asyncio.get_running_loop().time() + RETRY
                self._say(f"{name}: {failed}; calls go elsewhere, where they may")
        return made

    # -- a changed case ----------------------------------------------------------------------------------------
    def _asked_to_reload(self) -> None:
        self._reload = True

    async def _look(self) -> None:
        """Read the case again where a file changed, or where asked to. A bad one is said, and the old one stays."""
        loop, source = asyncio.get_running_loop(), self._settings.source
        stamp = await loop.run_in_executor(self._threads, source.stamp)
        if stamp == self._stamp and not self._reload:
            return
        self._stamp, self._reload = stamp, False
        try:
            policy = await loop.run_in_executor(self._threads, source.read)
        except DetenteError as error:
            self._say(f"the changed case is not taken over, and the one before stays in force:\n{error}")
            return
        self._app.follow(policy, await self._authorities(policy))
        self._say(f"the case was read again: {len(policy.deployed)} deployments, {len(policy.keys)} keys")


class _Server(uvicorn.Server):
    """Uvicorn's server; as soon as it stops, ``/readyz`` says so.

    Uvicorn raises a signal that stopped it once more, which would end the process before its journal is closed.
    """

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for name in _STOPPING:
            loop.add_signal_handler(name, self.handle_exit, name, None)
        try:
            yield
        finally:
            for name in _STOPPING:
                loop.remove_signal_handler(name)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.ready = False
        await super().shutdown(sockets)


async def _no_application(scope: Any, receive: Any, send: Any) -> None:
    """Never called: the protocol answers."""
