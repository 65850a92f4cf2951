"""Can this be signed? Whether every clause can be performed, under each combination of readings.

Owns: the answer, and which readings change it. Not here: the conflict itself (``conflict``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from detente.case.case import Case
from detente.case.reading import Chosen, in_words
from detente.errors import UnsettledError
from detente.planner.conflict import find_conflict
from detente.planner.formulation.expression import Ints
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.steady import steady_point
from detente.planner.solving.whole import whole_columns
from detente.planner.study import Study
from detente.results.conflict import Conflict, Version


@dataclass(frozen=True)
class Answer:
    """``yes``, ``no``, or ``depends`` on the reading; with the conflict of each combination of readings that has one.

    Of several disputed clauses, ``readings`` names only those whose reading changes the answer; ``folded`` counts the
    combinations that differ from one of these in nothing else, and so have the same answer.
    """

    answer: Literal["yes", "no", "depends"]
    readings: dict[str | None, Conflict | None]
    folded: int = 0

    @property
    def conflict(self) -> Conflict | None:
        """The first conflict, if any."""
        return next((c for c in self.readings.values() if c is not None), None)


@dataclass(frozen=True)
class Combination:
    """A reading of each disputed clause, and the conflict under them."""

    choice: Chosen
    conflict: Conflict | None

    @property
    def clash(self) -> frozenset[Version] | None:
        """The clauses that collide."""
        return None if self.conflict is None else frozenset(clash.version for clash in self.conflict.clauses)

    def settles(self, choice: Chosen) -> bool:
        """Whether its conflict is that of another choice too: no clause in it is read otherwise."""
        if self.conflict is None:
            return False
        terms = {clash.term for clash in self.conflict.clauses}
        return all(choice[clause] == name for clause, name in self.choice.items() if clause in terms)


def check(
    case: Case,
    reading: str | Chosen | None = None,
    progress: Callable[[str], None] = lambda text: None,
    *,
    time_limit: float | None = None,
) -> Answer:
    """Whether all clauses can be performed together, with no remedy (a shortfall fee) taken.

    A workload that states a value may go unserved: to serve it is no clause. Every combination of readings is tried,
    of the clauses for which ``reading`` chooses none. The time limit, in seconds, is that of all readings together.

    Raises
    ------
    CaseError
        For a reading that no clause has.
    UnsettledError
        Where the time ended before the answer was found.
    SolverError
        Where the solver doubts its answer.
    """
    end = None if time_limit is None else time.monotonic() + time_limit
    found: list[Combination] = []
    for choice in case.choices_beside(reading):
        known = next((each for each in found if each.settles(choice)), None)
        if known is None:
            held = case.under(reading=choice)
            progress(f"reading {held.reading}" if held.reading else "solving")
            conflict = performable(held, None if end is None else end - time.monotonic())
            found.append(Combination(choice, conflict))
        else:
            found.append(Combination(choice, known.conflict))
    return _answer(case, found)


def _answer(case: Case, found: Sequence[Combination]) -> Answer:
    """The answer over all combinations, with one of those that are alike."""
    clear = [each.conflict is None for each in found]
    word: Literal["yes", "no", "depends"] = "yes" if all(clear) else "depends" if any(clear) else "no"
    disputed = [clause for clause, names in case.disputed.items() if len({each.choice[clause] for each in found}) > 1]
    matters = disputed if len(case.disputed) == 1 else [clause for clause in disputed if _matters(clause, found)]
    told: dict[str | None, Conflict | None] = {}
    for each in found:
        of = {clause: name for clause, name in each.choice.items() if clause in matters or clause not in disputed}
        name = in_words(case.disputed, of)
        told.setdefault(name, each.conflict and replace(each.conflict, reading=name))
    return Answer(word, told, len(found) - len(told))


def _matters(clause: str, found: Sequence[Combination]) -> bool:
    """Whether combinations that differ in one clause's reading alone differ in what collides."""
    outcomes: dict[tuple[tuple[str, str], ...], frozenset[Version] | None] = {}
    for each in found:
        others = tuple((other, name) for other, name in each.choice.items() if other != clause)
        if outcomes.setdefault(others, each.clash) != each.clash:
            return True
    return False


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
