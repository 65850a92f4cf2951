"""What the gateway counts, for Prometheus.

Owns: the names and labels of its metrics, and their text. Not here: what happens (``relay``, ``app``).

With several workers each writes files of its own in ``PROMETHEUS_MULTIPROC_DIR``, and any of them answers for all
(prometheus_client's multiprocess mode); the supervisor sets it before a worker imports this.
"""

from __future__ import annotations

import os
from typing import TypeVar, cast

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

from detente.providers.wire import Tokens

TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)
_REPLY = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

disable_created_metrics()
Metric = TypeVar("Metric", Counter, Gauge, Histogram)


class Metrics:
    """Counters of one worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Counter(
            "detente_requests", "Replies, by how they ended.", ["workload", "deployment", "outcome"], registry=registry
        )
        self._tokens = Counter(
            "detente_tokens",
            "Tokens as the providers metered them; cached is a part of input, reasoning of output.",
            ["workload", "deployment", "kind"],
            registry=registry,
        )
        self._unknown = Counter(
            "detente_usage_unknown",
            "Replies whose provider did not say what they used.",
            ["workload", "deployment"],
            registry=registry,
        )
        self._cost = Counter(
            "detente_cost",
            "Cost at list price, in the case's currency; the journal holds it exactly.",
            ["workload", "deployment"],
            registry=registry,
        )
        self._denials = Counter("detente_denials", "Deployments denied to requests.", ["clause"], registry=registry)
        self._failures = Counter(
            "detente_upstream_failures", "Attempts that failed.", ["deployment", "kind"], registry=registry
        )
        self._resting = Gauge(
            "detente_upstream_resting",
            "Whether a deployment is left alone after failures, or until it may be asked again.",
            ["deployment"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._added = Histogram(
            "detente_added_seconds",
            "Time that the gateway adds to a whole reply, beyond its provider's.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._reply = Histogram(
            "detente_reply_seconds",
            "From a whole request to a whole reply.",
            ["workload"],
            registry=registry,
            buckets=_REPLY,
        )
        self.active = Gauge("detente_active", "Calls under way.", registry=registry, multiprocess_mode="livesum")
        self._children: dict[tuple[object, ...], object] = {}

    def _child(self, metric: Metric, *labels: str) -> Metric:
        """A metric with its labels; looking one up costs more than counting."""
        key = (metric, *labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return cast(Metric, found)

    # -- what happens ------------------------------------------------------------------------------------------
    def replied(self, workload: str, deployment: str, outcome: str, seconds: float) -> None:
        """A reply ended."""
        self._child(self._requests, workload, deployment, outcome).inc()
        self._child(self._reply, workload).observe(seconds)

    def added(self, seconds: float) -> None:
        """The gateway's own part of a whole reply."""
        self._added.observe(seconds)

    def metered(self, workload: str, deployment: str, tokens: Tokens | None, cost: float | None) -> None:
        """What it used; ``cost`` only counts here, and is exact in the journal."""
        if tokens is None:
            self._child(self._unknown, workload, deployment).inc()
            return
        for kind, amount in zip(("input", "output"), tokens, strict=False):
            self._child(self._tokens, workload, deployment, kind).inc(amount)
        if tokens.cached:
            self._child(self._tokens, workload, deployment, "cached").inc(tokens.cached)
        if tokens.reasoning:
            self._child(self._tokens, workload, deployment, "reasoning").inc(tokens.reasoning)
        if cost:
            self._child(self._cost, workload, deployment).inc(cost)

    def denied(self, clause: str) -> None:
        """A clause kept a request from a deployment."""
        self._child(self._denials, clause).inc()

    def failed(self, deployment: str, kind: str) -> None:
        """An attempt failed."""
        self._child(self._failures, deployment, kind).inc()

    def resting(self, deployment: str, rests: bool) -> None:
        """A deployment's health."""
        self._child(self._resting, deployment).set(float(rests))

    def text(self) -> bytes:
        """All of it, of all workers."""
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(self._registry)
