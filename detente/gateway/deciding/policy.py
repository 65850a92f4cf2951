"""A policy: a case and its plan, as the gateway uses them. Frozen; a reload makes a new one.

Owns: what deciding needs of each deployment (facts, price, prepaid or not, capacity), which keys there are, and what
share of a workload the plan gives to each deployment at a time. Not here: deciding (``admit``, ``choose``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from detente.case.case import Case
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload, Training
from detente.errors import CaseError, FlawError, Mistake, Where
from detente.gateway.surfaces.models import meant
from detente.ledger.caps.budgets import CaseBudgets
from detente.ledger.caps.clause_caps import LiveCap, of_terms
from detente.ledger.journals.record import CallRoute
from detente.ledger.use.metering import Metering, Tariff
from detente.live.connection import ConnectionSpec
from detente.live.deployment import AnyDeployment
from detente.live.key import Key
from detente.live.request import Request
from detente.live.serving import Serving
from detente.market.base_offer import per_hour
from detente.market.offer import AnyOffer, GpuOffer, ProvisionedOffer, TokenOffer, TokenPrices
from detente.market.token_price import MTOK, WholePrices, charge, whole_prices
from detente.providers import wire_of
from detente.providers.authority import Authority
from detente.providers.vocabulary import Vocabulary
from detente.providers.wire import Tokens, Wire
from detente.values.facts import RESERVED, Facts
from detente.values.period import moment

if TYPE_CHECKING:
    from detente.results.plan import Plan
    from detente.results.plan_rows import PeriodRow, Purchase

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment, and what deciding needs of it: worked out once, since each call asks.

    ``places`` are the facts of its offer in each region where it may run a call: a clause must permit all of them.
    ``counted`` are those where the offer stands: there its use counts, wherever it runs.
    ``held`` is what the plan buys of an offer that comes in units; None where no plan says, and of tokens.
    """

    deployment: AnyDeployment
    offer: AnyOffer
    model: str
    places: tuple[Facts, ...]
    counted: Facts
    wire: Wire
    held: tuple[Purchase, ...] | None = None
    id: str = field(init=False)
    """The deployment's id."""
    base: str = field(init=False)
    """The address that all its paths are under."""
    host: str = field(init=False)
    """Host and port of its address, as a signature covers them."""
    connection: ConnectionSpec | None = field(init=False)
    """How it is connected to, where that is not as usual."""
    output_weight: int = field(init=False)
    """What a token of output weighs in tokens of its capacity."""

    def __post_init__(self) -> None:
        """What follows from the others."""
        offer, base = self.offer, self.wire.base
        found = {
            "id": self.deployment.id,
            "base": base,
            "host": urlsplit(base).netloc,
            "connection": self.deployment.connection,
            "output_weight": offer.of_model(self.model).output_ratio if isinstance(offer, ProvisionedOffer) else 1,
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def units(self, at: datetime) -> int | None:
        """Units that the plan holds at a moment; None where no plan says.

        What is rented by the hour is rented as the plan needs it: its most at any time, since the hours of a typical
        week stand for all their like.
        """
        if self.held is None:
            return None
        if self._reserved:
            return sum(p.units for p in self.held if p.start <= at < p.end)
        return max((p.units for p in self.held), default=0)

    def prepaid(self, at: datetime) -> bool:
        """Whether its capacity is paid for at a moment, used or not: for a term, or for as long as it is deployed."""
        return not isinstance(self.offer, TokenOffer) and self.units(at) != 0

    @property
    def _reserved(self) -> bool:
        """Whether its offer is bought for a term."""
        return self.offer.reserved

    def priced(self, at: datetime) -> bool:
        """Whether its offer is open, and has a price, at a moment."""
        return self.offer.open(at, at + _INSTANT) and self.offer.price.on(at) is not None

    def rates(self, at: datetime) -> WholePrices | None:
        """List prices of a token of input, cached input and output, in billionths of a billionth of the currency.

        Whole numbers, so that a cost is exact (§4): a price that is finer than this unit is refused when the policy is
        made. Zero for capacity that is reserved: the use of it costs nothing more. None for capacity that is rented by
        the hour, whose cost is not that of calls, and where there is no price.
        """
        if not isinstance(self.offer, TokenOffer):
            return (0, 0, 0) if self._reserved else None
        prices = self.offer.price.on(at)
        return _rates(prices) if prices is not None else None

    def per_minute(self, at: datetime) -> float | None:
        """Tokens a minute that it may take (provisioned: of input, output weighing more); None where not limited."""
        if isinstance(self.offer, ProvisionedOffer):
            units = self.units(at)
            return float(self.offer.of_model(self.model).unit_flow * units * MTOK / 60) if units else None
        if isinstance(self.offer, TokenOffer) and self.offer.capacity is not None:
            rate = self.offer.capacity.on(at)
            return float(per_hour(rate) * MTOK / 60) if rate is not None else 0.0  # not stated yet: none (§2)
        return None


def _rates(prices: TokenPrices) -> WholePrices:
    try:
        return whole_prices(prices)
    except FlawError as error:
        raise CaseError([Mistake(Where("offers"), flaw.what, flaw.remedy) for flaw in error.flaws]) from None


def cost(rates: WholePrices, tokens: Tokens) -> int:
    """What a call's tokens cost at list price, in whole nano-units; those written to a prompt cache count as input."""
    return charge(rates, tokens.input - tokens.cached, tokens.cached, tokens.output)


@dataclass(frozen=True)
class Policy:
    """A case and its plan, ready to decide."""

    case: Case
    deployed: tuple[Deployed, ...]
    plan: str | None = None
    """The hash of the plan's case, where there is a plan."""
    periods: tuple[PeriodRow, ...] = ()
    planned: Mapping[tuple[str, int], Mapping[str, float]] = field(default_factory=dict)
    """Of each workload and period of the plan, the share of its work on each offer."""
    authorities: dict[str, Authority] = field(default_factory=dict, compare=False, repr=False)
    """What authorizes requests, by deployment: given when the policy is taken over. A call under way keeps the policy
    that it began by, so that no secret goes to another address than its own."""

    @classmethod
    def of(
        cls,
        case: Case,
        plan: Plan | None = None,
        deployments: Iterable[AnyDeployment] | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> Policy:
        """A case's policy.

        Parameters
        ----------
        plan
            The plan to follow. Raises PlanError where it is not of this case.
        deployments
            Where calls go in place of the case's own (the sandbox).
        vocabulary
            Of the tokens that callers send in place of texts.
        """
        if plan is not None:
            plan.must_be_of(case.hash, "plan")
        return cls.following(plan, case, deployments, vocabulary)

    @classmethod
    def following(
        cls,
        plan: Plan | None,
        case: Case,
        deployments: Iterable[AnyDeployment] | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> Policy:
        """The same where the case may have changed since it was planned: it is followed as far as it goes."""
        offers = {offer.id: offer for offer in case.offers}
        stated = tuple(case.declared.deployments if deployments is None else deployments)
        deployed = tuple(_deployed(case, d, offers[d.offer], plan, vocabulary) for d in stated)
        return cls(
            case,
            deployed,
            plan.hash if plan else None,
            plan.periods if plan else (),
            _shares(plan) if plan else {},
        )

    # -- what there is -----------------------------------------------------------------------------------------
    @cached_property
    def serving(self) -> Serving:
        """The gateway's settings."""
        return self.case.declared.serving

    @cached_property
    def hash(self) -> str:
        """The case's hash."""
        return self.case.hash

    @cached_property
    def currency(self) -> str:
        """The case's currency."""
        return self.case.currency

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The clauses in force at some time. Raises CaseError where a reading must be chosen (§3)."""
        return self.case.terms

    @cached_property
    def caps(self) -> dict[tuple[str, datetime], tuple[LiveCap, ...]]:
        """The caps of clauses, by clause and from when it is in force: with the windows of the contract."""
        found: dict[tuple[str, datetime], tuple[LiveCap, ...]] = {}
        for cap in of_terms(self.case.signed):
            key = cap.id, cap.since
            found[key] = (*found.get(key, ()), cap)
        return found

    @cached_property
    def metering(self) -> Metering:
        """What calls come to, by the rules of the ledger."""
        return Metering(self.case)

    def tariff(self, request: Request, deployed: Deployed, at: datetime) -> Tariff | str:
        """What calls of a kind cost at a deployment at a moment; why, where that is not known."""
        kind = CallRoute("", "", request.workload, dict(request.labels), request.model, "")
        found = self.metering.tariff(kind, deployed.offer.id, at, deployed.model)
        return found if isinstance(found, Tariff) else found.unknown

    @cached_property
    def keys(self) -> dict[str, Key]:
        """Keys by id."""
        return {key.id: key for key in self.case.declared.keys}

    @cached_property
    def workloads(self) -> dict[str, AnyWorkload]:
        """Workloads that can be called, by id."""
        return {w.id: w for w in self.case.workloads if not isinstance(w, Training)}

    @cached_property
    def budgets(self) -> CaseBudgets:
        """The budgets of the case."""
        return CaseBudgets(self.case)

    @cached_property
    def by_model(self) -> dict[str, tuple[Deployed, ...]]:
        """Deployments of each model, in the order declared."""
        found: dict[str, list[Deployed]] = {}
        for deployed in self.deployed:
            found.setdefault(deployed.model, []).append(deployed)
        return {model: tuple(those) for model, those in found.items()}

    def models(self, workload: AnyWorkload, only: Collection[str] | None = None) -> dict[str, str]:
        """The models that a workload may ask for, with who offers them; its own id stands for any of them.

        ``only`` those that a key names, where it names some.
        """
        found = {}
        for model, those in self.by_model.items():
            if model in workload.runs_on.models and (only is None or model in only):
                found[model] = " ".join(dict.fromkeys(d.offer.provider for d in those))
        return {**found, workload.id: "detente"} if found else {}

    def named(self, workload: AnyWorkload, model: str) -> str:
        """The model that a name stands for: dated, or with the length of its context, as clients of Anthropic's write.

        The name itself where it stands for none, or for several.
        """
        if model in self.by_model or model == workload.id:
            return model
        return meant(model, self.models(workload)) or model

    def asked(self, workload: AnyWorkload, model: str) -> tuple[Deployed, ...]:
        """The deployments of a model; of any model that a workload runs on, where its own id stands for the model."""
        if model == workload.id and model not in self.by_model:
            return tuple(d for d in self.deployed if d.model in workload.runs_on.models)
        return self.by_model.get(model, ())

    def ids_of(self, workload: AnyWorkload, model: str) -> frozenset[str]:
        """The ids of the deployments that a caller may mean by the name of a model; without one, of any."""
        return frozenset(d.id for d in self.asked(workload, self.named(workload, model or workload.id)))

    @cached_property
    def labels(self) -> dict[str, frozenset[str]]:
        """Every label that workloads, keys, budgets and clauses use, with its values."""
        found: dict[str, set[str]] = self.budgets.labels
        for workload in self.case.workloads:
            for name, value in workload.labels.items():
                found.setdefault(name, set()).add(value)
        for key in self.keys.values():
            for name, value in key.labels.items():
                found.setdefault(name, set()).add(value)
        for term in self.terms:
            for scope in (*term.covered.within, *term.covered.outside):
                for name, values in scope.wanted.items():
                    found.setdefault(name, set()).update(values)
        return {name: frozenset(values) for name, values in found.items() if name not in RESERVED}

    # -- when --------------------------------------------------------------------------------------------------
    @cached_property
    def turns(self) -> tuple[datetime, ...]:
        """Every moment at which a clause or a purchase begins or ends, or an offer or its price changes, in order."""
        found = set()
        for term in self.terms:
            found |= {term.validity.start, term.validity.end}
            if (money := term.own_money) is not None:
                found |= {*money.changes(term.validity.start, term.validity.end)}
        for deployed in self.deployed:
            offer = deployed.offer
            dates = [*offer.turns, *(start for start, _ in offer.price.steps)]
            if not isinstance(offer, GpuOffer | ProvisionedOffer) and offer.capacity is not None:
                dates += [start for start, _ in offer.capacity.steps]
            found |= {moment(day) for day in dates if day is not None}
            found |= {edge for bought in deployed.held or () for edge in (bought.start, bought.end)}
        return tuple(sorted(found))

    def period(self, at: datetime) -> int | None:
        """The period of the plan that a moment lies in; of a typical week, the like hour of its month."""
        for row in self.periods:
            if row.span_start <= at < row.span_end and (
                (row.start, row.end) == (row.span_start, row.span_end)
                or (row.start.weekday(), row.start.hour) == (at.weekday(), at.hour)
            ):
                return row.index
        return None

    def shares(self, workload: str, period: int | None) -> Mapping[str, float]:
        """The plan's share of a workload's work on each offer in a period; empty where no plan says."""
        return self.planned.get((workload, period), {}) if period is not None else {}


def _deployed(
    case: Case, deployment: AnyDeployment, offer: AnyOffer, plan: Plan | None, vocabulary: Vocabulary | None
) -> Deployed:
    if isinstance(offer, TokenOffer):
        for prices in offer.price.values():
            _rates(prices)  # what cannot be billed is said now, and not to a caller
    model = deployment.serves_model(offer)
    assert model is not None, "checked when the case was read"
    places = deployment.places(offer, case.providers[offer.provider])
    held = None
    if plan is not None and not isinstance(offer, TokenOffer):
        held = tuple(p for p in plan.purchases if p.offer == offer.id)
    wire = wire_of(deployment, offer, vocabulary)
    return Deployed(deployment, offer, model, places, case.offer_facts[offer.id], wire, held)


def _shares(plan: Plan) -> dict[tuple[str, int], dict[str, float]]:
    work: dict[tuple[str, int], dict[str, Decimal]] = {}
    for row in plan.allocations:
        offers = work.setdefault((row.workload, row.period), {})
        offers[row.offer] = offers.get(row.offer, Decimal(0)) + row.work
    found = {}
    for key, offers in work.items():
        total = sum(offers.values(), Decimal(0))
        if total > 0:
            found[key] = {offer: float(done / total) for offer, done in offers.items() if done > 0}
    return found
