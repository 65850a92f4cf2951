"""A saved plan's rows under the clauses of its case: metered, rated and settled once more, from the case's own prices.

Owns: the use that a plan's rows come to, and what every clause makes of it. Not here: the planner's own bill, of which
this shares nothing but the clauses, and what is said of a difference (``planned``).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.counting_moment import BoughtCapacity, CountingMoment
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import Use, nanos
from detente.contract.rated.rating import Rating
from detente.contract.settled.settlement import Settlement
from detente.contract.settling import settle_each
from detente.demand.taking import taken_by_work
from detente.demand.workload import Training
from detente.market.invoicing import instalments
from detente.market.offer import AnyUnits, GpuOffer, TokenOffer
from detente.results.plan import Plan
from detente.results.plan_rows import Purchase
from detente.values.money import NANOS, nano
from detente.values.period import Period, hours_between

NONE = Decimal(0)


ChargedAgain = dict[tuple[str, str], tuple[Decimal, Decimal]]
"""What a provider charges for use, idle capacity or data moved: at list price, and net."""

OwnRuns = dict[tuple[str, datetime, int, Decimal], list[tuple[Decimal, Fraction]]]
"""Gangs' runs on capacity of their own, by what a purchase says of one: the offer, from when, units and hours.

Each with what it costs and its exact hours. Several may be alike: a purchase is matched with one of them.
"""

BoughtByPeriod = dict[tuple[str, int], tuple[Fraction, Fraction]]
"""What is bought of an offer in a period: what that costs, and what it gives in the offer's unit."""


@dataclass(frozen=True)
class SettledAgain:
    """What a plan's rows come to: by clause, by its place in the case; what providers charge; what is bought.

    Left out are clauses whose decisions a plan does not repeat, and those that count on them.
    """

    clauses: dict[int, Settlement]
    charged: ChargedAgain
    bought: BoughtByPeriod
    purchases: tuple[tuple[Purchase, Fraction, Fraction], ...]  # with what each costs, and its hours


def settled_again(plan: Plan, case: Case) -> SettledAgain | None:
    """What a plan's rows come to; None where a list price changes within a period."""
    if not _plain(case):
        return None
    meters = [meter for term in case.terms for meter in term.meters()]
    totals, rating, rows = Totals(meters, bought=True), Rating(case.terms), _Rows(plan, case)
    charged: ChargedAgain = defaultdict(lambda: (NONE, NONE))
    for use in rows.uses():
        line = rating.rate(use)
        totals.add(line)
        at = (use.kind, use.offer["provider"])
        charged[at] = charged[at][0] + use.listed, charged[at][1] + line.net
    for moment in sorted({meter.moment for meter in meters} - {"use"}):
        for bought in rows.reserved(moment, rating):
            totals.buy(bought)
    found = settle_each(case.terms, totals, NOTHING_DECIDED, None)
    clauses = {at: each for at, each in enumerate(found) if isinstance(each, Settlement)}
    return SettledAgain(clauses, dict(charged), dict(rows.bought), tuple(rows.purchases))


def _plain(case: Case) -> bool:
    """Whether every period has one list price of what is used in it."""
    spans = {(period.span_start, period.span_end) for period in case.periods}
    priced = [offer.price for offer in case.offers if not offer.reserved and not offer.price.always]
    return not any(price.changes_within(*span) for price in priced for span in spans)


