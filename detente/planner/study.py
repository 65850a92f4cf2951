"""A study: one program, kept open with all that was formulated, and the cases that lie near it.

Owns: the verbs: without, under, losing, solve, bill, plan. A study is a value: it says in what it differs from the
program as formulated, and brings the program there before each solve, so that studies of one program may be asked in
any order: which of several plans of one cost comes out may turn on it, and no cost does. Not here: the open program
(``open_program``), the search (``solving``), the bill and the plan's rows (``answer``), which plan of about the same
cost can be carried out (``carried_out``), conflicts (``conflict``).
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from detente.case.case import Case
from detente.errors import BillError, UnsettledError
from detente.planner.answer.balance import check
from detente.planner.answer.barely_reached import surely_reached
from detente.planner.answer.bill import Bill, bill_of
from detente.planner.answer.whole_quanta import Prefer, as_found, in_quanta, in_quanta_in_place
from detente.planner.carried_out import carried_out
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Ints
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.softening import Softening
from detente.planner.kept_time import keep_time
from detente.planner.open_program import Absence, OpenProgram
from detente.planner.past import NOTHING_KEPT, Past
from detente.planner.solving.incumbent import Footing, Incumbent, Unmet
from detente.planner.solving.interrupt import interrupts_noted
from detente.planner.solving.model import Model
from detente.planner.solving.search import Progress, nearby, search, silent
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import whole_columns

if TYPE_CHECKING:
    from detente.results.plan import Plan

GAP = 1e-4
"""A plan within this much of its bound counts as optimal."""

MAX_OPEN = 4
"""Programs that a study keeps open: the first, and the last of those that had to be formulated anew."""

STOPPING = "stopping with the best plan so far; Ctrl-C again stops at once, without it"


@dataclass(frozen=True)
class Study:
    """A case over an open program, and the programs that are open beside it.

    ``out`` are owners that are out, ``added`` the keys of what is in of all that was added to the program since.
    ``left_out`` are owners that ``relaxed`` took out, in whatever case. With ``performs``, no remedy is taken: a
    shortfall against a fee. ``start`` is what was found nearby, ``footing`` where solves begin. ``lost`` are offers
    that are gone for some time, and ``past`` is what was decided before that was known;
    workloads in ``must`` are served in full, though they may go unserved in the case, those in ``spared`` but for so
    much. Of offers in ``plenty``, bought in units, there are as many as work could use. Columns in ``swept`` stay at
    zero: a plan does without them. ``began``: when the first of them was formulated (``time.monotonic``).
    """

    case: Case
    program: OpenProgram
    out: frozenset[Owner] = frozenset()
    added: frozenset[Owner] = frozenset()
    left_out: frozenset[Owner] = frozenset()
    giving: Softening | None = None
    performs: bool = False
    lost: frozenset[Absence] = frozenset()
    must: frozenset[str] = frozenset()
    spared: Mapping[str, float] = field(default_factory=dict)
    plenty: frozenset[str] = frozenset()
    past: Past | None = None
    swept: Ints | None = None
    start: Incumbent | None = None
    footing: Footing | None = None
    beside: list[OpenProgram] = field(default_factory=list)
    progress: Progress = silent
    began: float = field(default_factory=time.monotonic, compare=False)

    @classmethod
    def of(cls, case: Case, *, time_limit: float | None = None, progress: Progress = silent) -> Study:
        """Formulate a case, once. The time limit, in seconds, is that of this, all solves and one bill together."""
        began, worked = time.monotonic(), time.process_time()
        program = OpenProgram.of(case, progress)
        if time_limit is not None:
            took = time.monotonic() - began
            shared = took / max(time.process_time() - worked, 1e-3)  # with whatever else runs here
            keep_time(program.model, began + time_limit, shared)
        return cls(case, program, beside=[program], progress=progress, began=began)

    # -- vary --------------------------------------------------------------------------------------------------
    def without(self, ids: Iterable[str]) -> Study:
        """The same study without clauses."""
        return self.under(self.case.under(without=ids))

    def under(self, case: Case) -> Study:
        """The study of another case: over a program that is open where one can answer it, else formulated anew."""
        for program in self.beside:
            turned = program.answering(case)
            if turned is not None:
                return replace(self, case=case, program=program, out=turned[0], added=turned[1], giving=None)
        program = OpenProgram.of(case, self.progress)
        program.model.as_long_as(self.program.model)
        del self.beside[1 : len(self.beside) - MAX_OPEN + 2]
        self.beside.append(program)
        return replace(self, case=case, program=program, out=frozenset(), added=frozenset(), giving=None)

    def relaxed(self, owners: Iterable[Owner]) -> Study:
        """The same study with owners of any kind out, demand and offers too; such a study is not billed."""
        return replace(self, left_out=self.left_out.union(owners))

    def with_plenty(self, offers: Iterable[str]) -> Study:
        """The same study with no end of some offers: those that are bought in units, and no others."""
        return replace(self, plenty=self.plenty.union(offers).intersection(self.program.draft.units))

    def softened(self, owners: Sequence[Owner]) -> Study:
        """The same study with owners that may give (``giving`` says by which columns)."""
        return replace(self, giving=self.program.soften(tuple(owners), remedies=self.performs))

    def starting(self, found: Incumbent) -> Study:
        """The same study, each solve of which begins where another ended: soon there, and at one cost in any order."""
        return replace(self, start=found, footing=found.footing(self.draft))

    def beginning(self, footing: Footing) -> Study:
        """The same study, each solve of which begins where one nearer than ``start`` ended."""
        return replace(self, footing=footing)

    def losing(self, lost: Iterable[Absence]) -> Study:
        """The same study with offers gone for some time."""
        return replace(self, lost=self.lost.union(lost))

    def serving(self, must: Iterable[str], spared: Mapping[str, float] | None = None) -> Study:
        """The same study with workloads served in full, or but for so much: they state a value, and it is set aside."""
        return replace(self, must=frozenset(must), spared=spared or {})

    def keeping(self, past: Past) -> Study:
        """The same study with what was decided before some news as it was."""
        return replace(self, past=past)

    def performed(self) -> Study:
        """The same study with every clause performed: no remedy is taken, save by who may give."""
        return replace(self, performs=True)

    # -- solve, bill -------------------------------------------------------------------------------------------
    @property
    def draft(self) -> Draft:
        """What was formulated, as this case's."""
        draft = copy.copy(self.program.draft)
        draft.case = self.case
        return draft

    def turn(self) -> Model:
        """Bring the program inside the solver to this study, whose it is until another of that program turns it."""
        program, model = self.program, self.program.model
        program.limit(self.spared)
        out, lenient = self.owners_out, self.giving.lenient if self.giving else frozenset()
        if (model.out, model.lenient) != (out, lenient):
            model.turn(out, lenient)
        program.leave(self.spared)
        if program.plenty != self.plenty:
            program.offer_plenty(self.plenty)
        closed = self._closed()
        if model.closed.keys() != closed.keys():
            model.close(closed)
        model.pin(NOTHING_KEPT if self.past is None else self.past.bounds(program.draft))
        spared = frozenset(self.giving.totals if self.giving else ()) if self.performs else None
        if model.spared != spared:
            model.perform(spared)
        return model

    @property
    def owners_out(self) -> frozenset[Owner]:
        """Whose rows and columns are out: of all that was added to the program, what other studies asked for too."""
        added = {key for key in self.added if key.original not in self.left_out}
        if self.giving:
            added.add(self.giving.key)
        return self.out | self.left_out | (self.program.since - added)

    def _closed(self) -> dict[Hashable, Ints]:
        """Columns that stay at zero, by why: offers that are gone, work that is served, what a plan does without."""
        closed: dict[Hashable, Ints] = {gone: self.program.lost(gone) for gone in self.lost}
        closed |= {name: self.program.draft.unserved[name] for name in self.must if name not in self.spared}
        if self.swept is not None:
            closed["swept", self.swept.tobytes()] = self.swept
        return closed

    def possible(self, whole: Ints | None = None) -> bool:
        """Whether any point keeps every row, with some columns whole.

        Raises
        ------
        UnsettledError, KeyboardInterrupt
            Stopped before that was settled.
        """
        model = self.turn()
        model.objective(np.zeros(model.program.n))
        found = model.solve_linear() if whole is None else model.solve_as(whole, 1.0)
        model.objective(None)
        if found.status == "interrupted":
            raise KeyboardInterrupt
        if found.status == "time-limit":
            raise UnsettledError("whether all clauses can be performed was not settled in time: give it more time")
        return found.status == "optimal"

    def least_unserved(self) -> dict[str, float] | None:
        """Of the workloads that must be served, how little must go unserved where not all can be; None: no plan at all.

        The least sum of the parts of their demand, in units that may be divided.
        """
        study = self.serving(())
        model, draft = study.turn(), study.draft
        cost = np.zeros(model.program.n)
        for name in self.must:
            cost[draft.unserved[name]] = 1.0 / max(float(draft.demand[name].work.sum()), 1e-9)
        model.objective(cost)
        found = model.solve_linear()
        model.objective(None)
        if found.status != "optimal" or found.values is None:
            return None
        return {name: float(found.values[draft.unserved[name]].sum()) for name in sorted(self.must)}

    def solve(self, gap: float = GAP) -> Incumbent | Unmet:
        """The least cost, with its bound, to a relative gap; or that no plan obeys every clause."""
        draft, model = self.draft, self.turn()

        def searched(footing: Footing | None) -> Incumbent | Unmet:
            return search(draft, model, gap, self.progress, footing)

        found = self._surely(searched)
        if isinstance(found, Unmet):
            with self.program.as_asked() as differs:
                if differs:
                    return self._surely(searched)
        return found

    def _surely(self, searched: Callable[[Footing | None], Incumbent | Unmet]) -> Incumbent | Unmet:
        """What a search finds, in which no amount is reached by the solver's tolerance alone."""
        found = searched(self.footing)
        if isinstance(found, Unmet):
            return found
        return surely_reached(self.draft, self.turn(), found, self._amiss, lambda: searched(None))

    def _amiss(self, found: Incumbent) -> tuple[str, ...] | None:
        """None where the exact bill of a solution is the solver's cost; else the clauses by whom it is not, by id."""
        try:
            self.bill(found)
        except BillError as error:
            return error.clauses
        return None

    def near(self, gap: float = GAP) -> Incumbent | Unmet:
        """As ``solve``, with no more work than tells its cost from that of ``start``, whose program is near this one.

        Far quicker for a large program; the bound is as sure, and the gap may be wider.
        """
        assert self.start is not None, "say near what: `starting`"
        assert self.footing is not None
        draft, model, start = self.draft, self.turn(), self.start

        def searched(footing: Footing | None) -> Incumbent | Unmet:
            return nearby(draft, model, gap, self.progress, start, footing or Footing(None, None))

        found = self._surely(searched)
        return self.solve(gap) if isinstance(found, Unmet) else found

    def bound(self) -> Solution:
        """The linear program alone: no whole number is sought, and its bound holds for all of them. Soon there."""
        model = self.turn()
        if self.footing is not None and self.footing.basis is not None:
            model.start_at(self.footing.basis)
        return model.solve_linear()

    def bill(self, found: Incumbent, prefer: Prefer = as_found) -> tuple[Bill, Solution]:
        """The exact bill of a solution of this study, and the solution in whole quanta that it bills.

        Raises
        ------
        UnsettledError
            Stopped before any solution was found.
        BillError
            The bill differs from the solver's cost by more than rounding (§4).
        """
        if found.solution is None or found.solution.values is None:
            raise UnsettledError("no plan was found in time: give it more time")
        self.progress("billing")
        draft, model = self.draft, self.turn()
        if found.prices is None:
            solution, whole = in_quanta_in_place(draft, model, found.solution)
        else:
            solution, whole = in_quanta(draft, model, found.solution, whole_columns(draft), prefer)
        exact = bill_of(draft, whole)
        check(draft, exact, solution, model)
        return exact, solution

    def sweeping(self, places: Ints) -> Study:
        """The same study without some places more, as columns of use: nothing is done there."""
        return replace(self, swept=places if self.swept is None else np.union1d(self.swept, places))

    def plan(self, found: Incumbent, gap: float = GAP) -> Plan:
        """The plan of a solution of this study, or of one of the same cost that moves less work from period to period.

        Ctrl-C meanwhile is too late to lose it, and marks it.
        """
        plan = self.plan_of(found, *carried_out(self, found, gap), gap)
        return replace(plan, status="interrupted") if self.interrupted and plan.status == "feasible" else plan

    def plan_of(self, found: Incumbent, exact: Bill, solution: Solution, gap: float = GAP) -> Plan:
        """The plan of a solution that was billed."""
        from detente.planner.answer.result import result

        prices, stopped = found.prices or found.solution, found.stopped
        assert prices is not None
        by: Literal["program", "prices"] = "prices" if found.prices is None else "program"
        return result(
            self.draft,
            self.turn(),
            solution,
            prices=prices,
            exact=exact,
            bound=found.bound,
            rounding=found.rounding,
            wanted=gap,
            stopped=stopped,
            bounded_by=by,
            basis=found.basis,
        )

    @contextlib.contextmanager
    def noting_interrupts(self) -> Iterator[None]:
        """Ctrl-C meanwhile is noted, and what is at hand is finished."""
        model = self.program.model
        with interrupts_noted(lambda: self.progress(STOPPING)) as model.interrupt:
            yield

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed."""
        interrupt = self.program.model.interrupt
        return interrupt is not None and interrupt.noted
