"""What is at hand when time ends before the program is solved.

Not here: when that is (``search``), the points themselves (``steady``, ``greedy``).
"""

from __future__ import annotations

import math

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats
from detente.planner.solving.greedy import greedy_work
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.steady import steady_point
from detente.planner.solving.whole import whole_columns, whole_counts

NEAR = 0.05
"""How near to its own least cost a point that splits work alike over time should come."""


def unsolved(draft: Draft, model: Model) -> Solution | None:
    """A plan that obeys every clause, without a bound; None where none of these does.

    Work split alike over time, near its least cost or, if the last deadline comes before, at any; or all on the
    cheapest offers with room; or no use.
    """
    found = _steady(draft, model, NEAR)
    if found is None and not model.was_interrupted():
        with model.uninterrupted(settled=True):  # a small program: a little longer is well spent
            found = _steady(draft, model, NEAR)
    if found is not None:
        return found
    with model.uninterrupted():
        found = _steady(draft, model, 1.0)
        if found is not None:
            return found
        for work in (greedy_work(draft, model), np.zeros(draft.x.shape)):
            found = _completed(draft, model, work)
            if found is not None:
                return found
    return None


def _steady(draft: Draft, model: Model, gap: float) -> Solution | None:
    point = steady_point(draft, model, whole_columns(draft), gap, cheap=True)
    return None if point is None else Solution("optimal", point, float(model.cost @ point), -math.inf)


def _completed(draft: Draft, model: Model, work: Floats) -> Solution | None:
    """Some work with the units that it needs, and the least cost of the rest; None where a clause does not allow it."""
    columns, used = whole_columns(draft), draft.x.ravel()
    values = np.zeros(draft.program.n)
    values[used] = work.ravel()
    counts = whole_counts(draft, model, Solution("optimal", values, 0.0, -math.inf), columns)
    model.fix(used, work.ravel())
    model.fix(columns, counts)
    found = model.solve_linear()
    model.release(np.concatenate([used, columns]))
    return found if found.status == "optimal" else None
