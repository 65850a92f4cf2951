"""What could go wrong? A plan's purchases held fixed, and the work dispatched anew in each of many random draws.

Owns: which draws are made, by whom (processes), and what is kept when that is stopped. Not here: what is drawn
(``draws``), what one comes to (``drawn``), and the values (``simulation``).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from detente.case.case import Case
from detente.case.choice import OpenChoice
from detente.errors import CaseError, Mistake, Where, did_you_mean
from detente.outcomes.baseline import Baseline
from detente.outcomes.drawn import Drawn, SimulatedWorld
from detente.outcomes.draws import Draw, draw
from detente.outcomes.leaves import leaves
from detente.outcomes.prices import Status
from detente.outcomes.pricing import GAP
from detente.outcomes.simulation import FORMAT, SimulatedDraw, Simulation
from detente.planner.conflict import find_conflict
from detente.planner.dispatch import Dispatch, Holdings
from detente.planner.solving.search import Progress
from detente.planner.study import Study, silent
from detente.results.conflict import Conflict
from detente.values.money import nano

DRAWS = 200
AT_ONCE = 20
"""Draws that a process makes before it says what they came to."""


def simulate(
    case: Case,
    choice: str | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    processes: int | None = None,
    before: Simulation | None = None,
    gap: float = GAP,
    time_limit: float | None = None,
    progress: Progress = silent,
) -> Simulation | Conflict:
    """What a case's plan comes to in so many random draws of its risks, with what it bought held as it is.

    Parameters
    ----------
    choice
        The choice that is taken: the uncertain events that follow it are drawn too. Default: the case as it is.
    draws
        How many, in all.
    seed
        Of the draws: each turns on it and its number alone.
    processes
        On how many to make them; default: one a processor. 1: in this process.
    before
        A simulation that was stopped, or had fewer draws: those that it has are kept, if it is of the same.
    time_limit
        Seconds, of everything. What was found until then is returned, and marked so; Ctrl-C does the same.

    Returns
    -------
    Simulation or Conflict
        A conflict where no plan obeys every clause.

    Raises
    ------
    CaseError
        For a case without risks, and a choice that there is not.
    UnsettledError, KeyboardInterrupt
        Stopped before the case itself was planned.
    """
    end = None if time_limit is None else time.monotonic() + time_limit
    base, worlds = _worlds(case, choice)
    _must_have_risks(case, worlds)
    study = Study.of(base, time_limit=time_limit, progress=progress)
    with study.noting_interrupts():
        baseline = Baseline.of(study, gap)
    if study.interrupted:
        raise KeyboardInterrupt
    if not isinstance(baseline, Baseline):
        return find_conflict(study, baseline.whole)
    held = Holdings.of(study, baseline.found)
    calm = Dispatch(base, held).calm
    found = _Simulating(worlds, held, seed, processes, end, progress)
    found.keep(before, base.hash, choice)
    found.make(draws)
    return Simulation(
        FORMAT,
        case.declared.name,
        case.declared.title or case.declared.name,
        base.hash,
        case.currency,
        base.reading,
        base.scenario,
        choice,
        seed,
        draws,
        found.status,
        baseline.cost.amount,
        None if calm is None else nano(Fraction(calm.cost)),
        {risk.id: risk.kind for risk in case.declared.risks},
        tuple(found.done[index] for index in sorted(found.done)),
    )


def _worlds(case: Case, choice: str | None) -> tuple[Case, tuple[SimulatedWorld, ...]]:
    """The case that is planned, and the ways in which events may turn out after it."""
    if choice is None:
        return case, (SimulatedWorld("", Decimal(1), case),)
    taken: OpenChoice | None = next((each for each in case.declared.choices if each.id == choice), None)
    if taken is None:
        known = [each.id for each in case.declared.choices]
        remedy = did_you_mean(choice, known, "the case has no choices: leave out `--choice`")
        raise CaseError([Mistake(Where("--choice"), f"there is no choice `{choice}`", remedy)])
    found = [leaf for leaf in leaves(case) if leaf.choice.id == choice]
    named = [(", ".join(outcome for _, outcome in leaf.world), leaf.probability, leaf.case) for leaf in found]
    return case.under(scenario=taken.scenario), tuple(SimulatedWorld(*each) for each in named)


def _must_have_risks(case: Case, worlds: Sequence[SimulatedWorld]) -> None:
    if not case.declared.risks and len(worlds) == 1:
        what = "the case has no `risks:`, so there is nothing to draw"
        raise CaseError([Mistake(Where(case.declared.name), what, "write outages, or levels of demand or of prices")])


@dataclass
class _Simulating:
    """Draws as they are made, so that what is known when it is stopped is kept."""

    worlds: tuple[SimulatedWorld, ...]
    held: Holdings
    seed: int
    processes: int | None
    end: float | None
    progress: Progress
    done: dict[int, SimulatedDraw] = field(default_factory=dict)
    status: Status = "complete"

    def keep(self, before: Simulation | None, hash_of_case: str, choice: str | None) -> None:
        """Keep the draws of a simulation of the same."""
        if before is not None and (before.hash, before.seed, before.choice) == (hash_of_case, self.seed, choice):
            self.done = {each.index: each for each in before.draws}

    def make(self, wanted: int) -> None:
        """Make those that are missing, those of one program together."""
        self.done = {index: each for index, each in self.done.items() if index < wanted}
        chances = [world.probability for world in self.worlds]
        base = self.worlds[0].case
        todo = [draw(base, chances, self.seed, index) for index in range(wanted) if index not in self.done]
        todo.sort(key=lambda each: (each.state, each.index))
        some = [todo[at : at + AT_ONCE] for at in range(0, len(todo), AT_ONCE)]
        processes = min(self.processes or os.cpu_count() or 1, len(some))
        try:
            for found in self._here(todo) if processes <= 1 else self._beside(some, processes):
                self.done |= {each.index: each for each in found}
                self.progress(f"{len(self.done)} of {wanted} draws")
                if self.end is not None and time.monotonic() > self.end:
                    self.status = "time-limit" if len(self.done) < wanted else "complete"
                    return
        except KeyboardInterrupt:
            self.status = "interrupted"

    def _here(self, todo: Iterable[Draw]) -> Iterator[list[SimulatedDraw]]:
        drawn = Drawn(self.worlds, self.held)
        return ([drawn.made(each)] for each in todo)

    def _beside(self, some: Sequence[Sequence[Draw]], processes: int) -> Iterator[list[SimulatedDraw]]:
        """In other processes, begun anew: a copy of this one would share its solver's threads."""
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(processes, context, _begin, (self.worlds, self.held))
        waiting: list[Future[list[SimulatedDraw]]] = [pool.submit(_make, each) for each in some]
        try:
            for future in as_completed(waiting):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_drawn: list[Drawn] = []
"""In another process: what it makes draws with."""


def _begin(worlds: tuple[SimulatedWorld, ...], held: Holdings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the first process that is stopped, and stops the others
    _drawn[:] = [Drawn(worlds, held)]


def _make(draws: Sequence[Draw]) -> list[SimulatedDraw]:
    return [_drawn[0].made(each) for each in draws]
