"""The plan before the news: least cost on average over several futures, of which it is not known yet which will come.

Owns: solving the tree, its bound, and what it is worth to know more. Not here: which columns futures share
(``formulation.tree``), what a plan costs (``hedged``), and which futures there are (``outcomes``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np

from detente.case.case import Case
from detente.errors import TooLargeError, UnsettledError
from detente.planner.decomposed import AgreedPlans, Decomposition
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.formulate import formulate, formulate_alike
from detente.planner.formulation.tree import Future, SharedDecisions, Tree
from detente.planner.hedged import HedgedPlan, billed, scored
from detente.planner.past import KeptColumns, Past
from detente.planner.solving.model import Model
from detente.planner.solving.search import MAX_NODES, MAX_SEARCHED, SEARCH, Progress, silent
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import whole_columns, whole_counts
from detente.planner.study import GAP
from detente.results.plan import NO_BOUND
from detente.values.money import nano

NO_WEIGHT = Decimal(0)

MAX_JOINED = 400_000
"""Columns of all futures that are solved as one program; more are solved one by one, and brought to agree."""

SMALL = 10**9
"""Bytes that any machine has."""

BYTES = 4000
"""Of memory that a column takes, with its entries, in its draft and in the solver: on the safe side."""


@dataclass(frozen=True)
class CaseInFuture:
    """The case of one future, its probability, and what is known of it at a moment."""

    case: Case
    probability: Decimal
    news: Callable[[datetime], Hashable]


def hedge(
    futures: Sequence[CaseInFuture],
    until: datetime,
    *,
    weight: Decimal = NO_WEIGHT,
    level: Decimal = NO_WEIGHT,
    gap: float = GAP,
    deadline: float | None = None,
    progress: Progress = silent,
) -> HedgedPlan | None:
    """The least mean cost over some futures that are told apart from ``until`` on; None where no plan suits them all.

    With a ``weight`` above 0, the mean counts by what it leaves, and by it the mean of the dearest part ``1 - level``.

    Raises
    ------
    UnsettledError, TooLargeError
        Stopped before there was a plan; or there is not the memory for all futures.
    BillError
        The exact bills differ from the solver's cost by more than rounding.
    """
    pasts: Sequence[Past] = ()
    days = {day for future in futures for day in future.case.news}
    begin = futures[0].case.declared.horizon.opens
    for now, next_day in pairwise([begin, *sorted(days)]):
        known = [replace(future, case=future.case.known_at(now)) for future in futures]
        found = _Hedging.of(known, until, weight, level, pasts, gap, deadline, progress).before(next_day)
        if found is None:
            return None
        pasts = found
    return _Hedging.of(futures, until, weight, level, pasts, gap, deadline, progress).plan(weight, level)


def _must_fit(futures: Sequence[CaseInFuture]) -> None:
    """Raise TooLargeError where all futures together would take more memory than there is, by the size of one."""
    case = futures[0].case
    least = len(case.periods) * len(case.workloads) * len(futures)  # of columns
    if least * BYTES < SMALL:
        return
    columns = formulate(case).program.n * len(futures)
    there = memory()
    if columns * BYTES > there:
        what = f"{len(futures)} futures would have about {columns:,} columns, and take {columns * BYTES / 1e9:.0f} GB"
        remedy = "leave out events, or plan in longer periods"
        raise TooLargeError(f"the plan before the news was not sought: {what} of {there / 1e9:.0f} GB; {remedy}")


def memory() -> int:
    """The memory of this machine, in bytes; much, where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return 2**40


