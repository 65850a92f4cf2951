"""Which way out is best? Each choice with each way in which the world may turn out, planned and held side by side.

Owns: what is planned, in which order, and what is kept when that is stopped. Not here: which outcomes there are
(``leaves``), the figures of one (``measures``) and over all of them (``risks``), and the values (``comparison``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from detente.case.case import Case
from detente.case.given import GivenPart, GivenSeconds, limits, must_be_case, part
from detente.errors import CaseError, Mistake, TooLargeError, UnsettledError, Where
from detente.outcomes.choices.chances import expected
from detente.outcomes.choices.comparison import BeforeNews, Comparison, NewsStatus, OutcomeColumn
from detente.outcomes.choices.leaves import Leaf, leaves
from detente.outcomes.choices.measures import measured
from detente.outcomes.choices.risks import Risk, weighed
from detente.outcomes.estimate import NOTHING, Estimate, LeastCost
from detente.outcomes.saved import Status
from detente.outcomes.worth.pricing import GAP
from detente.planner.hedged import HedgedPlan
from detente.planner.hedging import CaseInFuture, hedge
from detente.planner.solve import plan
from detente.planner.solving.interrupt import Interrupt, interrupts_noted
from detente.planner.solving.search import Progress, silent
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from detente.values.money import nano
from detente.values.period import moment

LEVEL = Decimal("0.95")
"""Of the tail: the mean of the dearest twentieth of what may happen."""

CaseKey = tuple[str, ...]
"""What tells cases apart: see ``_key``."""

BASELINE = "today"
"""What the column of the case as it is is called."""


def compare(
    case: Case,
    *,
    level: GivenPart = LEVEL,
    weight: GivenPart = NOTHING,
    gap: GivenPart = GAP,
    time_limit: GivenSeconds = None,
    progress: Progress = silent,
) -> Comparison:
    """What each choice of a case costs under each outcome of its uncertain events, and which choice is best.

    Parameters
    ----------
    level
        Of the tail (CVaR), from 0 to less than 1.
    weight
        Of the tail beside the mean, from 0 (the mean alone) to 1: choices and plans before the news heed both.
    gap
        The relative gap to which each outcome is planned.
    time_limit
        Seconds, of everything. What was found until then is returned, and marked so; Ctrl-C does the same.
    progress
        Told, in a few words, what is being done.

    Raises
    ------
    CaseError
        For a case without choices, scenarios that do not go together, and a level or a weight outside its range.
    """
    must_be_case(case)
    least, limit = limits(gap, time_limit)
    tail, counts = part(level, "level"), part(weight, "weight")
    mistakes: list[Mistake] = []
    if tail >= 1:
        what = f"`{level}` is not from 0 to less than 1"
        mistakes.append(Mistake(Where.of_parameter("level"), what, "write for example `95%`"))
    if counts > 1:
        what = f"`{weight}` is not from 0 to 1"
        mistakes.append(Mistake(Where.of_parameter("weight"), what, "write for example `30%`"))
    if mistakes:
        raise CaseError(mistakes)
    return _Comparing(case, leaves(case), Risk(tail, counts), least, limit, progress).compared()


class _Comparing:
    """Plans as they are found, so that what is known when it is stopped is kept."""

    def __init__(
        self,
        case: Case,
        every: Sequence[Leaf],
        risk: Risk,
        gap: float,
        time_limit: float | None,
        progress: Progress,
    ) -> None:
        self.case, self.leaves, self.risk, self.gap, self._progress = case, every, risk, gap, progress
        self.end = None if time_limit is None else time.monotonic() + time_limit
        self.plans: dict[CaseKey, Plan | Conflict] = {}
        self.status: Status = "complete"
        self.interrupt = Interrupt()

    def compared(self) -> Comparison:
        """Everything, or as much as was found."""
        with interrupts_noted() as self.interrupt:
            self._all_planned()
            columns, today = tuple(map(self._column, self.leaves)), self._today()
        case = self.case
        costs = {leaf.name: column.cost for leaf, column in zip(self.leaves, columns, strict=True)}
        before = {choice.id: self._before(choice.id, costs) for choice in case.declared.choices}
        risks, swings = weighed(case, self.leaves, costs, before, self.risk)
        scores = {each.choice: each.weighed for each in risks}
        first = _best(scores)
        return Comparison(
            Comparison.FORMAT,
            *case.head,
            self.status,
            self.risk.level,
            self.risk.weight,
            today,
            columns,
            risks,
            first,
            first is not None and _sure(first, scores),
            swings if first is not None and not self.risk.weight else (),
        )

    # -- planning ----------------------------------------------------------------------------------------------------
    def _all_planned(self) -> None:
        """The case as it is, then each outcome; two that are the same case are planned once.

        Each has an equal part of the time. What others leave of theirs goes to those whose time ended first, again in
        equal parts: some outcomes take much longer than others.
        """
        todo = {_key(self.case): ("the case as it is", self.case)}
        for leaf in self.leaves:
            todo.setdefault(_key(leaf.case), (leaf.name, leaf.case))
        news = len({leaf.choice.id for leaf in self.leaves if leaf.world})  # plans before the news, which come last
        stopped = self._planned(todo, news)
        if stopped and self.status != "interrupted":
            self._planned(stopped, news)

    def _planned(self, todo: Mapping[CaseKey, tuple[str, Case]], news: int) -> dict[CaseKey, tuple[str, Case]]:
        """Plan some cases, each in a part of the time; those whose time ended first. A dearer plan replaces none."""
        stopped: dict[CaseKey, tuple[str, Case]] = {}
        self.status = "complete"
        for at, (key, (name, case)) in enumerate(todo.items()):
            self._progress(f"{name}: plan {at + 1} of {len(todo)}")
            try:
                found = plan(case, gap=self.gap, time_limit=self._share(len(todo) + news - at), progress=self._progress)
            except KeyboardInterrupt:
                self.status = "interrupted"
                return stopped
            except UnsettledError:
                stopped[key] = name, case
                continue
            if _better(found, self.plans.get(key)):
                self.plans[key] = found
            if self.interrupt.noted or (isinstance(found, Plan) and found.status == "interrupted"):
                self.status = "interrupted"
                return stopped
            if isinstance(found, Plan) and found.status == "time-limit":
                stopped[key] = name, case
        if stopped:
            self.status = "time-limit"
        return stopped

    def _share(self, left: int) -> float | None:
        """Of the time that is left, the part of one of so many plans."""
        return None if self.end is None else max(1e-9, self.end - time.monotonic()) / left

    def _before(self, choice: str, costs: Mapping[str, LeastCost | None]) -> tuple[NewsStatus, BeforeNews | None]:
        """The plan of a choice before the news, where there is any to come."""
        own = [leaf for leaf in self.leaves if leaf.choice.id == choice]
        until = max(own[0].known, default=self.case.declared.horizon.start)
        if len(own) == 1 or until <= self.case.declared.horizon.start:
            return "none", None
        known = [(leaf.probability, cost) for leaf in own if (cost := costs[leaf.name]) is not None]
        if len(known) < len(own) or self.status == "interrupted":
            return "not-planned", None
        self._progress(f"{choice}: the plan before the news")
        futures = [CaseInFuture(leaf.case, leaf.probability, leaf.news) for leaf in own]
        try:
            found = hedge(
                futures,
                moment(until),
                weight=self.risk.weight,
                level=self.risk.level,
                gap=self.gap,
                deadline=self.end,
                progress=self._progress,
            )
        except KeyboardInterrupt:
            self.status = "interrupted"
            return "not-planned", None
        except TooLargeError as error:
            self._progress(str(error))
            return "too-large", None
        except UnsettledError:
            self.status = "time-limit"
            return "not-planned", None
        return ("no-plan", None) if found is None else ("planned", _told(own, found, known, self.risk))

    # -- columns -----------------------------------------------------------------------------------------------------
    def _today(self) -> OutcomeColumn:
        return self._measured(OutcomeColumn(BASELINE, None, {}, Decimal(1), None, None, False, ()), self.case)

    def _column(self, leaf: Leaf) -> OutcomeColumn:
        empty = OutcomeColumn(
            leaf.name,
            leaf.choice.id,
            dict(leaf.world),
            leaf.probability,
            leaf.case.scenario,
            leaf.case.reading,
            False,
            (),
        )
        return self._measured(empty, leaf.case)

    def _measured(self, column: OutcomeColumn, case: Case) -> OutcomeColumn:
        """A column with the figures of its plan, or the clauses that collide."""
        found, baseline = self.plans.get(_key(case)), self.plans.get(_key(self.case))
        if isinstance(found, Conflict):
            return collided(column, found)
        if found is None:
            return column
        return measured(column, case, found, baseline if isinstance(baseline, Plan) else None)


def _told(
    own: Sequence[Leaf], found: HedgedPlan, costs_known: Sequence[tuple[Decimal, LeastCost]], risk: Risk
) -> BeforeNews:
    """The plan before the news beside what knowing everything would cost, which is a bound on it as well."""
    known, score = expected(costs_known), risk.score(costs_known)
    bound = max(found.bound, score.bound)
    of_mean = known.bound if risk.weight else bound
    cost = LeastCost(found.cost, min(found.cost, of_mean))
    weighed_cost = LeastCost(found.weighed, min(found.weighed, bound))
    likeliest, mean = (
        None if each is None else nano(Fraction(max(0.0, each - found.divisible)))
        for each in (found.sure, found.for_mean)
    )
    costs = {leaf.name: each for leaf, each in zip(own, found.costs, strict=True)}
    return BeforeNews(cost, weighed_cost, costs, Estimate.difference(cost, known).at_least(NOTHING), likeliest, mean)


def collided(column: OutcomeColumn, found: Conflict) -> OutcomeColumn:
    """A column of which no plan obeys every clause."""
    return replace(column, planned=True, collide=tuple(dict.fromkeys(clause.term for clause in found.clauses)))


def _better(found: Plan | Conflict, before: Plan | Conflict | None) -> bool:
    """Whether an answer replaces an earlier one to the same question."""
    return not isinstance(before, Plan) or not isinstance(found, Plan) or found.cost < before.cost


def _key(case: Case) -> CaseKey:
    """What tells cases apart that are planned: the scenarios that made them, in their order."""
    return tuple(each.id for each in case.scenarios)


def _best(scores: Mapping[str, LeastCost | None]) -> str | None:
    """The choice that comes to least; None where that is not known of all."""
    known = {choice: cost.amount for choice, cost in scores.items() if cost is not None}
    return min(known, key=lambda choice: known[choice]) if len(known) == len(scores) else None


def _sure(first: str, means: Mapping[str, LeastCost | None]) -> bool:
    """Whether no other choice could cost less, whatever lies within the error bars of both."""
    most = means[first]
    return all(c is None or most is None or c.bound >= most.amount for name, c in means.items() if name != first)
