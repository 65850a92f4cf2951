"""Of plans that cost the same, one in which less work moves from provider to provider.

Owns: what may change at no cost, and which solution is the better one. How much of a workload is done at which time
stays as it was found; where it is done may change. Not here: the search (``search``), the small program of what may
change (``opening``), and what counts as a move (``moves``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from detente.demand.workload import AnyWorkload, Batch, Training
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Floats, Ints, dot
from detente.planner.solving.model import Model
from detente.planner.solving.moves import Runs
from detente.planner.solving.solution import Solution
from detente.planner.solving.steadier_program import Opening, least_moves
from detente.results.move_count import MIN_PART

ZERO = 1e-9
"""A smaller price of a row or a column, in the solver's scale, is none."""

MAX_WHOLE, MAX_COLUMNS = 500, 5_000
"""Units by the hour are swapped, too, where they are at most so many, in a program of at most so many columns."""


def moving_least(draft: Draft, model: Model, best: Solution, columns: Ints) -> Solution:
    """A solution of the same cost, whole in ``columns``, in which less moves; the same one where none is found.

    First with all whole numbers as they are, then, where few, with units by the hour to swap between offers.
    """
    assert best.values is not None
    runs = list(_runs(draft, best.values))
    if best.duals is None or not _moved(runs, best.values):
        return best
    best = moving_less(draft, model, best, columns)
    assert best.values is not None
    hourly = [units.columns for units in draft.units.values() if not units.offer.reserved]
    few = 0 < sum(map(len, hourly)) <= MAX_WHOLE and draft.program.n <= MAX_COLUMNS
    if not few or not _moved(runs, best.values):
        return best
    swaps = _swaps(model, best, _free(draft, model, runs), columns, np.concatenate(hourly))
    found = _better(model, runs, best, least_moves(model, runs, swaps))
    return best if found is best else _at_least_cost(draft, model, found, columns) or best


def _at_least_cost(draft: Draft, model: Model, found: Solution, columns: Ints) -> Solution | None:
    """The same work and whole numbers, with all else at its least cost; None where there is no such point.

    What costs no more may cost less: then what a clause gives back for it is not all in the program's own columns yet.
    """
    assert found.values is not None
    held = np.unique(np.concatenate([draft.x.ravel(), *draft.unserved.values(), columns]))
    model.fix(held, found.values[held])
    again = model.solve_linear()
    model.release(held)
    if again.status != "optimal" or again.values is None:
        return None
    return replace(found, values=again.values, objective=again.objective)


def moving_less(draft: Draft, model: Model, best: Solution, columns: Ints) -> Solution:
    """The same with all whole numbers as they are: soon there, of a solution that has prices."""
    assert best.values is not None
    runs = list(_runs(draft, best.values))
    if best.duals is None or not _moved(runs, best.values):
        return best
    face = _face(model, best, _free(draft, model, runs), columns)
    return _better(model, runs, best, least_moves(model, runs, face))


def _runs(draft: Draft, values: Floats) -> Iterator[Runs]:
    """Workloads that could run at two providers, at the times at which they run."""
    for workload in draft.case.workloads:
        rows = [arc.index for arc in draft.arcs.of_workload[workload.id]]
        work = values[draft.x[rows]].sum(axis=0)
        at = np.flatnonzero(work > MIN_PART * draft.most_work[workload.id])
        found = _by_provider(draft, workload)
        if len(found) > 1 and len(at) > 1:
            waits = isinstance(workload, Batch | Training)
            yield Runs([draft.x[each][:, at] for each in found], work[at], waits)


def _by_provider(draft: Draft, workload: AnyWorkload) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for arc in draft.arcs.of_workload[workload.id]:
        found.setdefault(arc.offer.provider, []).append(arc.index)
    return list(found.values())


def _moved(runs: list[Runs], values: Floats) -> float:
    """The shares of all workloads that move, added up."""
    return sum(run.moves(values).share for run in runs)


def _better(model: Model, runs: list[Runs], best: Solution, values: Floats | None) -> Solution:
    """The values as a solution, where they cost the same and move less; else the one that is known."""
    assert best.values is not None
    if values is None:
        return best
    found = replace(best, values=values, objective=dot(model.cost, values))
    less = _moved(runs, values) < _moved(runs, best.values) - ZERO
    steadier = sum(run.moves(values).changes for run in runs) <= sum(run.moves(best.values).changes for run in runs)
    return found if found.no_dearer_than(best) and less and steadier else best


# -- what is open ------------------------------------------------------------------------------------------------------
def _free(draft: Draft, model: Model, runs: list[Runs]) -> Bools:
    """Columns that may change: not how much of a workload is done at which time, where it could move."""
    found: Bools = model.most > 0
    for unserved in draft.unserved.values():
        found[unserved] = False
    for workload in draft.case.workloads:
        if len(_by_provider(draft, workload)) > 1:
            found[draft.x[[arc.index for arc in draft.arcs.of_workload[workload.id]]]] = False
    for run in runs:
        for columns in run.columns:
            found[columns] = model.most[columns] > 0
    return found


def _face(model: Model, best: Solution, free: Bools, columns: Ints) -> Opening:
    """All optimal solutions with these whole numbers.

    A column with a reduced cost stays at its bound and a row with a price at its own: what is left costs nothing.
    """
    assert best.values is not None
    assert best.duals is not None
    assert best.reduced is not None
    reduced = best.reduced * model.column_scale * model.money_scale
    prices = best.duals / model.row_scale * model.money_scale
    is_open = free & (np.abs(reduced) <= ZERO)
    is_open[columns] = False
    low, high = _bounds(model)
    up, down = (prices > ZERO) & np.isfinite(low), (prices < -ZERO) & np.isfinite(high)
    low, high = np.where(down, high, low), np.where(up, low, high)
    return Opening(np.flatnonzero(is_open), best.values / model.column_scale, low, high)


def _swaps(model: Model, best: Solution, free: Bools, columns: Ints, hourly: Ints) -> Opening:
    """All solutions that cost no more, with all whole numbers as they are but units by the hour."""
    assert best.values is not None
    is_open = free.copy()
    is_open[columns] = False
    is_open[hourly] = free[hourly]
    low, high = _bounds(model)
    return Opening(np.flatnonzero(is_open), best.values / model.column_scale, low, high, whole=hourly[free[hourly]])


def _bounds(model: Model) -> tuple[Floats, Floats]:
    """Of all rows, in the solver's scale."""
    low, high = model.asked(np.arange(model.program.m, dtype=np.int32))
    return low * model.row_scale, high * model.row_scale