@dataclass
class _Rows:
    """The rows of a plan, as use of its case; ``used`` is what of each offer's units in each period is used."""

    plan: Plan
    case: Case
    used: dict[tuple[str, int], tuple[Decimal, Decimal]] = field(default_factory=dict)
    purchases: list[tuple[Purchase, Fraction, Fraction]] = field(default_factory=list)
    bought: BoughtByPeriod = field(default_factory=lambda: defaultdict(lambda: (Fraction(0), Fraction(0))))

    def uses(self) -> Iterator[Use]:
        """Use, data moved, and then what stands idle of what is bought."""
        own = yield from self._used()
        yield from self._idle(own)

    def _used(self) -> Generator[Use, None, OwnRuns]:
        """Use and what it moves; gives back the runs that gangs rent for themselves, each with what it takes."""
        sold, wanted = {o.id: o for o in self.case.offers}, {w.id: w for w in self.case.workloads}
        own: OwnRuns = defaultdict(list)
        for row in self.plan.allocations:
            workload, offer, period = wanted[row.workload], sold[row.offer], self.case.periods[row.period]
            facts, (start, end) = self.case.offer_facts[row.offer], (period.span_start, period.span_end)
            earned = nano(Fraction(row.work) * workload.earns(start)) if workload.revenue else NONE
            yield Use("use", workload.facts, facts, start, end, row.work, row.taken, row.cost, earned)
            prices, place = self.case.egress(workload, offer)
            if prices is not None and (price := prices.on(start)):
                moved = nano(Fraction(row.work) * price)
                yield Use("egress", workload.facts, self.case.moved_facts(place), start, end, NONE, NONE, moved)
            if isinstance(workload, Training) and workload.gang and isinstance(offer, GpuOffer) and not offer.reserved:
                units, hours = _of_gang(Fraction(row.work) * taken_by_work(workload, offer), workload, offer, period)
                own[row.offer, period.start, units, nano(hours)].append((row.cost, hours))
                self._buy(row.offer, row.period, Fraction(row.cost), Fraction(row.taken))
            if not isinstance(offer, TokenOffer):
                cost, taken = self.used.get((row.offer, row.period), (NONE, NONE))
                self.used[row.offer, row.period] = cost + row.cost, taken + row.taken
        return own

    def _idle(self, own: OwnRuns) -> Iterator[Use]:
        """What is bought and not used, by offer and period."""
        sold = {offer.id: offer for offer in self.case.offers}
        for row in self.plan.purchases:
            offer, runs = sold[row.offer], own.get((row.offer, row.start, row.units, row.hours))
            if runs:
                run = runs.pop()
                self.purchases.append((row, Fraction(run[0]), run[1]))
                continue
            each = [] if isinstance(offer, TokenOffer) else list(_held(row, offer, self.case.periods))
            for index, hours, cost in each:
                self._buy(row.offer, index, cost, row.units * hours * offer.unit_flow)
            lasts, costs = (Fraction(sum(part[at] for part in each)) for at in (1, 2))
            self.purchases.append((row, costs, lasts))
        # Also where nothing is bought: the last millionth of some work may stand where its units were let go of.
        for name, index in dict.fromkeys([*self.bought, *self.used]):
            paid, flow = self.bought.get((name, index), (Fraction(0), Fraction(0)))
            used, by_work = self.used.get((name, index), (NONE, NONE))
            period, spare, idle = self.case.periods[index], nano(flow) - by_work, nano(paid) - used
            if spare or idle:
                facts = self.case.offer_facts[name]
                yield Use("idle", None, facts, period.span_start, period.span_end, NONE, spare, idle)

    def reserved(self, moment: CountingMoment, rating: Rating) -> Iterator[BoughtCapacity]:
        """What is reserved as clauses count it that count it at a moment. Once all use was told."""
        sold = {offer.id: offer for offer in self.case.offers}
        for row, cost, _ in self.purchases:
            offer = sold[row.offer]
            if isinstance(offer, TokenOffer) or not row.reserved:
                continue
            how = "upfront" if moment == "purchase" else offer.invoiced or "upfront"  # the case was checked
            days = instalments(how, row.start, row.end)
            for at, part in zip(days, offer.instalment_parts(days), strict=True):
                listed, facts = nano(cost * part), self.case.offer_facts[offer.id]
                off = sum(rating.at(None, facts, at).of(nanos(listed)))
                yield BoughtCapacity(moment, facts, at, listed, listed - nano(Fraction(off, NANOS)))

    def _buy(self, offer: str, index: int, cost: Fraction, flow: Fraction) -> None:
        before = self.bought[offer, index]
        self.bought[offer, index] = before[0] + cost, before[1] + flow


def _of_gang(taken: Fraction, job: Training, offer: GpuOffer, period: Period) -> tuple[int, Fraction]:
    """The units that a gang rents for its own run in a period, whole gangs, and for how many hours."""
    assert job.gang is not None
    size = int(job.gang.value)
    gangs = max(1, math.ceil(taken / (period.hours * size)))
    units = gangs * size // offer.unit
    return units, taken / (units * offer.unit)


def _held(row: Purchase, offer: AnyUnits, periods: Sequence[Period]) -> Iterator[tuple[int, Fraction, Fraction]]:
    """For how many hours of each period a purchase is held, and what it costs in it."""
    for period in periods:
        since, until = (period.span_start, period.span_end) if row.reserved else (period.start, period.end)
        start, end = max(since, row.start), min(until, row.end)
        if start >= end:
            continue
        hours = period.hours * hours_between(start, end) / hours_between(since, until)
        if row.reserved:
            stated = offer.price.on(row.start)
            price = None if stated is None else offer.hour_price(stated, start, end, since=row.start)
        else:
            price = offer.unit_price(period.span_start, period.span_end)
        yield period.index, hours, row.units * (price or Fraction(0)) * hours
