"""Which way out is best? Each choice with each way in which the world may turn out, planned and held side by side.

Owns: what is planned, in which order, and what is kept when that is stopped. Not here: which outcomes there are
(``leaves``), the figures of one (``measures``) and over all of them (``chances``), and the values (``comparison``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from detente.case.case import Case
from detente.case.choice import OpenChoice
from detente.errors import UnsettledError
from detente.outcomes.chances import Ends, Regret, conditional, expected, flips, regrets, tail
from detente.outcomes.comparison import FORMAT, ChoiceRisk, Comparison, OutcomeColumn, Swing
from detente.outcomes.estimate import LeastCost
from detente.outcomes.leaves import Leaf, WorldState, leaves, worlds
from detente.outcomes.measures import measured
from detente.outcomes.prices import Status
from detente.outcomes.pricing import GAP
from detente.planner.solve import plan
from detente.planner.solving.search import Progress
from detente.planner.study import silent
from detente.results.conflict import Conflict
from detente.results.plan import Plan

LEVEL = Decimal("0.95")
"""Of the tail: the mean of the dearest twentieth of what may happen."""

BASELINE = "today"
"""What the column of the case as it is is called."""


def compare(
    case: Case,
    *,
    level: Decimal = LEVEL,
    gap: float = GAP,
    time_limit: float | None = None,
    progress: Progress = silent,
) -> Comparison:
    """What each choice of a case costs under each outcome of its uncertain events, and which choice is best.

    Parameters
    ----------
    level
        Of the tail (CVaR), from 0 to less than 1.
    gap
        The relative gap to which each outcome is planned.
    time_limit
        Seconds, of everything. What was found until then is returned, and marked so; Ctrl-C does the same.
    progress
        Told, in a few words, what is being done.

    Raises
    ------
    CaseError
        For a case without choices, and scenarios that do not go together.
    ValueError
        For a level outside its range.
    """
    if not 0 <= level < 1:
        raise ValueError(f"the level is {level}, not from 0 to less than 1")
    return _Comparing(case, leaves(case), gap, time_limit, progress).compared(level)


class _Comparing:
    """Plans as they are found, so that what is known when it is stopped is kept."""

    def __init__(
        self, case: Case, every: Sequence[Leaf], gap: float, time_limit: float | None, progress: Progress
    ) -> None:
        self.case, self.leaves, self.gap, self._progress = case, every, gap, progress
        self.end = None if time_limit is None else time.monotonic() + time_limit
        self.plans: dict[tuple[str, ...], Plan | Conflict] = {}
        self.status: Status = "complete"

    def compared(self, level: Decimal) -> Comparison:
        """Everything, or as much as was found."""
        self._all_planned()
        case, columns = self.case, tuple(map(self._column, self.leaves))
        costs = {(c.choice, tuple(c.world.items())): c.cost for c in columns}
        risks = tuple(self._risks(costs, level))
        means = {risk.choice: risk.expected for risk in risks}
        first = _best(means)
        return Comparison(
            FORMAT,
            case.declared.name,
            case.declared.title or case.declared.name,
            case.hash,
            case.currency,
            case.reading,
            case.scenario,
            self.status,
            level,
            self._today(),
            columns,
            risks,
            first,
            first is not None and _sure(first, means),
            tuple(self._swings(costs)) if first is not None else (),
        )

    # -- planning ----------------------------------------------------------------------------------------------------
    def _all_planned(self) -> None:
        """The case as it is, then each outcome; two that are the same case are planned once."""
        todo = {_key(self.case): ("the case as it is", self.case)}
        for leaf in self.leaves:
            todo.setdefault(_key(leaf.case), (leaf.name, leaf.case))
        for at, (key, (name, case)) in enumerate(todo.items()):
            self._progress(f"{name}: plan {at + 1} of {len(todo)}")
            try:
                found = plan(case, gap=self.gap, time_limit=self._share(len(todo) - at), progress=self._progress)
            except KeyboardInterrupt:
                self.status = "interrupted"
                return
            except UnsettledError:
                self.status = "time-limit"
                continue
            self.plans[key] = found
            if isinstance(found, Plan) and found.status == "interrupted":
                self.status = "interrupted"
                return
            if isinstance(found, Plan) and found.status == "time-limit":
                self.status = "time-limit"

    def _share(self, left: int) -> float | None:
        """Of the time that is left, the part of one of so many plans."""
        return None if self.end is None else max(1e-9, self.end - time.monotonic()) / left

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

    # -- choices -----------------------------------------------------------------------------------------------------
    def _risks(
        self, costs: Mapping[tuple[str | None, WorldState], LeastCost | None], level: Decimal
    ) -> Iterator[ChoiceRisk]:
        """Each choice over its outcomes."""
        regret = self._regrets(costs)
        for choice in self.case.declared.choices:
            own = [leaf for leaf in self.leaves if leaf.choice.id == choice.id]
            known = [(leaf, cost) for leaf in own if (cost := costs[choice.id, leaf.world]) is not None]
            if len(known) < len(own):
                yield ChoiceRisk(choice.id, choice.text, None, None, None, None, None)
                continue
            worst, most = max(known, key=lambda pair: pair[1].amount)
            yield ChoiceRisk(
                choice.id,
                choice.text,
                expected([(leaf.probability, cost) for leaf, cost in known]),
                most.amount,
                worst.name,
                tail([(leaf.probability, cost.amount) for leaf, cost in known], level),
                regret.get(choice.id),
            )

    def _regrets(self, costs: Mapping[tuple[str | None, WorldState], LeastCost | None]) -> dict[str, Regret]:
        """Of every choice, where all costs are known: in a state of the world each is where its own events lead."""
        if any(cost is None for cost in costs.values()):
            return {}
        by_world = []
        for world, chance in worlds(self.case):
            each = {choice.id: costs[choice.id, self._seen(choice.id, world)] for choice in self.case.declared.choices}
            by_world.append((chance, {name: cost.amount for name, cost in each.items() if cost is not None}))
        return regrets(by_world)

    def _seen(self, choice: str, world: WorldState) -> WorldState:
        """Of a state of the world, the events that follow a choice."""
        after = {event.id for event in self.case.declared.uncertain if event.under(choice)}
        return tuple(pair for pair in world if pair[0] in after)

    def _swings(self, costs: Mapping[tuple[str | None, WorldState], LeastCost | None]) -> Iterator[Swing]:
        """Over the probability of each outcome: of an event with two, of the first alone, for the other is the rest."""
        for event in self.case.declared.uncertain:
            names = list(event.outcomes)
            for name in names[:1] if len(names) == 2 else names:
                ends = {choice.id: self._ends(choice.id, (event.id, name), costs) for choice in self._choices}
                yield Swing(event.id, name, event.outcomes[name].probability, ends, flips(ends))

    @property
    def _choices(self) -> Sequence[OpenChoice]:
        return self.case.declared.choices

    def _ends(
        self, choice: str, pair: tuple[str, str], costs: Mapping[tuple[str | None, WorldState], LeastCost | None]
    ) -> Ends:
        """What a choice costs on average where an outcome never happens, and where it surely does."""
        own = [leaf for leaf in self.leaves if leaf.choice.id == choice]
        amounts = [(leaf, cost.amount) for leaf in own if (cost := costs[choice, leaf.world]) is not None]
        follows = any(name == pair[0] for name, _ in own[0].world)
        never = [(Fraction(leaf.probability), amount) for leaf, amount in amounts if pair not in leaf.world]
        surely = [(Fraction(leaf.probability), amount) for leaf, amount in amounts if pair in leaf.world or not follows]
        return Ends(conditional(never), conditional(surely))


def collided(column: OutcomeColumn, found: Conflict) -> OutcomeColumn:
    """A column of which no plan obeys every clause."""
    return replace(column, planned=True, collide=tuple(dict.fromkeys(clause.term for clause in found.clauses)))


def _key(case: Case) -> tuple[str, ...]:
    """What tells cases apart that are planned: the scenarios that made them, in their order."""
    return tuple(each.id for each in case.scenarios)


def _best(means: Mapping[str, LeastCost | None]) -> str | None:
    """The choice that costs least on average; None where that is not known of all."""
    known = {choice: cost.amount for choice, cost in means.items() if cost is not None}
    return min(known, key=lambda choice: known[choice]) if len(known) == len(means) else None


def _sure(first: str, means: Mapping[str, LeastCost | None]) -> bool:
    """Whether no other choice could cost less, whatever lies within the error bars of both."""
    most = means[first]
    return all(c is None or most is None or c.bound >= most.amount for name, c in means.items() if name != first)
