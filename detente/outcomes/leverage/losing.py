"""What the others would do of a provider's work if it were lost: the N-1 margin of a plan, provider by provider.

Owns: that margin, by re-solves of the linear program. Not here: what a loss would cost, and who needs whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from detente.case.case import Case
from detente.contract.roles import StandbyHedge
from detente.errors import UnsettledError
from detente.outcomes.time_left import Budget
from detente.planner.study import Study
from detente.results.plan import Plan

Margins = dict[str, dict[str, Decimal]]
"""Of each provider, by unit of work: the part of its work that the others would do."""


def margins(case: Case, found: Plan, providers: Iterable[str], budget: Budget) -> Margins:
    """The margins of providers in a case and its plan, each lost from the horizon's first day for ever.

    Units are divided, as in the program that is relaxed, and no clause asks for standby any more: it was kept for this
    loss. A provider without work has no margin, and so has one without which some clause, or demand that must be
    served, would not be met.
    """
    working = {p.provider: p for p in found.providers if any(p.work.values())}
    return {name: _margin(case, found, name, budget) for name in providers if name in working}


def _margin(case: Case, found: Plan, provider: str, budget: Budget) -> dict[str, Decimal]:
    lost = {"id": f"without-{provider}", "lose": [{"provider": provider, "from": str(case.declared.horizon.start)}]}
    standby = (term.id for term in case.terms if isinstance(term, StandbyHedge))
    unserved = _unserved(case.with_changes(lost).under(without=standby), budget)
    if unserved is None:
        return {}
    (row,) = (p for p in found.providers if p.provider == provider)
    now: dict[str, Decimal] = {}
    for w in found.workloads:
        now[w.unit] = now.get(w.unit, Decimal(0)) + w.demand - w.served
    return {
        unit: min(Decimal(1), max(Decimal(0), 1 - (unserved.get(unit, Decimal(0)) - now.get(unit, Decimal(0))) / work))
        for unit, work in row.work.items()
        if work
    }


def _unserved(case: Case, budget: Budget) -> dict[str, Decimal] | None:
    """Work that goes unserved, by unit; None where all must be served and cannot be."""
    study = Study.of(case, time_limit=budget.left)
    solution = study.bound()
    if solution.status in ("time-limit", "interrupted"):
        raise UnsettledError("what a lost provider leaves was not found in time: give it more time")
    if solution.values is None:
        return None
    found: dict[str, Decimal] = {}
    for workload in case.workloads:
        columns = study.draft.unserved.get(workload.id)
        amount = 0.0 if columns is None else float(solution.values[columns].sum())
        found[workload.unit] = found.get(workload.unit, Decimal(0)) + Decimal(repr(max(amount, 0.0)))
    return found
