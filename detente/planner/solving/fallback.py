"""What is at hand when time ends before the program is solved.

Not here: when that is (``search``), the points themselves (``steady``, ``greedy``).
"""

from __future__ import annotations

import math

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.solving.branch import MAX_PROGRAMS, branch
from detente.planner.solving.greedy import greedy_work
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.steady import SteadyProgram
from detente.planner.solving.whole import round_up, whole_columns, with_counts

NEAR = 0.01
"""How near to its own least cost a point that splits work alike over time should come."""

LEVELS = (16, 8, 4, 2, 1)
"""Into so many groups the times of a month are divided, alike in each: the most that leave a small program."""

FEW, HALF, MAX_COLUMNS = 60, 0.5, 15_000
"""Of few whole columns the best are searched. A small program has at most half of the columns, and so many."""


def quick(draft: Draft, model: Model) -> Solution | None:
    """A plan of which work is split alike over like times: a small program, a few per cent above the least cost.

    None where there is none, or where the small program would be hardly smaller. It has no bound.
    """
    steady = _steady(draft, model)
    if steady is None:
        return None
    small, columns = steady.small, whole_columns(draft)
    relaxed = small.solve_linear()
    if relaxed.values is None:
        return None
    counts = steady.counts(columns)
    values = relaxed.values
    if len(counts) > FEW:  # hours rented, one by one: their counts follow the work
        return _in_its_places(draft, model, steady.whole_point(values))
    if len(counts):
        found = branch(
            small, counts, relaxed, small.basis, None, NEAR, lambda node: node, MAX_PROGRAMS, tight=False, probed=0
        ).best
        if found is None or found.values is None:
            return None
        values = found.values
        values[counts] = np.rint(values[counts])
    point = steady.written_out(values)
    if point is None:
        return _in_its_places(draft, model, steady.whole_point(values), counted=True)
    return Solution("optimal", point, float(model.cost @ point), -math.inf)


def unsolved(draft: Draft, model: Model) -> Solution | None:
    """A plan that obeys every clause, without a bound; None where none of these does.

    Work split alike over like times; or only on the cheapest offers with room; or no use.
    """
    with model.uninterrupted():  # a little longer is well spent
        found = quick(draft, model)
    return found or placed(draft, model)


def placed(draft: Draft, model: Model) -> Solution | None:
    """The same without work split alike: only on the cheapest offers with room; or no use."""
    with model.uninterrupted():
        for work in (greedy_work(draft, model), np.zeros(draft.x.shape)):
            values = np.zeros(draft.program.n)
            values[draft.x] = work
            found = _in_its_places(draft, model, values)
            if found is not None:
                return found
    return None


def _steady(draft: Draft, model: Model) -> SteadyProgram | None:
    """The small program with as many groups of times as leave it small; None where one group does not."""
    for levels in LEVELS:
        found = SteadyProgram.of(draft, model, min(draft.program.n * HALF, MAX_COLUMNS), levels=levels, cheap=True)
        if found is not None:
            return found
    return None


def _in_its_places(draft: Draft, model: Model, point: Floats, *, counted: bool = False) -> Solution | None:
    """The least cost with work only where a point has some, in whole units; None where a clause forbids it.

    How much works in each place is left open: a point that misses a row by a little, or leaves a commitment short, is
    made good, and what it has no place for is a small part of the program. Whole numbers are those of the point, where
    it has been ``counted``, and else, or where they leave no room, follow the work.
    """
    used, columns = draft.x.ravel(), whole_columns(draft)
    idle = used[point[used] <= 0]
    model.fix(idle, np.zeros(len(idle)))
    found = with_counts(model, columns, point[columns]) if counted else None
    if found is None:
        relaxed = model.solve_linear()
        found = round_up(draft, model, relaxed, columns) if relaxed.status == "optimal" else None
    model.release(idle)
    return found
