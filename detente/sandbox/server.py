"""The sandbox: every provider of a case on loopback, in one event loop.

Owns: starting and stopping it, and what is down when. Not here: what is answered (``region_server``), and sockets
(``listener``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from detente.errors import DetenteError
from detente.sandbox.addresses import Addresses
from detente.sandbox.control import Control
from detente.sandbox.faults import Faults
from detente.sandbox.listener import AsgiApp, Listener
from detente.sandbox.region_server import RegionServer, World
from detente.sandbox.seat import Seat

if TYPE_CHECKING:
    from detente.case.declared import Declared

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class SandboxError(DetenteError):
    """The sandbox cannot be started."""


class Sandbox:
    """Plays every provider of a case.

    Parameters
    ----------
    declared
        The case: its deployments, their offers, and its faults.
    host
        A loopback address: the sandbox accepts any key, and is no server for others.
    port
        The control endpoint's port; the providers use the ports after it; 0 for any that are free.
    seed
        Of everything that is random.
    units
        Units bought of provisioned offers, by a plan; None: all there are.
    epoch
        The time at the start, in seconds since 1970: replies are dated by it.
    """

    def __init__(
        self,
        declared: Declared,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        units: Mapping[str, int] | None = None,
        epoch: float = 1_767_225_600.0,
    ) -> None:
        if host not in LOOPBACK:
            raise SandboxError(f"the sandbox listens on loopback alone, and not on `{host}`; write 127.0.0.1")
        if not declared.deployments:
            raise SandboxError("the case has no deployments, so there is nothing to play; add `deployments:`")
        self._host, self._port = "127.0.0.1" if host == "localhost" else host, port
        self._started = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.world = World(Faults(declared.faults, seed), self._now, epoch, seed)
        self.servers = _servers(declared, units or {}, self.world)
        self._listeners: list[Listener] = []
        self._watch: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._arranging = asyncio.Lock()
        self.addresses: Addresses | None = None

    def _now(self) -> float:
        """Seconds since the start."""
        return 0.0 if self._loop is None else self._loop.time() - self._started

    # -- running ----------------------------------------------------------------------------------------------------
    async def start(self) -> Addresses:
        """Listen. Raises SandboxError where a port is taken; then nothing listens."""
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        named: dict[str, str] = {}
        control = Control(self.world, self.servers, named, self._faults_changed)
        try:
            apps: tuple[AsgiApp, ...] = (control, *self.servers)
            for at, app in enumerate(apps):
                self._listeners.append(Listener(app, self._host, self._port + at if self._port else 0))
        except OSError as error:
            await self.stop()
            taken = self._port + len(self._listeners)
            raise SandboxError(f"port {taken} cannot be had: {error.strerror}; choose another port") from None
        first, *rest = self._listeners
        pairs = list(zip(self.servers, rest, strict=True))
        named.update({f"{server.provider}/{server.region}": listener.address for server, listener in pairs})
        self.addresses = Addresses(
            {(server.provider, server.region): listener.address for server, listener in pairs},
            {s.deployment.id: server.base(s, listener.address) for server, listener in pairs for s in server.seats},
            first.address,
        )
        await first.open()
        await self._arrange(self._now())
        self._watch = asyncio.create_task(self._watching())
        return self.addresses

    async def stop(self) -> None:
        """Stop listening, and drop every connection."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            await listener.end()

    async def __aenter__(self) -> Sandbox:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    # -- what is down -----------------------------------------------------------------------------------------------
    async def _watching(self) -> None:
        """Close and open servers as the faults say."""
        while True:
            self._changed.clear()
            # One instant for both: an edge between two would be neither acted on nor waited for.
            at = self._now()
            await self._arrange(at)
            edge = self.world.faults.next_change(at)
            wait = None if edge is None else max(0.0, edge - self._now())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)

    async def _faults_changed(self, at: float) -> None:
        await self._arrange(at)
        self._changed.set()

    async def _arrange(self, at: float) -> None:
        """Close what is down at an instant, open what is not."""
        async with self._arranging:
            for server, listener in zip(self.servers, self._listeners[1:], strict=False):  # none, once it stops
                down = self.world.faults.down(server.provider, server.region, at)
                if down and listener.listening:
                    await listener.close()
                elif not down and not listener.listening:
                    await listener.open()


def _servers(declared: Declared, units: Mapping[str, int], world: World) -> list[RegionServer]:
    """The (provider, region)s that deployments draw on, in the order declared."""
    offers = {offer.id: offer for offer in declared.offers}
    found: dict[tuple[str, str], list[Seat]] = {}
    for deployment in declared.deployments:
        offer = offers[deployment.offer]
        seat = Seat(deployment, offer, units.get(offer.id))
        found.setdefault((offer.provider, offer.region), []).append(seat)
    return [RegionServer(provider, region, seats, world) for (provider, region), seats in found.items()]


def run(
    declared: Declared,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 0,
    units: Mapping[str, int] | None = None,
    epoch: float = 1_767_225_600.0,
    ready: Callable[[Addresses], None],
) -> None:
    """Serve until interrupted (Ctrl-C, or SIGTERM); ``ready`` is called once with the addresses.

    Raises
    ------
    SandboxError
        Where it cannot be started.
    """
    import signal

    sandbox = Sandbox(declared, host=host, port=port, seed=seed, units=units, epoch=epoch)

    async def serving() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError):
                loop.add_signal_handler(number, stopped.set)
        async with sandbox:
            assert sandbox.addresses is not None
            ready(sandbox.addresses)
            await stopped.wait()

    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        runner.run(serving())


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
