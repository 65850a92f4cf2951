"""What is no clause and plays a part in a conflict: demand, capacity, what is not sold, work that stays.

Owns: which facts are named, and their words. Not here: whether one cures a conflict (``conflict_lifted``), which
clauses collide, and the ways out (``conflict``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from detente.contract.reach.verdict import verdict
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload, Training
from detente.errors import UnsettledError
from detente.market.offer import GpuOffer
from detente.planner.conflict_floors import facts_of_floors
from detente.planner.conflict_lifted import Lifting, closed_in, fewest
from detente.planner.conflict_words import begins, listed, plural, sizes, there_is, times, told
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.study import Study
from detente.values.money import shown

MAX_FACTS = 60
"""Workloads and offers that are tried one by one for a part in a conflict."""

MAX_LEFT = 0.5
"""Of the time that is left, at most so much goes to facts: the ways out are still to be found."""


def facts_of(study: Study, clauses: Sequence[Term], whole: Ints | None) -> list[str]:
    """The facts that play a part, in a sentence each.

    Those of which each alone would cure the conflict, in whole units; where there are none, a minimal set of those that
    collide with the clauses, or with each other. And what the clauses would allow, but nobody sells; or that there is
    too little work. None where it was not settled in time which they are: the conflict is proven without them.

    Parameters
    ----------
    study
        Of a case that has no plan, with no clauses but those of the conflict.
    clauses
        Those.
    whole
        Columns that must be integer for the conflict to show.
    """
    model = study.program.model
    until = None if model.deadline is None else model.deadline - (1 - MAX_LEFT) * max(0.0, model.left)
    try:
        with model.until(until):
            return _facts(study, clauses, whole)
    except UnsettledError:
        return []


def _facts(study: Study, clauses: Sequence[Term], whole: Ints | None) -> list[str]:
    """The same; UnsettledError where the time is over."""
    lifting = Lifting.of(study, clauses, whole)
    curing = list(_curing(study, lifting))
    owners = curing or _colliding(study, lifting) or lifting.together()
    found = told(_said(study.draft, owner, alone=bool(curing)) for owner in owners)
    wanting = [w for w in study.case.workloads if Owner("demand", w.id) in owners]
    closed = {owner.name for owner in owners if owner.kind == "offer"}
    found += [*_not_served(study.draft, wanting, clauses, closed), *_not_sold(study.draft, wanting, clauses)]
    return found if found or not clauses else facts_of_floors(study, clauses)


def _curing(study: Study, lifting: Lifting) -> Iterator[Owner]:
    """Demand that must be served, offers, and work that stays, each of which alone would cure the conflict."""
    tried = _tried(study)
    cures = [owner for owner in tried if lifting.cures([owner])]
    gangs = [owner for owner in tried if owner.kind == "gang" and owner not in cures]  # they hold no more than there is
    for owner in tried:
        beside = owner.kind == "offer" and gangs
        if owner in cures or (beside and lifting.cures([owner, *gangs])):
            yield owner


def _tried(study: Study) -> list[Owner]:
    """Demand that must be served, offers that are full or closed, work that stays, gangs."""
    case, unserved = study.case, study.draft.unserved
    tried = [Owner("demand", w.id) for w in case.workloads[:MAX_FACTS] if w.id not in unserved]
    tried += [Owner("offer", offer.id) for offer in case.offers] if len(case.offers) <= MAX_FACTS else []
    tried += [Owner("moving", w.id) for w in case.workloads[:MAX_FACTS] if w.moving and w.moving.stays]
    tried += [Owner("gang", w.id) for w in case.workloads[:MAX_FACTS] if isinstance(w, Training) and w.gang]
    return tried


def _colliding(study: Study, lifting: Lifting) -> list[Owner]:
    """A minimal set of facts that cannot be together, or, where none of it is demand, the fewest that do together.

    None where there are too many to try. Offers that matter because they are closed are tried after these.
    """
    owners = [owner for owner in _tried(study) if owner.kind != "offer" or owner.name not in lifting.shut]
    if len(owners) > 2 * MAX_FACTS or not lifting.cures(owners):
        return []
    found = fewest(owners, lifting.cures)
    if any(owner.kind == "demand" for owner in found):
        return found
    return fewest(owners, lambda kept: not lifting.cures([owner for owner in owners if owner not in kept]))


# -- words -------------------------------------------------------------------------------------------------------------
def _said(draft: Draft, owner: Owner, *, alone: bool) -> tuple[str, str]:
    """A demand, an offer, a gang or a stay, and what it asks for; its size, too, where several collide."""
    if owner.kind == "offer":
        offer = next(o for o in draft.case.offers if o.id == owner.name)
        return owner.name, there_is(draft, offer, sized=not alone)
    workload = next(w for w in draft.case.workloads if w.id == owner.name)
    if owner.kind == "gang":
        assert isinstance(workload, Training)
        whole = f"runs as a whole gang ({workload.gang}), or not at all"
        return owner.name, ", and ".join([whole, *_too_small(draft, workload)])
    if owner.kind == "moving":
        assert workload.moving is not None
        return owner.name, f"stays where it is for at least {workload.moving.stays} after a move (`moving: stays`)"
    if alone:
        return owner.name, "must be served: it has no `value`, so it cannot go unserved"
    work = shown(float(draft.demand[workload.id].work.sum()), plural(workload.unit))
    return owner.name, f"must be served: it has no `value` ({work} in all)"


def _too_small(draft: Draft, job: Training) -> Iterator[str]:
    """The offers that never hold a gang of a job, or hold no whole number of them."""
    assert job.gang is not None
    for arc in draft.arcs.of_workload[job.id]:
        offer = arc.offer
        most = float(draft.most(offer).max()) * offer.unit if isinstance(offer, GpuOffer) else np.inf
        if offer.capacity is None or most % float(job.gang.value) == 0:
            continue
        if gangs := int(most // float(job.gang.value)):
            yield f"`{offer.id}` has room for {gangs} at a time ({sizes(offer.capacity)})"
        else:
            yield f"`{offer.id}` has no more than {sizes(offer.capacity)}"


def _not_served(
    draft: Draft, wanting: Iterable[AnyWorkload], clauses: Sequence[Term], said: Collection[str]
) -> Iterator[str]:
    """Of work that must be served, when nothing serves it of all that it may run on; and why, of reservations.

    Not when an offer is closed of which this is ``said``.
    """
    for workload in wanting:
        arcs = [arc for arc in draft.arcs.of_workload[workload.id] if _may_run(draft, arc, clauses)]
        demand = draft.demand[workload.id]
        groups = np.zeros(len(demand.work), dtype=np.bool_)
        for arc in arcs:
            groups[demand.owner[_serves(draft, arc) & (demand.owner >= 0)]] = True
        without = (demand.owner >= 0) & ~groups[demand.owner] & (demand.work > 0)[demand.owner]
        for arc in arcs:
            without &= ~closed_in(draft, arc.offer) if arc.offer.id in said else True
        if arcs and without.any():
            yield f"nothing that `{workload.id}` may run on is available in {listed(times(draft, without))}"
            bought = [draft.units[name].offer for name in {arc.offer.id: None for arc in arcs} if name in draft.units]
            yield from told((offer.id, begins(offer)) for offer in bought if offer.reserved)


def _may_run(draft: Draft, arc: Arc, clauses: Sequence[Term]) -> bool:
    """Whether clauses let an arc's workload run there."""
    return verdict(clauses, arc.workload.facts, [draft.case.offer_facts[arc.offer.id]]).permitted


