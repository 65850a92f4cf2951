"""Whether a saved plan says of its case what the case says: names, places, kinds, and its clauses word for word.

Owns: what a plan repeats of its case, so that a reader need not look there. Not here: whether its rows fit together
(``results.integrity``), what they come to under the clauses (``settled_again``), and whether another plan is cheaper.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, replace
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import Any

from detente.case.case import Case
from detente.case.counted_unit import counted_unit
from detente.case.settled_again import NONE, SettledAgain, settled_again
from detente.contract.settled.settlement import Settlement
from detente.demand.quantum import QUANTUM
from detente.demand.taking import taken_by_work
from detente.demand.workload import Inference, can_run
from detente.errors import PlanError, cut
from detente.market.offer import TokenOffer
from detente.results.plan import Plan
from detente.results.plan_rows import NOT_WORKED_OUT, ProviderCharge
from detente.values.money import nano

ROUNDED, MAX_SHIFT = Decimal("0.000002"), Decimal("0.000001")
"""By how much an amount of a plan may differ from what its rows come to, and as a part of it: each row is rounded."""

MAX_ROWS = 10_000
"""Rows of work and capacity above which amounts are not worked out again: they take 60 µs each of a processor, which
each worker of a gateway spends beside its calls whenever the case or the plan changes."""

SaidTwice = tuple[str, Any, Any]
"""What is said, by the plan and by the case."""


def must_hold(plan: Plan, case: Case, name: str) -> None:
    """Raise PlanError where a plan was made of another case, or says of this one what it does not say."""
    plan.must_be_of(case.hash, name)
    for what, here, there in chain(_said(plan, case), _amounts(plan, case)):
        if here != there and not _as_rounded(here, there):
            told = f"{what} is {cut(repr(here))}, and in the case {cut(repr(there))}"
            raise PlanError(f"{name}: {told}: it was changed since it was saved; plan again")


def _as_rounded(here: Any, there: Any) -> bool:
    """Whether two amounts differ by a rounding of their parts alone."""
    if not isinstance(here, Decimal) or not isinstance(there, Decimal):
        return False
    return abs(here - there) <= max(ROUNDED, MAX_SHIFT * abs(there))


def _said(plan: Plan, case: Case) -> Iterator[SaidTwice]:
    head = plan.case, plan.title, plan.hash, plan.currency, plan.reading, plan.scenario
    names = ("its case", "its title", "its hash", "its currency", "its reading", "its scenario")
    yield from zip(names, head, case.head, strict=True)
    yield "its discount_rate", plan.discount_rate, case.discount_rate
    times = [(p.start, p.end, p.span_start, p.span_end, p.hours) for p in plan.periods]
    whole = [(p.start, p.end, p.span_start, p.span_end, nano(p.hours)) for p in case.periods]
    yield from _each("periods", times, whole)
    yield from _world(plan, case)
    yield from _clauses(plan, case)


def _world(plan: Plan, case: Case) -> Iterator[SaidTwice]:
    """Providers, workloads and offers."""
    providers = [(p.provider, p.name, p.interest) for p in plan.providers]
    yield from _each("providers", providers, [(p.id, p.name, p.interest or "") for p in case.providers.values()])
    workloads = [(w.workload, w.kind, w.unit, dict(w.labels)) for w in plan.workloads]
    yield from _each("workloads", workloads, [(w.id, w.kind, w.unit, dict(w.labels)) for w in case.workloads])
    offers = {offer.id: offer for offer in case.offers}
    sellers = {(row.offer, row.provider) for rows in (plan.capacity, plan.purchases, plan.standby) for row in rows}
    for name, seller in sorted(sellers):
        offer = offers.get(name)
        yield f"the provider of {name}", seller, offer.provider if offer else None
    for run in {(each.offer, each.provider, each.region) for each in plan.allocations}:
        offer = offers.get(run[0])
        yield f"the place of {run[0]}", run[1:], (offer.provider, offer.region) if offer else None
    for bought in plan.purchases:
        offer = offers.get(bought.offer)
        yield f"`reserved` of {bought.offer}", bought.reserved, offer.reserved if offer else None
    yield from _decided(plan, case)


def _decided(plan: Plan, case: Case) -> Iterator[SaidTwice]:
    """A decision for each workload and offer that could run it; and which clause denies it there, in which words."""
    stated = {(each.workload, each.offer): each for each in plan.decisions}
    pairs = {(w.id, o.id): (w, o) for w in case.workloads for o in case.offers if can_run(w, o)}
    start, end = case.periods[0].span_start, case.periods[-1].span_end
    counted = len(pairs) * len(case.terms) <= MAX_ROWS
    for pair in dict.fromkeys([*stated, *pairs]):
        where = f"{pair[0]} on {pair[1]}"
        yield f"whether a decision is made of {where}", pair in stated, pair in pairs
        row = stated[pair]
        if row.reasons == (NOT_WORKED_OUT,) or not counted:
            continue
        verdict = case.verdict(*pairs[pair], start, end)
        denied = not verdict.permitted and verdict.reason is not None
        yield f"whether {where} is denied", row.denied, denied and not row.work
        if row.denied and verdict.reason is not None:
            said = [(reason.term, reason.sentence) for reason in row.reasons]
            yield f"why {where} is denied", said, [(verdict.clause, verdict.reason.sentence)]


def _clauses(plan: Plan, case: Case) -> Iterator[SaidTwice]:
    """Each clause in force, as the case words it; and what it counts, by which meter and in which unit."""
    here = [
        (c.term, c.kind, c.agreement, c.counterparty, c.text, c.source, c.sentence, c.start, c.end)
        for c in plan.clauses
    ]
    there = []
    meters = {(term.id, meter.name): meter for term in case.terms for meter in term.meters()}
    for term in case.terms:
        of = term.validity
        said = term.explain().sentence
        there.append(
            (term.id, term.kind, of.agreement, of.counterparty, term.text, term.source or "", said, of.start, of.end)
        )
    yield from _each("clauses", here, there)
    own = {(term.id, term.own_money.currency) for term in case.terms if term.own_money is not None}
    for row in plan.standings:
        known = not row.of_money or row.unit == case.currency or (row.term, row.unit) in own
        yield f"a currency of {row.term}", "" if known else row.unit, ""
        yield f"a meter of {row.term}", row.meter if (row.term, row.meter) not in meters else "", ""
        if not row.of_money and (row.term, row.meter) in meters:
            yield f"the unit of {row.term}", row.unit, counted_unit(case, meters[row.term, row.meter]) or "unit"


def _each(section: str, here: Iterable[tuple[Any, ...]], there: Iterable[tuple[Any, ...]]) -> Iterator[SaidTwice]:
    """Row by row, so that what is told is what differs; and as many of them."""
    ours, theirs = list(here), list(there)
    yield f"the number of `{section}`", len(ours), len(theirs)
    for one, other in zip(ours, theirs, strict=False):
        for given, stated in zip(one, other, strict=True):
            yield f"what `{section}` says of {one[0]}", given, stated


# -- amounts -----------------------------------------------------------------------------------------------------------
def _amounts(plan: Plan, case: Case) -> Iterator[SaidTwice]:
    """What work takes, what there is, what is charged, and where clauses stand, by the case's own numbers."""
    if len(plan.allocations) + len(plan.capacity) > MAX_ROWS:
        return
    offers = {offer.id: offer for offer in case.offers}
    takes = {(w.id, o.id): taken_by_work(w, o) for w in case.workloads for o in case.offers if can_run(w, o)}
    ready = defaultdict[tuple[str, int], tuple[Fraction, Fraction]](lambda: (Fraction(0), Fraction(0)))
    for run in plan.standby:
        each = takes.get((run.workload, run.offer))
        yield f"whether {run.workload} can stand by on {run.offer}", True, each is not None
        held, room = ready[run.offer, run.period]
        ready[run.offer, run.period] = held + Fraction(run.work) * (each or 0), room + QUANTUM * (each or 0)
    for row in plan.capacity:
        offer, period = offers[row.offer], case.periods[row.period]
        most = offer.flow_at_most(period) if isinstance(offer, TokenOffer) else offer.units_at_most(period)
        limit = None if most is None else nano(most * offer.unit_flow * period.hours)
        yield f"the limit of {row.offer} in period {row.period}", row.limit, limit
        held, room = ready.pop((row.offer, row.period), (Fraction(0), Fraction(0)))
        yield from _standing_by(row.offer, row.period, row.standby, held, room)
    for (name, at), (held, room) in ready.items():
        yield from _standing_by(name, at, NONE, held, room)
    found = settled_again(plan, case)
    if found is not None:
        yield from _charged(plan, found)
        yield from _bought(plan, case, found)
        yield from _demanded(plan, case)
        yield from _standing(plan, case, found)


