"""Whether every clause can be kept with whole units: any point of a program will do.

Not here: whose program it is, and what follows from a no (``check``, ``conflict``).
"""

from __future__ import annotations

import numpy as np

from detente.errors import UnsettledError
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Ints
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import round_up, whole_columns

MAX_NODES = 100
"""Nodes that the search for whole units may take in what may cure a conflict: other facts, or other periods."""


def kept_whole(draft: Draft, model: Model, columns: Ints) -> bool | None:
    """Whether a point keeps every clause with whole units; None: one does only where they may be divided.

    Where none does with divided units, no search has to find it out; where one does, rounding it up is tried first.
    """
    model.objective(np.zeros(model.program.n))
    divided = model.feasible()
    met = _met(divided)
    whole = met and (not len(columns) or _rounds(draft, model, divided, columns) or searched_whole(model, columns))
    model.objective(None)
    return True if whole else None if met else False


def kept_within_nodes(draft: Draft, model: Model) -> bool | None:
    """The same of a program's own whole columns. Raises UnsettledError where ``MAX_NODES`` do not settle it."""
    with model.within(MAX_NODES):
        return kept_whole(draft, model, whole_columns(draft))


def _rounds(draft: Draft, model: Model, divided: Solution, columns: Ints) -> bool:
    """Whether a point with divided units keeps every clause with these rounded up, and all else as it must be then."""
    return round_up(draft, model, divided, columns) is not None


def searched_whole(model: Model, columns: Ints) -> bool:
    """Whether any point with whole units keeps every clause: with nothing to minimise the search ends at the first.

    Raises UnsettledError.
    """
    return _met(model.solve_as(columns, 1.0))


def _met(tried: Solution) -> bool:
    """Whether there is a point that keeps every clause. Raises UnsettledError."""
    if tried.values is None and tried.status in ("time-limit", "interrupted"):
        raise UnsettledError("whether all clauses can be performed was not settled in time: give it more time")
    return tried.status != "infeasible"
