"""One contender's figures, from the load and from /proc.

Owns: what is measured, for how long, and in what unit. Not here: aims and verdicts (``run``).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from bench.gateway.contender import Contender
from bench.gateway.load import Streamed, closed, paced, streams
from bench.gateway.process import Memory, cpu, memory

CONNECTIONS = 64


@dataclass(frozen=True)
class Throughput:
    """Calls that were answered in a closed loop."""

    requests: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Requests a second, by the clock."""
        return self.requests / self.seconds

    @property
    def micros(self) -> float:
        """CPU microseconds a request."""
        return self.cpu / self.requests * 1e6

    @property
    def busy(self) -> float:
        """The share of one core that was used: well below 1, the load was the limit and not the contender."""
        return self.cpu / self.seconds

    @property
    def capacity(self) -> float:
        """Requests a second of one core that is used in full."""
        return self.requests / self.cpu


def throughput(contender: Contender, seconds: float, model: str | None = None) -> Throughput:
    """A closed loop, once to warm up."""
    target = contender.target(model)
    closed(target, CONNECTIONS, contender.warm_up)
    pids = contender.pids
    before = cpu(pids)
    done = closed(target, CONNECTIONS, seconds)
    return Throughput(done.requests, done.seconds, cpu(pids) - before)


def usual(figures: Sequence[Throughput]) -> Throughput:
    """The round in the middle, by what a request cost in it."""
    return sorted(figures, key=lambda figure: figure.micros)[len(figures) // 2]


def paired(ours: Sequence[Throughput], theirs: Sequence[Throughput]) -> float | None:
    """What a request costs to what it costs at another, round by round: the median. None where neither was measured."""
    pairs = zip(ours, theirs, strict=False)  # one that failed midway has fewer
    ratios = [one.micros / other.micros for one, other in pairs if other.micros]
    return statistics.median(ratios) if ratios else None


def latency(contender: Contender, rate: float, seconds: float) -> list[float]:
    """Seconds of each call at a steady pace."""
    return uvloop.run(paced(contender.target(), rate, seconds))


def quantile(values: Sequence[float], share: float) -> float:
    """By rank, without interpolation: the value that so many are at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def delivery(contender: Contender, count: int, rate: float, seconds: float, model: str | None = None) -> Streamed:
    """Streams side by side."""
    pids = contender.pids
    return uvloop.run(streams(contender.target(model), count, rate, seconds, lambda: cpu(pids)))


@dataclass(frozen=True)
class Idle:
    """A fresh process that nobody has called."""

    started_in: float
    memory: Memory


def idle(contender: Contender, starts: int) -> Idle:
    """Started some times; the median start, and the memory two seconds after the last."""
    times = []
    for number in range(starts):
        contender.start()
        times.append(contender.started_in)
        if number == starts - 1:
            time.sleep(2)
            held = memory(contender.pids)
        contender.stop()
    return Idle(statistics.median(times), held)


@dataclass(frozen=True)
class Shared:
    """Two workers against one."""

    single: Throughput
    both: Throughput
    cores: int
    """How many cores the two had: one, where the machine has too few to give them one each."""
    lesser: float
    """The share of the CPU that the less busy worker had: 0.5 is even."""

    @property
    def scaling(self) -> float:
        """Requests/s of two workers on two cores, to twice one worker's; on one core, the like by CPU seconds."""
        if self.cores > 1:
            return self.both.rate / (2 * self.single.rate)
        return self.both.capacity / self.single.capacity


def shared(single: Contender, both: Contender, seconds: float) -> Shared:
    """A closed loop against one worker, then against two."""
    alone = throughput(single, seconds)
    closed(both.target(), CONNECTIONS, both.warm_up)
    pids = both.pids
    before = {pid: cpu([pid]) for pid in pids}
    done = closed(both.target(), CONNECTIONS, seconds)
    spent = sorted((cpu([pid]) - before[pid] for pid in pids), reverse=True)
    figure = Throughput(done.requests, done.seconds, sum(spent))
    workers = spent[:2]
    together = sum(workers)
    lesser = min(workers) / together if len(workers) > 1 and together > 0 else 0.0
    return Shared(alone, figure, len(both.cores), lesser)