def _serves(draft: Draft, arc: Arc) -> Bools:
    """When an offer has a price, and, of units, any that are held then."""
    found: Bools = ~np.isnan(draft.prices.listed[arc.index])
    if arc.offer.id in draft.units and not arc.own:
        held = np.zeros(draft.n, dtype=np.bool_)
        for periods in draft.units[arc.offer.id].serve:
            held[periods] = True
        found = found & held
    return found


def _not_sold(draft: Draft, wanting: Iterable[AnyWorkload], clauses: Sequence[Term]) -> Iterator[str]:
    """Of work that must be served and may run nowhere: who may serve it, and sells nothing that it runs on."""
    case = draft.case
    for workload in wanting if clauses else ():
        arcs = draft.arcs.of_workload[workload.id]
        if any(_may_run(draft, arc, clauses) for arc in arcs):
            continue
        able = {arc.offer.id for arc in arcs}
        might = [offer for offer in case.offers if offer.id not in able]
        places = {o.provider: o for o in might if verdict(clauses, workload.facts, [case.offer_facts[o.id]]).permitted}
        wants = ", ".join([*workload.runs_on.models, *workload.runs_on.accelerators][:6])
        for provider in places:
            yield f"`{provider}` sells nothing that `{workload.id}` runs on ({wants}) where it may run"
