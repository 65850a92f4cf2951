"""Of plans that cost the same, one in which less work moves from provider to provider, and less is put off.

Owns: what may change at no cost, and which solution is the better one. Where a workload is done may change, and of work
that may wait also when; how much of a job is done at which time stays as it was found. Not here: the search
(``search``), the small program of what may change (``steadier_program``), and what counts as a move (``moves``).
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
from detente.planner.solving.whole import WHOLE, Roundings, with_counts
from detente.results.move_count import MIN_PART

ZERO = 1e-9
"""A smaller price of a row or a column, in the solver's scale, is none."""

ENOUGH_LESS = 0.9
"""What costs more, however little, is taken where shares rise and fall by less than this part of what they did."""

MAX_WHOLE, MAX_COLUMNS = 500, 5_000
"""Units that are bought are swapped, too, where they are at most so many, in a program of at most so many columns."""


def moving_least(draft: Draft, model: Model, best: Solution, columns: Ints, most: float) -> Solution:
    """A solution of the same cost, whole in ``columns``, in which less moves; the same one where none is found.

    First with all whole numbers as they are. Then, where few, with units that are bought to swap between offers; where
    many, with those that are rounded found and rounded anew, which may cost more, up to ``most`` in all.
    """
    assert best.values is not None
    runs = list(_runs(draft, best.values))
    if best.duals is None or not _unrest(runs, best.values):
        return best
    best = moving_less(draft, model, best, columns)
    assert best.values is not None
    bought = _bought(draft)
    if not len(bought) or not _unrest(runs, best.values):
        return best
    if len(bought) > MAX_WHOLE or draft.program.n > MAX_COLUMNS:
        return _rounded_anew(draft, model, best, columns, most)
    swaps = _swaps(draft, model, best, _free(draft, model, runs), columns, bought)
    found = _better(model, runs, best, least_moves(model, runs, swaps))
    return best if found is best else _at_counts(draft, model, runs, best, found, columns)


def _rounded_anew(draft: Draft, model: Model, best: Solution, columns: Ints, most: float) -> Solution:
    """What moves least of all that costs the same in divided units, rounded to whole ones; else the best known.

    Counts that matter most stay as they were found, no more goes unserved and no more is owed for what clauses miss.
    """
    assert best.values is not None
    if len(model.kept[0]):
        return best
    kept = np.flatnonzero(model.integer & (model.zeroed == 0)).astype(np.int32)
    given_up = _given_up(draft)
    model.confine(given_up, np.zeros(len(given_up)), best.values[given_up])
    whole = _in_whole_units(draft, model, best, columns, kept)
    model.release(given_up)
    if whole is None or whole.objective > most:
        return best
    found = moving_less(draft, model, whole, columns)
    assert found.values is not None
    enough = 1.0 if found.no_dearer_than(best) else ENOUGH_LESS
    runs = list(_runs(draft, best.values))
    return found if _less(runs, found.values, best.values, enough) else best


def _in_whole_units(draft: Draft, model: Model, best: Solution, columns: Ints, kept: Ints) -> Solution | None:
    """What moves least in divided units, at its least cost between the whole numbers beside them, and rounded.

    Most are whole there already, as a linear program ends where its bounds are: rounded each by itself they cost more.
    """
    assert best.values is not None
    divided = with_counts(model, kept, np.rint(best.values[kept]))
    if divided is None or divided.values is None:
        return None
    runs = list(_runs(draft, divided.values))
    free = _free(draft, model, runs)
    for arc in (arc for arcs in draft.arcs.of_workload.values() for arc in arcs):
        free[draft.x[arc.index]] &= bool(best.values[draft.x[arc.index]].any())  # no offer that none of it came to
    values = least_moves(model, runs, _face(model, divided, free, kept))
    if values is None or _unrest(runs, values) > _unrest(runs, best.values) - ZERO:
        return None  # no less moves though units may be divided
    high = np.minimum(np.ceil(values[columns] - WHOLE), np.floor(model.most[columns] + WHOLE))
    model.confine(columns, np.minimum(np.floor(values[columns] + WHOLE), high), high)
    near = model.solve_linear()
    model.release(columns)
    if near.status != "optimal":
        return None
    return Roundings(draft, model, columns, lambda whole: whole.no_dearer_than(best)).of(near, kept)


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
    if best.duals is None or not _unrest(runs, best.values):
        return best
    face = _face(model, best, _free(draft, model, runs), columns)
    return _better(model, runs, best, least_moves(model, runs, face))


