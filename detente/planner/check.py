"""Can this be signed? Whether every clause can be performed, under each combination of readings.

Owns: the answer, and which readings change it. Not here: the conflict itself (``conflict``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from detente.case.case import Case
from detente.case.given import GivenSeconds, must_be_case, time_limit_of
from detente.case.reading import Chosen, in_words
from detente.planner.kept_whole import kept_whole
from detente.planner.news import unforeseen
from detente.planner.solving.steady import steady_point
from detente.planner.solving.whole import whole_columns
from detente.planner.study import GAP, Study

if TYPE_CHECKING:
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
class ReadAs:
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
    time_limit: GivenSeconds = None,
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
    must_be_case(case)
    limit = time_limit_of(time_limit)
    end = None if limit is None else time.monotonic() + limit

    def ask(held: Case) -> Conflict | None:
        progress(f"reading {held.reading}" if held.reading else "solving")
        return performable(held, None if end is None else end - time.monotonic())

    found = tuple(combined(case, reading, ask))
    told = unlike(case, found)
    conflicts = {name: each.conflict and replace(each.conflict, reading=name) for name, each in told.items()}
    return Answer(word(found), conflicts, len(found) - len(told))


def combined(case: Case, reading: str | Chosen | None, ask: Callable[[Case], Conflict | None]) -> Iterator[ReadAs]:
    """The conflict under every combination of readings; a conflict settles all that read its clauses alike."""
    found: list[ReadAs] = []
    for choice in case.choices_beside(reading):
        known = next((each for each in found if each.settles(choice)), None)
        conflict = ask(case.under(reading=choice)) if known is None else known.conflict
        found.append(ReadAs(choice, conflict))
        yield found[-1]


def word(found: Sequence[ReadAs]) -> Literal["yes", "no", "depends"]:
    """The answer over some combinations."""
    clear = [each.conflict is None for each in found]
    return "yes" if all(clear) else "depends" if any(clear) else "no"


def unlike(case: Case, found: Sequence[ReadAs]) -> dict[str | None, ReadAs]:
    """One of those combinations that are alike, by the readings that matter."""
    disputed = [clause for clause in case.disputed if len({each.choice[clause] for each in found}) > 1]
    matters = disputed if len(case.disputed) == 1 else [clause for clause in disputed if _matters(clause, found)]
    told: dict[str | None, ReadAs] = {}
    for each in found:
        of = {clause: name for clause, name in each.choice.items() if clause in matters or clause not in disputed}
        told.setdefault(in_words(case.disputed, of), each)
    return told


def _matters(clause: str, found: Sequence[ReadAs]) -> bool:
    """Whether combinations that differ in one clause's reading alone differ in what collides."""
    outcomes: dict[tuple[tuple[str, str], ...], frozenset[Version] | None] = {}
    for each in found:
        others = tuple((other, name) for other, name in each.choice.items() if other != clause)
        if outcomes.setdefault(others, each.clash) != each.clash:
            return True
    return False


def performed(case: Case, time_limit: float | None = None) -> Study:
    """A case in which every clause is performed, by somebody who knows of no news before its day.

    What is decided until then costs least of all that performs the clauses as far as they are known. Raises
    UnsettledError.
    """
    return unforeseen(Study.of(case, time_limit=time_limit).performed(), GAP, surely=True)


def performable(case: Case, time_limit: float | None = None) -> Conflict | None:
    """None where all clauses can be performed together; else the conflict. Raises UnsettledError (``check``)."""
    study = performed(case, time_limit)
    draft, model = study.draft, study.turn()
    columns = whole_columns(draft)
    if study.past is None and steady_point(draft, model, columns) is not None:
        return None
    met = kept_whole(draft, model, columns)
    if met is not True:
        with study.program.as_asked() as differs:
            if differs:
                model.forget()  # what a conflict then begins from does not turn on what was asked before
                met = kept_whole(draft, model, columns)
    if met:
        return None
    from detente.planner.conflict import find_conflict

    return find_conflict(study, columns if met is None else None)
