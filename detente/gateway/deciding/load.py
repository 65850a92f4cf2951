"""The load of this worker's deployments: what is known of them between calls. Changes; the rules for it are elsewhere.

Owns: each deployment's health, how much of its limit is taken, and what it was given of each workload in a period of
the plan. Not here: what follows from it (``health``, ``choose``).

A limit is the offer's, for all workers and all deployments that draw on it, so each holds a part of it: local limits
are not multiplied by the number of replicas. What remains unknown, another gateway's traffic, shows as a 429.

A call takes an estimate when it is asked, and whichever way it ends it gives back what it did not use.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.choose import State
from detente.gateway.deciding.health import WELL, Health
from detente.gateway.deciding.policy import Deployed, Policy
from detente.gateway.deciding.steering import NO_SAVING, NO_SAVINGS, Saving
from detente.providers.wire import Failure, Tokens

MAX_ESTIMATE = 2**20
"""Tokens that a call is believed to take at most, whatever it says: no model reads and writes more of them."""
MAX_MINUTES = 2.0
"""Of a limit, that a bucket holds at most: no one call, or wrong count, keeps a deployment full for longer."""


class LeakyBucket:
    """A leaky bucket of one minute: what was taken runs off at the limit's rate, as Azure counts utilisation."""

    __slots__ = ("_at", "_level", "_most", "per_minute")

    def __init__(self, per_minute: float) -> None:
        self._level = self._at = 0.0
        self.limit(per_minute)

    def limit(self, per_minute: float) -> None:
        """What a minute holds from now on; what was taken stays."""
        self.per_minute, self._most = per_minute, MAX_MINUTES * per_minute

    def used(self, now: float) -> float:
        """The part of a minute's limit that is taken."""
        if self.per_minute <= 0:
            return 1.0
        self._level = max(0.0, self._level - (now - self._at) * self.per_minute / 60.0)
        self._at = now
        return self._level / self.per_minute

    def full(self, now: float) -> bool:
        """Whether a minute's limit is taken. What has run off meanwhile is only looked at where it matters."""
        return self._level >= self.per_minute and self.used(now) >= 1.0

    def add(self, tokens: float, now: float) -> None:
        """Tokens were taken; fewer than none corrects an estimate."""
        level = self._level - (now - self._at) * self.per_minute / 60.0
        level = tokens + level if level > 0.0 else tokens
        self._level = (level if level < self._most else self._most) if level > 0.0 else 0.0
        self._at = now


class _Known:
    """What is known of one deployment."""

    __slots__ = ("health", "served", "taken")

    def __init__(self) -> None:
        self.health: Health | None = None
        """None while nothing ever failed."""
        self.taken: LeakyBucket | None = None
        """None where it has no limit."""
        self.served: dict[str, float] = {}
        """What it was given of each workload in this period, in tokens."""

    def give(self, workload: str, tokens: float) -> None:
        """It was given so much more of a workload; fewer than none: it took less than was held."""
        served = self.served.get(workload, 0.0) + tokens
        self.served[workload] = served if served > 0.0 else 0.0

    def take_back(self, workload: str, tokens: float, now: float) -> None:
        """Of what was held for a call, so much was not taken."""
        if self.taken is not None:
            self.taken.add(-tokens, now)
        self.give(workload, -tokens)


