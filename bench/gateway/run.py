"""The gateway's speed against nginx and LiteLLM, in one run, on one core.

    python bench/gateway/run.py [--quick] [--only throughput,streams] [--peers nginx,floor] [--subject detente]

Owns: the order of measuring, and the tables. What is measured and how: bench/gateway/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway import serving_case
from bench.gateway.aims import judged
from bench.gateway.contender import KINDS, Contender, Cores, Stub, Unavailable, free_port
from bench.gateway.load import LoadError, Streamed
from bench.gateway.measure import (
    Idle,
    Shared,
    Throughput,
    delivery,
    idle,
    latency,
    median,
    quantile,
    shared,
    throughput,
)

PARTS = ("idle", "throughput", "latency", "streams", "bedrock", "workers")
RATE, STREAMS, EVENTS = 100.0, 400, 50.0


@dataclass(frozen=True)
class Effort:
    """How long and how often each is measured."""

    rounds: int
    seconds: float
    paced: float
    stream: float
    starts: int


FULL = Effort(rounds=5, seconds=6, paced=10, stream=12, starts=5)
QUICK = Effort(rounds=1, seconds=3, paced=5, stream=6, starts=1)


@dataclass
class Figures:
    """All that was measured, by the contender's name; ``missing`` says why there is nothing of one."""

    idle: dict[str, Idle] = field(default_factory=dict)
    throughput: dict[str, list[Throughput]] = field(default_factory=dict)
    latency: dict[str, list[float]] = field(default_factory=dict)
    streams: dict[str, list[Streamed]] = field(default_factory=dict)
    bedrock: dict[str, list[Throughput]] = field(default_factory=dict)
    workers: dict[str, Shared] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


# -- measuring ------------------------------------------------------------------------------------------------------
class Run:
    """One run: a stub, and the contenders one beside the other."""

    def __init__(self, folder: Path, names: Sequence[str], parts: Sequence[str], effort: Effort) -> None:
        self.folder, self.parts, self.effort = folder, parts, effort
        self.cores = Cores.split()
        self.ports = (free_port(), free_port())
        self.stub = Stub(folder / "stub", self.ports, self.cores.rest)
        self.running: dict[str, Contender] = {}
        self.names = names
        self.figures = Figures()

    def contender(self, name: str, workers: int = 1) -> Contender:
        return KINDS[name](self.folder / f"{name}-{workers}", self.ports, self.cores.measured, workers)

    def everything(self) -> None:
        """Measure what was asked for. Rounds go through all contenders, so that a slow minute strikes each of them."""
        os.sched_setaffinity(0, self.cores.rest)  # this process is the load; wrk inherits it
        self.stub.start()
        try:
            for name in self.names:
                self._guarded(name, self._idle)
            for name in list(self.running):
                self._guarded(name, self._throughput)  # the first of several rounds, and what fails, fails here
            for _ in range(self.effort.rounds - 1):
                for name in [n for n in self.running if n != "litellm"]:  # whose requests take milliseconds anyway
                    self._guarded(name, self._throughput)
            for _ in range(self.effort.rounds):
                self._guarded("detente", self._bedrock)
            for _ in range(max(1, self.effort.rounds - 2)):
                for name in ["direct", *self.running]:
                    self._guarded(name, self._latency)
                for name in ["direct", *self.running]:
                    self._guarded(name, self._streams)
            for name in list(self.running):
                self._guarded(name, self._workers)
        finally:
            for one in [*self.running.values(), self.stub]:
                one.stop()

    def _guarded(self, name: str, part: Callable[[str], None]) -> None:
        """A contender that fails is left out, with the reason; the others go on."""
        if part.__name__ not in {"_idle", *(f"_{part}" for part in self.parts)}:
            return
        if part.__name__ != "_idle" and name not in {"direct", *self.running}:
            return
        print(f"  … {part.__name__[1:]}: {name}", file=sys.stderr, flush=True)
        try:
            part(name)
        except (Unavailable, LoadError, OSError) as error:
            self.figures.missing[name] = f"{part.__name__[1:]}: {error}".replace("\n", " ")[:600]
            print(f"  !! {name}: {self.figures.missing[name]}", file=sys.stderr, flush=True)

    def _at(self, name: str) -> Contender:
        return self.stub if name == "direct" else self.running[name]

    def _idle(self, name: str) -> None:
        one = self.contender(name)
        if "idle" in self.parts:
            self.figures.idle[name] = idle(one, 1 if name == "litellm" else self.effort.starts)
        one.start()
        self.running[name] = one

    def _throughput(self, name: str) -> None:
        self.figures.throughput.setdefault(name, []).append(throughput(self._at(name), self.effort.seconds))

    def _bedrock(self, name: str) -> None:
        for model in (serving_case.CONVERSE, serving_case.SIGNED):
            found = throughput(self._at(name), self.effort.seconds, model)
            self.figures.bedrock.setdefault(model, []).append(found)

    def _latency(self, name: str) -> None:
        self.figures.latency.setdefault(name, []).extend(latency(self._at(name), RATE, self.effort.paced))

    def _streams(self, name: str) -> None:
        found = delivery(self._at(name), 40 if name == "litellm" else STREAMS, EVENTS, self.effort.stream)
        self.figures.streams.setdefault(name, []).append(found)

    def _workers(self, name: str) -> None:
        if name == "litellm":
            return
        one = self.contender(name, workers=2)
        one.start()
        try:
            self.figures.workers[name] = shared(one, self.effort.seconds)
        finally:
            one.stop()


