"""What could go wrong? A plan's purchases held fixed, and the work dispatched anew in each of many random draws.

Owns: which draws are made, and what is kept when that is stopped. Not here: what is drawn (``draws``), by whom
(``crew``), what one comes to (``drawn``), and the values (``simulation``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import get_args

from detente.case.case import Case
from detente.case.choice import OpenChoice
from detente.case.given import GivenPart, GivenSeconds, limits, must_be_case, must_be_one_of, whole
from detente.errors import CaseError, Mistake, Where
from detente.outcomes.answered import answered
from detente.outcomes.choices.leaves import leaves
from detente.outcomes.draws.crew import Begin, DrawMaker, crew_of
from detente.outcomes.draws.dealing import made_by
from detente.outcomes.draws.drawn import Drawn, SimulatedWorld
from detente.outcomes.draws.draws import draw
from detente.outcomes.draws.routed import senders
from detente.outcomes.draws.simulation import DispatchBy, SimulatedDraw, Simulation
from detente.outcomes.saved import Status
from detente.outcomes.worth.pricing import GAP
from detente.planner.dispatch import Dispatch, Holdings
from detente.planner.solving.search import Progress, silent
from detente.planner.study import Study
from detente.results.conflict import Conflict
from detente.values.likeness import did_you_mean
from detente.values.money import nano

DRAWS, MAX_DRAWS = 200, 1_000_000
MAX_PROCESSES = 1024


def simulate(
    case: Case,
    choice: str | None = None,
    *,
    draws: int | str = DRAWS,
    seed: int | str = 0,
    dispatch: DispatchBy = "cost",
    on: DrawMaker = "processes",
    processes: int | str | None = None,
    before: Simulation | None = None,
    gap: GivenPart = GAP,
    time_limit: GivenSeconds = None,
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
    dispatch
        ``cost``: all work is dispatched anew at the least cost. ``live``: inference that has deployments goes where the
        gateway's own order sends it, and each draw stands beside the same one at the least cost.
    on
        ``ray``: on a Ray cluster (the extra `ray`); default: processes of this machine.
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
        For a case without risks, a choice that there is not, and live dispatch without deployments.
    UnsettledError, KeyboardInterrupt
        Stopped before the case itself was planned.
    """
    must_be_case(case)
    least, limit = limits(gap, time_limit)
    draws, seed = whole(draws, "draws", 1, MAX_DRAWS), whole(seed, "seed", 0)
    processes = None if processes is None else whole(processes, "processes", 1, MAX_PROCESSES)
    must_be_one_of(dispatch, "dispatch", get_args(DispatchBy))
    must_be_one_of(on, "on", get_args(DrawMaker))
    end = None if limit is None else time.monotonic() + limit
    base, worlds = _worlds(case, choice)
    _must_have_risks(case, worlds)
    said = senders(base) if dispatch == "live" else {}
    study = Study.of(base, time_limit=limit, progress=progress)
    baseline = answered(base, study, least, lambda planned: planned)
    if study.interrupted:
        raise KeyboardInterrupt
    if isinstance(baseline, Conflict):
        return baseline
    held = Holdings.of(study, baseline.found)
    calm = Dispatch(base, held).calm
    followed = baseline.plan if dispatch == "live" else None
    begin = partial(Drawn, worlds, held, followed)
    found = _Simulating(worlds, begin, seed, on, processes, end, progress)
    if before is not None and before.of_the_same(base.hash, seed, choice, dispatch):
        found.keep(before)
    found.make(draws)
    return Simulation(
        Simulation.FORMAT,
        *base.head,
        found.status,
        choice,
        seed,
        draws,
        baseline.cost.amount,
        None if calm is None else nano(Fraction(calm.cost)),
        {risk.id: risk.kind for risk in case.declared.risks},
        tuple(found.done[index] for index in sorted(found.done)),
        dispatch,
        said,
    )


def _worlds(case: Case, choice: str | None) -> tuple[Case, tuple[SimulatedWorld, ...]]:
    """The case that is planned, and the ways in which events may turn out after it."""
    if choice is None:
        return case, (SimulatedWorld("", Decimal(1), case),)
    taken: OpenChoice | None = next((each for each in case.declared.choices if each.id == choice), None)
    if taken is None:
        known = [each.id for each in case.declared.choices]
        remedy = did_you_mean(choice, known, "the case has no choices: leave it out")
        raise CaseError.of_parameter("choice", f"there is no choice `{choice}`", remedy)
    found = [leaf for leaf in leaves(case) if leaf.choice.id == choice]
    named = [(", ".join(outcome for _, outcome in leaf.world), leaf.probability, leaf.case) for leaf in found]
    return case.under(scenario=taken.scenario), tuple(SimulatedWorld(*each) for each in named)


def _must_have_risks(case: Case, worlds: Sequence[SimulatedWorld]) -> None:
    if not case.declared.risks and len(worlds) == 1:
        what = "the case has no `risks:`, so there is nothing to draw"
        followed = [f"`{c.id}`" for c in case.declared.choices if any(e.under(c.id) for e in case.declared.uncertain)]
        remedy = "write outages, or levels of demand or of prices"
        if followed:
            remedy += f"; or take a choice that events follow ({', '.join(followed)}): they are drawn too"
        raise CaseError([Mistake(Where(case.declared.name), what, remedy)])


@dataclass
class _Simulating:
    """Draws as they are made, so that what is known when it is stopped is kept."""

    worlds: tuple[SimulatedWorld, ...]
    begin: Begin
    seed: int
    on: DrawMaker
    processes: int | None
    end: float | None
    progress: Progress
    done: dict[int, SimulatedDraw] = field(default_factory=dict)
    status: Status = "complete"

    def keep(self, before: Simulation) -> None:
        """Keep the draws of a simulation of the same."""
        self.done = {each.index: each for each in before.draws}

    def make(self, wanted: int) -> None:
        """Make those that are missing, those of one program together."""
        self.done = {index: each for index, each in self.done.items() if index < wanted}
        chances = [world.probability for world in self.worlds]
        base = self.worlds[0].case
        todo = [draw(base, chances, self.seed, index) for index in range(wanted) if index not in self.done]
        try:
            with closing(crew_of(self.on, self.processes, len(todo), self.begin)) as crew:
                for found in made_by(crew, todo):
                    self.done |= {each.index: each for each in found}
                    self.progress(f"{len(self.done)} of {wanted} draws")
                    if self.end is not None and time.monotonic() > self.end:
                        self.status = "time-limit" if len(self.done) < wanted else "complete"
                        return
        except KeyboardInterrupt:
            self.status = "interrupted"
