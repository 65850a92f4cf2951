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
from detente.market.offer import GpuOffer
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Floats, Ints, broadcast, dot
from detente.planner.solving.model import Model
from detente.planner.solving.moves import Runs
from detente.planner.solving.solution import Solution
from detente.planner.solving.steadier_program import Opening, least_moves
from detente.planner.solving.whole import with_counts
from detente.results.move_count import MIN_PART

ZERO = 1e-9
"""A smaller price of a row or a column, in the solver's scale, is none."""

MAX_WHOLE, MAX_COLUMNS = 500, 5_000
"""Units that are bought are swapped, too, where they are at most so many, in a program of at most so many columns."""


def moving_least(draft: Draft, model: Model, best: Solution, columns: Ints) -> Solution:
    """A solution of the same cost, whole in ``columns``, in which less moves; the same one where none is found.

    First with all whole numbers as they are, then, where few, with units that are bought to swap between offers.
    """
    assert best.values is not None
    runs = list(_runs(draft, best.values))
    if best.duals is None or not _moved(runs, best.values):
        return best
    best = moving_less(draft, model, best, columns)
    assert best.values is not None
    bought = _bought(draft)
    few = 0 < len(bought) <= MAX_WHOLE and draft.program.n <= MAX_COLUMNS
    if not few or not _moved(runs, best.values):
        return best
    swaps = _swaps(draft, model, best, _free(draft, model, runs), columns, bought)
    found = _better(model, runs, best, least_moves(model, runs, swaps))
    return best if found is best else _at_counts(draft, model, runs, best, found, columns)


def _at_counts(
    draft: Draft, model: Model, runs: list[Runs], best: Solution, found: Solution, columns: Ints
) -> Solution:
    """What moves least at the whole numbers that were found, with all else at its least cost; else the best known.

    What costs no more may cost less: then what a clause gives back for it is not all in the program's own columns yet.
    And where work runs was found to a tolerance, within which all else need not fit.
    """
    assert found.values is not None
    again = with_counts(model, columns, np.rint(found.values[columns]))
    return best if again is None else _better(model, runs, best, moving_less(draft, model, again, columns).values)


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
    """Columns that may change: not how much of a workload is done at which time, where it could move, nor the past."""
    found: Bools = model.most > 0
    for unserved in draft.unserved.values():
        found[unserved] = False
    for workload in draft.case.workloads:
        if len(_by_provider(draft, workload)) > 1:
            found[draft.x[[arc.index for arc in draft.arcs.of_workload[workload.id]]]] = False
    for run in runs:
        for columns in run.columns:
            found[columns] = model.most[columns] > 0
    found[model.kept[0]] = False
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


def _swaps(draft: Draft, model: Model, best: Solution, free: Bools, columns: Ints, bought: Ints) -> Opening:
    """All solutions that cost no more and leave no more idle, with all whole numbers as they are but what is bought."""
    assert best.values is not None
    is_open = free.copy()
    is_open[columns] = False
    is_open[bought] = free[bought]
    point, (low, high) = best.values / model.column_scale, _bounds(model)
    no_more = [model.cost, *_idle(draft, model.program.n).values()]
    return Opening(np.flatnonzero(is_open), point, low, high, bought[free[bought]], no_more)


def _bought(draft: Draft) -> Ints:
    """The columns of units that are bought, and of the gangs that run on them."""
    units = [units.columns for units in draft.units.values()]
    return np.concatenate([np.zeros(0, dtype=np.int32), *units, *(gangs for _, gangs, _ in draft.gangs)])


def _idle(draft: Draft, n: int) -> dict[str, Floats]:
    """What stands idle of each accelerator, or of each other offer in units, in its own unit: what each column adds."""
    found: dict[str, Floats] = {}
    for units in draft.units.values():
        offer = units.offer
        added = found.setdefault(offer.accelerator if isinstance(offer, GpuOffer) else offer.id, np.zeros(n))
        flow = draft.hours * float(offer.unit_flow)
        for row, column, each in map(broadcast, units.held(draft.n).parts):
            np.add.at(added, column.ravel(), (each * flow[row]).ravel())
        for arc in draft.arcs.of_offer[offer.id]:
            if not arc.own:
                added[draft.x[arc.index]] -= float(arc.per_work)
    return found


def _bounds(model: Model) -> tuple[Floats, Floats]:
    """Of all rows, in the solver's scale."""
    low, high = model.asked(np.arange(model.program.m, dtype=np.int32))
    return low * model.row_scale, high * model.row_scale
