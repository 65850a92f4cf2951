"""A study: one program, kept open with all that was formulated, and the cases that lie near it.

Owns: the open program, which cases it can answer without another formulation, and the verbs: without, under, solve,
bill, plan. A study is a value: it says in what it differs from the program as formulated, and brings the program there
before each solve, so that studies of one program may be asked in any order: which of several plans of one cost comes
out may turn on it, and no cost does. Not here: the search (``solving``), the bill and the plan's rows (``answer``),
conflicts (``conflict``).
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from detente.case.case import Case
from detente.contract.term import Term
from detente.errors import BillError, UnsettledError
from detente.planner.answer.bill import Bill, charge
from detente.planner.answer.result import result
from detente.planner.answer.rounding import Prefer, as_found, at_stake, settled
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Ints
from detente.planner.formulation.formulate import formulate
from detente.planner.formulation.idle import idle_ceilings
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.formulation.permissions import denies_anything
from detente.planner.formulation.shaping import Shaping
from detente.planner.formulation.softening import Softening, soften
from detente.planner.solving.interrupt import held
from detente.planner.solving.model import Model
from detente.planner.solving.search import Incumbent, Progress, Unmet, nearby, search
from detente.planner.solving.solution import Solution
from detente.planner.solving.steadier import moving_least, moving_less
from detente.planner.solving.whole import whole_columns
from detente.results.plan import Plan

GAP = 1e-4
"""A plan within this much of its bound counts as optimal."""

MAX_OPEN = 4
"""Programs that a study keeps open: the first, and the last of those that had to be formulated anew."""

BILLED = 4e-5
"""Seconds that the bill and the rows of a plan take for each column of its program: an estimate, on the safe side."""

AT_NO_COST = Decimal("1e-11")
"""By what part a bill may be higher for less to be moved: what the rounding of many quanta comes to, and no more."""

MAX_KEPT = 0.5
"""Of the time that is left after formulating, at most so much is kept for the bill."""

TWICE = 2.0
"""So many times what the bill took must be left for another, of what moves less."""

STOPPING = "stopping with the best plan so far; Ctrl-C again stops at once, without it"


def silent(text: str) -> None:
    """Nobody is told."""


@dataclass(eq=False)
class OpenProgram:
    """A program inside the solver, the case that it was formulated from, and the clauses shaped into it since.

    ``short`` are those of them that could ask for more units than it has.
    """

    case: Case
    draft: Draft
    model: Model
    shaped: dict[Owner, list[Term]] = field(default_factory=dict)
    short: set[Owner] = field(default_factory=set)
    softened: dict[tuple[tuple[Owner, ...], bool, tuple[int, ...]], Softening] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case, progress: Progress) -> OpenProgram:
        """Formulate a case and hand it to the solver."""
        progress("formulating")
        draft = formulate(case)
        progress(f"assembling {draft.program.n:,} columns, {draft.program.m:,} rows")
        return cls(case, draft, Model(draft.program))

    # -- which cases it can answer -----------------------------------------------------------------------------
    def answering(self, case: Case) -> tuple[frozenset[Owner], frozenset[Owner]] | None:
        """Who is out in a case, and who of those shaped since is in; None where it has to be formulated anew.

        Exact: rows, bounds, columns and charges are all that a clause adds, save that it changes prices. A clause with
        other numbers is shaped once more, beside itself. What changes prices is in other clauses' coefficients; what
        denies or wants standby is in columns that clauses share: it may be left out, and else is formulated anew. So is
        one for which more units could be bought, and stand idle, than there are columns for.
        """
        if not _same_but_clauses(self.case, case):
            return None
        before, after = by_owner(self.case.terms), by_owner(case.terms)
        changed = [owner for owner in {**before, **after} if before.get(owner) != after.get(owner)]
        if any(term.prices for owner in changed for term in (before.get(owner), after.get(owner)) if term):
            return None
        other = {owner: after[owner] for owner in changed if owner in after}
        if not all(self._shapes_alone(owner, term) for owner, term in other.items()):
            return None
        out = frozenset(owner for owner in changed if owner in before)
        added = frozenset(self._shape(owner, term) for owner, term in other.items())
        return None if added & self.short else (out, added)

    def _shapes_alone(self, owner: Owner, after: Term) -> bool:
        """Whether a clause can be shaped beside itself: it denies nothing, then and now, and wants no standby."""
        denied = any(owner in denial.turns_on for denial in self.draft.program.denials)
        return not denied and after.standby is None and not denies_anything(self.draft, [after])

    def _shape(self, owner: Owner, term: Term) -> Owner:
        """The key of a clause with other numbers: shaped once, and kept."""
        known = self.shaped.setdefault(owner, [])
        if term not in known:
            known.append(term)
            program = self.draft.program
            program.variant = len(known)
            term.shape(Shaping(self.draft))
            program.variant = 0
            if idle_ceilings(self.draft):
                self.short.add(owner._replace(variant=len(known)))
            self.model.extend()
        return owner._replace(variant=1 + known.index(term))

    def soften(self, owners: tuple[Owner, ...], *, remedies: bool) -> Softening:
        """Columns and rows by which owners may give, out until they are put in: added once, and kept."""
        variants = tuple(len(self.shaped.get(owner, ())) for owner in owners)
        known = owners, remedies, variants  # rows shaped since give nothing yet
        if known not in self.softened:
            self.softened[known] = soften(self.draft, owners, remedies=remedies)
            self.model.extend()
        return self.softened[known]

    @property
    def since(self) -> frozenset[Owner]:
        """The keys of all that was added since it was formulated: clauses with other numbers, and what may give."""
        shaped = [owner._replace(variant=1 + at) for owner, known in self.shaped.items() for at in range(len(known))]
        return frozenset([*shaped, *(softening.key for softening in self.softened.values())])


@dataclass(frozen=True)
class Study:
    """A case over an open program, and the programs that are open beside it.

    ``out`` are owners that are out, ``added`` the keys of what is in of all that was added to the program since.
    ``left_out`` are owners that ``relaxed`` took out, in whatever case. With ``performs``, no remedy is taken: a
    shortfall against a fee. ``start`` is what was found nearby.
    """

    case: Case
    program: OpenProgram
    out: frozenset[Owner] = frozenset()
    added: frozenset[Owner] = frozenset()
    left_out: frozenset[Owner] = frozenset()
    giving: Softening | None = None
    performs: bool = False
    start: Incumbent | None = None
    beside: list[OpenProgram] = field(default_factory=list)
    progress: Progress = silent

    @classmethod
    def of(cls, case: Case, *, time_limit: float | None = None, progress: Progress = silent) -> Study:
        """Formulate a case, once. The time limit, in seconds, is that of this, all solves and one bill together."""
        end = None if time_limit is None else time.monotonic() + time_limit
        program = OpenProgram.of(case, progress)
        program.model.deadline = None if end is None else end - _kept_for_the_bill(program, end)
        return cls(case, program, beside=[program], progress=progress)

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
        program.model.deadline, program.model.interrupt = self.program.model.deadline, self.program.model.interrupt
        del self.beside[1 : len(self.beside) - MAX_OPEN + 2]
        self.beside.append(program)
        return replace(self, case=case, program=program, out=frozenset(), added=frozenset(), giving=None)

    def relaxed(self, owners: Iterable[Owner]) -> Study:
        """The same study with owners of any kind out, demand and offers too; such a study is not billed."""
        return replace(self, left_out=self.left_out.union(owners))

    def softened(self, owners: Sequence[Owner]) -> Study:
        """The same study with owners that may give (``giving`` says by which columns)."""
        return replace(self, giving=self.program.soften(tuple(owners), remedies=self.performs))

    def starting(self, found: Incumbent) -> Study:
        """The same study, each solve of which begins where another ended: soon there, and at one cost in any order."""
        return replace(self, start=found)

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

    @property
    def model(self) -> Model:
        """The program inside the solver, brought to this study."""
        model, giving = self.program.model, self.giving
        stays = frozenset(key for key in self.added if key.original not in self.left_out)
        added = stays | (frozenset([giving.key]) if giving else frozenset())
        out = self.out | self.left_out | (self.program.since - added)
        lenient = giving.lenient if giving else frozenset()
        if (model.out, model.lenient) != (out, lenient):
            model.turn(out, lenient)
        spared = frozenset(giving.totals if giving else ()) if self.performs else None
        if model.spared != spared:
            model.perform(spared)
        return model

    def possible(self, whole: Ints | None = None) -> bool:
        """Whether any point keeps every row, with some columns whole.

        Raises
        ------
        UnsettledError, KeyboardInterrupt
            Stopped before that was settled.
        """
        model = self.model
        model.objective(np.zeros(model.program.n))
        found = model.solve_linear() if whole is None else model.solve_as(whole, 1.0)
        model.objective(None)
        if found.status == "interrupted":
            raise KeyboardInterrupt
        if found.status == "time-limit":
            raise UnsettledError("whether all clauses can be performed was not settled in time: give it more time")
        return found.status == "optimal"

    def solve(self, gap: float = GAP) -> Incumbent | Unmet:
        """The least cost, with its bound, to a relative gap; or that no plan obeys every clause."""
        return search(self.draft, self.model, gap, self.progress, self.start)

    def near(self, gap: float = GAP) -> Incumbent | Unmet:
        """As ``solve``, with no more work than tells its cost from that of ``start``, whose program is near this one.

        Far quicker for a large program; the bound is as sure, and the gap may be wider.
        """
        assert self.start is not None, "say near what: `starting`"
        return nearby(self.draft, self.model, gap, self.progress, self.start)

    def bound(self) -> Solution:
        """The linear program alone: no whole number is sought, and its bound holds for all of them. Soon there."""
        model = self.model
        if self.start is not None and self.start.basis is not None:
            model.start_at(self.start.basis)
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
        draft, model = self.draft, self.model
        solution, whole = settled(draft, model, found.solution, whole_columns(draft), prefer)
        exact = charge(draft, whole)
        check(draft, exact, solution, model)
        return exact, solution

    def plan(self, found: Incumbent, gap: float = GAP) -> Plan:
        """The plan of a solution of this study, or of one of the same cost that moves less work from period to period.

        Ctrl-C meanwhile is too late to lose it, and marks it.
        """
        draft, model, prices = self.draft, self.model, found.prices or found.solution
        began = time.monotonic()
        exact, solution = self.bill(found)
        if found.stopped is None and model.left > TWICE * (time.monotonic() - began):
            exact, solution = self._moving_least(found, exact, solution)
        assert prices is not None
        plan = result(draft, model, solution, prices, exact, found.bound, found.rounding, gap, found.stopped)
        late = model.interrupt is not None and model.interrupt.noted
        return replace(plan, status="interrupted") if late and plan.status == "feasible" else plan

    def _moving_least(self, found: Incumbent, exact: Bill, solution: Solution) -> tuple[Bill, Solution]:
        """A bill of the same total in which less moves, and its solution; the one given where there is none.

        Whole quanta may make a little more of the same cost: a bill that this makes higher is not taken.
        """
        draft, model, best = self.draft, self.model, found.solution
        assert best is not None
        self.progress("moving less")
        columns = whole_columns(draft)
        least = moving_least(draft, model, best, columns)
        if least is best:
            return exact, solution
        moved = self.bill(replace(found, solution=least), lambda solved: moving_less(draft, model, solved, columns))
        return moved if moved[0].total <= exact.total + abs(exact.total) * AT_NO_COST else (exact, solution)

    @contextlib.contextmanager
    def noting_interrupts(self) -> Iterator[None]:
        """Ctrl-C meanwhile is noted, and what is at hand is finished."""
        model = self.program.model
        with held(lambda: self.progress(STOPPING)) as model.interrupt:
            yield

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed."""
        interrupt = self.program.model.interrupt
        return interrupt is not None and interrupt.noted


