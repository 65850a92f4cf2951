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
from detente.market.offer import GpuOffer, TokenOffer
from detente.planner.formulation.arc import covers
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.formulation.program import Block
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.study import Study
from detente.results.conflict import Clash, Concession, Conflict, Version
from detente.values.money import nano, shown
from detente.values.period import named

LARGE = 20_000
"""Columns above which the ways out of a conflict are sought without whole units, unless it turns on them."""

ACCURATE = 1e-6
"""The relative gap to which whole numbers are sought for a way out."""

COLLIDING = ("demand", "offer", "units", "gang")
"""Owners that are no clauses, and of which some may collide."""

MAX_FACTS = 60
"""Workloads and offers that are tried one by one for a part in a conflict."""


def find_conflict(study: Study, whole: Ints | None = None) -> Conflict:
    """A minimal set of clauses that cannot be met together, and the ways out, cheapest first.

    Parameters
    ----------
    study
        Of a case that has no plan; where it is ``performed``, remedies (a shortfall against a fee) are ruled out.
    whole
        Columns that must be integer for the conflict to show; None where it shows without.
    """
    program = study.draft.program
    denying = (denial.turns_on for denial in program.denials)
    present = {block.owner for block in program.row_blocks}.union(*denying)
    clauses = by_owner(study.case.terms)
    owners = [o for o, term in clauses.items() if o in present and not (term.effect == "grants" and term.prices)]
    minimal = _minimal(study, owners, whole) if study.relaxed(owners).possible(whole) else []
    others = study.relaxed(o for o in owners if o not in minimal)
    facts = _facts(others, whole) or ([] if minimal else _collision(others, whole))
    clashes = [_clash(study, owner) for owner in minimal]
    ways = _ways_out(study, minimal, whole) if minimal else []
    return Conflict(study.case.reading, tuple(clashes), tuple(facts), tuple(ways))


def _minimal(study: Study, owners: Sequence[Owner], whole: Ints | None) -> list[Owner]:
    """Drop each clause in turn; one whose absence cures nothing stays out. What is left is minimal.

    Of an amended clause each version by itself, so that the one is named which collides.
    """
    dropped: list[Owner] = []
    for owner in owners:
        if not study.relaxed([*dropped, owner]).possible(whole):
            dropped.append(owner)
    return [owner for owner in owners if owner not in dropped]


def _facts(study: Study, whole: Ints | None) -> list[str]:
    """Demand that must be served and capacity that is not there, each of which alone would cure the conflict."""
    offers, unserved = study.case.offers, study.draft.unserved
    found = [
        f"`{workload.id}` must be served: it has no `value`, so it cannot go unserved"
        for workload in study.case.workloads[:MAX_FACTS]
        if workload.id not in unserved and study.relaxed([Owner("demand", workload.id)]).possible(whole)
    ]
    found += [
        f"`{offer.id}` has no more capacity"
        for offer in offers[: MAX_FACTS if len(offers) <= MAX_FACTS else 0]
        if study.relaxed([Owner("offer", offer.id)]).possible(whole)
    ]
    return found


def _collision(study: Study, whole: Ints | None) -> list[str]:
    """Demand and capacity that collide without any clause, where none of them alone would cure it: a minimal set."""
    blocks = study.draft.program.row_blocks
    owners = list(dict.fromkeys(block.owner for block in blocks if block.owner.kind in COLLIDING))
    if len(owners) > 2 * MAX_FACTS or not study.relaxed(owners).possible(whole):
        return []
    return [sentence for owner in _minimal(study, owners, whole) if (sentence := _collides(study.draft, owner))]


def _collides(draft: Draft, owner: Owner) -> str:
    """What a demand, an offer or a gang asks for, as one of those that collide."""
    if owner.kind in ("demand", "gang"):
        workload = next(w for w in draft.case.workloads if w.id == owner.name)
        if owner.kind == "gang":
            return f"`{owner.name}` runs as a whole gang, or not at all"
        work = shown(float(draft.demand[owner.name].work.sum()), _plural(workload.unit))
        may = "may go unserved at its `value`" if workload.value is not None else "must be served: it has no `value`"
        return f"`{owner.name}` {may} ({work} in all)"
    offer = next(o for o in draft.case.offers if o.id == owner.name)
    if owner.kind == "units":
        return f"`{owner.name}` is bought in whole units, and serves no more than what is bought"
    flow = 1.0 if isinstance(offer, TokenOffer) else float(offer.unit_flow)
    there_is = float((draft.most(offer) * draft.hours).sum()) * flow
    total = shown(there_is, "GPU-hours" if isinstance(offer, GpuOffer) else "Mtok")
    return f"`{owner.name}` has no more capacity ({offer.capacity}: {total} in all)"


def _clash(study: Study, owner: Owner) -> Clash:
    term = by_owner(study.case.terms)[owner]
    return Clash(_version(study, term), term.validity.agreement, term.text, term.explain().sentence)


