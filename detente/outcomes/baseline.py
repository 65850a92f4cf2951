"""A case's own least cost, and those of cases near it: asked of one study, and remembered.

Owns: how a cost is found, with its bound, and what stops that. Not here: which cases are asked (``pricing``,
``sweep``), and the program (``planner.study``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import isfinite

from detente.case.case import Case
from detente.contract.roles import PriceChange
from detente.contract.term import Effect, Term
from detente.errors import UnsettledError
from detente.outcomes.estimate import NOTHING, Estimate, LeastCost
from detente.planner.answer.bill import Bill, work_by_provider
from detente.planner.answer.binding import binding
from detente.planner.answer.costs import at_present, cost_rows
from detente.planner.news import unforeseen
from detente.planner.solving.incumbent import Footing, Incumbent, Unmet
from detente.planner.solving.model import Basis
from detente.planner.solving.solution import SAME, Solution, Stopped
from detente.planner.study import GAP, Study
from detente.results.plan import NO_BOUND, Plan
from detente.values.money import CENT, nano

SHARE = 0.4
"""Of a time limit, the part in which the case itself is planned; the rest is for those near it."""

USED = 1e-9
"""Of a column: less is the solver's tolerance."""

WorkByProvider = Mapping[tuple[str, str], Decimal]
"""Work by workload and provider; with no provider (``""``) it is not served."""


class StoppedError(Exception):
    """A solve was stopped: it never leaves this room, and what was found before is kept."""

    def __init__(self, how: Stopped) -> None:
        super().__init__(how)
        self.how = how


@contextlib.contextmanager
def stops_noted(study: Study, note: Callable[[Stopped], None]) -> Iterator[None]:
    """What stops the work meanwhile is noted, so that what was found before is kept; Ctrl-C twice stops it at once."""
    try:
        yield
    except StoppedError as stopped:
        note(stopped.how)
    except KeyboardInterrupt:
        if study.interrupted:
            raise
        note("interrupted")


@dataclass(frozen=True)
class Near:
    """A case near another: what it costs, where its work runs, and which clauses act in its linear program.

    ``linear`` is what that costs, and ``floor`` its own bound, which needs no clause that does not bind.
    ``bill`` is the other's own where the cost is the same; ``study`` is the one whose bill it is. ``today`` is what it
    costs at present value, where the case states a `discount-rate`. From ``footing`` on, cases near it are soon solved.
    """

    cost: LeastCost
    acts: frozenset[str]
    linear: float
    floor: float
    bill: Bill
    study: Study
    today: Decimal | None
    footing: Footing

    @property
    def work(self) -> WorkByProvider:
        """Where its work runs."""
        return work_by_provider(self.study.draft, self.bill.quantities)


@dataclass(frozen=True, slots=True)
class Linear:
    """What a case costs if units could be divided, and where that solve ended."""

    cost: float
    basis: Basis


