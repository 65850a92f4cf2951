"""Why each workload is where it is, and why not elsewhere: a decision a placement, whose reasons cite clauses (§1).

Owns: reading a decision off prices, verdicts and the duals of clauses. Not here: the decision (the solver's).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np

from detente.demand.quanta import Quanta
from detente.demand.quantum import QUANTUM
from detente.market.stated_price import priced_in
from detente.planner.answer.bill import Quantities
from detente.planner.answer.gang_turns import TakenTurns, in_turns
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.unit_columns import Units
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.results.plan_rows import Decision, DecisionReason
from detente.values.money import nano

MATTERS = 0.005
"""A clause is named where it moves the price of a placement by at least this part."""


def decisions(draft: Draft, model: Model, solution: Solution, found: Quantities) -> Iterable[Decision]:
    """One decision a workload and offer that could run it, used ones first."""
    work, turns = found.work, in_turns(draft, found)
    pulls = _pulls(draft, model, solution)
    prices = {a.index: _mean_price(draft, a, work[a.index]) for a in draft.arcs}
    full = _full(draft, solution)
    for workload in draft.case.workloads:
        arcs = draft.arcs.of_workload[workload.id]
        denied = {a.index: _denied(draft, a) for a in arcs}
        total = int(draft.demand[workload.id].quanta.sum()) or 1
        dearest = max((prices[a.index] for a in arcs if work[a.index].any()), default=0.0)
        order = sorted(arcs, key=lambda a: (-int(work[a.index].sum()), a.index))
        for arc in order:
            quanta = int(work[arc.index].sum())
            if quanta:
                decision = _used(draft, arc, quanta, total, arcs, prices, denied, pulls, full)
                yield _taking(decision, turns[arc.index]) if arc.index in turns else decision
            else:
                yield _unused(draft, arc, prices, denied, pulls, full, dearest)


def _used(
    draft: Draft,
    arc: Arc,
    quanta: int,
    total: int,
    arcs: list[Arc],
    prices: dict[int, float],
    denied: dict[int, tuple[str, str] | None],
    pulls: dict[str, Floats],
    full: set[str],
) -> Decision:
    unit, currency = arc.workload.unit, draft.case.currency
    share = quanta / total
    price = prices[arc.index]
    cheaper = [a for a in arcs if prices[a.index] < price * (1 - 1e-9)]
    elsewhere = priced_in(arc.offer)
    stated = f" (priced in {elsewhere})" if elsewhere else ""
    runs = f"{_part(share)} of `{arc.workload.id}` runs here at {price:,.4g} {currency} per {unit}{stated}"
    reasons = [DecisionReason(runs)]
    open_cheaper = [a for a in cheaper if denied[a.index] is None]
    if not cheaper:
        reasons.append(DecisionReason("the lowest price of all that can serve it"))
    elif not open_cheaper:
        reasons.append(DecisionReason("the lowest price that is permitted"))
    blocked: dict[str, list[str]] = {}
    for other in cheaper:
        verdict = denied[other.index]
        if verdict is not None:
            blocked.setdefault(verdict[0], []).append(other.offer.id)
    for term, names in blocked.items():
        less = f"`{term}` keeps it off {_listed(names)}, which cost{'s' * (len(names) == 1)} less"
        reasons.append(DecisionReason(less, term))
    filled = [a.offer.id for a in open_cheaper if a.offer.id in full]
    if filled:
        verbs = "costs less but is" if len(filled) == 1 else "cost less but are"
        reasons.append(DecisionReason(f"{_listed(filled)} {verbs} full at times"))
    partly = [a.offer.id for a in open_cheaper if a.offer.id not in full and not a.metered]
    if partly:
        verb = "is" if len(partly) == 1 else "are"
        reasons.append(DecisionReason(f"{_listed(partly)} {verb} cheaper only when whole units are fully used"))
    if arc.workload.moving is not None and any(a.offer.provider != arc.offer.provider for a in open_cheaper):
        reasons.append(DecisionReason(arc.workload.moving.sentence))
    for term, pull in _strongest(pulls, arc, price):
        by = f"{abs(pull):,.3g} {currency} per {unit}"
        makes = f"worth {by} more to run here" if pull < 0 else f"{by} dearer here"
        reasons.append(DecisionReason(f"`{term}` makes it {makes}", term))
    return Decision(arc.workload.id, arc.offer.id, nano(quanta * QUANTUM), tuple(reasons))


def _taking(decision: Decision, turns: TakenTurns) -> Decision:
    """The same, and that a gang takes turns with what runs beside it."""
    of = "reserved" if turns.reserved else "there for gangs"
    needs = f"together they need {turns.need:,.4g} GPU at once, and {turns.held:,.4g} are {of}"
    said = f"within a period it takes turns with {_listed(list(turns.beside))}: {needs}"
    return replace(decision, reasons=(*decision.reasons, DecisionReason(said)))


def _unused(
    draft: Draft,
    arc: Arc,
    prices: dict[int, float],
    denied: dict[int, tuple[str, str] | None],
    pulls: dict[str, Floats],
    full: set[str],
    dearest: float,
) -> Decision:
    verdict = denied[arc.index]
    if verdict is not None:
        term, sentence = verdict
        reasons = [DecisionReason(sentence, term)]
    elif np.isnan(draft.prices.listed[arc.index]).all():
        reasons = [DecisionReason("it has no price, or is not on offer, in this time")]
    else:
        price = f"{prices[arc.index]:,.4g} {draft.case.currency} per {arc.workload.unit}"
        sentence = f"at {price} the work costs less, or is worth more, elsewhere"
        if arc.offer.id in full:
            sentence = f"its capacity goes to work that saves more there ({price})"
        elif not arc.metered and prices[arc.index] < dearest:
            sentence = f"it costs {price} only when whole units are fully used"
        dearer = [term for term, pull in _strongest(pulls, arc, prices[arc.index]) if pull > 0]
        reasons = [DecisionReason(sentence), *(DecisionReason(f"`{t}` makes it dearer here", t) for t in dearer)]
    return Decision(arc.workload.id, arc.offer.id, Decimal(0), tuple(reasons), verdict is not None)


def _denied(draft: Draft, arc: Arc) -> tuple[str, str] | None:
    """The clause that keeps a workload off an offer at any time in the horizon, and its sentence."""
    start, end = draft.periods[0].span_start, draft.periods[-1].span_end
    verdict = draft.case.verdict(arc.workload, arc.offer, start, end)
    return None if verdict.permitted or verdict.reason is None else (verdict.clause, verdict.reason.sentence)


def _mean_price(draft: Draft, arc: Arc, quanta: Quanta) -> float:
    """Mean price after discounts with data moved, weighted by the work done (or by time, where none is)."""
    after = draft.prices.after_discounts()
    price = after.use(arc) + after.egress(arc)
    weight = np.where(np.isnan(price), 0.0, quanta if quanta.any() else draft.hours)
    return float(np.nansum(price * weight) / weight.sum()) if weight.sum() else float("inf")


def _full(draft: Draft, solution: Solution) -> set[str]:
    """Offers whose limit, or whose bought units, bind in some period."""
    if solution.duals is None:
        return set()
    return {
        block.owner.name
        for block in draft.program.row_blocks
        if block.owner.kind == "offer" and (np.abs(solution.duals[block.slice]) > 1e-9).any()
    }


def _pulls(draft: Draft, model: Model, solution: Solution) -> dict[str, Floats]:
    """By clause: what its rows add to the price of each column (negative: the clause pays for it)."""
    if solution.duals is None:
        return {}
    own: dict[str, Floats] = {}
    for block in draft.program.row_blocks:
        duals = solution.duals[block.slice]
        if block.owner.kind == "term" and (np.abs(duals) > 1e-12).any():
            own.setdefault(block.owner.name, np.zeros(draft.program.m))[block.slice] = duals
    gives = {name: _gives(units) for name, units in draft.units.items()} if own else {}
    return {name: _per_work(draft, gives, -model.priced(duals)) for name, duals in own.items()}


def _gives(units: Units) -> Floats:
    """What one of each column gives in all of its time, in the offer's own unit."""
    column, _, hours, _ = units.each
    found = np.bincount(column, hours, minlength=len(units.columns))
    return np.asarray(found * float(units.offer.unit_flow), dtype=np.float64)


