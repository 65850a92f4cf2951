"""The rows of a plan, from a solution and its exact bill.

Owns: reading allocations, purchases, commitments, shares and marginal prices off. Not here: why each workload is
where it is (``reasons``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np

from detente.errors import SolverError
from detente.money import nano
from detente.offer import GpuOffer, TokenOffer
from detente.period import Window
from detente.plan import (
    FORMAT,
    Allocation,
    CapacityRow,
    ClauseRow,
    CommitmentWindow,
    MarginalPrice,
    PeriodRow,
    Plan,
    ProviderRow,
    Purchase,
    Standby,
    Unserved,
    WorkloadRow,
)
from detente.planner.bill import Bill, units_paid
from detente.planner.draft import Draft
from detente.planner.groups import QUANTUM
from detente.planner.model import Model
from detente.planner.reasons import decisions
from detente.planner.solution import Solution
from detente.term import Term
from detente.workload import Training

SMALLEST_PRICE = 1e-9


def result(
    draft: Draft,
    model: Model,
    solution: Solution,
    prices: Solution,
    exact: Bill,
    bound: float,
    rounding: float,
    wanted: float,
    stopped: Literal["time-limit", "interrupted"] | None,
) -> Plan:
    """The plan; ``prices`` is the solution whose duals are its marginal prices.

    Raises SolverError where the bound lies above the exact cost by more than rounding.
    """
    case, cost = draft.case, exact.total
    low = nano(Fraction(bound)) if np.isfinite(bound) else -nano(Fraction(10**15))
    if low > cost:
        if low - cost > max(abs(cost), Decimal(1)) * Decimal("1e-6"):
            raise SolverError(f"the bound {low} lies above the plan's exact cost {cost}")
        low = cost
    gap = (cost - low) / max(abs(cost), Decimal("1e-9"))
    status: Literal["optimal", "feasible", "time-limit", "interrupted"] = "optimal"
    if float(gap) > max(wanted, 1e-9):
        status = stopped or "feasible"
    work = exact.quantities.work
    return Plan(
        format=FORMAT,
        case=case.declared.name,
        title=case.declared.title or case.declared.name,
        hash=case.hash,
        currency=case.currency,
        reading=case.reading,
        scenario=case.scenario,
        status=status,
        cost=cost,
        bound=low,
        gap=gap.quantize(Decimal("1e-9")),
        bill=exact.owed,
        unserved_cost=exact.unserved,
        rounding=min(nano(Fraction(max(0.0, rounding))), cost - low),
        periods=tuple(
            PeriodRow(p.index, p.start, p.end, p.span_start, p.span_end, nano(p.hours)) for p in draft.periods
        ),
        allocations=tuple(_allocations(draft, exact)),
        standby=tuple(_standby(draft, solution)),
        purchases=tuple(_purchases(draft, exact)),
        commitments=tuple(_commitments(draft, exact)),
        unserved=tuple(_unserved(draft, exact)),
        postings=exact.postings,
        clauses=tuple(_clauses(draft, model, prices, exact)),
        workloads=tuple(_workloads(draft, exact)),
        providers=tuple(_providers(draft, exact)),
        capacity=tuple(_capacity(draft, exact, solution)),
        decisions=tuple(decisions(draft, model, prices, work)),
    )


def _work(quanta: int) -> Decimal:
    return nano(quanta * QUANTUM)


def _allocations(draft: Draft, exact: Bill) -> Iterable[Allocation]:
    work = exact.quantities.work
    for (index, t), cost in exact.charges.items():
        arc = draft.arcs[index]
        quanta = int(work[index, t])
        yield Allocation(
            arc.workload.id,
            arc.offer.id,
            arc.offer.provider,
            arc.offer.region,
            t,
            _work(quanta),
            nano(quanta * QUANTUM * arc.per_work),
            cost,
        )


def _standby(draft: Draft, solution: Solution) -> Iterable[Standby]:
    assert solution.values is not None
    for workload, columns in draft.standby.items():
        values = np.rint(solution.values[columns] / float(QUANTUM)).astype(np.int64)
        for row, arc in enumerate(draft.arcs.of_workload[workload]):
            for t in np.flatnonzero(values[row] > 0).tolist():
                yield Standby(workload, arc.offer.id, arc.offer.provider, t, _work(int(values[row, t])))


def _purchases(draft: Draft, exact: Bill) -> Iterable[Purchase]:
    for name, units in draft.units.items():
        found: dict[int, int] = {}
        for count, size, start in zip(exact.quantities.units[name], units.units, units.starts, strict=True):
            found[start] = found.get(start, 0) + int(count) * int(size)
        at = {start: index for index, start in reversed(list(enumerate(units.starts)))}
        runs: list[list[int]] = []  # periods in a row with the same count, where units are bought by the hour
        for start in sorted(found):
            if not found[start]:
                continue
            joins = runs and not units.offer.reserved and runs[-1][-1] == start - 1
            if joins and found[start] == found[runs[-1][-1]] and _same_span(draft, start - 1, start):
                runs[-1].append(start)
            else:
                runs.append([start])
        for run in runs:
            count = found[run[0]]
            paid = [(units.rate[at[s]], h) for s in run for h in units.paid[at[s]].values()]
            price = sum((count * rate * h for rate, h in paid), Fraction(0))
            hours = sum((h for _, h in paid), Fraction(0))
            first, last = draft.periods[run[0]], draft.periods[run[-1]]
            end = draft.periods[max(units.paid[at[run[-1]]])].span_end if units.offer.reserved else last.end
            yield Purchase(
                name,
                units.offer.provider,
                first.span_start if units.offer.reserved else first.start,
                end,
                count,
                nano(hours),
                nano(price),
                units.offer.reserved,
            )
    for arc in draft.arcs:
        if arc.own:
            yield from _gang_runs(draft, exact, arc.index)


def _same_span(draft: Draft, a: int, b: int) -> bool:
    """Whether two periods stand for one typical week, or the grid is plain."""
    return draft.horizon.typical is None or draft.periods[a].span_start == draft.periods[b].span_start


def _gang_runs(draft: Draft, exact: Bill, index: int) -> Iterable[Purchase]:
    """A gang's own runs on capacity bought by the hour: whole gangs, for as long as they run."""
    arc = draft.arcs[index]
    job, offer = arc.workload, arc.offer
    assert isinstance(job, Training)
    assert job.gang is not None
    assert isinstance(offer, GpuOffer)
    size, unit = int(job.gang.value), offer.unit
    for t in np.flatnonzero(exact.quantities.work[index]).tolist():
        taken = int(exact.quantities.work[index, t]) * QUANTUM * arc.per_work
        gangs = -(-taken // (draft.periods[t].hours * size))
        units = int(gangs) * size // unit
        period = draft.periods[t]
        cost = exact.charges[index, t]
        hours = nano(taken / (units * unit))
        yield Purchase(arc.offer.id, arc.offer.provider, period.start, period.end, units, hours, cost, False)


def _commitments(draft: Draft, exact: Bill) -> Iterable[CommitmentWindow]:
    for term, account in zip(draft.case.terms, exact.accounts, strict=True):
        found: dict[int, dict[str, Decimal]] = {}
        times: dict[int, tuple[datetime, datetime]] = {}
        for p in account:
            if p.part in ("required", "drawn", "brought", "carried", "short", "shortfall-fee"):
                found.setdefault(p.window, {})[p.part] = p.amount
                times[p.window] = (p.start, p.end)
        for window, parts in found.items():
            yield CommitmentWindow(
                term.id,
                term.force.counterparty,
                *times[window],
                parts["required"],
                parts["drawn"],
                parts["brought"],
                parts["carried"],
                parts["short"],
                parts.get("shortfall-fee", Decimal(0)),
            )


def _unserved(draft: Draft, exact: Bill) -> Iterable[Unserved]:
    for workload in draft.case.workloads:
        value = Fraction(workload.value.amount) if workload.value else Fraction(0)
        for group, quanta in zip(draft.demand[workload.id].groups, exact.quantities.unserved[workload.id], strict=True):
            if quanta > 0:
                last = int(group.periods[-1]) if len(group.periods) else 0
                yield Unserved(workload.id, last, _work(int(quanta)), nano(int(quanta) * QUANTUM * value))


def _clauses(draft: Draft, model: Model, solution: Solution, exact: Bill) -> Iterable[ClauseRow]:
    for term, account in zip(draft.case.terms, exact.accounts, strict=True):
        marginal = tuple(_marginal(draft, model, solution, term))
        owed = sum((p.amount for p in account if p.owed), Decimal(0))
        yield ClauseRow(
            term.id,
            term.kind,
            term.force.agreement,
            term.force.counterparty,
            term.text,
            term.source or "",
            term.explain().sentence,
            term.force.start,
            term.force.end,
            bool(marginal),
            owed,
            marginal,
        )


def _marginal(draft: Draft, model: Model, solution: Solution, term: Term) -> Iterable[MarginalPrice]:
    """Duals of the clause's rows by window; of what it holds at zero, the most that one more unit would save."""
    if solution.duals is None or solution.reduced is None:
        return
    owner, currency = f"term/{term.id}", draft.case.currency
    every = getattr(term, "windows", None)
    windows = term.cut_into(every, draft.horizon) if every is not None else ()
    money = hasattr(term, "amount") or getattr(term, "measure", "") == "spend"
    per_work = f"{currency} per {_unit(draft, term)}"
    for block in draft.program.row_blocks:
        if block.owner != owner:
            continue
        n = block.stop - block.start
        times = windows if len(windows) == n else _times(draft, n)
        for index, dual in enumerate(solution.duals[block.slice].tolist()):
            if abs(dual) > SMALLEST_PRICE:
                time = times[index] if index < len(times) else term.in_force(draft.horizon)
                unit = f"{currency} per {currency}" if money else per_work
                yield MarginalPrice(block.part, time.start, time.end, _price(abs(dual)), unit)
    held: dict[tuple[datetime, datetime], float] = {}
    for hold in draft.program.holds:
        if hold.owner != owner:
            continue
        at = hold.columns - draft.x[0, 0] if draft.x.size else hold.columns
        inside = (at >= 0) & (at < draft.x.size)
        saved = -solution.reduced[hold.columns[inside]]
        for t, value in zip((at[inside] % draft.n).tolist(), saved.tolist(), strict=True):
            if value > SMALLEST_PRICE:
                span = (draft.periods[t].span_start, draft.periods[t].span_end)
                held[span] = max(held.get(span, 0.0), value)
    for (start, end), value in sorted(held.items()):
        yield MarginalPrice("denied", start, end, _price(value), per_work)


def _times(draft: Draft, n: int) -> list[Window]:
    if n == draft.n:
        return [Window(p.index, p.span_start, p.span_end, Fraction(1)) for p in draft.periods]
    return []


def _price(value: float) -> Decimal:
    """Nine significant digits: enough to read, and stable from machine to machine."""
    return Decimal(f"{value:.9g}")


def _unit(draft: Draft, term: Term) -> str:
    covered = draft.arcs.covered(term.covered)
    units = {arc.workload.unit for arc in draft.arcs if covered[arc.index]}
    return "/".join(sorted(units)) or "unit"


def _workloads(draft: Draft, exact: Bill) -> Iterable[WorkloadRow]:
    for workload in draft.case.workloads:
        demand = sum(g.demand for g in draft.demand[workload.id].groups)
        rows = [a.index for a in draft.arcs.of_workload[workload.id]]
        served = int(exact.quantities.work[rows].sum())
        yield WorkloadRow(
            workload.id, workload.kind, workload.unit, dict(workload.labels), _work(demand), _work(served)
        )


def _providers(draft: Draft, exact: Bill) -> Iterable[ProviderRow]:
    spend = {name: Decimal(0) for name in draft.case.providers}
    idle = dict(spend)
    for usage in exact.metered:
        spend[usage.offer["provider"]] += usage.net
        if usage.kind == "idle":
            idle[usage.offer["provider"]] += usage.net
    units = list(dict.fromkeys(w.unit for w in draft.case.workloads))
    work = {name: dict.fromkeys(units, 0) for name in spend}
    on_work = {name: dict.fromkeys(units, Decimal(0)) for name in spend}
    runs: dict[str, dict[tuple[str, str], None]] = {name: {} for name in spend}
    for usage in exact.metered:
        if usage.kind == "use" and usage.demand is not None:
            unit = next(w.unit for w in draft.case.workloads if w.id == usage.demand["workload"])
            name = usage.offer["provider"]
            work[name][unit] += int(usage.work / Decimal(str(float(QUANTUM))))
            on_work[name][unit] += usage.net
            runs[name][usage.demand["workload"], usage.offer["offer"]] = None
    total = sum(spend.values(), Decimal(0))
    every = {unit: sum(work[name][unit] for name in spend) for unit in units}
    for name, provider in draft.case.providers.items():
        yield ProviderRow(
            name,
            provider.name,
            provider.interest or "",
            spend[name],
            _share(spend[name], total),
            {u: _work(work[name][u]) for u in units if work[name][u]},
            {u: _share(Decimal(work[name][u]), Decimal(every[u])) for u in units if every[u]},
            {u: (on_work[name][u] / _work(work[name][u])).quantize(Decimal("1e-6")) for u in units if work[name][u]},
            len(runs[name]),
            tuple(dict.fromkeys(w for w, _ in runs[name])),
            idle[name],
        )


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(Decimal("1e-6")) if whole else Decimal(0)


def _capacity(draft: Draft, exact: Bill, solution: Solution) -> Iterable[CapacityRow]:
    """By offer and period. For a large grid of hours this is the plan's largest table."""
    assert solution.values is not None
    work = exact.quantities.work
    for offer in draft.case.offers:
        arcs = draft.arcs.of_offer[offer.id]
        used = [Fraction(0)] * draft.n
        own = [Fraction(0)] * draft.n
        ready = np.zeros(draft.n)
        for arc in arcs:
            for t in np.flatnonzero(work[arc.index]).tolist():
                taken = int(work[arc.index, t]) * QUANTUM * arc.per_work
                used[t] += taken
                own[t] += taken if arc.own else 0
            if arc.workload.id in draft.standby:
                standby = draft.standby[arc.workload.id][draft.arcs.place[arc.index]]
                ready += solution.values[standby] * float(arc.per_work)
        paid = units_paid(draft, offer.id, exact.quantities) if offer.id in draft.units else None
        flow = Fraction(1) if isinstance(offer, TokenOffer) else offer.unit_flow
        for t, (period, most) in enumerate(zip(draft.periods, draft.at_most(offer), strict=True)):
            bought = used[t] if paid is None else paid[t] + own[t]
            limit = None if most is None else nano(most * flow * period.hours)
            if used[t] or bought or limit:
                standby_then = Decimal(f"{ready[t]:.6f}")
                yield CapacityRow(offer.id, offer.provider, t, limit, nano(bought), nano(used[t]), standby_then)
