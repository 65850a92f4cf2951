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
from detente.planner.solving.whole import round_up, whole_columns

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
    if not len(counts):
        return _priced(model, steady.written_out(relaxed.values))
    if len(counts) > FEW:  # hours rented, one by one: their counts follow the work
        point = steady.written_out(relaxed.values)
        return None if point is None else _completed(draft, model, point)
    found = branch(small, counts, relaxed, small.basis, None, NEAR, lambda node: node, MAX_PROGRAMS).best
    if found is None or found.values is None:
        return None
    found.values[counts] = np.rint(found.values[counts])
    return _priced(model, steady.written_out(found.values))


def unsolved(draft: Draft, model: Model) -> Solution | None:
    """A plan that obeys every clause, without a bound; None where none of these does.

    Work split alike over like times; or all on the cheapest offers with room; or no use.
    """
    with model.uninterrupted():  # a little longer is well spent
        found = quick(draft, model)
    return found or placed(draft, model)


def placed(draft: Draft, model: Model) -> Solution | None:
    """The same without work split alike: all on the cheapest offers with room; or no use."""
    with model.uninterrupted():
        for work in (greedy_work(draft, model), np.zeros(draft.x.shape)):
            values = np.zeros(draft.program.n)
            values[draft.x] = work
            found = _completed(draft, model, values)
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


def _priced(model: Model, point: Floats | None) -> Solution | None:
    return None if point is None else Solution("optimal", point, float(model.cost @ point), -math.inf)


def _completed(draft: Draft, model: Model, values: Floats) -> Solution | None:
    """The work of a point, the units that it needs, and the least cost of the rest; None where a clause forbids it."""
    used = draft.x.ravel()
    model.fix(used, values[used])
    found = round_up(draft, model, Solution("optimal", values, 0.0, -math.inf), whole_columns(draft))
    model.release(used)
    return found
