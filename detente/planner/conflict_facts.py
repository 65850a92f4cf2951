"""What is no clause and plays a part in a conflict: demand, capacity, what is not sold, work that stays.

Owns: which facts are named, and their words. Not here: whether one cures a conflict (``conflict_lifted``), which
clauses collide, and the ways out (``conflict``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from detente.contract.reach.verdict import verdict
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload, Training
from detente.errors import UnsettledError
from detente.market.offer import AnyOffer, AnyUnits, GpuOffer
from detente.planner.conflict_lifted import Lifting, closed_in, fewest, in_whole, lifted
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.study import Study
from detente.values.dated import Dated
from detente.values.money import shown
from detente.values.period import named

COLLIDING = ("demand", "offer", "units", "gang", "moving")
"""Kinds of owners that are no clauses, and of which some may collide."""

MAX_TOLD = 3
"""Workloads, and offers, that are told of a clause that nothing else keeps from being met, or of which one is true."""

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
    owners = curing or _colliding(study, whole) or lifting.together()
    found = _told(_said(study.draft, owner, alone=bool(curing)) for owner in owners)
    wanting = [w for w in study.case.workloads if Owner("demand", w.id) in owners]
    closed = {owner.name for owner in owners if owner.kind == "offer"}
    found += [*_not_served(study.draft, wanting, clauses, closed), *_not_sold(study.draft, wanting, clauses)]
    return found if found or not clauses else list(_too_little(study, clauses, whole))


def _curing(study: Study, lifting: Lifting) -> Iterator[Owner]:
    """Demand that must be served, offers, and work that stays, each of which alone would cure the conflict."""
    case, unserved = study.case, study.draft.unserved
    tried = [Owner("demand", w.id) for w in case.workloads[:MAX_FACTS] if w.id not in unserved]
    tried += [Owner("offer", offer.id) for offer in case.offers] if len(case.offers) <= MAX_FACTS else []
    tried += [Owner("moving", w.id) for w in case.workloads[:MAX_FACTS] if w.moving and w.moving.stays]
    tried += [Owner("gang", w.id) for w in case.workloads[:MAX_FACTS] if isinstance(w, Training) and w.gang]
    cures = [owner for owner in tried if lifting.cures([owner])]
    gangs = [owner for owner in tried if owner.kind == "gang" and owner not in cures]  # they hold no more than there is
    for owner in tried:
        beside = owner.kind == "offer" and gangs
        if owner in cures or (beside and lifting.cures([owner, *gangs])):
            yield owner


def _colliding(study: Study, whole: Ints | None) -> list[Owner]:
    """A minimal set of facts that cannot be together: none where there are too many to try."""
    program = study.draft.program
    present = [block.owner for block in program.row_blocks]
    present += [owner for denial in program.denials for owner in sorted(denial.turns_on)]
    owners = [owner for owner in dict.fromkeys(present) if owner.kind in COLLIDING]
    if len(owners) > 2 * MAX_FACTS or not lifted(study, owners).possible(whole):
        return []
    return fewest(owners, lambda out: lifted(study, out).possible(whole))


# -- words -------------------------------------------------------------------------------------------------------------
def _told(said: Iterable[tuple[str, str]]) -> list[str]:
    """A sentence for each id and what is so of it; one for all of which the same is so, where these are many."""
    alike: dict[str, list[str]] = {}
    for name, what in said:
        alike.setdefault(what, []).append(f"`{name}`")
    found = list[str]()
    for what, names in alike.items():
        some, more = names[:MAX_TOLD], len(names) - MAX_TOLD
        found += [f"each of {', '.join(some)} and {more} more {what}"] if more > 0 else [f"{n} {what}" for n in names]
    return found


def _said(draft: Draft, owner: Owner, *, alone: bool) -> tuple[str, str]:
    """A demand, an offer, a gang or a stay, and what it asks for; its size, too, where several collide."""
    if owner.kind in ("units", "offer"):
        offer = next(o for o in draft.case.offers if o.id == owner.name)
        if owner.kind == "units" and offer.capacity is None:
            return owner.name, "is bought in whole units, and serves no more than what is bought"
        return owner.name, _there_is(draft, offer, sized=not alone)
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
            yield f"`{offer.id}` has room for {gangs} at a time ({_sizes(offer.capacity)})"
        else:
            yield f"`{offer.id}` has no more than {_sizes(offer.capacity)}"


def _there_is(draft: Draft, offer: AnyOffer, *, sized: bool) -> str:
    """Of an offer, that its capacity ends, and when it cannot be bought at all."""
    parts = []
    if offer.capacity is not None:
        most = draft.most(offer)
        there_is = float((most * draft.hours)[np.isfinite(most)].sum()) * float(offer.unit_flow)
        total = shown(there_is, "GPU-hours" if isinstance(offer, GpuOffer) else "Mtok")
        parts.append(f"has no more capacity ({_sizes(offer.capacity)}" + (f": {total} in all)" if sized else ")"))
    parts += _not_there(draft, offer)
    return " and ".join(parts) or "serves no more than it does"


def _not_there(draft: Draft, offer: AnyOffer) -> Iterator[str]:
    """When an offer cannot be bought: by the days from which it is there and no longer, where it states them."""
    closed = closed_in(draft, offer)
    begins, ends = (offer.model_copy(update={other: None}) for other in ("until", "from_"))
    early, late = (np.array([not o.sold(p.span_start, p.span_end) for p in draft.periods]) for o in (begins, ends))
    if (early & closed).any():
        yield f"is not on offer before {offer.from_}"
    if (late & closed).any():
        yield f"is not on offer from {offer.until} on"
    if times := _listed(_times(draft, closed & ~early & ~late)):
        yield f"is not on offer, or has no price, in {times}"


def _sizes(capacity: Dated[Any]) -> str:
    """How much there is, at any time."""
    sizes = list(dict.fromkeys(str(size) for size in capacity.values()))
    return " or ".join(sizes[:4]) + (f" or {len(sizes) - 4} other amounts" if len(sizes) > 4 else "")


def _too_little(study: Study, clauses: Sequence[Term], whole: Ints | None) -> Iterator[str]:
    """Of clauses that nothing else keeps from being met: the work that they cover, and what may not be bought beside.

    So of a floor that all its work does not fill: nothing stands idle by the hour to fill it, unless the case says so.
    Of several clauses it is told where more of that work would cure the conflict: they may collide by themselves.
    """
    draft = study.draft
    covered = [i for clause in clauses for i in np.flatnonzero(draft.arcs.covered(clause.covered)).tolist()]
    arcs = [draft.arcs[index] for index in sorted(set(covered))]
    workloads = list({arc.workload.id: arc.workload for arc in arcs}.values())
    if len(clauses) > 1 and not _more_cures(study, [w.id for w in workloads], whole):
        return
    they, met = ("it covers", f"`{clauses[0].id}`") if len(clauses) == 1 else ("they cover", "all of them")
    for workload in workloads[:MAX_TOLD]:
        work = shown(float(draft.demand[workload.id].work.sum()), plural(workload.unit))
        yield f"`{workload.id}` is work that {they} ({work} in all), and there is no more of it"
    offers = {arc.offer.id: arc.offer for arc in arcs}
    if study.past is None and any(name in draft.units for name in offers):
        declared = study.case.declared.model_copy(update={"idle": "allowed"})
        if in_whole(study.under(replace(study.case, declared=declared))):
            said = f"(`idle: {study.case.declared.idle}`)"
            yield f"no capacity by the hour may stand idle {said}; with `idle: allowed` {met} can be met"
            return
    limited = [offer for offer in offers.values() if offer.capacity is not None]
    yield from (f"`{offer.id}` {_there_is(draft, offer, sized=True)}" for offer in limited[:MAX_TOLD])


def _more_cures(study: Study, workloads: Sequence[str], whole: Ints | None) -> bool:
    """Whether there would be a plan if there were more of some work: as much again on each offer that may do it."""
    model, named_work = study.turn(), [Owner("demand", name) for name in workloads]
    blocks = [block.numbers for block in study.draft.program.row_blocks if block.owner in named_work]
    rows = np.concatenate([np.zeros(0, dtype=np.int32), *blocks])
    low, high = model.asked(rows)
    model.ask(rows, low, np.full(len(rows), np.inf))
    try:
        return study.possible(whole)
    finally:
        model.ask(rows, low, high)


def _times(draft: Draft, periods: Bools) -> Iterator[str]:
    """Runs of periods, each by its name."""
    at = np.flatnonzero(periods)
    for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1):
        if len(run):
            yield named(draft.periods[int(run[0])].span_start, draft.periods[int(run[-1])].span_end)


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
            yield f"nothing that `{workload.id}` may run on is available in {_listed(_times(draft, without))}"
            bought = [draft.units[name].offer for name in {arc.offer.id: None for arc in arcs} if name in draft.units]
            yield from _told((offer.id, _begins(offer)) for offer in bought if offer.reserved)


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


def _begins(offer: AnyUnits) -> str:
    """When reservations begin."""
    days = (
        "on the days of its `starts`"
        if offer.starts
        else "in the first period of a month (unless `starts` says other days)"
    )
    return f"is reserved for {offer.term}, and begins {days}"


def _listed(times: Iterable[str]) -> str:
    """A few of them, and how many more there are."""
    every = list(times)
    return ", ".join(every[:3]) + (f" and {len(every) - 3} more times" if len(every) > 3 else "")


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


def plural(unit: str) -> str:
    """Of a unit that has one: `GPU-hours`, but `Mtok` and `USD`."""
    return f"{unit}s" if unit.endswith("hour") else unit