class Load:
    """What a worker knows of its deployments; of those that stay, it outlives a reload."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._known: defaultdict[str, _Known] = defaultdict(_Known)
        self._period: int | None = None
        self._accounts: dict[str, tuple[str, ...]] = {}
        """Of a deployment, all that draw on the same offer by the same account, itself included."""

    def limits(self, policy: Policy, at: datetime) -> None:
        """Take over the limits that hold at a moment, and forget the health of deployments that are gone."""
        drawing = Counter(deployed.offer.id for deployed in policy.deployed)
        for deployed in policy.deployed:
            limit, known = deployed.per_minute(at), self._known[deployed.id]
            if limit is None:
                known.taken = None
                continue
            known.taken = known.taken or LeakyBucket(0.0)
            known.taken.limit(limit / self._workers / drawing[deployed.offer.id])
        self._accounts = _accounts(policy)
        for gone in self._known.keys() - self._accounts:
            self._known[gone].health = self._known[gone].taken = None

    def enter(self, period: int | None) -> None:
        """A period of the plan begins: its shares are counted from nothing."""
        if period != self._period:
            self._period = period
            for known in self._known.values():
                known.served.clear()

    def states(
        self,
        permitted: Sequence[Candidate],
        workload: str,
        shares: Mapping[str, float],
        prices: Mapping[str, int],
        now: float,
        savings: Mapping[str, Saving] = NO_SAVINGS,
    ) -> dict[str, State]:
        """What ``choose`` weighs of the permitted. Those that draw on one offer divide its share."""
        found = {}
        for candidate in permitted:
            name, offer = candidate.deployed.id, candidate.deployed.offer.id
            known = self._known[name]
            taken = known.taken
            share = shares.get(offer, 0.0) if shares else 0.0
            if share:
                share /= sum([c.deployed.offer.id == offer for c in permitted])
            found[name] = State(
                known.health or WELL,
                taken.used(now) if taken is not None else None,
                share,
                known.served.get(workload, 0.0),
                prices.get(name, 0),
                savings.get(name, NO_SAVING) if savings else NO_SAVING,
            )
        return found

    def at_ease(self, permitted: Sequence[Candidate], now: float) -> bool:
        """Whether each of the permitted may be asked, and has headroom."""
        for candidate in permitted:
            known = self._known[candidate.deployed.id]
            if known.health is not None and not known.health.may_ask(now):
                return False
            if known.taken is not None and known.taken.full(now):
                return False
        return True

    def health(self, deployment: str) -> Health:
        """A deployment's health."""
        return self._known[deployment].health or WELL

    # -- what happens ------------------------------------------------------------------------------------------
    def asked(self, deployed: Deployed, workload: str, estimate: float, now: float) -> float:
        """A call goes there, and may take so many tokens. What is held for it, until it ends in one of the ways below.

        No more is held than a minute's limit: a call that says that it may take more takes no more away from others.
        """
        known = self._known[deployed.id]
        taken = known.taken
        if known.health is not None:
            known.health = known.health.asked()
        most = MAX_ESTIMATE if taken is None else taken.per_minute
        held = estimate if estimate < most else most
        if taken is not None:
            taken.add(held, now)
        known.served[workload] = known.served.get(workload, 0.0) + held
        return held

    def served(
        self,
        deployed: Deployed,
        workload: str,
        tokens: Tokens | None,
        held: float,
        now: float,
        began: float | None = None,
    ) -> None:
        """It was served: what it took replaces what was held, where it is known. ``began``: as of ``failed``.

        The plan counts tokens, cached ones too. Cached ones take nothing of the limit, and output takes more.
        """
        known = self._known[deployed.id]
        if known.health is not None:
            known.health = known.health.served(now if began is None else began)
        if tokens is not None:
            given, made = tokens.input, tokens.output
            if known.taken is not None:
                known.taken.add(given - tokens.cached + made * deployed.output_weight - held, now)
            known.give(workload, given + made - held)

    def answered(self, deployed: Deployed, began: float) -> None:
        """It has begun to answer a call that ``began`` then."""
        known = self._known[deployed.id]
        if known.health is not None:
            known.health = known.health.answered(began)

    def failed(
        self,
        deployed: Deployed,
        workload: str,
        failure: Failure,
        held: float,
        now: float,
        began: float | None = None,
    ) -> None:
        """It failed: what was held is given back. ``began``: when it was asked (default: now).

        A ``retry-after`` speaks of the offer and the account, so that all that share both are left alone.
        """
        known = self._known[deployed.id]
        known.health = (known.health or WELL).failed(failure, now, began)
        if failure.retry_after is not None and failure.kind != "gateway":
            for other in self._accounts.get(deployed.id, ()):
                self._known[other].health = self.health(other).told(now, failure.retry_after)
        known.take_back(workload, held, now)

    def left(self, deployed: Deployed, workload: str, held: float, now: float, kept: float = 0.0) -> None:
        """It ended in a way that tells nothing of the deployment's health, and took what is kept of what was held.

        A request that was itself wrong took nothing. Of a caller that left nobody says what its call took: its prompt
        was read, and what was to be written is given back.
        """
        known = self._known[deployed.id]
        if known.health is not None:
            known.health = known.health.left()
        known.take_back(workload, max(0.0, held - kept), now)


def _accounts(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Of each deployment, those at the same address with the same credential that draw on the same offer."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for deployed in policy.deployed:
        account = (deployed.offer.id, deployed.base, str(deployed.deployment.credential))
        found.setdefault(account, []).append(deployed.id)
    return {name: tuple(names) for names in found.values() for name in names}