class _Hedging:
    @classmethod
    def of(
        cls,
        futures: Sequence[CaseInFuture],
        until: datetime,
        weight: Decimal,
        level: Decimal,
        pasts: Sequence[Past],
        gap: float,
        deadline: float | None,
        progress: Progress,
    ) -> _Hedging | _Apart:
        """Some futures as one program; what was decided before some news in each of them, if anything, is kept.

        Futures that are too large for one program are solved one by one. Raises TooLargeError where they are too large
        for this machine, before they are formulated.
        """
        _must_fit(futures)
        progress(f"formulating {len(futures)} futures")
        drafts = formulate_alike([future.case for future in futures])
        own = [Future(d, float(f.probability), f.news) for d, f in zip(drafts, futures, strict=True)]
        if sum(draft.program.n for draft in drafts) > MAX_JOINED:
            apart = Decomposition(SharedDecisions(own, until), pasts, gap, deadline, progress)
            return _Apart(apart, [future.probability for future in futures])
        tree = Tree(own, until, float(weight), float(level))
        found = cls(tree, [future.probability for future in futures], gap, deadline, progress)
        if pasts:
            found.model.pin(_joined(tree, pasts))
        return found

    def __init__(
        self, tree: Tree, chances: Sequence[Decimal], gap: float, deadline: float | None, progress: Progress
    ) -> None:
        self.tree, self.chances, self.gap, self._progress = tree, chances, gap, progress
        self.mean = tree.with_mean()  # while there are entries
        self.model = Model(tree.program)
        self.model.deadline = deadline
        self.models = [Model(future.draft.program) for future in tree.futures]
        own = [at[whole_columns(f.draft)] for f, at in zip(tree.futures, tree.at, strict=True)]
        self.whole: Ints = np.unique(np.concatenate(own)).astype(np.int32)

    def plan(self, weight: Decimal, level: Decimal) -> HedgedPlan | None:
        """The least cost that is found, billed future by future; None where no plan suits all futures."""
        found = self._found()
        if found is None:
            return None
        relaxed, best, bound = found
        costs = self._billed(best)
        mean, weighed = scored(self.chances, costs, weight, level)
        least = min(weighed, nano(Fraction(bound + self.tree.constant)))
        shared, sure, for_mean = len(self.tree.common), self._as_if_sure(), self._as_if_mean()
        return HedgedPlan(costs, mean, weighed, least, shared, sure, for_mean, relaxed.objective)

    def before(self, day: datetime) -> tuple[Past, ...] | None:
        """What is decided before a day, future by future; None where no plan suits all futures."""
        found = self._found()
        if found is None:
            return None
        values = found[1].values
        assert values is not None
        drafts = [future.draft for future in self.tree.futures]
        return tuple(Past.of(draft, self.tree.of(values, index), day) for index, draft in enumerate(drafts))

    def _found(self) -> tuple[Solution, Solution, float] | None:
        """Relaxed; then rounded up, and searched; and the bound."""
        self._progress(f"solving {self.tree.program.n:,} columns")
        relaxed = self.model.solve_linear()
        if relaxed.status == "optimal" and self.model.sized_by(relaxed.objective):
            relaxed = self.model.solve_linear()
        if relaxed.status == "infeasible":
            return None
        if relaxed.values is None:
            raise UnsettledError("no plan before the news was found in time: give it more time")
        found = self._made_whole(relaxed)
        return None if found is None else (relaxed, *found)

    # -- whole numbers -----------------------------------------------------------------------------------------------
    def _made_whole(self, relaxed: Solution) -> tuple[Solution, float] | None:
        """A solution in whole numbers, and the bound: rounded up, and searched where that is not near enough.

        None where there is none. Raises UnsettledError where the search ended before one was found.
        """
        if not len(self.whole):
            return relaxed, relaxed.bound
        assert relaxed.values is not None
        best, bound = self._fixed(self._rounded_up(relaxed.values)), relaxed.bound
        if best is not None and best.objective - bound <= self.gap * abs(best.objective):
            return best, bound
        if len(self.whole) <= MAX_SEARCHED or best is None:
            self._progress(f"choosing {len(self.whole):,} whole numbers")
            end = time.monotonic() + SEARCH if self.model.deadline is None else self.model.deadline
            with self.model.within(MAX_NODES), self.model.until(end):
                tried = self.model.solve_as(self.whole, self.gap)
            if tried.status == "infeasible":
                return None
            bound = max(bound, tried.bound)
            if tried.values is not None:
                found = self._fixed(np.rint(tried.values[self.whole]))
                best = min(
                    (each for each in (best, found) if each is not None), key=lambda s: s.objective, default=None
                )
        if best is None:
            raise UnsettledError("no plan before the news was found in time: give it more time")
        return best, bound

    def _rounded_up(self, values: Floats) -> Floats:
        """Whole counts that hold what each future uses: of what is shared, the most that any of them needs."""
        counts = np.zeros(self.tree.program.n)
        for index, (future, model) in enumerate(zip(self.tree.futures, self.models, strict=True)):
            columns, at = whole_columns(future.draft), self.tree.at[index]
            own = Solution("optimal", self.tree.of(values, index), 0.0, 0.0)
            np.maximum.at(counts, at[columns], whole_counts(future.draft, model, own, columns))
        return np.minimum(counts[self.whole], self.model.most[self.whole])

    def _fixed(self, counts: Floats) -> Solution | None:
        """The rest, with whole numbers as they are."""
        self.model.fix(self.whole, counts)
        with self.model.uninterrupted():
            found = self.model.solve_linear()
        self.model.release(self.whole)
        return found if found.status == "optimal" else None

    # -- what it costs -----------------------------------------------------------------------------------------------
    def _billed(self, best: Solution) -> tuple[Decimal, ...]:
        """The exact bill of each future."""
        assert best.values is not None
        self._progress("billing")
        return tuple(
            billed(future.draft, model, self.tree.of(best.values, index))
            for index, (future, model) in enumerate(zip(self.tree.futures, self.models, strict=True))
        )

    # -- what it is worth --------------------------------------------------------------------------------------------
    def _as_if_sure(self) -> float | None:
        """The mean cost, in divisible units, where all that is shared is decided for the likeliest future alone.

        Of plans that are alike for that future, the best for all.
        """
        if not len(self.tree.common):
            return None
        likeliest = max(range(len(self.chances)), key=lambda index: self.chances[index])
        alone = np.zeros(self.tree.program.n)
        np.add.at(alone, self.tree.at[likeliest], self.tree.futures[likeliest].draft.program.cost())
        self.model.objective(alone + TIE * self.model.cost)
        found = self.model.solve_linear()
        self.model.objective(None)
        return self._decided(self.tree.common, found)

    def _as_if_mean(self) -> float | None:
        """The same where what is decided before any news is decided for the mean of each number, where there is one."""
        if self.mean is None:
            return None
        self._progress("planning for the mean")
        model = Model(self.mean.program)
        model.deadline = self.model.deadline
        model.pin(self.model.kept)
        model.objective(self.mean.cost + TIE * model.cost)
        return self._decided(self.mean.common, model.solve_linear())

    def _decided(self, columns: Ints, found: Solution) -> float | None:
        """The mean cost, in divisible units, where some columns are as they were found, and the rest is best."""
        if found.values is None:
            return None
        self.model.fix(columns, np.clip(found.values[columns], 0.0, self.model.most[columns]))
        rest = self.model.solve_linear()
        self.model.release(columns)
        return rest.objective if rest.status == "optimal" else None