def _per_work(draft: Draft, gives: Mapping[str, Floats], pull: Floats) -> Floats:
    """Mean pull per unit of work of each arc: on its own columns, and through the units it runs on."""
    by_arc: Floats = pull[draft.x].mean(axis=1) if draft.x.size else np.zeros(0)
    by_unit: dict[str, float] = {}
    for name, given in gives.items():
        filled = given > 0
        if filled.any():
            by_unit[name] = float((pull[draft.units[name].columns][filled] / given[filled]).mean())
    for arc in draft.arcs:
        if not arc.metered and arc.offer.id in by_unit:
            by_arc[arc.index] += by_unit[arc.offer.id] * float(arc.per_work)
    return by_arc


def _strongest(pulls: dict[str, Floats], arc: Arc, price: float) -> list[tuple[str, float]]:
    """Clauses that move an arc's price by enough to matter, strongest first, at most three."""
    moved = [(name, float(pull[arc.index])) for name, pull in pulls.items()]
    least = MATTERS * abs(price) if np.isfinite(price) else 0.0
    found = [(n, p) for n, p in moved if abs(p) > max(least, 1e-9)]
    return sorted(found, key=lambda f: (-abs(f[1]), f[0]))[:3]


def _part(share: float) -> str:
    return "under 1%" if share < 0.01 else f"{share:.0%}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{n}`" for n in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
