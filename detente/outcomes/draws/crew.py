"""Who makes draws: this process, others beside it, or a Ray cluster.

Owns: beginning them, giving draws to each, waiting for what they come to, and their end. Not here: who makes which
(``dealing``), and what a draw comes to (``drawn``).
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any, Literal, Protocol

from detente.errors import MissingExtraError
from detente.outcomes.draws.drawn import Drawn
from detente.outcomes.draws.draws import Draw
from detente.outcomes.draws.simulation import SimulatedDraw

DrawMaker = Literal["processes", "ray"]

Begin = Callable[[], Drawn]
"""Makes what makes draws, in whichever process."""

AT_ONCE = 5
"""Draws that another process makes before it says what they came to."""


class Crew(Protocol):
    """Workers, each with programs of its own, that make so many draws at once."""

    size: int
    at_once: int

    def give(self, worker: int, draws: Sequence[Draw]) -> None:
        """Have a worker that is free make some draws."""

    def next(self) -> tuple[int, list[SimulatedDraw]]:
        """Wait until one is done, and what it found."""

    def close(self) -> None:
        """Make no more."""


class HereCrew:
    """The process that asks, one draw after the other."""

    size = at_once = 1

    def __init__(self, begin: Begin) -> None:
        self.drawn = begin()
        self.given: list[Draw] = []

    def give(self, worker: int, draws: Sequence[Draw]) -> None:
        """Note them."""
        self.given += draws

    def next(self) -> tuple[int, list[SimulatedDraw]]:
        """Make those that were noted."""
        found, self.given = [self.drawn.made(each) for each in self.given], []
        return 0, found

    def close(self) -> None:
        """There is nobody else."""


class ProcessCrew:
    """Other processes of this machine, begun anew: a copy of this one would share its solver's threads."""

    at_once = AT_ONCE

    def __init__(self, size: int, begin: Begin) -> None:
        context = multiprocessing.get_context("spawn")
        self.size = size
        self.pools = [ProcessPoolExecutor(1, context, _begin, (begin,)) for _ in range(size)]
        self.waiting: dict[Future[list[SimulatedDraw]], int] = {}

    def give(self, worker: int, draws: Sequence[Draw]) -> None:
        """To the process of that number."""
        self.waiting[self.pools[worker].submit(_make, draws)] = worker

    def next(self) -> tuple[int, list[SimulatedDraw]]:
        """Of any of them."""
        done, _ = wait(self.waiting, return_when=FIRST_COMPLETED)
        future = next(iter(done))
        return self.waiting.pop(future), future.result()

    def close(self) -> None:
        """Let each finish what it is at."""
        for future in self.waiting:
            future.cancel()
        for pool in self.pools:
            pool.shutdown()


_drawn: list[Drawn] = []
"""In another process: what it makes draws with."""


def _begin(begin: Begin) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the first process that is stopped, and stops the others
    _drawn[:] = [begin()]


def _make(draws: Sequence[Draw]) -> list[SimulatedDraw]:
    return [_drawn[0].made(each) for each in draws]


class RayCrew:
    """Actors of a Ray cluster: that of ``RAY_ADDRESS``, or of this machine, else one that is begun here."""

    at_once = AT_ONCE

    def __init__(self, ray: Any, size: int, begin: Begin) -> None:
        self.ray, self.size = ray, size
        given, actor = ray.put(begin), ray.remote(num_cpus=1)(RayWorker)
        self.actors = [actor.remote(given) for _ in range(size)]
        self.waiting: dict[Any, int] = {}

    def give(self, worker: int, draws: Sequence[Draw]) -> None:
        """To the actor of that number."""
        self.waiting[self.actors[worker].make.remote(list(draws))] = worker

    def next(self) -> tuple[int, list[SimulatedDraw]]:
        """Of any of them."""
        (done,), _ = self.ray.wait(list(self.waiting), num_returns=1)
        return self.waiting.pop(done), self.ray.get(done)

    def close(self) -> None:
        """End them at once: what they have found is known, or was given to nobody else."""
        for actor in self.actors:
            self.ray.kill(actor)


class RayWorker:
    """What runs in an actor."""

    def __init__(self, begin: Begin) -> None:
        self.drawn = begin()

    def make(self, draws: Sequence[Draw]) -> list[SimulatedDraw]:
        """What draws come to."""
        return [self.drawn.made(each) for each in draws]


def crew_of(place: DrawMaker, size: int | None, most: int, begin: Begin) -> Crew:
    """So many workers, or one a processor, of whom there is something to do for ``most``."""
    if place == "ray":
        ray = _ray()
        return RayCrew(ray, min(size or int(ray.cluster_resources().get("CPU", 1)), most), begin)
    some = min(size or os.cpu_count() or 1, most)
    return HereCrew(begin) if some <= 1 else ProcessCrew(some, begin)


def _ray() -> Any:
    """Ray, connected to a cluster. Raises MissingExtraError."""
    try:
        import ray
    except ImportError:
        raise MissingExtraError("a simulation on Ray", "ray") from None
    if not ray.is_initialized():
        ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    return ray