def _standing_by(offer: str, period: int, stated: Decimal, held: Fraction, room: Fraction) -> Iterator[SaidTwice]:
    """What an offer has on standby is for the work that stands by there, each in whole quanta (``room``)."""
    if abs(Fraction(stated) - held) > room + Fraction(MAX_SHIFT) * held:
        yield f"what stands by on {offer} in period {period}", stated, nano(held)


def _demanded(plan: Plan, case: Case) -> Iterator[SaidTwice]:
    """Of work that does not wait, what is served and not served in each period."""
    placed = defaultdict[tuple[str, int], Decimal](Decimal)
    for run in plan.allocations:
        placed[run.workload, run.period] += run.work
    for left in plan.unserved:
        placed[left.workload, left.period] += left.work
    for workload in case.workloads:
        if isinstance(workload, Inference):
            quanta = case.demand(workload, case.periods).quanta.tolist()
            for period, each in enumerate(quanta):
                where = f"the work of {workload.id} in period {period}"
                yield where, placed[workload.id, period], nano(each * QUANTUM)


def _charged(plan: Plan, found: SettledAgain) -> Iterator[SaidTwice]:
    stated: dict[tuple[str, str], ProviderCharge] = {(row.what, row.provider): row for row in plan.charges}
    for what, provider in dict.fromkeys([*stated, *found.charged]):
        row, (listed, net) = stated.get((what, provider)), found.charged.get((what, provider), (NONE, NONE))
        where = f"what {provider} charges for {what}"
        yield f"{where} at list price", row.listed if row else NONE, listed
        yield where, row.net if row else NONE, net


