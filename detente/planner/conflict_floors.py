"""What keeps clauses from being met that collide with no fact by itself: floors that all their work does not fill.

Each is told only where the case was solved in which it is otherwise. Owns: what is tried of them, and their words. Not
here: what must be served and what is closed or full (``conflict_facts``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import numpy as np

from detente.case.case import Case
from detente.case.checks.magnitude import MAX_WORK
from detente.contract.metered.counting_moment import CountingMoment, invoice_day
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload
from detente.market.offer import AnyOffer, AnyUnits, GpuOffer, ProvisionedOffer
from detente.planner.conflict_changes import (
    MORE,
    as_used,
    begun_any_month,
    opened,
    with_idle,
    with_more,
    without_capacity,
)
from detente.planner.conflict_lifted import fewest, in_whole
from detente.planner.conflict_words import MAX_TOLD, begins, plural, there_is
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.reserving import counted_on
from detente.planner.study import Study
from detente.values.money import shown

DONE: dict[CountingMoment, str] = {"use": "used", "invoice": "invoiced", "purchase": "bought"}


@dataclass(frozen=True)
class Fact:
    """A sentence, and the case in which it is not so; ``more``: work of which there is then more, of which any part."""

    said: str
    change: Callable[[Case], Case]
    more: str | None = None


def facts_of_floors(study: Study, clauses: Sequence[Term]) -> list[str]:
    """The facts of which each alone would cure the conflict; where there are none, the fewest that do together.

    ``study``: of a case that has no plan, with no clauses but those that collide. None where what was decided before
    some news is kept: it is kept by column.
    """
    if study.past is not None:
        return []
    covered = [study.draft.arcs.covered(clause.covered) for clause in clauses]
    arcs = [study.draft.arcs[index] for index in np.flatnonzero(np.any(covered, axis=0)).tolist()]
    workloads = list({arc.workload.id: arc.workload for arc in arcs}.values())[:MAX_TOLD]
    offers = list({arc.offer.id: arc.offer for arc in arcs}.values())
    of_work = [found for each in workloads for found in _of_work(study, each, clauses)]
    limited = [_of_capacity(study, each) for each in offers if each.capacity is not None][:MAX_TOLD]
    alone = [*of_work, *_of_idle(study, offers, clauses), *limited]
    alone += [found for clause in clauses for found in _of_moment(study, clause, arcs, clauses)][:MAX_TOLD]
    alone += [_of_starts(each) for each in offers if isinstance(each, GpuOffer | ProvisionedOffer) and each.starts]
    if curing := [fact for fact in alone if _cured(study, [fact])]:
        return [fact.said for fact in curing]
    together = [*of_work, *limited]
    if len(together) < 2 or not _cured(study, together):
        return []
    return [
        fact.said for fact in fewest(together, lambda kept: not _cured(study, [f for f in together if f not in kept]))
    ]


def _cured(study: Study, facts: Collection[Fact]) -> bool:
    """Whether there is a plan in whole units in the case without some facts."""
    changed = study.under(reduce(lambda case, fact: fact.change(case), facts, study.case))
    model = changed.turn()
    for name in (fact.more for fact in facts if fact.more is not None):
        if name not in study.draft.unserved:  # all that there is must be served, as before
            most = changed.draft.demand[name].work - study.draft.demand[name].work
            model.widen(changed.draft.unserved[name], np.maximum(most, 0.0))
    return in_whole(changed)


# -- what is tried, and its words --------------------------------------------------------------------------------------
def _of_work(study: Study, workload: AnyWorkload, clauses: Sequence[Term]) -> Iterator[Fact]:
    """That there is no more of a workload: none where more could not be counted."""
    work = float(study.draft.demand[workload.id].work.sum())
    if work * (1 + MORE) < MAX_WORK:
        cover = "it covers" if len(clauses) == 1 else "they cover"
        amount = shown(work, plural(workload.unit))
        said = f"`{workload.id}` is work that {cover} ({amount} in all), and there is no more of it"
        yield Fact(said, lambda case: with_more(case, [workload.id]), workload.id)


def _of_capacity(study: Study, offer: AnyOffer) -> Fact:
    said = f"`{offer.id}` {there_is(study.draft, offer, sized=True)}"
    return Fact(said, lambda case: opened(without_capacity(case, [offer.id]), [offer.id]))


def _of_idle(study: Study, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Iterator[Fact]:
    idle = study.case.declared.idle
    if idle != "allowed" and any(offer.id in study.draft.units for offer in offers):
        said = f"no capacity by the hour may stand idle (`idle: {idle}`); with `idle: allowed` {_they(clauses)}"
        yield Fact(said, with_idle)


def _of_moment(study: Study, clause: Term, arcs: Sequence[Arc], clauses: Sequence[Term]) -> Iterator[Fact]:
    """That what a clause covers counts when it is invoiced, or bought: from which day on."""
    moments = dict.fromkeys(meter.moment for meter in clause.meters() if meter.moment != "use")
    for moment in moments if "moment" in type(clause).model_fields else ():
        first = min((_first(study, arc, moment) for arc in arcs), default=study.draft.horizon.opens)
        what = f"`{clause.id}` counts what is {DONE[moment]}"
        what += f", and nothing is before {first:%Y-%m-%d}" if first > study.draft.horizon.opens else " when it is"
        yield Fact(f"{what}; with `moment: use` {_they(clauses)}", lambda case: as_used(case, clause.id))


def _first(study: Study, arc: Arc, moment: CountingMoment) -> datetime:
    """When what is bought first counts, of an offer."""
    draft, offer = study.draft, arc.offer
    if offer.reserved and offer.id in draft.units:
        units = draft.units[offer.id]
        days = (at for column in range(len(units.starts)) for at in counted_on(draft, units, column, moment))
        return min(days, default=draft.horizon.closes)
    return draft.horizon.opens if moment == "purchase" else invoice_day(draft.horizon.opens)


def _of_starts(offer: AnyUnits) -> Fact:
    return Fact(f"`{offer.id}` {begins(offer)}", lambda case: begun_any_month(case, [offer.id]))


def _they(clauses: Sequence[Term]) -> str:
    return f"`{clauses[0].id}` can be met" if len(clauses) == 1 else "all of them can be met"
