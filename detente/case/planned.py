"""Whether a saved plan says of its case what the case says: names, places, kinds, and its clauses word for word.

Owns: what a plan repeats of its case, so that a reader need not look there. Not here: whether its rows fit together
(``results.integrity``), and whether its amounts are what the case gives, which takes planning it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from detente.case.case import Case
from detente.errors import PlanError, cut
from detente.results.plan import Plan

SaidTwice = tuple[str, Any, Any]
"""What is said, by the plan and by the case."""


def must_hold(plan: Plan, case: Case, name: str) -> None:
    """Raise PlanError where a plan was made of another case, or says of this one what it does not say."""
    plan.must_be_of(case.hash, name)
    for what, here, there in _said(plan, case):
        if here != there:
            told = f"{what} is {cut(repr(here))}, and in the case {cut(repr(there))}"
            raise PlanError(f"{name}: {told}: it was changed since it was saved; plan again")


def _said(plan: Plan, case: Case) -> Iterator[SaidTwice]:
    head = plan.case, plan.title, plan.hash, plan.currency, plan.reading, plan.scenario
    names = ("its case", "its title", "its hash", "its currency", "its reading", "its scenario")
    yield from zip(names, head, case.head, strict=True)
    yield "its discount_rate", plan.discount_rate, case.discount_rate
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
        yield f"`reserved` of {bought.offer}", bought.reserved, offers[bought.offer].reserved
    for decision in plan.decisions:
        yield "an offer in `decisions`", decision.offer if decision.offer not in offers else "", ""


def _clauses(plan: Plan, case: Case) -> Iterator[SaidTwice]:
    """Each clause in force, as the case words it; and what it counts, by which meter and in which unit."""
    here = [
        (c.term, c.kind, c.agreement, c.counterparty, c.text, c.source, c.sentence, c.start, c.end)
        for c in plan.clauses
    ]
    there = []
    meters = {(term.id, meter.name) for term in case.terms for meter in term.meters()}
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


def _each(section: str, here: Iterable[tuple[Any, ...]], there: Iterable[tuple[Any, ...]]) -> Iterator[SaidTwice]:
    """Row by row, so that what is told is what differs; and as many of them."""
    ours, theirs = list(here), list(there)
    yield f"the number of `{section}`", len(ours), len(theirs)
    for one, other in zip(ours, theirs, strict=False):
        for given, stated in zip(one, other, strict=True):
            yield f"what `{section}` says of {one[0]}", given, stated
