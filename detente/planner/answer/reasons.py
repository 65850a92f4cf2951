"""Why each workload is where it is, and why not elsewhere: a decision a placement, whose reasons cite clauses (§1).

Owns: reading a decision off prices, verdicts and the duals of clauses. Not here: the decision (the solver's).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from detente.contract.roles import CallLimit
from detente.contract.settled.standing import Standing
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
from detente.planner.solving.spare import spare_of
from detente.results.plan_rows import NOT_WORKED_OUT, Decision, DecisionReason
from detente.values.money import nano
from detente.values.period import named

MAX_WINDOWS = 6
"""So many windows in which a cap is used up are named."""
MATTERS = 0.005
"""A clause is named where it moves the price of a placement by at least this part."""
ALL_USED = 1e-6
"""Where no more than this part of what is reserved is free, all of it is used: less is the solver's tolerance."""
NOTHING = 1e-9
"""No more than a rounding. A cap that is used up is named by whatever more it moves a price, unlike other clauses."""


@dataclass(frozen=True)
class _Arcs:
    """The offers that could run a workload, and what is known of each, by the index of its arc.

    ``prices``: per unit of work, after discounts. ``denied``: the clause that keeps it off, and its sentence.
    ``used_up``: the caps of which nothing is left, each with the windows in which that is so.
    ``work``: by arc and period. ``none_left``: by what is reserved, the periods in which all of it is used.
    """

    draft: Draft
    arcs: Sequence[Arc]
    prices: Mapping[int, float]
    denied: Mapping[int, tuple[str, str] | None]
    pulls: Mapping[str, Floats]
    full: Collection[str]
    used_up: Mapping[str, str]
    work: Quanta
    none_left: Mapping[str, NDArray[np.bool_]]

    def price_of(self, arc: Arc) -> str:
        """As a sentence has it."""
        return f"{self.prices[arc.index]:,.4g} {self.draft.case.currency} per {arc.workload.unit}"

    def cheaper(self, arc: Arc) -> list[Arc]:
        """Those whose work costs less, whether it may run there or not."""
        price = self.prices[arc.index] * (1 - 1e-9)
        return [each for each in self.arcs if self.prices[each.index] < price]

    def takers(self, arc: Arc, name: str) -> list[str]:
        """Workloads that use all of a reserved offer while an arc's work runs; none where some of it is always free."""
        if name not in self.none_left:
            return []
        at = self.none_left[name] & (self.work[arc.index] > 0)
        return [each.workload.id for each in self.draft.arcs.of_offer[name] if self.work[each.index][at].any()]


def decisions(
    draft: Draft, model: Model, solution: Solution, found: Quantities, standings: Sequence[Standing]
) -> Iterable[Decision]:
    """One decision a workload and offer that could run it, used ones first."""
    used_up = _used_up(draft, standings)
    work, turns = found.work, in_turns(draft, found)
    pulls = _pulls(draft, model, solution)
    prices = {a.index: _mean_price(draft, a, work[a.index]) for a in draft.arcs}
    full, none_left = _full(draft, solution), _none_left(draft, solution, found)
    for workload in draft.case.workloads:
        arcs = draft.arcs.of_workload[workload.id]
        denied = {a.index: _denied(draft, a) for a in arcs}
        known = _Arcs(draft, arcs, prices, denied, pulls, full, used_up, work, none_left)
        total = int(draft.demand[workload.id].quanta.sum()) or 1
        dearest = max((prices[a.index] for a in arcs if work[a.index].any()), default=0.0)
        order = sorted(arcs, key=lambda a: (-int(work[a.index].sum()), a.index))
        for arc in order:
            quanta = int(work[arc.index].sum())
            if quanta:
                decision = _used(known, arc, quanta, total)
                yield _taking(decision, turns[arc.index]) if arc.index in turns else decision
            else:
                yield _unused(known, arc, dearest)


def without_reasons(draft: Draft, found: Quantities) -> Iterable[Decision]:
    """The same where no reasons can be worked out, which is what each says."""
    for workload in draft.case.workloads:
        every = draft.arcs.of_workload[workload.id]
        for arc in sorted(every, key=lambda a: (-int(found.work[a.index].sum()), a.index)):
            work = nano(int(found.work[arc.index].sum()) * QUANTUM)
            yield Decision(workload.id, arc.offer.id, work, (NOT_WORKED_OUT,))


def _used(known: _Arcs, arc: Arc, quanta: int, total: int) -> Decision:
    """Why work runs on an offer, so much of all that the workload asks for."""
    elsewhere = priced_in(arc.offer)
    stated = f" (priced in {elsewhere})" if elsewhere else ""
    runs = f"{_part(quanta / total)} of `{arc.workload.id}` runs here at {known.price_of(arc)}{stated}"
    reasons = (DecisionReason(runs), *_beside_cheaper(known, arc), *_pulled(known, arc))
    return Decision(arc.workload.id, arc.offer.id, nano(quanta * QUANTUM), reasons)


