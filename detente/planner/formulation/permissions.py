"""What clauses deny: columns fixed at zero, and by whom (§2).

Owns: which clauses keep work and standby off an offer, deployment by deployment, and when. Not here: what a clause says
of a deployment's places (``contract/reach/verdict``), and what a denial does to a program (``program``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from detente.case.case import Case
from detente.contract.reach.verdict import permitted
from detente.contract.term import Term
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Ints
from detente.planner.formulation.owner import Owner

DenyingClauses = tuple[frozenset[int], ...]
"""The clauses, by their place among those that judge, which keep work off each deployment of an offer."""


def define_permissions(draft: Draft, terms: Sequence[Term]) -> None:
    """What clauses deny, or cannot decide, is not allocated: every deployment is denied by one of those in force."""
    judges = [term for term in terms if term.judges]
    alike: dict[DenyingClauses, list[Arc]] = {}
    for arc in draft.arcs:
        deniers = _deniers(draft.case, arc, judges)
        if all(deniers):
            alike.setdefault(deniers, []).append(arc)
    for deniers, arcs in alike.items():
        for periods, in_force in _times(draft, judges, deniers):
            owners = [{Owner.of(judges[place]) for place in each} for each in in_force]
            draft.program.fix_at_zero(_columns(draft, arcs, periods), owners)


def _deniers(case: Case, arc: Arc, judges: Sequence[Term]) -> DenyingClauses:
    """Which clauses deny each deployment in at least one of the places where work on it may run."""
    return tuple(
        frozenset(at for at, term in enumerate(judges) if not permitted(term, arc.demand, places))
        for places in case.places(arc.workload, arc.offer)
    )


def _times(draft: Draft, judges: Sequence[Term], deniers: DenyingClauses) -> Iterable[tuple[Bools, DenyingClauses]]:
    """Periods by which of the clauses are in force in any part of them, where those leave no deployment."""
    every = sorted(frozenset().union(*deniers))
    forced = np.stack([draft.grid.in_force(judges[place].validity) for place in every])
    patterns, which = np.unique(forced, axis=1, return_inverse=True)
    for at, pattern in enumerate(patterns.T):
        some = {place for place, there in zip(every, pattern.tolist(), strict=True) if there}
        left = tuple(each & some for each in deniers)
        if all(left):
            yield which.ravel() == at, left


def _columns(draft: Draft, arcs: Sequence[Arc], periods: Bools) -> Ints:
    """Use and standby of some arcs in some periods."""
    use = [draft.x[arc.index, periods] for arc in arcs]
    backing = [arc for arc in arcs if arc.workload.id in draft.standby]
    standby = [draft.standby[arc.workload.id][draft.arcs.place[arc.index], periods] for arc in backing]
    return np.concatenate([*use, *standby])


def denies_anything(draft: Draft, terms: Sequence[Term]) -> bool:
    """Whether clauses deny any deployment of an offer to any workload."""
    judges = [term for term in terms if term.judges]
    return bool(judges) and any(any(_deniers(draft.case, arc, judges)) for arc in draft.arcs)