def check(draft: Draft, exact: Bill, solution: Solution, model: Model) -> None:
    """The exact bill against the solver's objective: a difference beyond rounding is an error (§4)."""
    difference = float(exact.total) - solution.objective
    scale = max(abs(solution.objective), float(abs(exact.listed)), 1.0)
    if abs(difference) > 1e-6 * scale + at_stake(draft, model, exact.quantities, solution):
        raise BillError(
            f"the plan's exact bill is {exact.total} and the solver's cost {solution.objective:.6f}: they differ by "
            f"{difference:.6f}, beyond rounding"
        )


def _kept_for_the_bill(program: OpenProgram, end: float) -> float:
    """Seconds of those that are left which no solve may use."""
    return min(MAX_KEPT * max(0.0, end - time.monotonic()), BILLED * program.draft.program.n)


CLAUSES: Collection[str] = (*("agreements", "events", "scenarios", "choices", "uncertain", "reading", "name", "title"),)
"""Parts of a case that reach a program through its clauses only, or not at all."""


def _same_but_clauses(one: Case, other: Case) -> bool:
    """Whether two cases differ in nothing but clauses."""
    a, b = one.declared, other.declared
    return a is b or all(
        getattr(a, name) is getattr(b, name) or getattr(a, name) == getattr(b, name)
        for name in type(a).model_fields
        if name not in CLAUSES
    )