def _bought(plan: Plan, case: Case, found: SettledAgain) -> Iterator[SaidTwice]:
    """What is bought of each offer in each period, and for how long and how much it is."""
    units = {offer.id for offer in case.offers if not isinstance(offer, TokenOffer)}
    for row in plan.capacity:
        flow = found.bought.get((row.offer, row.period), (Fraction(0), Fraction(0)))[1]
        there = nano(flow) if row.offer in units else row.used
        yield f"what is bought of {row.offer} in period {row.period}", row.bought, there
    for bought, cost, hours in found.purchases:
        where = f"a purchase of {bought.offer} from {bought.start:%Y-%m-%d %H:%M}"
        yield f"the cost of {where}", bought.cost, nano(cost)
        yield f"the hours of {where}", bought.hours, nano(hours)


def _standing(plan: Plan, case: Case, found: SettledAgain) -> Iterator[SaidTwice]:
    """What each clause posts, and where it stands: of one that was amended, in all of its versions together."""
    places = defaultdict[str, list[int]](list)
    for at, term in enumerate(case.terms):
        places[term.id].append(at)
    for name, each in places.items():
        if any(at not in found.clauses for at in each):
            continue
        settled = Settlement.of(found.clauses[at] for at in each)
        postings = [astuple(row) for row in plan.postings if row.term == name]
        yield from _each("postings", postings, [astuple(row) for row in settled.postings])
        ours = [astuple(replace(row, unit="")) for row in plan.standings if row.term == name]
        yield from _each("standings", ours, [astuple(replace(row, unit="")) for row in settled.standings])
