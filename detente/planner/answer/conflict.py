"""Which clauses collide, and the cheapest way out (§8).

Owns: the minimal set (a deletion filter over clauses) and the relaxations (least give of one clause, then least cost).
Not here: how a clause is worded (``Term.concede``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from detente.contract.term import Term
from detente.errors import NoPlanError
from detente.planner.formulation.arc import covers
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Ints
from detente.planner.formulation.formulate import formulate
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.results.conflict import Clash, Concession, Conflict
from detente.values.money import nano, shown
from detente.values.period import named

LARGE = 20_000
"""Columns above which the ways out of a conflict are sought without whole units, unless it turns on them."""

MOST_FACTS = 60
"""Workloads and offers that are tried one by one for a part in a conflict."""


def find_conflict(draft: Draft, model: Model, whole: Ints | None = None, *, perform: bool = False) -> Conflict:
    """A minimal set of clauses that cannot be met together, and the ways out, cheapest first.

    Parameters
    ----------
    whole
        Columns that must be integer for the conflict to show; None where it shows without.
    perform
        Whether remedies (a shortfall against a fee) were ruled out.
    """
    case = draft.case
    model.objective(np.zeros(draft.program.n))
    if whole is not None:
        model.whole(whole, on=True)
    owners = [f"term/{t.id}" for t in case.terms if t.effect != "grants" or t.prices is False]
    denying = (denial.turns_on for denial in draft.program.denials)
    present = {b.owner for b in draft.program.row_blocks}.union(*denying)
    owners = [o for o in dict.fromkeys(owners) if o in present]

    model.relax(owners)
    without_any = _feasible(model, whole)
    model.restore(owners)
    minimal = _minimal(model, owners, whole) if without_any else []
    facts = _facts(draft, model, [o for o in owners if o not in minimal], whole)
    if whole is not None:
        model.whole(whole, on=False)
    model.objective(None)
    clashes = [_clash(case.term(owner.removeprefix("term/"))) for owner in minimal]
    ways = _ways_out(draft, minimal, perform, whole) if minimal else []
    return Conflict(case.reading, tuple(clashes), tuple(facts), tuple(ways))


def _feasible(model: Model, whole: Ints | None) -> bool:
    found = model.solve_linear() if whole is None else model.solve_whole(1.0)
    if found.status == "interrupted":
        raise KeyboardInterrupt
    if found.status == "time-limit":
        raise NoPlanError("there is no plan; which clauses collide was not found in time: give it more time")
    return found.status == "optimal"


def _minimal(model: Model, owners: Sequence[str], whole: Ints | None) -> list[str]:
    """Drop each clause in turn; one whose absence cures nothing stays out. What is left is minimal."""
    kept = list(owners)
    for owner in owners:
        model.relax([owner])
        if _feasible(model, whole):
            model.restore([owner])
        else:
            kept.remove(owner)
    model.restore([o for o in owners if o not in kept])
    return kept


def _facts(draft: Draft, model: Model, others: Sequence[str], whole: Ints | None) -> list[str]:
    """Demand that must be served and capacity that is not there, each of which alone would cure the conflict."""
    model.relax(others)
    found = [
        f"`{workload.id}` must be served: it states no `value` at which it may go unserved"
        for workload in draft.case.workloads[:MOST_FACTS]
        if workload.id not in draft.unserved and _cures(model, f"demand/{workload.id}", whole)
    ]
    found += [
        f"`{offer.id}` has no more capacity"
        for offer in draft.case.offers[: MOST_FACTS if len(draft.case.offers) <= MOST_FACTS else 0]
        if _cures(model, f"offer/{offer.id}", whole)
    ]
    model.restore(others)
    return found


def _cures(model: Model, owner: str, whole: Ints | None) -> bool:
    model.relax([owner])
    cured = _feasible(model, whole)
    model.restore([owner])
    return cured


def _clash(term: Term | None) -> Clash:
    assert term is not None
    return Clash(term.id, term.force.agreement, term.text, term.explain().sentence)


def _ways_out(draft: Draft, minimal: Sequence[str], perform: bool, whole: Ints | None) -> list[Concession]:
    """Each clause of the conflict giving way alone, by as little as it can; all together where none suffices."""
    ways = [way for owner in minimal for way in _give(draft, [owner], perform, whole)]
    if not ways:
        every = [f"term/{t.id}" for t in draft.case.terms]
        ways = _together(_give(draft, list(dict.fromkeys(every)), perform, whole))
    return sorted(ways, key=lambda w: (w.cost is None, w.cost or Decimal(0), w.term))


def _together(ways: Sequence[Concession]) -> list[Concession]:
    """Concessions of which none is enough without the others: each says so."""
    found = []
    for way in ways:
        others = tuple(other.term for other in ways if other is not way)
        names = " and ".join(", ".join(f"`{name}`" for name in others).rsplit(", ", 1))
        words = f"{way.sentence}; only together with {names}" if others else way.sentence
        found.append(replace(way, sentence=words, together=others))
    return found


def _give(draft: Draft, owners: Sequence[str], perform: bool, whole: Ints | None) -> list[Concession]:
    """The least that some clauses must give together, then the least cost at that.

    Whole units count where the conflict turns on them, and in every program that is not large.
    """
    soft = formulate(draft.case)
    most = max(1e6, sum(block.most for block in soft.program.column_blocks) * 10)
    totals = soft.program.soften(owners, min(most, 1e14), remedies=perform)
    model = Model(soft.program)
    if perform:
        model.without_remedies(spare=owners)
    cost = np.zeros(soft.program.n)
    for total in totals.values():
        cost[total] = 1.0
    model.objective(cost)
    counts = np.flatnonzero(model.integer).astype(np.int32) if soft.program.n <= LARGE else np.zeros(0, np.int32)
    counts = counts if whole is None else np.union1d(counts, whole).astype(np.int32)
    least = _least(model, counts)
    if least.status != "optimal" or least.values is None:
        return []
    for total in totals.values():
        value = float(least.values[total[0]])
        model.upper[total] = value * (1 + 1e-9) + 1e-9
        model.release(total)
    model.objective(None)
    best = _least(model, counts)
    final = best if best.status == "optimal" and best.values is not None else least
    total_cost = nano(Fraction(best.objective)) if final is best else None
    return [
        _concession(soft, owner, total, final, total_cost)
        for owner, total in totals.items()
        if final.values is not None and final.values[total[0]] > 1e-6
    ]


def _least(model: Model, counts: Ints) -> Solution:
    if not len(counts):
        return model.solve_linear()
    model.whole(counts, on=True)
    found = model.solve_whole(1e-6)
    model.whole(counts, on=False)
    return found


def _concession(draft: Draft, owner: str, total: Ints, found: Solution, cost: Decimal | None) -> Concession:
    term = draft.case.term(owner.removeprefix("term/"))
    assert term is not None
    assert found.values is not None
    amount = Fraction(float(found.values[total[0]])).limit_denominator(10**6)
    money = hasattr(term, "amount") or getattr(term, "measure", "") == "spend"
    unit = draft.case.currency if money else _unit(draft, term)
    sentence = term.concede(amount, unit, draft.case.currency)
    when = _when(draft, owner, term, found, unit, money=money)
    return Concession(term.id, nano(amount), unit, sentence + when, cost)


def _unit(draft: Draft, term: Term) -> str:
    units = {a.workload.unit for a in draft.arcs if covers(term.covered, a.demand, a.sold)}
    return "/".join(sorted(units)) or "units"


def _when(draft: Draft, owner: str, term: Term, found: Solution, unit: str, *, money: bool) -> str:
    """The windows in which a clause gives, with the amount of each."""
    every = getattr(term, "windows", None)
    assert found.values is not None
    if every is None:
        return ""
    windows = term.cut_into(every, draft.horizon)
    parts: dict[int, float] = {}
    for block in draft.program.column_blocks:
        gives = block.owner == f"give/{owner}" or (block.owner == owner and block.remedy)
        if gives and block.stop - block.start == len(windows) and block.part != "total":
            for index, value in enumerate(found.values[block.slice]):
                parts[index] = parts.get(index, 0.0) + float(value)
    given = [(windows[i], v) for i, v in parts.items() if v > 1e-6]
    if not given:
        return ""
    texts = [f"{named(w.start, w.end)}: {shown(v, unit)}" for w, v in given[:6]]
    more = f"; and {len(given) - 6} more windows" if len(given) > 6 else ""
    return f" ({'; '.join(texts)}{more})"