# -- tables ---------------------------------------------------------------------------------------------------------
def _rows(title: str, header: str, rows: list[str]) -> None:
    if rows:
        print(f"\n{title}\n  {header}\n  {'-' * len(header)}", *rows, sep="\n")


def tables(figures: Figures) -> None:
    """What was measured, contender by contender."""
    rows = []
    for name, rounds in figures.throughput.items():
        one = median(rounds)
        costs = [r.micros for r in rounds]
        spread = f"{min(costs):.1f} to {max(costs):.1f}"
        rows.append(
            f"  {name:<16}{one.micros:>10.1f}{spread:>20}{one.rate:>12.0f}{one.busy:>9.0%}{one.capacity:>15.0f}"
        )
    for model, rounds in figures.bedrock.items():
        one = median(rounds)
        costs = [r.micros for r in rounds]
        spread = f"{min(costs):.1f} to {max(costs):.1f}"
        rows.append(
            f"  {model:<16}{one.micros:>10.1f}{spread:>20}{one.rate:>12.0f}{one.busy:>9.0%}{one.capacity:>15.0f}"
        )
    header = f"{'':<16}{'CPU µs/req':>10}{'over the rounds':>20}{'req/s seen':>12}{'busy':>9}{'req/s a core':>15}"
    _rows("As fast as it answers: 1 KB in, 1 KB out, 64 connections kept", header, rows)

    rows = [
        f"  {name:<16}{quantile(t, 0.5) * 1e3:>10.3f}{quantile(t, 0.9) * 1e3:>10.3f}{quantile(t, 0.99) * 1e3:>10.3f}"
        f"{max(t) * 1e3:>10.2f}{len(t):>9}"
        for name, t in figures.latency.items()
    ]
    header = f"{'ms':<16}{'p50':>10}{'p90':>10}{'p99':>10}{'most':>10}{'calls':>9}"
    _rows(f"At {RATE:.0f} requests a second", header, rows)

    rows = []
    for name, runs in figures.streams.items():
        delays = [delay for run in runs for delay in run.delays]
        lost = sum(run.asked - len(run.delays) for run in runs)
        broken = sum(run.unfinished for run in runs)
        micros = _per_event(runs)
        p50, p99 = (quantile(delays, share) * 1e3 if delays else float("nan") for share in (0.5, 0.99))
        most = max(delays, default=float("nan")) * 1e3
        cost = "-" if micros is None else f"{micros:.1f}"
        rows.append(
            f"  {name:<16}{cost:>10}{p50:>10.2f}{p99:>10.2f}{most:>10.1f}{len(delays):>10}{lost:>8}{broken:>11}"
        )
    header = f"{'ms':<16}{'µs/event':>10}{'p50':>10}{'p99':>10}{'most':>10}{'events':>10}{'lost':>8}{'unfinished':>11}"
    _rows(f"{STREAMS} streams of {EVENTS:.0f} events a second (LiteLLM: 40)", header, rows)

    rows = [
        f"  {name:<16}{one.started_in:>10.3f}{one.memory.rss:>10.1f}"
        f"{'-' if one.memory.pss is None else format(one.memory.pss, '.1f'):>10}"
        for name, one in figures.idle.items()
    ]
    _rows("Started, and not called yet", f"{'':<16}{'start s':>10}{'RSS MB':>10}{'PSS MB':>10}", rows)

    rows = [
        f"  {name:<16}{one.cost.micros:>10.1f}{one.cost.capacity:>15.0f}{one.least:>14.0%}"
        for name, one in figures.workers.items()
    ]
    _rows("Two workers on the one core", f"{'':<16}{'CPU µs/req':>10}{'req/s a core':>15}{'lesser part':>14}", rows)


def _per_event(runs: Sequence[Streamed]) -> float | None:
    """CPU microseconds an event, over all runs."""
    cpu = sum(run.cpu or 0.0 for run in runs)
    events = sum(run.watched for run in runs)
    return cpu / events * 1e6 if cpu and events else None


