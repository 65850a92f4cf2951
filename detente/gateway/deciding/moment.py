"""A moment: what holds of a policy until the next turn, so that it is not worked out again for each call.

Owns: admissions remembered, prices and shares at a time. Not here: how they are worked out (``admit``, ``policy``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from detente.contract.rated.rating import part_paid
from detente.demand.workload import AnyWorkload
from detente.gateway.deciding.admit import Admission, admit
from detente.gateway.deciding.choose import Order
from detente.gateway.deciding.keyring import Keyring
from detente.gateway.deciding.policy import Deployed, Policy
from detente.gateway.deciding.routing_decision import RoutingDecision
from detente.gateway.deciding.standings import NOT_KEPT, Standings
from detente.gateway.deciding.steering import NO_SAVINGS, Saving, saving, usual_mix
from detente.ledger.journals.record import TokenCounts
from detente.ledger.use.line import NO_TOKENS
from detente.live.request import Request

if TYPE_CHECKING:
    from detente.ledger.books.at_risk import AtRisk

MAX_REMEMBERED = 10_000
"""Admissions: a caller who varies its labels cannot make it grow without bound."""
_HOUR = timedelta(hours=1)
UNKNOWN_PRICE = 2**62
"""Stands for the price of a call on capacity that is rented by the hour: reserved capacity is asked before it."""


class Known(msgspec.Struct):
    """What is known of a class of requests until the turn."""

    admission: Admission
    order: Order | None = None
    """Whom any call of it asks, as long as all permitted may be asked and have headroom; None: it is not settled."""
    steered: tuple[AtRisk, ...] = ()
    """The floors at risk that it goes by."""
    epoch: int | None = None
    lived: Admission | None = None
    """The admission by where clauses stood in an epoch, where standings have such."""


class Moment:
    """A policy from a time until the next turn.

    That is an hour's end, a window of a budget, or a day on which something begins, ends or changes. ``keys`` are those
    that open the gateway then; default: the case's own.
    """

    def __init__(
        self, policy: Policy, at: datetime, standings: Standings = NOT_KEPT, keys: Keyring | None = None
    ) -> None:
        self.policy, self.at = policy, at
        self.currency = policy.currency
        self.standings = standings
        self.keys = Keyring(policy) if keys is None else keys
        hour = at.replace(minute=0, second=0, microsecond=0) + _HOUR
        place = bisect_right(policy.turns, at)
        window = policy.budgets.turn(at, self.keys.budgets)
        self.until = min([hour, *policy.turns[place : place + 1], *([window] if window is not None else [])])
        self.period = policy.period(at)
        self.rates = {deployed.id: deployed.rates(at) for deployed in policy.deployed}
        self._known: dict[Request, Known] = {}
        self.decided: dict[tuple[str, str, str], tuple[Known, RoutingDecision]] = {}
        """By key, path and model: what was decided of calls that ask for nothing else (``decision``)."""
        self._prices: dict[str, Mapping[str, int]] = {}
        self._steered: tuple[AtRisk, ...] = ()
        self._savings: dict[tuple[str, tuple[tuple[str, str], ...]], Mapping[str, Saving]] = {}

    def admission(self, request: Request, need: TokenCounts | None = NO_TOKENS) -> Admission:
        """Which deployments may serve a request: by its facts, remembered, and by what remains of clauses now.

        ``need`` is what the call may take; None of one that takes nothing, and is asked of facts alone.
        """
        found, epoch = self.known(request), self.standings.epoch
        if need is None or not found.admission.live:
            return found.admission
        if epoch is None:
            return found.admission.as_of(self.standings, need)
        if found.lived is None or found.epoch != epoch:
            found.epoch, found.lived = epoch, found.admission.as_of(self.standings, need)
        return found.lived

    def known(self, request: Request) -> Known:
        """What is known of the class of a request, by facts alone."""
        found = self._known.get(request)
        if found is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            found = self._known[request] = Known(admit(self.policy, request, self.at))
        return found

    def remember(self, alike: tuple[str, str, str], known: Known, decision: RoutingDecision) -> None:
        """Keep what was decided of a call, for those like it."""
        if len(self.decided) >= MAX_REMEMBERED:
            self.decided.clear()
        self.decided[alike] = known, decision

    def shares(self, workload: str) -> Mapping[str, float]:
        """The plan's share of a workload on each offer, now."""
        return self.policy.shares(workload, self.period)

    def prices(self, workload: AnyWorkload) -> Mapping[str, int]:
        """About what a token of a workload's mix costs at each deployment, after discounts: for ordering only."""
        found = self._prices.get(workload.id)
        if found is None:
            found = self._prices[workload.id] = {d.id: self._price(d, workload) for d in self.policy.deployed}
        return found

    def savings(self, request: Request, workload: AnyWorkload) -> Mapping[str, Saving]:
        """What a token of a workload's mix saves at each deployment, by the floors that are at risk now."""
        floors = self.standings.at_risk
        if not floors:
            return NO_SAVINGS
        if floors is not self._steered or len(self._savings) >= MAX_REMEMBERED:
            self._steered = floors
            self._savings.clear()
        key = request.workload, request.labels
        found = self._savings.get(key)
        if found is None:
            found = self._savings[key] = self._saved(floors, request, workload)
        return found

    def _saved(self, floors: tuple[AtRisk, ...], request: Request, workload: AnyWorkload) -> Mapping[str, Saving]:
        mix, found = usual_mix(workload), {}
        for deployed in self.policy.deployed:
            tariff = self.policy.tariff(request, deployed, self.at)
            found[deployed.id] = saving(floors, request, deployed, tariff, mix)
        return found

    def _price(self, deployed: Deployed, workload: AnyWorkload) -> int:
        rates = self.rates[deployed.id]
        if rates is None:
            return UNKNOWN_PRICE
        fresh, cached, output = usual_mix(workload)
        offer = self.policy.case.offer_facts[deployed.offer.id]
        paid = part_paid(self.policy.terms, workload.facts, offer, self.at)
        return int((fresh * rates[0] + cached * rates[1] + output * rates[2]) * paid)
