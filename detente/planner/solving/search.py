"""The search for a least-cost solution with whole numbers: relaxed, rounded up, branched, fixed.

Owns: the order of solves, what counts as close enough, and which columns are made whole by which rule. Not here: the
solver (``model``), what a study varies (``planner.study``), and what becomes of a solution (``answer``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detente.contract.decisions import Rounding
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.program import Block
from detente.planner.formulation.purchases import rounded_up
from detente.planner.solving.branch import better, branch
from detente.planner.solving.model import Basis, Model
from detente.planner.solving.solution import Solution, Stopped
from detente.planner.solving.spare import with_less_idle

FEW, LARGE = 60, 20_000
"""At most so many whole columns in a program of more than so many: our own branch and bound."""

WHOLE = 1e-6
"""A number this near to a whole one is it."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Incumbent:
    """The best whole-unit solution so far, and the best bound."""

    solution: Solution | None
    bound: float
    stopped: Stopped | None = None
    rounding: float = 0.0  # what the last rounding up of whole units added to the cost
    prices: Solution | None = None  # the relaxed program's: its duals are the marginal prices
    basis: Basis | None = None  # where the relaxed program ended

    @property
    def cost(self) -> float:
        """What it costs; infinite where there is none yet."""
        return math.inf if self.solution is None else self.solution.objective

    @property
    def gap(self) -> float:
        """How far its cost may be from the least, as a part of it."""
        return max(0.0, self.cost - self.bound) / max(abs(self.cost), 1e-9) if self.solution else math.inf


@dataclass(frozen=True)
class Unmet:
    """No plan obeys every clause: some clauses collide, as it may be where these columns must be whole."""

    whole: Ints | None = None


def search(
    draft: Draft, model: Model, gap: float, progress: Progress, start: Incumbent | None = None
) -> Incumbent | Unmet:
    """Relaxed; rounded up; and, where few whole units matter, branch and bound from there.

    ``start`` is what was found for a program near this one: where it ended is where this begins, and its whole numbers
    are tried.
    """
    progress("solving")
    if start is not None and start.basis is not None:
        model.start_at(start.basis)
    relaxed = model.solve_linear()
    if relaxed.status == "optimal" and model.sized_by(relaxed.objective):
        relaxed = model.solve_linear()
    if relaxed.status == "infeasible":
        return Unmet()
    if relaxed.status in ("time-limit", "interrupted"):
        return Incumbent(_idle(model, draft), _no_bound(model), relaxed.status)
    basis = model.basis
    found = _made_whole(draft, model, relaxed, gap, progress, start)
    if not isinstance(found, Incumbent):
        return found
    best, columns = found.solution, whole_columns(draft)
    if best is not None and found.stopped is None and len(columns):
        best = with_less_idle(draft, model, best, columns)
    return replace(found, solution=best, basis=basis)


def _made_whole(
    draft: Draft, model: Model, relaxed: Solution, gap: float, progress: Progress, start: Incumbent | None
) -> Incumbent | Unmet:
    """From the relaxed program's solution to one in whole numbers."""
    bound = relaxed.bound
    columns = whole_columns(draft)
    if not len(columns):
        return Incumbent(relaxed, bound, prices=relaxed)
    best = round_up(draft, model, relaxed, columns)
    if start is not None and not (best is not None and _close(best.objective, bound, gap)):
        best = better(best, _with_counts(model, columns, start))
    small = np.flatnonzero(model.integer & (model.held == 0)).astype(np.int32)
    added = best.objective - relaxed.objective if best is not None else 0.0
    if best is not None and _close(best.objective, bound, gap):
        return Incumbent(best, bound, rounding=added, prices=relaxed)
    if 0 < len(small) <= FEW and draft.program.n > LARGE:
        progress(f"branching over {len(small):,} whole numbers{_at_hand(best, bound)}")
        tried = branch(model, small, relaxed, best, gap, lambda node: round_up(draft, model, node, columns, small))
        if tried.best is None and tried.stopped is None:  # rounding the larger counts up fails: all must be whole
            return _branched(draft, model, columns, columns, gap, Incumbent(None, bound, prices=relaxed), progress)
        return Incumbent(tried.best, max(bound, tried.bound), tried.stopped, added, relaxed)
    if len(small):
        progress(f"choosing {len(small):,} whole numbers{_at_hand(best, bound)}")
        known = Incumbent(best, bound, rounding=added, prices=relaxed)
        return _branched(draft, model, columns, small, gap, known, progress)
    if best is None:  # rounding up breaks a clause: every count must be whole from the start
        progress(f"choosing {len(columns):,} whole numbers")
        return _branched(draft, model, columns, columns, gap, Incumbent(None, bound, prices=relaxed), progress)
    return Incumbent(best, bound, rounding=added, prices=relaxed)


