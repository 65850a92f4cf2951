"""From a program to a plan, or to a conflict that names clauses.

Owns: the order of solves (relaxed, whole units, fixed), what counts as optimal, and the check against the exact bill.
Not here: the solver (``program``), the bill (``bill``), the rows of a plan (``result``), conflicts (``conflict``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detente.case.case import Case
from detente.errors import BillError, NoPlanError
from detente.planner.answer.bill import Bill, charge
from detente.planner.answer.conflict import find_conflict
from detente.planner.answer.result import result
from detente.planner.answer.rounding import settled
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.formulate import formulate
from detente.planner.formulation.purchases import rounded_up
from detente.planner.solving.branch import branch
from detente.planner.solving.interrupt import held
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution, Stopped
from detente.results.conflict import Conflict
from detente.results.plan import Plan

GAP = 1e-4
"""A plan within this much of its bound counts as optimal."""

FEW, LARGE = 60, 20_000
"""At most so many whole columns in a program of more than so many: our own branch and bound."""

STOPPING = "stopping with the best plan so far; Ctrl-C again stops at once, without it"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """The best whole-unit solution so far, and the best bound."""

    solution: Solution | None
    bound: float
    stopped: Stopped | None = None
    rounding: float = 0.0  # what the last rounding up of whole units added to the cost
    prices: Solution | None = None  # the relaxed program's: its duals are the marginal prices


@dataclass(frozen=True)
class Unmet:
    """No plan obeys every clause: some clauses collide, as it may be where these columns must be whole."""

    whole: Ints | None = None


def plan(
    case: Case, *, gap: float = GAP, time_limit: float | None = None, progress: Progress = lambda text: None
) -> Plan | Conflict:
    """A least-cost plan that obeys every clause.

    Parameters
    ----------
    gap
        Stop the search for whole units at this relative distance between cost and bound.
    time_limit
        Seconds; then the best plan so far, marked so.
    progress
        Told, in a few words, what is being done.

    Returns
    -------
    Plan or Conflict
        A conflict where no plan obeys every clause.

    Raises
    ------
    NoPlanError
        Stopped by the time limit or by Ctrl-C before any plan was found.
    KeyboardInterrupt
        Ctrl-C pressed twice, or where no plan obeys every clause.
    SolverError, BillError
        The solver doubts its answer, or the exact bill differs from it.
    """
    progress("formulating")
    draft = formulate(case)
    progress(f"assembling {draft.program.n:,} columns, {draft.program.m:,} rows")
    model = Model(draft.program)
    model.deadline = None if time_limit is None else time.monotonic() + time_limit
    with held(lambda: progress(STOPPING)) as model.interrupt:
        found = search(draft, model, gap, progress)
        if isinstance(found, Found):
            return billed(draft, model, found, gap, progress)
    if model.interrupt.noted:
        raise KeyboardInterrupt
    progress("looking for the clauses that collide")
    return find_conflict(draft, model, found.whole)


def billed(draft: Draft, model: Model, found: Found, gap: float, progress: Progress) -> Plan:
    """The plan of what was found, by its exact bill; Ctrl-C meanwhile is too late to lose it, and marks it."""
    if found.solution is None or found.solution.values is None:
        raise NoPlanError(f"no plan was found before the stop ({found.stopped}); give it more time")
    progress("billing")
    solution, whole = settled(draft, model, found.solution, unit_columns(draft))
    exact = charge(draft, whole)
    check(draft, exact, solution)
    prices = found.prices or found.solution
    plan = result(draft, model, solution, prices, exact, found.bound, found.rounding, gap, found.stopped)
    late = model.interrupt is not None and model.interrupt.noted
    return replace(plan, status="interrupted") if late and plan.status == "feasible" else plan


def search(draft: Draft, model: Model, gap: float, progress: Progress) -> Found | Unmet:
    """Relaxed; rounded up; and, where few whole units matter, branch and bound from there."""
    progress("solving")
    relaxed = model.solve_linear()
    if relaxed.status == "infeasible":
        return Unmet()
    if relaxed.status in ("time-limit", "interrupted"):
        return Found(_idle(model, draft), _no_bound(model), relaxed.status)
    bound = relaxed.bound
    columns = unit_columns(draft)
    if not len(columns):
        return Found(relaxed, bound, prices=relaxed)
    best = round_up(draft, model, relaxed, columns)
    small = np.flatnonzero(model.integer).astype(np.int32)
    added = best.objective - relaxed.objective if best is not None else 0.0
    if best is not None and _close(best.objective, bound, gap):
        return Found(best, bound, rounding=added, prices=relaxed)
    if 0 < len(small) <= FEW and draft.program.n > LARGE:
        progress(f"branching over {len(small):,} whole numbers{_at_hand(best, bound)}")
        tried = branch(model, small, relaxed, best, gap, lambda node: round_up(draft, model, node, columns, small))
        if tried.best is None and tried.stopped is None:  # rounding the larger counts up fails: all must be whole
            return _branched(draft, model, columns, columns, gap, Found(None, bound, prices=relaxed), progress)
        return Found(tried.best, max(bound, tried.bound), tried.stopped, added, relaxed)
    if len(small):
        progress(f"choosing {len(small):,} whole numbers{_at_hand(best, bound)}")
        known = Found(best, bound, rounding=added, prices=relaxed)
        return _branched(draft, model, columns, small, gap, known, progress)
    if best is None:  # rounding up breaks a clause: every count must be whole from the start
        progress(f"choosing {len(columns):,} whole numbers")
        return _branched(draft, model, columns, columns, gap, Found(None, bound, prices=relaxed), progress)
    return Found(best, bound, rounding=added, prices=relaxed)


def _at_hand(best: Solution | None, bound: float) -> str:
    """What a stop (a time limit, Ctrl-C) would leave: the search may take long for the last of it."""
    if best is None:
        return ""
    return f"; a plan within {(best.objective - bound) / max(abs(best.objective), 1e-9):.3%} of the bound is at hand"


def _idle(model: Model, draft: Draft) -> Solution | None:
    """Serve nothing and buy nothing: the plan always at hand when time runs out. None where that is forbidden."""
    model.deadline = None
    columns = np.concatenate([draft.x.ravel(), unit_columns(draft)])
    model.fix(columns, np.zeros(len(columns)))
    with model.uninterrupted():
        found = model.solve_linear()
    return found if found.status == "optimal" else None


def _no_bound(model: Model) -> float:
    """What no plan can cost less than, before anything is solved: each column at its best, whatever the rows say."""
    return float(np.minimum(model.cost * model.upper, 0.0).sum())


def unit_columns(draft: Draft) -> Ints:
    """Every column that counts something whole."""
    parts = [*(u.columns for u in draft.units.values()), *(gangs for _, gangs, _ in draft.gangs)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


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


def whole_counts(draft: Draft, model: Model, relaxed: Solution, columns: Ints, settled: Ints | None = None) -> Floats:
    """Whole counts that hold what a solution uses; those in ``settled`` are whole already and stay."""
    assert relaxed.values is not None
    counts = rounded_up(draft, relaxed.values)
    gangs = [np.ceil(relaxed.values[columns] - 1e-6) for _, columns, _ in draft.gangs]
    up = np.concatenate([*(counts[name] for name in draft.units), *gangs])
    if settled is not None:
        kept = np.isin(columns, settled)
        up[kept] = np.rint(relaxed.values[columns[kept]])
    most: Floats = np.floor(model.upper[columns] + 1e-9)
    return np.asarray(np.minimum(up, most), dtype=np.float64)


def _branched(
    draft: Draft, model: Model, columns: Ints, whole: Ints, gap: float, known: Found, progress: Progress
) -> Found | Unmet:
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
            return _branched(draft, model, columns, columns, gap, Found(None, bound, prices=known.prices), progress)
    return Found(best, bound, stopped, added, known.prices)


def check(draft: Draft, exact: Bill, solution: Solution) -> None:
    """The exact bill against the solver's objective: a difference beyond rounding is an error (§4)."""
    difference = float(exact.total) - solution.objective
    scale = max(abs(solution.objective), float(abs(exact.listed)), 1.0)
    if abs(difference) > 1e-6 * scale:
        raise BillError(
            f"the plan's exact bill is {exact.total} and the solver's cost {solution.objective:.6f}: they differ by "
            f"{difference:.6f}, beyond rounding"
        )
