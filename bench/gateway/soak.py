"""Mixed traffic for minutes: does what the gateway holds stop growing?

    python bench/gateway/soak.py --minutes 10 [--subject detente]

Owns: the mixture of callers, the failures meanwhile, the samples, and the verdict by the slope of the second half.
Callers ask for whole replies and streams, some through Bedrock's shape; some leave within a stream, some read slowly;
and every half minute the first provider throttles, is unavailable, or cuts its streams.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import socket
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway import serving_case
from bench.gateway.contender import KINDS, Contender, Cores, Stub, Unavailable, free_port
from bench.gateway.load import Reader, Streamed, Target, connect
from bench.gateway.process import cpu, descriptors, memory

CALLERS = {"whole": 20, "stream": 60, "left": 10, "slow": 5}
FAULTS = ("throttled", "unavailable", "cut")
_TASKS = re.compile(rb"^\w*asyncio_tasks\w*(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
_OUTSIDE = serving_case.OUTSIDE.encode()


# -- callers --------------------------------------------------------------------------------------------------------
@dataclass
class Traffic:
    """Callers that go on until they are told to stop."""

    target: Target
    models: Sequence[str]
    until: float
    outcomes: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def _aimed(self) -> Target:
        one = self.target
        return Target(one.host, one.port, one.path, one.key, self.chance.choice(self.models))

    async def again(self, name: str, one: Callable[[], Awaitable[str]], pause: float) -> None:
        """One caller after the other, at times of their own."""
        while time.monotonic() < self.until:
            try:
                outcome = await one()
            except OSError as error:
                outcome = type(error).__name__
            self.outcomes[f"{name}: {outcome}"] += 1
            await asyncio.sleep(self.chance.expovariate(1 / pause))

    async def whole(self) -> str:
        """Some calls on one connection."""
        caller = await connect(self.target)
        request = self._aimed().request()
        status = 0
        for _ in range(20):
            status = await caller.ask(request)
            if caller.headers.get(b"x-detente-deployment") == _OUTSIDE:
                caller.transport.close()
                return "OUTSIDE THE UNION"
            if status != 200:
                break
            await asyncio.sleep(0.02)
        caller.transport.close()
        return str(status)

    async def _opened(self, events: int) -> tuple[Reader, asyncio.Future[int]]:
        loop = asyncio.get_running_loop()
        _, reader = await loop.create_connection(lambda: Reader(Streamed()), self.target.host, self.target.port)
        return reader, reader.ask(self._aimed().request(events))

    async def stream(self) -> str:
        """A stream, read to its end."""
        reader, answer = await self._opened(100)
        status = await answer
        reader.transport.close()
        if status != 200:
            return str(status)
        if reader.complete and (reader.into.missing or len(reader.into.delays) != 100):
            return "COMPLETE, WITH EVENTS MISSING"
        if reader.complete:
            return "complete"
        return "ended early, and said so" if b'"error"' in reader.rest else "ENDED EARLY, IN SILENCE"

    async def left(self) -> str:
        """A stream whose caller leaves."""
        reader, answer = await self._opened(500)
        await asyncio.wait([answer], timeout=self.chance.uniform(0.1, 1.5))
        reader.transport.abort()
        return "left"

    async def slow(self) -> str:
        """A stream whose caller reads in bursts, with seconds of nothing between."""
        reader, answer = await self._opened(400)
        reader.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        while not answer.done() and time.monotonic() < self.until:
            reader.transport.pause_reading()
            await asyncio.sleep(3)
            if not answer.done():
                reader.transport.resume_reading()
                await asyncio.sleep(0.1)
        reader.transport.abort()
        return "read" if answer.done() and reader.complete else "left"

    def callers(self) -> list[Awaitable[None]]:
        """All of them."""
        return [
            *(self.again("whole", self.whole, 0.1) for _ in range(CALLERS["whole"])),
            *(self.again("stream", self.stream, 0.5) for _ in range(CALLERS["stream"])),
            *(self.again("left", self.left, 0.5) for _ in range(CALLERS["left"])),
            *(self.again("slow", self.slow, 1.0) for _ in range(CALLERS["slow"])),
        ]


# -- what is held ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Sample:
    """At one moment: minutes since the start, and what the gateway holds."""

    minutes: float
    rss: float
    descriptors: int
    tasks: float | None
    open_streams: int
    cpu: float


def _fetched(port: int, path: str) -> bytes | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return bytes(reply.read())
    except OSError:
        return None


async def _told(stub: Stub, path: str = "/stub") -> dict[str, int]:
    found = await asyncio.to_thread(_fetched, stub.port, path)
    return json.loads(found) if found else {}


async def sampled(one: Contender, stub: Stub, begin: float) -> Sample:
    """Now."""
    pids = one.pids
    metrics = await asyncio.to_thread(_fetched, one.port, "/metrics") if one.name == "detente" else None
    tasks = _TASKS.search(metrics or b"")
    still = (await _told(stub)).get("open", 0)
    minutes = (time.monotonic() - begin) / 60
    held = memory(pids).rss, descriptors(pids), float(tasks[1]) if tasks else None
    return Sample(minutes, *held, still, cpu(pids))


def slope(minutes: Sequence[float], values: Sequence[float]) -> float:
    """By least squares, in units a minute."""
    mean_x, mean_y = sum(minutes) / len(minutes), sum(values) / len(values)
    spread = sum((x - mean_x) ** 2 for x in minutes)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(minutes, values, strict=True)) / spread if spread else 0.0


@dataclass(frozen=True)
class Plateau:
    """Whether a figure stopped growing, by its second half."""

    what: str
    unit: str
    slope: float
    grown: float
    mean: float
    allowed: float

    @property
    def flat(self) -> bool:
        return self.grown <= self.allowed

    def __str__(self) -> str:
        word = "plateau" if self.flat else "STILL GROWS"
        return (
            f"  {self.what:<16}{word:<12} {self.slope:+.3f} {self.unit} a minute over the second half: "
            f"{self.grown:+.2f} in all on a mean of {self.mean:.1f} (allowed {self.allowed:.1f})"
        )


def plateau(what: str, unit: str, samples: Sequence[Sample], read: Callable[[Sample], float], least: float) -> Plateau:
    """Growth over the second half, by its slope, of at most 3% of the mean, or of ``least`` where that is more."""
    half = samples[len(samples) // 2 :]
    minutes, values = [s.minutes for s in half], [read(s) for s in half]
    per_minute = slope(minutes, values)
    mean = sum(values) / len(values)
    return Plateau(what, unit, per_minute, per_minute * (minutes[-1] - minutes[0]), mean, max(least, 0.03 * mean))


# -- the soak -------------------------------------------------------------------------------------------------------
async def _faults(stub: Stub, until: float, period: float) -> None:
    """Two thirds of each period are sound, one third is not."""
    number = 0
    while time.monotonic() + period < until:
        await asyncio.sleep(period * 2 / 3)
        await _told(stub, f"/stub?fault={FAULTS[number % len(FAULTS)]}")
        await asyncio.sleep(period / 3)
        await _told(stub, "/stub?fault=none")
        number += 1


async def soak(one: Contender, stub: Stub, minutes: float, every: float, models: Sequence[str]) -> bool:
    """Run it; whether all is flat, and nothing is left open at the end."""
    begin = time.monotonic()
    traffic = Traffic(one.target(), models, begin + minutes * 60)
    before = await sampled(one, stub, begin)
    print(f"  {'minute':>7}{'RSS MB':>9}{'descriptors':>13}{'tasks':>7}{'upstream':>10}{'CPU s':>8}{'answers':>9}")
    samples: list[Sample] = []

    async def watch() -> None:
        while time.monotonic() < traffic.until:
            await asyncio.sleep(every)
            now = await sampled(one, stub, begin)
            samples.append(now)
            print(_line(now, traffic.outcomes.total()), flush=True)

    await asyncio.gather(*traffic.callers(), watch(), _faults(stub, traffic.until, 30))
    await _told(stub, "/stub?fault=none")
    await asyncio.sleep(5)
    after = await sampled(one, stub, begin)
    print(_line(after, traffic.outcomes.total()), "after all callers left")
    return _judged(samples, before, after, traffic.outcomes, await _told(stub))


def _line(now: Sample, answers: int) -> str:
    tasks = "-" if now.tasks is None else f"{now.tasks:.0f}"
    return (
        f"  {now.minutes:>7.1f}{now.rss:>9.1f}{now.descriptors:>13}{tasks:>7}{now.open_streams:>10}"
        f"{now.cpu:>8.1f}{answers:>9}"
    )


def _judged(
    samples: Sequence[Sample], before: Sample, after: Sample, outcomes: Counter[str], stub: dict[str, int]
) -> bool:
    print("\nwhat callers saw")
    for outcome, times in sorted(outcomes.items()):
        print(f"  {outcome:<44}{times:>8}")
    print(f"what the stub saw: {', '.join(f'{name} {value}' for name, value in stub.items())}")
    print("\nverdict")
    good = True
    if len(samples) < 6:
        print(f"  {len(samples)} samples are too few for a slope: soak for longer")
        good = False
    else:
        found = [
            plateau("memory", "MB", samples, lambda s: s.rss, 2.0),
            plateau("descriptors", "open", samples, lambda s: s.descriptors, 20),
        ]
        if all(s.tasks is not None for s in samples):
            found.append(plateau("asyncio tasks", "tasks", samples, lambda s: s.tasks or 0.0, 20))
        print(*found, sep="\n")
        good = all(one.flat for one in found)
    kept_open = before.descriptors + 2 * sum(CALLERS.values())  # a connection a caller, to each port of the stub
    rules = {
        "no stream is open at the provider once its caller left": after.open_streams == 0,
        "no more descriptors are open than kept connections explain": after.descriptors <= kept_open,
        "no stream was said to be complete with events missing": not any("MISSING" in one for one in outcomes),
        "no stream ended early without an error event": not any("SILENCE" in one for one in outcomes),
        "no call ran where a clause forbids it": not any("OUTSIDE" in one for one in outcomes),
    }
    for rule, kept in rules.items():
        print(f"  {'kept' if kept else 'BROKEN':<8}{rule}")
    return good and all(rules.values())


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--minutes", type=float, default=10)
    given.add_argument("--every", type=float, default=10, help="seconds between samples")
    given.add_argument("--subject", choices=list(KINDS), default="detente")
    asked = given.parse_args()
    models = [serving_case.PASSED]
    if asked.subject == "detente":
        models = [serving_case.PAIRED] * 4 + [serving_case.CONVERSE, serving_case.SIGNED]
    cores = Cores.split()
    os.sched_setaffinity(0, cores.rest)
    with tempfile.TemporaryDirectory(prefix="detente-soak-") as folder:
        ports = (free_port(), free_port())
        stub = Stub(Path(folder) / "stub", ports, cores.rest)
        one = KINDS[asked.subject](Path(folder) / asked.subject, ports, cores.measured)
        try:
            stub.start()
            one.start()
            print(f"{asked.subject}, {asked.minutes:g} minutes of mixed traffic")
            good = uvloop.run(soak(one, stub, asked.minutes, asked.every, models))
        except Unavailable as reason:
            raise SystemExit(str(reason)) from None
        finally:
            one.stop()
            stub.stop()
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