@dataclass(frozen=True)
class Baseline:
    """The study of a case, begun where its own plan was found; its cost and bill. Cases near it are asked once."""

    study: Study
    found: Incumbent
    cost: LeastCost
    bill: Bill
    gap: float
    today: Decimal | None = None
    known: dict[frozenset[str], Near | None] = field(default_factory=dict)
    linear: dict[frozenset[str], Linear | None] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, gap: float = GAP) -> Baseline | Unmet:
        """Plan the case of a study; or that no plan obeys every clause.

        Raises
        ------
        UnsettledError, KeyboardInterrupt
            Stopped before there was a plan.
        """
        model = study.program.model
        left = None if model.deadline is None else model.deadline - (1 - SHARE) * model.left
        with model.until(left):
            informed = unforeseen(study, gap)
            found = informed.solve(gap)
        if isinstance(found, Unmet):
            return found
        if found.solution is None and study.interrupted:
            raise KeyboardInterrupt
        if found.solution is None:
            raise UnsettledError("no plan was found in time: give it more time")
        bill, solution = informed.bill(found)
        found = Incumbent(solution, found.bound, found.stopped, found.rounding, found.prices, found.basis)
        return cls(
            study.starting(found), found, _cost(bill.total, found.bound), bill, gap, _today(study, bill, solution)
        )

    @property
    def plan(self) -> Plan:
        """Its plan, as it was found and billed."""
        assert self.found.solution is not None
        return self.study.plan_of(self.found, self.bill, self.found.solution, self.gap)

    @property
    def relaxed(self) -> Solution:
        """The case without whole numbers: its duals are the marginal prices."""
        solution = self.found.prices or self.found.solution
        assert solution is not None
        return solution

    @property
    def work(self) -> WorkByProvider:
        """Where its work runs."""
        return work_by_provider(self.study.draft, self.bill.quantities)

    # -- cases near it ---------------------------------------------------------------------------------------------
    def without(self, ids: Iterable[str], within: Decimal = NOTHING) -> Near | None:
        """The case without clauses; None where it has no plan. Raises StoppedError.

        ``within``: to know its cost so nearly is enough, where the gap of the case asks for more.
        """
        out = frozenset(ids)
        if out not in self.known:
            near = self._no_dearer(out, within) if out else self.itself
            self.known[out] = near or self.near(self.study_without(out), within)
        return self.known[out]

    def _no_dearer(self, out: frozenset[str], within: Decimal) -> Near | None:
        """The case without fewer clauses, where that is near enough: what else is out does not bind there.

        Its plan is one of the case without more of them, too, and its duals prove the same bound.
        """
        _going_on(self.study)
        near = self._alike(out)
        if near is None:
            return None
        cost = _cost(near.cost.amount, min(float(near.cost.bound), near.floor))
        enough = max(self.cost.gap, within, nano(Fraction(self.gap)) * abs(cost.amount))
        return replace(near, cost=cost) if cost.gap <= enough else None

    def _alike(self, out: frozenset[str]) -> Near | None:
        """A case without fewer clauses that costs as much as that without all of these, if units could be divided."""
        known = {frozenset[str](): self.itself, **self.known}
        found = (near for some, near in known.items() if near and some < out and self._idle(out - some, near))
        return next(found, None)

    def _idle(self, names: frozenset[str], near: Near) -> bool:
        """Whether clauses could be left out of a case, and its linear program would cost the same."""
        return names <= self.restraining & self.by_own and not names & near.acts

    @cached_property
    def restraining(self) -> frozenset[str]:
        """Clauses without which no plan is dearer, whatever else is agreed (law 5).

        None where there is news: what is decided before it, as if it would not come, may be the worse without a clause.
        """
        case = self.study.case
        if case.news:
            return frozenset()
        return frozenset(term.id for term in case.terms) - {t.id for t in case.terms if effect_of(t) != "restrains"}

    @cached_property
    def by_own(self) -> frozenset[str]:
        """Clauses that act by denials, rows and columns of their own: they change no cost of what others own.

        None where there is news: what is decided before it turns on clauses that need not act after it.
        """
        case, charges = self.study.case, self.study.draft.program.charges
        priced = {t.id for t in case.terms if isinstance(t, PriceChange)}.union(charge.key.name for charge in charges)
        return frozenset() if case.news else frozenset(term.id for term in case.terms) - priced

    def under(self, case: Case) -> Near | None:
        """Another case; None where it has no plan. Raises StoppedError."""
        return self.near(self.study.under(case))

    def linear_without(self, ids: Iterable[str]) -> float | None:
        """What the case costs without clauses if units could be divided; None without a plan. Raises StoppedError."""
        out = frozenset(ids)
        if out in self.known:
            known = self.known[out]
            return None if known is None else known.linear
        alike = self._alike(out)
        if alike is not None:
            return alike.linear
        if out not in self.linear:
            study = unforeseen(_going_on(self.study_without(out)), self.gap)
            cost = linear(study)
            self.linear[out] = None if cost is None else Linear(cost, study.program.model.basis)
        found = self.linear[out]
        return None if found is None else found.cost

    def study_without(self, ids: Iterable[str]) -> Study:
        """The study of the case without clauses, begun where that without some of them ended which made most of it."""
        out = frozenset(ids)
        known = [near for some, near in self.known.items() if near is not None and some <= out]
        solved = [found for some, found in self.linear.items() if found is not None and some <= out]
        far = max(known, key=lambda near: self._away(near.linear), default=None)
        study = self.study.without(out)
        if far is None:
            return study
        begin = max(solved, key=lambda found: self._away(found.cost), default=None)
        if begin is None or self._away(begin.cost) <= self._away(far.linear):
            return study.beginning(far.footing)
        return study.beginning(replace(far.footing, basis=begin.basis))

    def near(self, study: Study, within: Decimal = NOTHING) -> Near | None:
        """The cost of a study near this one, as near as is enough; None where it has no plan. Raises StoppedError."""
        gap = max(self.gap, float(within / max(abs(self.cost.amount), CENT)))
        study = unforeseen(_going_on(study), gap)
        found = study.near(gap)
        if isinstance(found, Unmet):
            return None
        if found.solution is None or found.stopped is not None:
            raise StoppedError(found.stopped or "time-limit")
        relaxed = found.prices or found.solution
        acts, footing = _acting(study, relaxed), found.footing(study.draft)
        if self._same(found):
            cost = _cost(self.cost.amount, found.bound)
            return Near(cost, acts, relaxed.objective, relaxed.bound, self.bill, self.study, self.today, footing)
        bill, solution = study.bill(found)
        today = _today(study, bill, solution)
        cost = _cost(bill.total, found.bound)
        return Near(cost, acts, relaxed.objective, relaxed.bound, bill, study, today, footing)

    def _away(self, cost: float) -> float:
        """How far a cost is from this case's own, if units could be divided."""
        return abs(self.relaxed.objective - cost)

    @cached_property
    def itself(self) -> Near:
        """The case, as near as can be."""
        acts, relaxed = _acting(self.study, self.relaxed), self.relaxed
        footing = self.found.footing(self.study.draft)
        return Near(self.cost, acts, relaxed.objective, relaxed.bound, self.bill, self.study, self.today, footing)

    def _same(self, found: Incumbent) -> bool:
        """Whether it costs what the case itself costs, but for what the solver cannot tell: then no bill is made."""
        return abs(found.cost - self.found.cost) <= SAME * max(1.0, abs(self.found.cost))

    def saved(self, near: Near) -> Estimate:
        """How much less a case near this one costs."""
        return Estimate.difference(self.cost, near.cost)

    def saved_today(self, near: Near | None) -> Decimal | None:
        """The same at present value, of the two plans that were found; None where no rate is stated, or no plan."""
        if near is None or near.today is None or self.today is None:
            return None
        return self.today - near.today


