"""The rows of a plan, from a solution and its exact bill.

Owns: putting the plan together; allocations, standby, standings, unserved demand and shares. Not here: what it buys
(``holdings``), what became of each clause (``marginal``), and why each workload is where it is (``reasons``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeVar

import numpy as np

from detente.case.case import Case
from detente.case.notes import of_clauses
from detente.case.outside import outside
from detente.contract.metered.use import nanos
from detente.contract.settled.standing import Standing
from detente.demand.quantum import PER_QUANTUM, QUANTUM
from detente.errors import SolverError, UnexplainedError
from detente.planner.answer.assigned import assigned
from detente.planner.answer.bill import Bill
from detente.planner.answer.costs import at_present, cost_rows, work_of
from detente.planner.answer.easing import Easing
from detente.planner.answer.holdings import purchases
from detente.planner.answer.marginal import clauses, without_prices
from detente.planner.answer.pricing_currency import stated_charges
from detente.planner.answer.reasons import decisions, without_reasons
from detente.planner.answer.rounded_invoices import rounded_invoices
from detente.planner.answer.whole_quanta import at_stake
from detente.planner.formulation.draft import Draft
from detente.planner.solving.model import Basis, Model
from detente.planner.solving.moves import moves
from detente.planner.solving.solution import Solution
from detente.results.plan import NO_BOUND, Plan
from detente.results.plan_rows import (
    Note,
    ProviderRow,
    Standby,
    WorkloadRow,
)
from detente.values.money import nano

Explained = TypeVar("Explained")

TOLERANCE = Decimal("1e-6")
"""Of the cost: by so much a bound may lie above it, which is the solver's tolerance and not a mistake."""
CLOSED = Decimal("1e-9")
"""A gap of so much is none; a gap is kept in such steps, and of a cost of nothing it is a part of so much money."""


def result(
    draft: Draft,
    model: Model,
    solution: Solution,
    *,
    prices: Solution,
    exact: Bill,
    bound: float,
    rounding: float,
    wanted: float,
    stopped: Literal["time-limit", "interrupted"] | None,
    bounded_by: Literal["program", "prices"] = "program",
    basis: Basis | None = None,
) -> Plan:
    """The plan; ``prices`` is the solution whose duals are its marginal prices, and ``basis`` where its solve ended.

    ``bound`` and ``rounding`` are money, a bound that is not finite is none; ``wanted`` is a gap, a part of the cost.

    Raises SolverError where the bound lies above the exact cost by more than rounding, and UnexplainedError, with the
    plan, where its marginal prices or reasons cannot be worked out.
    """
    faults = list[Exception]()
    case, cost = draft.case, exact.total
    low = nano(Fraction(bound)) if np.isfinite(bound) else NO_BOUND
    if low > cost:
        beyond = nano(Fraction(at_stake(draft, model, exact.quantities, solution)))
        if low - cost > max(abs(cost), Decimal(1)) * TOLERANCE + beyond:
            raise SolverError(f"the bound {low} lies above the plan's exact cost {cost}")
        low = cost
    gap = (cost - low) / max(abs(cost), CLOSED)
    status: Literal["optimal", "feasible", "time-limit", "interrupted"] = "optimal"
    if float(gap) > max(wanted, float(CLOSED)):
        status = stopped or "feasible"
    bought = tuple(purchases(draft, exact))
    rows, standings = cost_rows(draft, exact, solution), tuple(_standings(draft, exact))
    easing = Easing.of(draft, model, solution, basis)
    clause_rows = _worked_out(
        lambda: clauses(draft, prices, exact, easing, model.out), lambda: without_prices(draft, exact), faults
    )
    decided = _worked_out(
        lambda: decisions(draft, model, prices, exact.quantities, standings),
        lambda: without_reasons(draft, exact.quantities),
        faults,
    )
    plan = Plan(
        Plan.FORMAT,
        *case.head,
        status=status,
        cost=cost,
        bound=low,
        gap=nano(gap),
        bill=exact.owed,
        unserved_cost=exact.unserved,
        moving_cost=exact.moving,
        rounding=min(nano(Fraction(max(0.0, rounding))), cost - low),
        periods=rows.periods,
        allocations=rows.allocations,
        standby=tuple(_standby(draft, solution)),
        purchases=bought,
        standings=standings,
        unserved=rows.unserved,
        moves=rows.moves,
        charges=rows.charges,
        postings=rows.postings,
        clauses=clause_rows,
        workloads=tuple(_workloads(draft, exact)),
        providers=tuple(_providers(draft, exact)),
        capacity=rows.capacity,
        decisions=decided,
        notes=(*_notes(draft.case), *assigned(draft.case, draft.by_price, bought)),
        stated=tuple(stated_charges(draft, exact)),
        rounded=tuple(rounded_invoices(draft, exact)),
        discount_rate=case.discount_rate,
        present_value=at_present(case, rows),
        bounded_by=bounded_by,
    )
    if faults:
        raise UnexplainedError(plan) from faults[0]
    return plan


