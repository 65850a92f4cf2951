"""What the gateway counts, for Prometheus.

Owns: the names and labels of its metrics, and their text. Not here: what happens (``relay``, ``app``).

With several workers each writes files of its own in ``PROMETHEUS_MULTIPROC_DIR``, and any of them answers for all
(prometheus_client's multiprocess mode); the supervisor sets it before a worker imports this.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

from detente.gateway.deciding.standings import Standings
from detente.gateway.http.exchange import HeaderLines
from detente.gateway.serving.observing.durations import Durations
from detente.gateway.serving.observing.standing_gauges import StandingGauges
from detente.ledger.caps.cap import Cap
from detente.providers.wire import Tokens
from detente.values.money import NANOS

TYPE: HeaderLines = b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n"
_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)
_REPLY = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

disable_created_metrics()  # type: ignore[no-untyped-call]


class _Count:
    """What was counted of one workload, deployment and outcome since it was last handed over."""

    __slots__ = ("cached", "cost", "input", "output", "reasoning", "replies", "seconds", "unknown")

    def __init__(self) -> None:
        self.replies = self.unknown = self.input = self.output = self.cached = self.reasoning = self.cost = 0
        self.seconds = Durations(_REPLY)


class Metrics:
    """Counters of one worker.

    Prometheus's client takes about a microsecond and a lock for each of a dozen numbers of a call, so calls are counted
    in plain numbers, and handed over (``flush``) once a second and before they are read.
    """

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._replies = Counter(
            "detente_requests", "Replies, by outcome.", ["workload", "deployment", "outcome"], registry=registry
        )
        self._tokens = Counter(
            "detente_tokens",
            "Tokens as the providers metered them; cached is a part of input, reasoning of output.",
            ["workload", "deployment", "kind"],
            registry=registry,
        )
        self._unknown = Counter(
            "detente_usage_unknown",
            "Replies, and attempts before them, without usage from the provider.",
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
            "1 while a deployment is not asked, after failures or a 429.",
            ["deployment"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._added = Histogram(
            "detente_added_seconds",
            "Time that the gateway adds to a reply, beside the provider's.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._reply = Histogram(
            "detente_reply_seconds",
            "Time from the end of a request to the end of its reply.",
            ["workload"],
            registry=registry,
            buckets=_REPLY,
        )
        self._active = Gauge("detente_active", "Calls under way.", registry=registry, multiprocess_mode="livesum")
        self._tasks = Gauge(
            "detente_asyncio_tasks", "Tasks of the event loop.", registry=registry, multiprocess_mode="livesum"
        )
        self._away = Gauge(
            "detente_ledger_away",
            "1 while the ledger cannot be asked, and calls go on within what was leased.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._behind_records, self._behind_seconds = (
            Gauge(name, told, ["journal"], registry=registry, multiprocess_mode="livemax")
            for name, told in (
                ("detente_books_behind_records", "Records of a worker's journal that are not on the books."),
                ("detente_books_behind_seconds", "For how long the first of these has waited; 0: there are none."),
            )
        )
        self._limits = Gauge(
            "detente_cap_limit", "What a cap allows in the window that runs.", ["clause"], registry=registry,
            multiprocess_mode="livemin",
        )  # fmt: skip
        self._remaining = Gauge(
            "detente_cap_remaining",
            "What remained of a cap for anybody when the ledger last answered; what is leased is not in it.",
            ["clause"],
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._budget_limits, self._budget_remaining = (
            Gauge(name, told, ["budget", "measure", "of"], registry=registry, multiprocess_mode="livemin")
            for name, told in (
                ("detente_budget_limit", "What a budget allows in the window that runs."),
                (
                    "detente_budget_remaining",
                    "What remained of a budget when this was last known, without what is leased.",
                ),
            )
        )
        self._told = Counter(
            "detente_cap_told", "Times that it was told how much of a cap or a budget is used.", ["cap", "percent"],
            registry=registry,
        )  # fmt: skip
        self._standing = StandingGauges()
        registry.register(self._standing)
        self._counts: dict[tuple[str, str, str], _Count] = {}
        self._denied: dict[str, int] = {}
        self._waits = Durations(_SECONDS)

    # -- what happens ------------------------------------------------------------------------------------------
    def replied(
        self,
        workload: str,
        deployment: str,
        outcome: str,
        seconds: float,
        tokens: Tokens | None = None,
        cost: int | None = None,
    ) -> None:
        """A reply ended. ``deployment`` is empty where nobody served it; ``cost`` is in whole nano-units."""
        key = (workload, deployment, outcome)
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count()
        count.replies += 1
        count.seconds.add(seconds)
        if tokens is not None:
            count.input += tokens.input
            count.output += tokens.output
            count.cached += tokens.cached
            count.reasoning += tokens.reasoning
            if cost:
                count.cost += cost
        elif deployment:
            count.unknown += 1

    def unmetered(self, workload: str, deployment: str) -> None:
        """An attempt before the one that a reply came of, whose use is not known."""
        self._unknown.labels(workload, deployment).inc()

    def added(self, seconds: float) -> None:
        """The gateway's own part of a whole reply."""
        self._waits.add(seconds)

    def denied(self, clause: str) -> None:
        """A clause kept a request from a deployment."""
        self._denied[clause] = self._denied.get(clause, 0) + 1

    def failed(self, deployment: str, kind: str) -> None:
        """An attempt failed."""
        self._failures.labels(deployment, kind).inc()

    def resting(self, deployment: str, rests: bool) -> None:
        """A deployment's health."""
        self._resting.labels(deployment).set(float(rests))

    def cap(self, cap: Cap, limit: int, remaining: int) -> None:
        """A cap, or a budget, in the window that runs."""
        limits, remains = self._limits.labels, self._remaining.labels
        labels = [cap.id]
        if cap.budget:
            limits, remains = self._budget_limits.labels, self._budget_remaining.labels
            labels += [cap.details["measure"], cap.details.get("of", "")]
        limits(*labels).set(limit / cap.unit)
        remains(*labels).set(remaining / cap.unit)

    def told(self, cap: str, percent: int) -> None:
        """It was told that so much of a cap or a budget is used."""
        self._told.labels(cap, str(percent)).inc()

    def stands(self, standings: Standings) -> None:
        """Where clauses stand, from now on."""
        self._standing.standings = standings

    def away(self, away: bool) -> None:
        """Whether the ledger is."""
        self._away.set(float(away))

    def behind(self, journal: str, records: int, seconds: float) -> None:
        """How far the books lag behind a journal."""
        self._behind_records.labels(journal).set(records)
        self._behind_seconds.labels(journal).set(seconds)

    def active(self, calls: int, tasks: int) -> None:
        """Calls under way, and tasks of the event loop."""
        self._active.set(calls)
        self._tasks.set(tasks)

    # -- what is read ------------------------------------------------------------------------------------------
    def flush(self) -> None:
        """Hand over what was counted."""
        counts, self._counts = self._counts, {}
        for (workload, deployment, outcome), count in counts.items():
            self._replies.labels(workload, deployment, outcome).inc(count.replies)
            count.seconds.hand_over(self._reply.labels(workload))
            if count.unknown:
                self._unknown.labels(workload, deployment).inc(count.unknown)
            for kind in ("input", "output", "cached", "reasoning"):
                if tokens := getattr(count, kind):
                    self._tokens.labels(workload, deployment, kind).inc(tokens)
            if count.cost:
                self._cost.labels(workload, deployment).inc(count.cost / NANOS)
        denied, self._denied = self._denied, {}
        for clause, times in denied.items():
            self._denials.labels(clause).inc(times)
        waits, self._waits = self._waits, Durations(_SECONDS)
        waits.hand_over(self._added)

    def text(self) -> bytes:
        """All of it, of all workers."""
        self.flush()
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            registry.register(self._standing)
            return generate_latest(registry)
        return generate_latest(self._registry)
