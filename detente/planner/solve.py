"""From a case to a plan, or to a conflict that names clauses: one study, solved once.

Not here: what a study can do (``study``), the search (``solving.search``), conflicts (``conflict``).
"""

from __future__ import annotations

from detente.case.case import Case
from detente.case.given import GivenPart, GivenSeconds, limits, must_be_case
from detente.planner.news import unforeseen
from detente.planner.solving.incumbent import Incumbent
from detente.planner.solving.search import Progress, silent
from detente.planner.study import GAP, Study
from detente.results.conflict import Conflict
from detente.results.plan import Plan


def plan(
    case: Case, *, gap: GivenPart = GAP, time_limit: GivenSeconds = None, progress: Progress = silent
) -> Plan | Conflict:
    """A least-cost plan that obeys every clause.

    Parameters
    ----------
    gap
        Stop the search for whole units at this relative distance between cost and bound: ``0.01``, or ``1%`` as text.
    time_limit
        Seconds, of everything from formulating to the bill; until then the search goes on as long as the gap is not
        reached, and then comes the best plan so far, marked so. None: each step takes what it needs, save a search over
        whole numbers, which rests after ten seconds (one, within 0.1% of the bound) or as long as all took before it.
    progress
        Told, in a few words, what is being done.

    Returns
    -------
    Plan or Conflict
        A conflict where no plan obeys every clause.

    Raises
    ------
    CaseError
        For an argument that is none.
    UnsettledError
        Stopped by the time limit before any plan was found.
    KeyboardInterrupt
        Ctrl-C pressed twice, or before any plan was found, or where no plan obeys every clause.
    SolverError, BillError
        The solver doubts its answer, or the exact bill differs from it.
    """
    must_be_case(case)
    least, limit = limits(gap, time_limit)
    study = Study.of(case, time_limit=limit, progress=progress)
    with study.noting_interrupts():
        study = unforeseen(study, least)
        found = study.solve(least)
        if isinstance(found, Incumbent) and (found.solution is not None or not study.interrupted):
            return study.plan(found, least)
    if study.interrupted or isinstance(found, Incumbent):
        raise KeyboardInterrupt
    from detente.planner.conflict import find_conflict  # most cases have a plan

    progress("looking for the clauses that collide")
    return find_conflict(study, found.whole)
