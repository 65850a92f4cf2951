"""Standby: capacity kept ready for the loss of a provider.

Owns: its columns, and the rows that redundancy clauses ask for (design §6). Not here: capacity (``capacity``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from detente.contract.program import ClauseOwner
from detente.contract.reach.scope import Selection
from detente.contract.reach.window import Window
from detente.contract.roles import StandbyHedge
from detente.contract.term import Term
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Expr
from detente.planner.formulation.groups import Grouping
from detente.planner.formulation.owner import Owner


def define_standby(draft: Draft, terms: Sequence[Term]) -> None:
    """Columns of standby for workloads that a clause wants it for, while such a clause is in; none for others."""
    covered = {Owner.of(term): draft.arcs.covered(term.standby) for term in terms if isinstance(term, StandbyHedge)}
    for workload in draft.case.workloads:
        arcs = draft.arcs.of_workload[workload.id]
        users = [owner for owner, of in covered.items() if any(of[arc.index] for arc in arcs)]
        if not users:
            continue
        most = draft.most_work[workload.id]
        columns = draft.program.columns(Owner("standby"), workload.id, (len(arcs), draft.n), upper=most, users=users)
        draft.standby[workload.id] = columns
        draft.standby_from[[arc.index for arc in arcs]] = columns[:, 0]
        for row, arc in enumerate(arcs):
            closed = np.isnan(draft.prices.listed[arc.index])
            draft.program.fix_at_zero(columns[row, closed], [{Owner("offer", arc.offer.id)}])


def survive(draft: Draft, term: ClauseOwner, selection: Selection, share: Fraction) -> None:
    """Standby, so that the loss of any one provider leaves a share of each covered workload's demand.

    For each provider k of a workload: x_k + r_k - R + unserved <= (1 - share) * demand, with R the sum of all
    standby r.
    """
    _, periods, inside = draft.grid.shares([term.validity.within(draft.horizon)])
    forced = np.zeros(draft.n, dtype=bool)
    forced[periods[inside > 0]] = True
    covered = draft.arcs.covered(selection)
    for workload in draft.case.workloads:
        arcs = draft.arcs.of_workload[workload.id]
        if not any(covered[a.index] for a in arcs):
            continue
        demand = draft.demand[workload.id]
        owner = demand.owner
        kept = np.bincount(owner[~forced & (owner >= 0)], minlength=len(demand.work)) == 0
        owner = np.where(kept[owner] & (owner >= 0), np.cumsum(kept)[owner] - 1, -1).astype(np.int32)
        left, n = (1 - float(share)) * demand.work[kept], int(kept.sum())
        windows = tuple(_windows(draft, demand, kept))
        for provider in dict.fromkeys(a.offer.provider for a in arcs):
            here = draft.use_of([a for a in arcs if a.offer.provider == provider])
            elsewhere = draft.standby_of([a for a in arcs if a.offer.provider != provider])
            rows = draft.grouped(here, owner, n) - draft.grouped(elsewhere, owner, n)
            if workload.id in draft.unserved:
                rows = rows + Expr.of(draft.unserved[workload.id][kept])
            rows = Expr(n, rows.parts, rows.constant, windows, workload.unit)
            draft.program.require(
                Owner.of(term), f"loss of {provider} for {workload.id}", rows <= left, demand.work[kept]
            )


def _windows(draft: Draft, demand: Grouping, kept: Bools) -> Iterable[Window]:
    """When the groups of a workload's demand are served."""
    first, after = demand.spans
    for group in np.flatnonzero(kept).tolist():
        start, end = draft.periods[first[group]].span_start, draft.periods[max(after[group] - 1, 0)].span_end
        yield Window(group, start, end)
