"""All that one run measured, and what follows from it.

Owns: what stands for the rounds, ratios between contenders, and the figure that each aim is about. Not here: measuring
(``measure``) and printing (``table``).
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.gateway import serving_case
from bench.gateway.load import Streamed
from bench.gateway.measure import Idle, Shared, Throughput, paired, quantile, usual

Quantiles = Sequence[Sequence[float]]


@dataclass
class Figures:
    """By the contender's name, round by round. ``missing`` says why there is nothing, or not all, of one."""

    idle: dict[str, Idle] = field(default_factory=dict)
    throughput: dict[str, list[Throughput]] = field(default_factory=dict)
    latency: dict[str, list[list[float]]] = field(default_factory=dict)
    streams: dict[str, list[Streamed]] = field(default_factory=dict)
    models: dict[str, list[Throughput]] = field(default_factory=dict)
    """By the model that was asked for, of what is no chat completion passed through."""
    workers: dict[str, Shared] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    others: float = 0.0
    """The share of the machine that processes outside the bench took meanwhile."""

    def micros(self, name: str) -> float | None:
        """CPU microseconds a request: the median of the rounds."""
        return usual(self.throughput[name]).micros if name in self.throughput else None

    def latency_at(self, name: str, share: float) -> float | None:
        """In ms: the median over the rounds of each round's quantile, so that one noisy round decides nothing."""
        return middle(self.latency.get(name, ()), share)

    def delay_at(self, name: str, share: float) -> float | None:
        """In ms, likewise."""
        return middle([run.delays for run in self.streams.get(name, ())], share)

    def event_micros(self, name: str) -> float | None:
        """CPU microseconds an event: the median of the rounds."""
        found = [run.cpu / run.watched * 1e6 for run in self.streams.get(name, ()) if run.cpu and run.watched]
        return statistics.median(found) if found else None

    def lost(self, name: str) -> int | None:
        """Events that did not come, came twice or out of order, and streams that did not end as they should."""
        runs = self.streams.get(name)
        return None if runs is None else sum(abs(r.asked - len(r.delays)) + r.missing + r.unfinished for r in runs)

    def aims(self, subject: str) -> dict[str, float | None]:
        """The figure of each aim; None where it was not measured."""
        own = self.throughput.get(subject, [])
        models = self.models if subject == "detente" else {}
        bedrock, native = (models.get(model, []) for model in (serving_case.CONVERSE, serving_case.NATIVE))
        idle, workers = self.idle.get(subject), self.workers.get(subject)
        nginx = self.latency_at("nginx", 0.5)
        return {
            "to-floor": paired(own, self.throughput.get("floor", [])),
            "to-nginx": self._capacity_to(subject, "nginx"),
            "to-vllm-router": self._capacity_to(subject, "vllm-router"),
            "to-litellm": self._capacity_to(subject, "litellm"),
            "p50": less(self.latency_at(subject, 0.5), nginx),
            "p99": less(self.latency_at(subject, 0.99), nginx),
            "lost": self.lost(subject),
            "delay": self.delay_at(subject, 0.99),
            "event": over(self.event_micros(subject), self.event_micros("nginx")),
            "bedrock": paired(bedrock, own),
            "messages": paired(native, own),
            "memory": idle.memory.rss if idle else None,
            "start": idle.started_in if idle else None,
            "workers": workers.scaling if workers else None,
        }

    def _capacity_to(self, name: str, peer: str) -> float | None:
        return paired(
            self.throughput.get(peer, []), self.throughput.get(name, [])
        )  # requests a CPU second: the inverse

    def plain(self) -> dict[str, object]:
        """As JSON holds it."""
        shares = (0.5, 0.9, 0.99)
        return {
            "python": sys.version,
            "others": self.others,
            "micros": {name: [r.micros for r in rounds] for name, rounds in self.throughput.items()},
            "rate": {name: [r.rate for r in rounds] for name, rounds in self.throughput.items()},
            "models-micros": {name: [r.micros for r in rounds] for name, rounds in self.models.items()},
            "latency-ms": {name: {f"{s}": self.latency_at(name, s) for s in shares} for name in self.latency},
            "delay-ms": {name: {f"{s}": self.delay_at(name, s) for s in shares} for name in self.streams},
            "event-micros": {name: self.event_micros(name) for name in self.streams},
            "start-s": {name: one.started_in for name, one in self.idle.items()},
            "rss-mb": {name: one.memory.rss for name, one in self.idle.items()},
            "workers": {name: one.scaling for name, one in self.workers.items()},
            "missing": self.missing,
        }


def middle(rounds: Quantiles, share: float) -> float | None:
    """The median of the rounds' quantiles, seconds in and ms out."""
    found = [quantile(values, share) for values in rounds if values]
    return statistics.median(found) * 1e3 if found else None


def over(one: float | None, other: float | None) -> float | None:
    """One to the other."""
    return one / other if one is not None and other else None


def less(one: float | None, other: float | None) -> float | None:
    """One less the other."""
    return one - other if one is not None and other is not None else None