def _version(study: Study, term: Term) -> Version:
    amended = sum(other.id == term.id for other in study.case.terms) > 1
    return Version(term.id, term.validity.start, term.validity.end, amended)


def _ways_out(study: Study, minimal: Sequence[Owner], whole: Ints | None) -> list[Concession]:
    """Each clause of the conflict giving way alone, by as little as it can; all together where none suffices.

    A clause gives in all its versions: one that was amended may collide in more than one.
    """
    every = list(by_owner(study.case.terms))
    clauses = [[owner for owner in every if owner.name == name] for name in dict.fromkeys(o.name for o in minimal)]
    ways = [way for versions in clauses for way in _together(_give(study, versions, whole))]
    ways = ways or _together(_give(study, every, whole))
    return sorted(ways, key=lambda w: (w.cost is None, w.cost or Decimal(0), w.term, w.version.start))


def _together(ways: Sequence[Concession]) -> list[Concession]:
    """Concessions of which none is enough without the others: each says so."""
    found = []
    for way in ways:
        others = tuple(other.version for other in ways if other is not way)
        names = " and ".join(", ".join(other.name for other in others).rsplit(", ", 1))
        words = f"{way.sentence}; only together with {names}" if others else way.sentence
        found.append(replace(way, sentence=words, together=others))
    return found


def _give(study: Study, owners: Sequence[Owner], whole: Ints | None) -> list[Concession]:
    """The least that some clauses must give together, then the least cost at that.

    Whole units count where the conflict turns on them, and in every program that is not large.
    """
    soft = study.softened(owners)
    model, giving = soft.model, soft.giving
    assert giving is not None
    columns = np.concatenate(list(giving.totals.values()))
    counts = np.flatnonzero(model.integer).astype(np.int32) if model.program.n <= LARGE else np.zeros(0, np.int32)
    counts = counts if whole is None else np.union1d(counts, whole).astype(np.int32)
    least = _least(model, columns, counts)
    if least.status != "optimal" or least.values is None:
        return []
    model.confine(columns, np.zeros(len(columns)), least.values[columns] * (1 + 1e-9) + 1e-9)
    best = model.solve_as(counts, ACCURATE) if len(counts) else model.solve_linear()
    model.release(columns)
    final = best if best.status == "optimal" and best.values is not None else least
    cost = nano(Fraction(best.objective)) if final is best else None
    assert final.values is not None
    amounts = least if len(owners) == 1 else final  # of several the least sum may be split more cheaply than at first
    assert amounts.values is not None
    given = {owner: float(amounts.values[total[0]]) for owner, total in giving.totals.items()}
    return [_concession(soft, owner, amount, final.values, cost) for owner, amount in given.items() if amount > 1e-6]


def _least(model: Model, columns: Ints, counts: Ints) -> Solution:
    """The least sum of some columns."""
    cost = np.zeros(model.program.n)
    cost[columns] = 1.0
    model.objective(cost)
    found = model.solve_as(counts, ACCURATE) if len(counts) else model.solve_linear()
    model.objective(None)
    return found


def _concession(soft: Study, owner: Owner, given: float, values: Floats, cost: Decimal | None) -> Concession:
    draft = soft.draft
    term = by_owner(draft.case.terms)[owner]
    amount = Fraction(f"{given:.9g}")  # what follows is the solver's tolerance
    rows = [block for block in draft.program.row_blocks if block.owner == owner]
    unit = next((block.unit for block in rows if block.unit), "") or _unit(draft, term)
    sentence = term.concede(amount, _plural(unit), draft.case.currency)
    return Concession(_version(soft, term), nano(amount), unit, sentence + _when(soft, owner, rows, values, unit), cost)


def _plural(unit: str) -> str:
    """Of a unit that has one: `GPU-hours`, but `Mtok` and `USD`."""
    return f"{unit}s" if unit.endswith("hour") else unit


def _unit(draft: Draft, term: Term) -> str:
    units = {a.workload.unit for a in draft.arcs if covers(term.covered, a.demand, a.sold)}
    return "/".join(sorted(units)) or "units"


def _when(soft: Study, owner: Owner, rows: Sequence[Block], values: Floats, unit: str) -> str:
    """The windows in which a clause gives, with the amount of each."""
    assert soft.giving is not None
    windows = next((block.windows for block in rows if block.windows), ())
    given = np.zeros(len(windows))
    for block in soft.giving.blocks[owner]:
        if block.stop - block.start == len(windows):
            given += values[block.slice]
    found = [(window, amount) for window, amount in zip(windows, given.tolist(), strict=True) if amount > 1e-6]
    if not found:
        return ""
    texts = [f"{named(w.start, w.end)}: {shown(v, unit)}" for w, v in found[:6]]
    more = f"; and {len(found) - 6} more windows" if len(found) > 6 else ""
    return f" ({'; '.join(texts)}{more})"