def _beside_cheaper(known: _Arcs, arc: Arc) -> Iterator[DecisionReason]:
    """Why it does not run on the offers where it would cost less, if there are any."""
    cheaper = known.cheaper(arc)
    permitted = [each for each in cheaper if known.denied[each.index] is None]
    if not cheaper:
        yield DecisionReason("the lowest price of all that can serve it")
    elif not permitted:
        yield DecisionReason("the lowest price that is permitted")
    kept_off: dict[str, list[str]] = {}
    for other in cheaper:
        if (denial := known.denied[other.index]) is not None:
            kept_off.setdefault(denial[0], []).append(other.offer.id)
    for term, names in kept_off.items():
        less = f"`{term}` keeps it off {_listed(names)}, which cost{'s' * (len(names) == 1)} less"
        yield DecisionReason(less, term)
    yield from _over_caps(known, arc, permitted)
    if full := [each.offer.id for each in permitted if each.offer.id in known.full]:
        verbs = "costs less but is" if len(full) == 1 else "cost less but are"
        yield DecisionReason(f"{_listed(full)} {verbs} full at times")
    in_units = [each.offer.id for each in permitted if each.offer.id not in known.full and not each.metered]
    takers = {name: known.takers(arc, name) for name in in_units}
    for name in (name for name in in_units if takers[name]):
        yield DecisionReason(
            f"all that is reserved of `{name}`, which costs less, is used at times by {_listed(takers[name])}"
        )
    if partly := [name for name in in_units if not takers[name]]:
        verb = "is" if len(partly) == 1 else "are"
        yield DecisionReason(f"{_listed(partly)} {verb} cheaper only when whole units are fully used")
    if arc.workload.moving is not None and any(each.offer.provider != arc.offer.provider for each in permitted):
        yield DecisionReason(arc.workload.moving.sentence)


def _over_caps(known: _Arcs, arc: Arc, cheaper: Sequence[Arc]) -> Iterator[DecisionReason]:
    """The caps that are used up on the offers where it would cost less, and that make it no dearer here."""
    pulls = {term: known.pulls[term] for term in known.used_up if term in known.pulls}
    own = [term for term, pull in pulls.items() if pull[arc.index] <= NOTHING]
    over: dict[str, list[str]] = {}
    for other in cheaper:
        for term in (term for term in own if pulls[term][other.index] > NOTHING):
            over.setdefault(term, []).append(other.offer.id)
    for term, names in over.items():
        less = f"which cost{'s' * (len(names) == 1)} less"
        yield DecisionReason(f"`{term}` is used up on {_listed(names)}, {less}, in {known.used_up[term]}", term)


def _used_up(draft: Draft, standings: Sequence[Standing]) -> dict[str, str]:
    """The caps of which no more than a rounding is left, and in which windows."""
    caps = {term.id for term in draft.case.terms if isinstance(term, CallLimit)}
    windows: dict[str, list[str]] = {}
    for each in standings:
        if each.term in caps and each.remaining is not None and not each.tells(each.remaining):
            windows.setdefault(each.term, []).append(named(each.start, each.end))
    most = MAX_WINDOWS
    return {
        term: ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")
        for term, found in windows.items()
    }


def _pulled(known: _Arcs, arc: Arc) -> Iterator[DecisionReason]:
    """Which clauses make it cheaper or dearer to run here, and by how much."""
    for term, pull in _strongest(known.pulls, arc, known.prices[arc.index]):
        by = f"{abs(pull):,.3g} {known.draft.case.currency} per {arc.workload.unit}"
        makes = f"worth {by} more to run here" if pull < 0 else f"{by} dearer here"
        yield DecisionReason(f"`{term}` makes it {makes}", term)


def _taking(decision: Decision, turns: TakenTurns) -> Decision:
    """The same, and that a gang takes turns with what runs beside it."""
    of = "reserved" if turns.reserved else "there for gangs"
    needs = f"together they need {turns.need:,.4g} GPU at once, and {turns.held:,.4g} are {of}"
    said = f"within a period it takes turns with {_listed(list(turns.beside))}: {needs}"
    return replace(decision, reasons=(*decision.reasons, DecisionReason(said)))


def _unused(known: _Arcs, arc: Arc, dearest: float) -> Decision:
    """Why no work runs on an offer; ``dearest``: the highest price at which any of the workload runs."""
    denial, price = known.denied[arc.index], known.prices[arc.index]
    if denial is not None:
        term, sentence = denial
        reasons = [DecisionReason(sentence, term)]
    elif np.isnan(known.draft.prices.listed[arc.index]).all():
        reasons = [DecisionReason("it has no price, or is not on offer, in this time")]
    else:
        sentence = f"at {known.price_of(arc)} the work costs less, or is worth more, elsewhere"
        if arc.offer.id in known.full:
            sentence = f"its capacity goes to work that saves more there ({known.price_of(arc)})"
        elif not arc.metered and price < dearest:
            sentence = f"it costs {known.price_of(arc)} only when whole units are fully used"
        dearer = [term for term, pull in _strongest(known.pulls, arc, price) if pull > 0]
        reasons = [DecisionReason(sentence), *(DecisionReason(f"`{t}` makes it dearer here", t) for t in dearer)]
    return Decision(arc.workload.id, arc.offer.id, Decimal(0), tuple(reasons), denial is not None)


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


def _none_left(draft: Draft, solution: Solution, found: Quantities) -> dict[str, NDArray[np.bool_]]:
    """By reserved offer: the periods in which units are held and all of them are used."""
    if solution.values is None:
        return {}
    none_left = {}
    for name, units in draft.units.items():
        if units.offer.reserved:
            counts = found.units[name].astype(np.float64)
            held = units.holding(counts, draft.n)
            none_left[name] = (held > 0) & (spare_of(draft, units, solution.values, counts) <= ALL_USED * held)
    return none_left


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


def _strongest(pulls: Mapping[str, Floats], arc: Arc, price: float) -> list[tuple[str, float]]:
    """Clauses that move an arc's price by enough to matter, strongest first, at most three."""
    moved = [(name, float(pull[arc.index])) for name, pull in pulls.items()]
    least = MATTERS * abs(price) if np.isfinite(price) else 0.0
    found = [(n, p) for n, p in moved if abs(p) > max(least, NOTHING)]
    return sorted(found, key=lambda f: (-abs(f[1]), f[0]))[:3]


def _part(share: float) -> str:
    return "under 1%" if share < 0.01 else f"{share:.0%}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{n}`" for n in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
