"""Can this be signed? Whether every clause can be performed, under each reading.

Owns: the answer and its comparison over readings. Not here: the conflict itself (``conflict``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detente.case.case import Case
from detente.errors import UnsettledError
from detente.planner.conflict import find_conflict
from detente.planner.formulation.expression import Ints
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.steady import steady_point
from detente.planner.solving.whole import whole_columns
from detente.planner.study import Study
from detente.results.conflict import Conflict


@dataclass(frozen=True)
class Answer:
    """``yes``, ``no``, or ``depends`` on the reading; with the conflict of each reading that has one."""

    answer: Literal["yes", "no", "depends"]
    readings: dict[str | None, Conflict | None]

    @property
    def conflict(self) -> Conflict | None:
        """The first conflict, if any."""
        return next((c for c in self.readings.values() if c is not None), None)


def check(
    case: Case,
    reading: str | None = None,
    progress: Callable[[str], None] = lambda text: None,
    *,
    time_limit: float | None = None,
) -> Answer:
    """Whether all clauses can be performed together, with no remedy (a shortfall fee) taken.

    A workload that states a value may go unserved: to serve it is no clause. Under no ``reading``, every reading is
    tried. The time limit, in seconds, is that of all readings together.

    Raises
    ------
    CaseError
        For a reading that no clause has.
    UnsettledError
        Where the time ended before the answer was found.
    SolverError
        Where the solver doubts its answer.
    """
    readings: list[str | None] = [reading] if reading else list(case.readings) or [None]
    found: dict[str | None, Conflict | None] = {}
    end = None if time_limit is None else time.monotonic() + time_limit
    for name in readings:
        progress(f"reading {name}" if name else "solving")
        found[name] = performable(case.under(reading=name), None if end is None else end - time.monotonic())
    clear = [conflict is None for conflict in found.values()]
    return Answer("yes" if all(clear) else "depends" if any(clear) else "no", found)


def performable(case: Case, time_limit: float | None = None) -> Conflict | None:
    """None where all clauses can be performed together; else the conflict. Raises UnsettledError (``check``)."""
    study = Study.of(case, time_limit=time_limit).performed()
    draft, model = study.draft, study.model
    columns = whole_columns(draft)
    if steady_point(draft, model, columns) is not None:
        return None
    model.objective(np.zeros(draft.program.n))
    if len(columns) and _whole(model, columns):
        return None
    met = _met(model.feasible())
    model.objective(None)
    if met and not len(columns):
        return None
    return find_conflict(study, columns if met else None)


def _whole(model: Model, columns: Ints) -> bool:
    """Whether any point with whole units keeps every clause. Raises UnsettledError.

    With nothing to minimise the search ends at the first: sooner, and surer, than a linear program rounded up.
    """
    return _met(model.solve_as(columns, 1.0))


def _met(tried: Solution) -> bool:
    """Whether there is a point that keeps every clause. Raises UnsettledError."""
    if tried.values is None and tried.status in ("time-limit", "interrupted"):
        raise UnsettledError("whether all clauses can be performed was not settled in time: give it more time")
    return tried.status != "infeasible"
