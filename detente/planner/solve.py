"""From a case to a plan, or to a conflict that names clauses: one study, solved once.

Not here: what a study can do (``study``), the search (``solving.search``), conflicts (``conflict``).
"""

from __future__ import annotations

from detente.case.case import Case
from detente.planner.conflict import find_conflict
from detente.planner.solving.search import Incumbent, Progress
from detente.planner.study import GAP, Study, silent
from detente.results.conflict import Conflict
from detente.results.plan import Plan


def plan(
    case: Case, *, gap: float = GAP, time_limit: float | None = None, progress: Progress = silent
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
    study = Study.of(case, time_limit=time_limit, progress=progress)
    with study.noting_interrupts():
        found = study.solve(gap)
        if isinstance(found, Incumbent):
            return study.plan(found, gap)
    if study.interrupted:
        raise KeyboardInterrupt
    progress("looking for the clauses that collide")
    return find_conflict(study, found.whole)