def verdicts(figures: Figures, subject: str) -> None:
    """The subject against the aims."""

    def ratio(over: str, under: str) -> float | None:
        if over not in figures.throughput or under not in figures.throughput:
            return None
        return median(figures.throughput[over]).capacity / median(figures.throughput[under]).capacity

    def added(share: float) -> float | None:
        if subject not in figures.latency or "nginx" not in figures.latency:
            return None
        return (quantile(figures.latency[subject], share) - quantile(figures.latency["nginx"], 0.5)) * 1e3

    def lost() -> float | None:
        runs = figures.streams.get(subject)
        return sum(abs(r.asked - len(r.delays)) + r.missing + r.unfinished for r in runs) if runs else None

    def delay() -> float | None:
        delays = [delay for run in figures.streams.get(subject, ()) for delay in run.delays]
        return quantile(delays, 0.99) * 1e3 if delays else None

    def event() -> float | None:
        own, nginx = (_per_event(figures.streams.get(name, ())) for name in (subject, "nginx"))
        return own / nginx if own and nginx else None

    def bedrock() -> float | None:
        found = figures.bedrock.get(serving_case.CONVERSE)
        if not found or subject not in figures.throughput:
            return None
        return median(found).micros / median(figures.throughput[subject]).micros

    def micros() -> float | None:
        return median(figures.throughput[subject]).micros if subject in figures.throughput else None

    def scaled() -> float | None:
        if subject not in figures.workers or subject not in figures.throughput:
            return None
        return figures.workers[subject].cost.capacity / median(figures.throughput[subject]).capacity

    def fresh(what: Callable[[Idle], float]) -> float | None:
        return what(figures.idle[subject]) if subject in figures.idle else None

    def why(*names: str) -> str:
        return "; ".join(figures.missing[name] for name in names if name in figures.missing) or "not asked for"

    print(f"\n{subject}, against the aims")
    print(judged("micros", micros, why(subject)))
    print(judged("to-nginx", lambda: ratio(subject, "nginx"), why(subject, "nginx")))
    print(judged("to-litellm", lambda: ratio(subject, "litellm"), why(subject, "litellm")))
    print(judged("p50", lambda: added(0.5), why(subject, "nginx")))
    print(judged("p99", lambda: added(0.99), why(subject, "nginx")))
    print(judged("lost", lost, why(subject)))
    print(judged("delay", delay, why(subject)))
    print(judged("event", event, why(subject, "nginx")))
    print(judged("bedrock", bedrock, why(subject)))
    print(judged("memory", lambda: fresh(lambda one: one.memory.rss), why(subject)))
    print(judged("start", lambda: fresh(lambda one: one.started_in), why(subject)))
    print(judged("workers", scaled, why(subject)))
    for name, reason in figures.missing.items():
        print(f"  {name} is missing, or in part: {reason}")


# -- the command ----------------------------------------------------------------------------------------------------
def _listed(known: Sequence[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"`{name}` is none of {', '.join(known)}")
        return names

    return read


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--quick", action="store_true", help="one short round: to try it, not to quote it")
    given.add_argument("--only", type=_listed(PARTS), default=list(PARTS), help=", ".join(PARTS))
    given.add_argument("--peers", type=_listed([*KINDS]), default=[n for n in KINDS if n != "detente"])
    given.add_argument("--subject", choices=list(KINDS), default="detente", help="whom the aims are held against")
    given.add_argument("--json", type=Path, help="write the figures here, too")
    asked = given.parse_args()
    if shutil.which("taskset") is None:
        raise SystemExit("the bench pins processes to cores with `taskset` (Debian: util-linux), which is not here")
    names = list(dict.fromkeys([*asked.peers, asked.subject]))
    with tempfile.TemporaryDirectory(prefix="detente-bench-") as folder:
        run = Run(Path(folder), names, asked.only, QUICK if asked.quick else FULL)
        load = os.getloadavg()[0]
        if load > 0.5:
            print(f"  !! the machine is not quiet (load {load:.1f}): trust the ratios only", file=sys.stderr)
        run.everything()
    tables(run.figures)
    verdicts(run.figures, asked.subject)
    if asked.json:
        asked.json.write_text(json.dumps(plain(run.figures), indent=2), encoding="utf-8")


def plain(figures: Figures) -> dict[str, object]:
    """The figures as JSON holds them: medians, and the rounds behind them."""
    return {
        "micros": {name: [r.micros for r in rounds] for name, rounds in figures.throughput.items()},
        "rate": {name: [r.rate for r in rounds] for name, rounds in figures.throughput.items()},
        "bedrock": {name: [r.micros for r in rounds] for name, rounds in figures.bedrock.items()},
        "latency-ms": {
            name: {str(q): quantile(times, q) * 1e3 for q in (0.5, 0.9, 0.99)}
            for name, times in figures.latency.items()
        },
        "event-micros": {name: _per_event(runs) for name, runs in figures.streams.items()},
        "start-s": {name: one.started_in for name, one in figures.idle.items()},
        "rss-mb": {name: one.memory.rss for name, one in figures.idle.items()},
        "missing": figures.missing,
    }


if __name__ == "__main__":
    main()