def _at_hand(best: Solution | None, bound: float) -> str:
    """What a stop (a time limit, Ctrl-C) would leave: the search may take long for the last of it."""
    if best is None:
        return ""
    return f"; a plan within {(best.objective - bound) / max(abs(best.objective), 1e-9):.3%} of the bound is at hand"


def _idle(model: Model, draft: Draft) -> Solution | None:
    """Serve nothing and buy nothing: the plan always at hand when time runs out. None where that is forbidden."""
    model.deadline = None
    columns = np.concatenate([draft.x.ravel(), whole_columns(draft)])
    model.fix(columns, np.zeros(len(columns)))
    with model.uninterrupted():
        found = model.solve_linear()
    return found if found.status == "optimal" else None


def _no_bound(model: Model) -> float:
    """What no plan can cost less than, before anything is solved: each column at its best, whatever the rows say."""
    return float(np.minimum(model.cost * model.upper, 0.0).sum())


def whole_columns(draft: Draft) -> Ints:
    """Every column that counts something whole: units, gangs, and what clauses own."""
    own = [block.numbers for block in clause_counts(draft)]
    parts = [*(u.columns for u in draft.units.values()), *(gangs for _, gangs, _ in draft.gangs), *own]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


def clause_counts(draft: Draft) -> list[Block]:
    """Whole columns that clauses own."""
    return [block for block in draft.program.column_blocks if block.whole and block.owner.kind == "term"]


def _close(cost: float, bound: float, gap: float) -> bool:
    return cost - bound <= gap * max(abs(cost), 1e-9)


def round_up(
    draft: Draft, model: Model, relaxed: Solution, columns: Ints, settled: Ints | None = None
) -> Solution | None:
    """Round whole things up, fix them, and solve the rest again; None where a clause does not allow it."""
    model.fix(columns, whole_counts(draft, model, relaxed, columns, settled))
    fixed = model.solve_linear()
    model.release(columns)
    return fixed if fixed.status == "optimal" else None


def _with_counts(model: Model, columns: Ints, start: Incumbent) -> Solution | None:
    """The least cost with the whole numbers of what was found for a program near this one, if they do here."""
    if start.solution is None or start.solution.values is None or columns.max() >= len(start.solution.values):
        return None
    counts = np.rint(start.solution.values[columns])
    if (counts > model.most[columns] + WHOLE).any():
        return None
    model.fix(columns, counts)
    fixed = model.solve_linear()
    model.release(columns)
    return fixed if fixed.status == "optimal" else None


def whole_counts(draft: Draft, model: Model, relaxed: Solution, columns: Ints, settled: Ints | None = None) -> Floats:
    """Whole counts that hold what a solution uses, a clause's own by its rule; those in ``settled`` stay."""
    assert relaxed.values is not None
    counts = rounded_up(draft, relaxed.values)
    gangs = [rounded(relaxed.values[columns], "up") for _, columns, _ in draft.gangs]
    own = [rounded(relaxed.values[block.slice], block.rounding) for block in clause_counts(draft)]
    up = np.concatenate([*(counts[name] for name in draft.units), *gangs, *own])
    if settled is not None:
        kept = np.isin(columns, settled)
        up[kept] = np.rint(relaxed.values[columns[kept]])
    most: Floats = np.floor(model.most[columns] + WHOLE)
    return np.asarray(np.clip(up, 0.0, most), dtype=np.float64)


def rounded(values: Floats, rule: Rounding) -> Floats:
    """Whole numbers, by a rule; what is whole but for the solver's tolerance stays as it is."""
    if rule == "nearest":
        return np.rint(values)
    return np.ceil(values - WHOLE) if rule == "up" else np.floor(values + WHOLE)


def _branched(
    draft: Draft, model: Model, columns: Ints, whole: Ints, gap: float, known: Incumbent, progress: Progress
) -> Incumbent | Unmet:
    """Branch and bound over ``whole``, then round the larger counts up and fix everything."""
    model.whole(whole, on=True)
    tried = model.solve_whole(gap)
    model.whole(whole, on=False)
    if tried.status == "infeasible":
        return Unmet(whole)
    stopped = tried.status if tried.status in ("time-limit", "interrupted") else None
    best, added = known.solution, known.rounding
    bound = max(known.bound, tried.bound) if math.isfinite(tried.bound) else known.bound
    if tried.values is not None:
        with model.uninterrupted():
            fixed = round_up(draft, model, tried, columns, whole)
        if fixed is not None and (best is None or fixed.objective < best.objective):
            best, added = fixed, max(0.0, fixed.objective - tried.objective)
        if best is None and len(whole) < len(columns):
            progress(f"choosing {len(columns):,} whole numbers")
            return _branched(draft, model, columns, columns, gap, Incumbent(None, bound, prices=known.prices), progress)
    return Incumbent(best, bound, stopped, added, known.prices)
