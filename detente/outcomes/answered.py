"""A question about a case that has a plan: answered from its baseline, or the clauses that collide.

Owns: what comes before every such question, once. Not here: how the case is planned (``baseline``), and what is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from detente.case.case import Case
from detente.outcomes.baseline import Baseline
from detente.planner.conflict import find_conflict
from detente.planner.news import unforeseen
from detente.planner.solving.whole import whole_columns
from detente.planner.study import Study
from detente.results.conflict import Conflict

FromBaseline = TypeVar("FromBaseline")


def answered(
    case: Case, study: Study, gap: float, answer: Callable[[Baseline], FromBaseline]
) -> FromBaseline | Conflict:
    """What is answered from the baseline of a study; Ctrl-C meanwhile is noted, and what is at hand is finished.

    Parameters
    ----------
    case
        Whose clauses are told where there is no plan: the study may be of one that serves less. The time limit is that
        of the study.
    gap
        The relative gap to which the case is planned.

    Returns
    -------
    Conflict
        No plan obeys every clause.

    Raises
    ------
    UnsettledError, KeyboardInterrupt
        Stopped before the case itself was planned.
    """
    with study.noting_interrupts():
        baseline = Baseline.of(study, gap)
        if isinstance(baseline, Baseline):
            return answer(baseline)
    if study.interrupted:
        raise KeyboardInterrupt
    study.progress("looking for the clauses that collide")
    plain = unforeseen(study.serving(()).under(case), gap)
    return find_conflict(plain, None if baseline.whole is None else whole_columns(plain.draft))
