"""A solution in whole quanta of work that still obeys every clause.

The solver meets a clause's row to its tolerance, and rounding to whole quanta adds as much again: a floor that the plan
just reaches would be missed by a part of a millionth, and the exact bill would say so. Such rows are tightened by what
was missed, and the rest is solved again.

Owns: which clauses' rows rounding misses, the way back, and what rounding may cost. Not here: the rounding itself
(``bill``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detente.demand.quanta import QUANTUM
from detente.planner.answer.bill import Quantities, quantities
from detente.planner.answer.moved import uncertain
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution

NANO = 1e-9
"""Beyond what was missed: charges are rounded to a billionth, too."""
TRIES = 6
"""Times that rows are tightened. A clause that can only just be performed has no room: a rounding misses it still."""


Prefer = Callable[[Solution], Solution]
"""Of solutions of the same cost, one that is preferred."""


def as_found(solution: Solution) -> Solution:
    """None is preferred."""
    return solution


def settled(
    draft: Draft, model: Model, found: Solution, columns: Ints, prefer: Prefer = as_found
) -> tuple[Solution, Quantities]:
    """A solution of which the whole quanta obey every clause, where there is one; else the one that was found.

    Parameters
    ----------
    columns
        Those that count whole things: they stay as they are.
    prefer
        Asked of each solution that takes the place of the one found.
    """
    assert found.values is not None
    best = found, quantities(draft, model, found.values)
    rows = _clauses(draft)
    asked = model.asked(rows)
    missed = _missed(draft, model, *best, rows, asked)
    if not missed.any():
        return best
    model.fix(columns, np.rint(found.values[columns]))
    with model.uninterrupted():  # few and warm: a plan that is found is made good
        for again in range(TRIES):  # by more each time: what is less than the solver's tolerance changes nothing
            model.tighten(rows, np.where(missed > 0, 2 * 4**again * missed + NANO, 0.0))
            solution = model.solve_linear()
            if solution.status != "optimal" or solution.values is None:
                break
            solution = prefer(solution)
            assert solution.values is not None
            whole = quantities(draft, model, solution.values)
            missed = _missed(draft, model, solution, whole, rows, asked)
            if not missed.any():
                best = solution, whole
                break
    model.ask(rows, *asked)
    model.release(columns)
    return best


def at_stake(draft: Draft, model: Model, whole: Quantities, solution: Solution) -> float:
    """What rounding to whole quanta may change in a plan's cost, in money.

    Where a million tokens cost a million, one token costs 1. Counted is twice the price of each quantum, or part of
    one, that was moved: clauses may count it once more.
    """
    assert solution.values is not None
    moved = np.minimum(np.abs(whole.work - solution.values[draft.x] / float(QUANTUM)), 1.0)
    work = 2.0 * float(QUANTUM) * float((moved * np.abs(model.cost[draft.x])).sum())
    return work + uncertain(draft, whole.work, whole.waiting, solution.values)


def _clauses(draft: Draft) -> Ints:
    blocks = [b for b in draft.program.row_blocks if b.owner.kind == "term"]
    return np.concatenate([np.arange(b.start, b.stop, dtype=np.int32) for b in blocks] or [np.zeros(0, dtype=np.int32)])


def _missed(
    draft: Draft, model: Model, solution: Solution, whole: Quantities, rows: Ints, asked: tuple[Floats, Floats]
) -> Floats:
    """By how much rounding misses what is asked of rows (natural units); nothing where floats cannot tell."""
    assert solution.values is not None
    values = solution.values.copy()
    values[draft.x] = whole.work * float(QUANTUM)
    for workload, left in whole.unserved.items():
        if workload in draft.unserved:
            values[draft.unserved[workload]] = left * float(QUANTUM)
    for name, counts in whole.units.items():
        values[draft.units[name].columns] = counts
    reached, noise = model.reached(values)
    low, high = asked
    missed = np.maximum(low - reached[rows], reached[rows] - high)
    loose = low < high  # what must be equal cannot be tightened
    return np.where(loose & (missed > noise[rows]), missed, 0.0)