def _worked_out(
    rows: Callable[[], Iterable[Explained]], without: Callable[[], Iterable[Explained]], faults: list[Exception]
) -> tuple[Explained, ...]:
    """Rows that explain the plan, or those without: what goes wrong there, of whatever kind, loses no plan."""
    try:
        return tuple(rows())
    except Exception as fault:
        faults.append(fault)
        return tuple(without())


def _notes(case: Case) -> Iterable[Note]:
    for term_id, agreement, note in outside(case):
        yield Note(term_id, agreement, note.what, note.remedy)
    for term, note in of_clauses(case):
        yield Note(term.id, term.validity.agreement, note.what, note.remedy)


def _standby(draft: Draft, solution: Solution) -> Iterable[Standby]:
    assert solution.values is not None
    for workload, columns in draft.standby.items():
        values = np.rint(solution.values[columns] / float(QUANTUM)).astype(np.int64)
        for row, arc in enumerate(draft.arcs.of_workload[workload]):
            for t in np.flatnonzero(values[row] > 0).tolist():
                yield Standby(workload, arc.offer.id, arc.offer.provider, t, work_of(int(values[row, t])))


def _standings(draft: Draft, exact: Bill) -> Iterable[Standing]:
    """Where each clause stands in its windows, in units that a reader knows."""
    for term, settlement in zip(draft.case.terms, exact.settlements, strict=True):
        units = {meter.name: draft.unit(meter) for meter in term.meters()}
        for standing in settlement.standings:
            yield replace(standing, unit=units[standing.meter])


def _workloads(draft: Draft, exact: Bill) -> Iterable[WorkloadRow]:
    for workload in draft.case.workloads:
        demand = int(draft.demand[workload.id].quanta.sum())
        arcs, work = draft.arcs.of_workload[workload.id], exact.quantities.work
        providers = list(
            dict.fromkeys(arc.offer.provider for arc in arcs if work[arc.index].any())
        )  # as rows name them
        rows = [[arc.index for arc in arcs if arc.offer.provider == name] for name in providers]
        by_provider = np.array([work[each].sum(axis=0) for each in rows]).reshape(len(rows), draft.n)
        found = moves(by_provider.astype(np.float64))
        served = int(by_provider.sum())
        yield WorkloadRow(
            workload.id,
            workload.kind,
            workload.unit,
            dict(workload.labels),
            work_of(demand),
            work_of(served),
            found.changes,
            Decimal(found.share).quantize(Decimal("1e-6")),
        )


def _providers(draft: Draft, exact: Bill) -> Iterable[ProviderRow]:
    spend = {name: Decimal(0) for name in draft.case.providers}
    idle = dict(spend)
    for line in exact.rated:
        spend[line.use.offer["provider"]] += line.net
        if line.use.kind == "idle":
            idle[line.use.offer["provider"]] += line.net
    unit_of = {workload.id: workload.unit for workload in draft.case.workloads}
    units = list(dict.fromkeys(unit_of.values()))
    work = {name: dict.fromkeys(units, 0) for name in spend}
    on_work = {name: dict.fromkeys(units, Decimal(0)) for name in spend}
    runs: dict[str, dict[tuple[str, str], None]] = {name: {} for name in spend}
    for line in exact.rated:
        use = line.use
        if use.kind == "use" and use.demand is not None:
            unit, name = unit_of[use.demand["workload"]], use.offer["provider"]
            work[name][unit] += nanos(use.work)
            on_work[name][unit] += line.net
            runs[name][use.demand["workload"], use.offer["offer"]] = None
    total = sum(spend.values(), Decimal(0))
    for of in work.values():  # a line may be a part of a quantum, and all of a provider's are whole ones
        of.update({unit: amount // PER_QUANTUM for unit, amount in of.items()})
    every = {unit: sum(work[name][unit] for name in spend) for unit in units}
    for name, provider in draft.case.providers.items():
        yield ProviderRow(
            name,
            provider.name,
            provider.interest or "",
            spend[name],
            _share(spend[name], total),
            {u: work_of(work[name][u]) for u in units if work[name][u]},
            {u: _share(Decimal(work[name][u]), Decimal(every[u])) for u in units if every[u]},
            {u: (on_work[name][u] / work_of(work[name][u])).quantize(Decimal("1e-6")) for u in units if work[name][u]},
            len(runs[name]),
            tuple(dict.fromkeys(w for w, _ in runs[name])),
            idle[name],
        )


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(Decimal("1e-6")) if whole else Decimal(0)
