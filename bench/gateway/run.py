"""The gateway's speed against nginx, vllm-router and LiteLLM, in one run, on one core.

    python bench/gateway/run.py [--quick] [--only throughput,streams] [--peers nginx,floor] [--subject detente]

Owns: what is measured in which order. What each figure means: bench/gateway/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway import serving_case
from bench.gateway.contender import KINDS, Contender, Cores, LiteLLM, Stub, Unavailable, free_port
from bench.gateway.figures import Figures
from bench.gateway.load import LoadError
from bench.gateway.measure import delivery, idle, latency, shared, throughput
from bench.gateway.process import busy, prefer
from bench.gateway.table import tables, verdicts

PARTS = ("idle", "throughput", "latency", "streams", "bedrock", "messages", "workers")
RATE, STREAMS, EVENTS = 100.0, 400, 50.0
SLOW_RATE, SLOW_STREAMS = 20.0, 20  # for LiteLLM, which cannot take the others


@dataclass(frozen=True)
class Effort:
    """How long, in seconds, and how often each is measured."""

    rounds: int
    seconds: float
    paced: float
    stream: float
    starts: int


FULL = Effort(rounds=7, seconds=4, paced=10, stream=10, starts=5)
QUICK = Effort(rounds=1, seconds=3, paced=5, stream=6, starts=1)


class Run:
    """One run: a stub, and the contenders beside each other; LiteLLM by itself at the end: it works when idle, too."""

    def __init__(self, folder: Path, names: Sequence[str], parts: Sequence[str], effort: Effort, nice: int) -> None:
        self.folder, self.names, self.parts, self.effort, self.nice = folder, names, parts, effort, nice
        self.all_cores = os.sched_getaffinity(0)
        self.cores = Cores.split()
        self.ports = (free_port(), free_port())
        self.stub = Stub(folder / "stub", self.ports, self.cores.rest, nice=nice)
        self.running: dict[str, Contender] = {"direct": self.stub}
        self.figures = Figures()

    def everything(self) -> Figures:
        """Measure what was asked for."""
        began, busy_before, own_before = time.perf_counter(), busy(), sum(os.times()[:4])
        os.sched_setaffinity(0, self.cores.rest)  # this process is the load; wrk inherits it
        self.stub.start()
        try:
            self._group([name for name in self.names if name != LiteLLM.name])
            self._group([name for name in self.names if name == LiteLLM.name])
        finally:
            for one in self.running.values():
                one.stop()
        spent = time.perf_counter() - began
        others = busy() - busy_before - (sum(os.times()[:4]) - own_before)
        self.figures.others = max(0.0, others / spent / len(self.all_cores))
        return self.figures

    def _group(self, names: Sequence[str]) -> None:
        """Rounds go through all of a group, so that a slow minute strikes each of them.

        Each begins with new processes: what one start happens to lay out well in memory lasts as long as it does.
        """
        if not names:
            return
        rounds = self.effort.rounds if names != [LiteLLM.name] else 1
        for name in names:
            self._guarded("idle", self._idle, name)
        for _ in range(rounds):
            self._stop(names)
            for name in names:
                self._guarded("start", self._start, name)
            for name in names:
                self._guarded("throughput", self._throughput, name)
            for name in names:
                self._guarded("bedrock", self._bedrock, name)
                self._guarded("messages", self._messages, name)
        for _ in range(max(1, rounds // 2)):
            for name in names if names == [LiteLLM.name] else ["direct", *names]:
                self._guarded("latency", self._latency, name)
                self._guarded("streams", self._streams, name)
        for name in names:
            self._guarded("workers", self._workers, name)
        self._stop(names)

    def _stop(self, names: Sequence[str]) -> None:
        for name in names:
            if name in self.running:
                self.running.pop(name).stop()

    def _guarded(self, part: str, measure: Callable[[Contender], None], name: str) -> None:
        """A contender that fails is left out of the rest of that part, with the reason; the others go on."""
        begun = name in self.running
        if part not in ("start", *self.parts) or (part in ("bedrock", "messages") and name != "detente"):
            return
        if begun == (part in ("start", "idle")) or f"{name}: {part}" in self.figures.missing.get(name, ""):
            return
        print(f"  … {part}: {name}", file=sys.stderr, flush=True)
        try:
            measure(self.running[name] if begun else self._contender(name))
        except (Unavailable, LoadError, OSError) as error:
            reason = f"{name}: {part}: {error}".replace("\n", " ")[:600]
            self.figures.missing[name] = "; ".join(filter(None, [self.figures.missing.get(name), reason]))
            print(f"  !! {reason}", file=sys.stderr, flush=True)

    def _contender(self, name: str, workers: int = 1, cores: frozenset[int] | None = None) -> Contender:
        folder = self.folder / f"{name}-{workers}"
        return KINDS[name](folder, self.ports, cores or self.cores.measured, workers, self.nice)

    # -- parts ------------------------------------------------------------------------------------------------------
    def _idle(self, one: Contender) -> None:
        self.figures.idle[one.name] = idle(one, 1 if one.name == LiteLLM.name else self.effort.starts)

    def _start(self, one: Contender) -> None:
        one.start()
        self.running[one.name] = one

    def _throughput(self, one: Contender) -> None:
        found = throughput(one, self.effort.seconds)
        self.figures.throughput.setdefault(one.name, []).append(found)

    def _bedrock(self, one: Contender) -> None:
        for model in (serving_case.CONVERSE, serving_case.SIGNED):
            self._model(one, model)

    def _messages(self, one: Contender) -> None:
        self._model(one, serving_case.NATIVE)

    def _model(self, one: Contender, model: str) -> None:
        found = throughput(one, self.effort.seconds, model)
        self.figures.models.setdefault(model, []).append(found)

    def _latency(self, one: Contender) -> None:
        rate = SLOW_RATE if one.name == LiteLLM.name else RATE
        found = latency(one, rate, self.effort.paced)
        self.figures.latency.setdefault(one.name, []).append(found)

    def _streams(self, one: Contender) -> None:
        count = SLOW_STREAMS if one.name == LiteLLM.name else STREAMS
        found = delivery(one, count, EVENTS, self.effort.stream)
        self.figures.streams.setdefault(one.name, []).append(found)

    def _workers(self, one: Contender) -> None:
        if one.name == LiteLLM.name:
            return
        cores = Cores.split(2).measured if len(self.all_cores) >= 4 else self.cores.measured
        both = self._contender(one.name, 2, cores)
        both.start()
        try:
            self.figures.workers[one.name] = shared(one, both, self.effort.seconds)
        finally:
            both.stop()


def _listed(known: Sequence[str]) -> Callable[[str], list[str]]:
    """A reader of names with commas between."""

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
    peers = [name for name in KINDS if name != "detente"]
    given.add_argument("--peers", type=_listed(peers), default=peers, help=", ".join(peers))
    given.add_argument("--subject", choices=list(KINDS), default="detente", help="whom the aims are held against")
    given.add_argument("--json", type=Path, help="write the figures here, too")
    given.add_argument("--nice", type=int, default=0, help="a priority for all of it; below 0 needs root")
    asked = given.parse_args()
    if asked.nice:
        prefer(os.getpid(), asked.nice)
    if shutil.which("taskset") is None:
        raise SystemExit("the bench pins processes to cores with `taskset` (Debian: util-linux), which is not here")
    names = list(dict.fromkeys([*asked.peers, asked.subject]))
    with tempfile.TemporaryDirectory(prefix="detente-bench-") as folder:
        figures = Run(Path(folder), names, asked.only, QUICK if asked.quick else FULL, asked.nice).everything()
    print(tables(figures), verdicts(figures, asked.subject), sep="\n")
    if asked.json:
        asked.json.write_text(json.dumps(figures.plain(), indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