def effect_of(term: Term) -> Effect:
    """What a clause does to us; in a currency whose rate changes either: what is paid at one, another gives back."""
    return term.effect if term.own_money is None else "both"


def _acting(study: Study, relaxed: Solution) -> frozenset[str]:
    """The clauses that bind, those whose columns are used, and those by which others go: these are others without."""
    program, values = study.draft.program, relaxed.values
    assert values is not None
    used = {b.owner.name for b in program.column_blocks if b.owner.kind == "term" and (values[b.slice] > USED).any()}
    return binding(program, relaxed, study.owners_out).union(used, *(term.depends_on for term in study.case.terms))


def linear(study: Study) -> float | None:
    """What a study's case costs if units could be divided; None without a plan. Raises StoppedError."""
    found = solved(study)
    return None if found is None else found.objective


def solved(study: Study) -> Solution | None:
    """A study's case if units could be divided; None without a plan. Raises StoppedError."""
    found = _going_on(study).bound()
    if found.status in ("time-limit", "interrupted"):
        raise StoppedError(_how(found.status))
    return found if found.status == "optimal" else None


def _going_on(study: Study) -> Study:
    """A study, as long as nobody wants it to stop. Raises StoppedError."""
    if study.interrupted:
        raise StoppedError("interrupted")
    if study.program.model.left <= 0:
        raise StoppedError("time-limit")
    return study


def _today(study: Study, bill: Bill, solution: Solution) -> Decimal | None:
    """What a bill comes to at present value, where the case states a rate."""
    case = study.case
    return None if case.discount_rate is None else at_present(case, cost_rows(study.draft, bill, solution))


def _how(status: str) -> Stopped:
    return "interrupted" if status == "interrupted" else "time-limit"


def _cost(amount: Decimal, bound: float) -> LeastCost:
    """A cost with its bound, which lies above the cost by rounding at most."""
    return LeastCost(amount, min(amount, nano(Fraction(bound)) if isfinite(bound) else NO_BOUND))