class _Apart:
    """A tree that is too large for one program."""

    def __init__(self, inside: Decomposition, chances: Sequence[Decimal]) -> None:
        self.inside, self.chances = inside, chances

    def plan(self, weight: Decimal, level: Decimal) -> HedgedPlan | None:
        """The least cost that is found, billed future by future. What lies on the tail is not sought: it is told."""
        found = self.inside.solve()
        if found is None:
            return None
        costs = tuple(
            billed(future.draft, model, values)
            for future, model, values in zip(
                self.inside.shared.futures, self.inside.models, _values(found), strict=True
            )
        )
        mean, weighed = scored(self.chances, costs, weight, level)
        bound = NO_BOUND if weight else nano(Fraction(found.bound))
        return HedgedPlan(
            costs, mean, weighed, min(weighed, bound), len(self.inside.shared.common), None, None, found.cost
        )

    def before(self, day: datetime) -> tuple[Past, ...] | None:
        """What is decided before a day, future by future; None where some future has no plan."""
        found = self.inside.solve()
        if found is None:
            return None
        futures = self.inside.shared.futures
        return tuple(Past.of(f.draft, values, day) for f, values in zip(futures, _values(found), strict=True))


def _values(found: AgreedPlans) -> Iterator[Floats]:
    for each in found.found:
        assert each.values is not None
        yield each.values


def _joined(tree: Tree, pasts: Sequence[Past]) -> KeptColumns:
    """What was decided in all futures, as columns of the tree; one that several share was the same in them."""
    parts = [past.bounds(future.draft) for past, future in zip(pasts, tree.futures, strict=True)]
    columns = np.concatenate([at[own] for at, (own, _, _) in zip(tree.at, parts, strict=True)]).astype(np.int32)
    once, first = np.unique(columns, return_index=True)
    low, high = (np.concatenate([part[side] for part in parts])[first] for side in (1, 2))
    return once, low, high


TIE = 1e-6
"""The weight of all futures beside one: it decides between plans that cost the same in that one."""
