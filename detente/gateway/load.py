"""The load of this worker's deployments: what is known of them between calls. Changes; the rules for it are elsewhere.

Owns: each deployment's health, how much of its limit is taken, and what it was given of each workload in a period of
the plan. Not here: what follows from it (``health``, ``choose``).

A limit is the provider's for all workers together, so each holds a part of it: local limits are not multiplied by the
number of replicas. What remains unknown, another gateway's traffic, shows as a 429.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from detente.gateway.admit import Candidate
from detente.gateway.choose import State
from detente.gateway.health import WELL, Health
from detente.gateway.policy import Deployed, Policy
from detente.providers.wire import Failure, Tokens


class Taken:
    """A leaky bucket of one minute: what was taken runs off at the limit's rate, as Azure counts utilisation."""

    __slots__ = ("_at", "_level", "per_minute")

    def __init__(self, per_minute: float) -> None:
        self.per_minute, self._level, self._at = per_minute, 0.0, 0.0

    def used(self, now: float) -> float:
        """The part of a minute's limit that is taken."""
        if self.per_minute <= 0:
            return 1.0
        self._level = max(0.0, self._level - (now - self._at) * self.per_minute / 60.0)
        self._at = now
        return self._level / self.per_minute

    def add(self, tokens: float, now: float) -> None:
        """Tokens were taken; fewer than none corrects an estimate."""
        self.used(now)
        self._level = max(0.0, self._level + tokens)


class Load:
    """What a worker knows of its deployments; of those that stay, it outlives a reload."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._health: dict[str, Health] = {}
        self._taken: dict[str, Taken | None] = {}
        self._served: dict[tuple[str, str], float] = {}
        self._period: int | None = None

    def limits(self, policy: Policy, at: datetime) -> None:
        """Take over the limits that hold at a moment, and forget deployments that are gone."""
        fresh: dict[str, Taken | None] = {}
        for deployed in policy.deployed:
            limit = deployed.per_minute(at)
            known = self._taken.get(deployed.id)
            if limit is None:
                fresh[deployed.id] = None
            elif known is not None:
                known.per_minute = limit / self._workers
                fresh[deployed.id] = known
            else:
                fresh[deployed.id] = Taken(limit / self._workers)
        self._taken = fresh
        self._health = {name: health for name, health in self._health.items() if name in fresh}

    def enter(self, period: int | None) -> None:
        """A period of the plan begins: its shares are counted from nothing."""
        if period != self._period:
            self._period = period
            self._served.clear()

    def states(
        self,
        permitted: Sequence[Candidate],
        workload: str,
        shares: Mapping[str, float],
        prices: Mapping[str, int],
        now: float,
    ) -> dict[str, State]:
        """What ``choose`` weighs of the permitted."""
        found = {}
        for candidate in permitted:
            name = candidate.deployed.id
            taken = self._taken.get(name)
            found[name] = State(
                self._health.get(name, WELL),
                taken.used(now) if taken is not None else None,
                shares.get(candidate.deployed.offer.id, 0.0),
                self._served.get((workload, name), 0.0),
                prices.get(name, 0),
            )
        return found

    def health(self, deployment: str) -> Health:
        """A deployment's health."""
        return self._health.get(deployment, WELL)

    # -- what happens ------------------------------------------------------------------------------------------
    def asked(self, deployed: Deployed, workload: str, tokens: float, now: float) -> None:
        """A call goes there, and may take so many tokens."""
        health = self._health.get(deployed.id)
        if health is not None:
            self._health[deployed.id] = health.asked()
        self._add(deployed, workload, tokens, now)

    def _add(self, deployed: Deployed, workload: str, tokens: float, now: float) -> None:
        taken = self._taken.get(deployed.id)
        if taken is not None:
            taken.add(tokens, now)
        key = (workload, deployed.id)
        self._served[key] = max(0.0, self._served.get(key, 0.0) + tokens)

    def served(self, deployed: Deployed, workload: str, tokens: Tokens | None, estimate: float, now: float) -> None:
        """It was served: what it took replaces the estimate, where it is known."""
        self.answered(deployed)
        if tokens is not None:
            weight = deployed.output_weight
            self._add(deployed, workload, tokens.input - tokens.cached + tokens.output * weight - estimate, now)

    def answered(self, deployed: Deployed) -> None:
        """It has begun to answer: whatever was wrong with it is over."""
        if deployed.id in self._health:
            self._health[deployed.id] = WELL

    def failed(
        self,
        deployed: Deployed,
        workload: str,
        failure: Failure,
        estimate: float,
        now: float,
        began: float | None = None,
    ) -> None:
        """It failed: the estimate is given back. ``began``: when it was asked (absent: now)."""
        self._health[deployed.id] = self.health(deployed.id).failed(failure, now, began)
        self._add(deployed, workload, -estimate, now)

    def left(self, deployed: Deployed) -> None:
        """It ended in a way that tells nothing of the deployment's health."""
        health = self._health.get(deployed.id)
        if health is not None:
            self._health[deployed.id] = health.left()