def _runs(draft: Draft, values: Floats) -> Iterator[Runs]:
    """Workloads that could run at two providers, at the times at which they run; those that may wait, at all times."""
    for workload in draft.case.workloads:
        arcs, by = draft.arcs.of_workload[workload.id], _by_provider(draft, workload)
        waits = isinstance(workload, Batch)
        done = values[draft.x[[arc.index for arc in arcs]]].sum(axis=0)
        work = draft.demand[workload.id].steady(draft.hours) if waits else done
        at = np.flatnonzero(work > MIN_PART * draft.most_work[workload.id])
        if len(by) > (0 if waits else 1) and len(at) > 1:
            yield Runs([draft.x[each][:, at] for each in by], work[at], isinstance(workload, Training))


def _by_provider(draft: Draft, workload: AnyWorkload) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for arc in draft.arcs.of_workload[workload.id]:
        found.setdefault(arc.offer.provider, []).append(arc.index)
    return list(found.values())


def _unrest(runs: list[Runs], values: Floats) -> float:
    """By how much the shares of all workloads rise and fall, added up."""
    return sum(run.unrest(values) for run in runs)


def _better(model: Model, runs: list[Runs], best: Solution, values: Floats | None) -> Solution:
    """The values as a solution, where they cost the same and move less; else the one that is known."""
    assert best.values is not None
    if values is None:
        return best
    found = replace(best, values=values, objective=dot(model.cost, values))
    return found if found.no_dearer_than(best) and _less(runs, values, best.values) else best


def _less(runs: list[Runs], values: Floats, known: Floats, part: float = 1.0) -> bool:
    """Whether shares rise and fall by less, or by less than a part, and as little work moves as often, or less."""
    counts = [(run.moves(values), run.moves(known)) for run in runs]
    steadier = sum(new.changes - old.changes for new, old in counts) <= 0
    fewer = sum(new.share - old.share for new, old in counts) <= ZERO
    return steadier and fewer and _unrest(runs, values) < part * _unrest(runs, known) - ZERO


# -- what is open ------------------------------------------------------------------------------------------------------
def _free(draft: Draft, model: Model, runs: list[Runs]) -> Bools:
    """Columns that may change: not how much is done in all, nor what is owed, nor what is kept as it was decided."""
    found: Bools = model.most > 0
    found[_given_up(draft)] = False
    for workload in draft.case.workloads:
        if len(_by_provider(draft, workload)) > 1:
            found[draft.x[[arc.index for arc in draft.arcs.of_workload[workload.id]]]] = False
    for run in runs:
        for columns in run.columns:
            found[columns] = model.most[columns] > 0
    found[model.kept[0]] = False
    return found


def _given_up(draft: Draft) -> Ints:
    """The columns of what is not served, and of what is owed for what clauses miss."""
    remedies = [block.numbers for block in draft.program.column_blocks if block.remedy]
    return np.concatenate([np.zeros(0, dtype=np.int32), *draft.unserved.values(), *remedies])


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
    point, (low, high) = _point(model, best.values), _bounds(model)
    up, down = (prices > ZERO) & np.isfinite(low), (prices < -ZERO) & np.isfinite(high)
    low, high = np.where(down, high, low), np.where(up, low, high)
    return Opening(np.flatnonzero(is_open), point, *_held(model, point, low, high))


def _swaps(draft: Draft, model: Model, best: Solution, free: Bools, columns: Ints, bought: Ints) -> Opening:
    """All solutions that cost no more and leave no more idle, with all whole numbers as they are but what is bought."""
    assert best.values is not None
    is_open = free.copy()
    is_open[columns] = False
    is_open[bought] = free[bought]
    point = _point(model, best.values)
    no_more = [model.cost, *_idle(draft, model.program.n).values()]
    rows = _held(model, point, *_bounds(model))
    return Opening(np.flatnonzero(is_open), point, *rows, bought[free[bought]], no_more)


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


def _point(model: Model, values: Floats) -> Floats:
    """A solution in the solver's scale, within the bounds of its columns."""
    found: Floats = np.clip(values, 0.0, model.most) / model.column_scale
    return found


def _held(model: Model, point: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Bounds of rows by which a point holds them: what it misses them by, within the solver's tolerance, is allowed.

    Over what is open alone, HiGHS was seen to find that no point holds them all.
    """
    matrix = model.matrix
    reached = np.bincount(matrix.index, matrix.value * point[matrix.columns], model.program.m)
    return np.minimum(low, reached), np.maximum(high, reached)


def _bounds(model: Model) -> tuple[Floats, Floats]:
    """Of all rows, in the solver's scale."""
    low, high = model.asked(np.arange(model.program.m, dtype=np.int32))
    return low * model.row_scale, high * model.row_scale
