"""A tree that is too large for one program: each future solved by itself, and brought to agree on what they share.

Owns: a bound by prices of disagreement (Lagrangian relaxation of non-anticipativity, by subgradients), and decisions
that all futures can live with, each with what they cost. Not here: which decisions futures share
(``formulation.tree``), whole trees in one program, and bills (``hedging``).

No plan of the tree costs less than each future by itself, whatever is added to the price of a shared decision in one
future and taken off in the others: that is the bound. Any decisions that are fixed in all futures, with the best of
each from then on, are a plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detente.errors import UnsettledError
from detente.planner.formulation.expression import Bools, Floats, Ints, dot
from detente.planner.formulation.tree import SharedDecisions
from detente.planner.past import WITHIN, KeptColumns, Past
from detente.planner.solving.model import Model
from detente.planner.solving.search import Progress
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import WHOLE, round_up, whole_columns

STEPS = 20
"""Times that prices of disagreement are moved."""

TRIED = 6
"""Steps after which the decisions that they lead to are tried in all futures."""

LIKELY = 3
"""Futures whose own decisions are tried in all others: the likeliest."""

FIRST = 0.02
"""Of the bound, how much higher the optimum is held to be while no plan is known."""


@dataclass(frozen=True)
class AgreedPlans:
    """A solution of each future, with the same shared decisions; what they cost on average, and the bound of that."""

    found: tuple[Solution, ...]
    cost: float
    bound: float


class Decomposition:
    """Futures whose programs are open one beside the other."""

    def __init__(
        self,
        shared: SharedDecisions,
        pasts: Sequence[Past],
        gap: float,
        deadline: float | None,
        progress: Progress,
    ) -> None:
        """``pasts`` is what was decided before some news in each future, if anything was."""
        self.shared, self.gap, self.progress = shared, gap, progress
        self.chances = np.array([future.probability for future in shared.futures])
        self.models = [Model(future.draft.program) for future in shared.futures]
        common, closed = shared.common, np.array(shared.closed, dtype=np.int64)
        self.own: list[Ints] = []
        self.group: list[Ints] = []
        for model, at in zip(self.models, shared.at, strict=True):
            model.deadline = deadline
            model.close({"shared": np.flatnonzero(np.isin(at, closed)).astype(np.int32)})
            own = np.flatnonzero(np.isin(at, common)).astype(np.int32)
            self.own.append(own)
            self.group.append(np.searchsorted(common, at[own]).astype(np.int32))
        self.whole = self._whole()
        self.most = self._least_of([model.most[own] for model, own in zip(self.models, self.own, strict=True)])
        drafts = [future.draft for future in shared.futures]
        before = [past.bounds(draft) for past, draft in zip(pasts, drafts, strict=False)]  # there may be none
        self.kept = [self._kept(at, before[at : at + 1]) for at in range(len(self.models))]
        for model, kept in zip(self.models, self.kept, strict=True):
            model.pin(kept)
        self.scale = self._scale()
        self.best: AgreedPlans | None = None
        self.bound = -np.inf

    def solve(self) -> AgreedPlans | None:
        """The cheapest plan that was found, and the bound; None where some future has no plan at all.

        Raises
        ------
        UnsettledError
            Stopped before there was a plan.
        """
        prices = [np.zeros(len(own)) for own in self.own]
        pace, means = 1.0, np.zeros(len(self.shared.common))
        for step in range(STEPS):
            self.progress(f"{len(self.models)} futures one by one, step {step + 1} of at most {STEPS}")
            relaxed = self._relaxed(prices)
            if relaxed is None:
                return None
            if len(relaxed) < len(self.models):
                break  # stopped
            before, now = self.bound, float(self.chances @ [each.bound for each in relaxed])
            self.bound = max(self.bound, now)
            pace = pace if self.bound > before else pace / 2
            middle = self._mean([self._decided(each, at) for at, each in enumerate(relaxed)])
            means += (middle - means) / (step + 1)
            if step % TRIED == 0 or step == STEPS - 1:
                self._try([middle, means, *self._likely(relaxed, middle)])
            if self._near() or not self._moved(prices, relaxed, middle, now, pace):
                break
        if self.best is None:
            raise UnsettledError("no plan before the news was found in time: give it more time")
        return AgreedPlans(self.best.found, self.best.cost, min(self.bound, self.best.cost))

    # -- the bound ---------------------------------------------------------------------------------------------------
    def _relaxed(self, prices: Sequence[Floats]) -> list[Solution] | None:
        """Each future by itself, at prices of its shared decisions; fewer where it was stopped; None without a plan."""
        found = []
        for model, own, price in zip(self.models, self.own, prices, strict=True):
            cost = model.cost.copy()
            cost[own] += price
            model.objective(cost)
            solved = model.solve_linear()
            model.objective(None)
            if solved.status == "infeasible":
                return None
            if solved.values is None:
                break
            found.append(solved)
        return found

    def _moved(
        self, prices: Sequence[Floats], relaxed: Sequence[Solution], middle: Floats, now: float, pace: float
    ) -> bool:
        """Move prices against disagreement (Polyak's step, in money); whether there is any."""
        apart = [
            (self._decided(each, at) - middle[self.group[at]]) * self.scale[self.group[at]]
            for at, each in enumerate(relaxed)
        ]
        size = sum(chance * dot(each, each) for chance, each in zip(self.chances, apart, strict=True))
        wanted = self.best.cost if self.best is not None else now + FIRST * abs(now)
        if size <= 0 or wanted <= now:
            return False
        for at, each in enumerate(apart):
            prices[at][:] += pace * (wanted - now) / size * each * self.scale[self.group[at]]
        return True

    # -- a plan ------------------------------------------------------------------------------------------------------
    def _likely(self, relaxed: Sequence[Solution], middle: Floats) -> Iterator[Floats]:
        """What the likeliest futures decide, and the mean where they do not share."""
        for at in np.argsort(-self.chances, kind="stable")[:LIKELY].tolist():
            decided = middle.copy()
            decided[self.group[at]] = self._decided(relaxed[at], at)
            yield decided

    def _try(self, wanted: Sequence[Floats]) -> None:
        """What decisions cost, if each future can live with them."""
        for decided in self._candidates(wanted):
            found = self._living_with(decided)
            if found is None:
                continue
            cost = float(self.chances @ [each.objective for each in found])
            if self.best is None or cost < self.best.cost:
                self.best = AgreedPlans(tuple(found), cost, self.bound)

    def _candidates(self, wanted: Sequence[Floats]) -> Iterator[Floats]:
        """Decisions with their whole numbers rounded to the nearest, and up; each once."""
        seen: list[Floats] = []
        for each in wanted:
            for counts in (np.rint(each), np.ceil(each - WHOLE)):
                decided = np.clip(np.where(self.whole, counts, each), 0.0, self.most)
                if not any(np.array_equal(decided, other) for other in seen):
                    seen.append(decided)
                    yield decided

    def _living_with(self, decided: Floats) -> list[Solution] | None:
        """The best of each future with some decisions as they are; None where one has no plan then, or time ended."""
        found = []
        for at in range(len(self.models)):
            best = self._future_with(at, decided)
            if best is None:
                return None
            found.append(best)
        return found

    def _future_with(self, at: int, decided: Floats) -> Solution | None:
        model, own, draft = self.models[at], self.own[at], self.shared.futures[at].draft
        values, exact = decided[self.group[at]], self.whole[self.group[at]]
        by = np.where(exact, 0.0, WITHIN * np.maximum(values, 1e-3))
        model.pin(_joined(self.kept[at], (own, np.maximum(values - by, 0.0), values + by)))
        solved: Solution | None = model.solve_linear()
        counts = whole_columns(draft)
        if solved is not None and solved.status == "optimal" and len(counts):
            solved = round_up(draft, model, solved, counts, own[exact])
        model.pin(self.kept[at])
        return solved if solved is not None and solved.status == "optimal" else None

    def _near(self) -> bool:
        return self.best is not None and self.best.cost - self.bound <= self.gap * max(abs(self.best.cost), 1e-9)

    # -- what is shared ----------------------------------------------------------------------------------------------
    def _decided(self, found: Solution, at: int) -> Floats:
        """A future's shared decisions."""
        assert found.values is not None
        return found.values[self.own[at]]

    def _mean(self, decided: Sequence[Floats]) -> Floats:
        """The mean of each decision over the futures that share it, by their probabilities."""
        n, total, weight = len(self.shared.common), np.zeros(len(self.shared.common)), np.zeros(len(self.shared.common))
        for chance, group, values in zip(self.chances, self.group, decided, strict=True):
            total += chance * np.bincount(group, values, n)
            weight += chance * np.bincount(group, minlength=n)
        return np.asarray(total / np.where(weight > 0, weight, 1.0), dtype=np.float64)

    def _kept(self, at: int, before: Sequence[KeptColumns]) -> KeptColumns:
        """Between which values a future's columns are: what all that share one allow, and what was decided before."""
        own, most = self.own[at], self.most[self.group[at]]
        return _joined((own, np.zeros(len(own)), most), *before)

    def _least_of(self, limits: Sequence[Floats]) -> Floats:
        found = np.full(len(self.shared.common), np.inf)
        for group, most in zip(self.group, limits, strict=True):
            np.minimum.at(found, group, most)
        return found

    def _whole(self) -> Bools:
        """Which shared decisions are whole numbers."""
        found = np.zeros(len(self.shared.common), dtype=np.bool_)
        for future, own, group in zip(self.shared.futures, self.own, self.group, strict=True):
            found[group[np.isin(own, whole_columns(future.draft))]] = True
        return found

    def _scale(self) -> Floats:
        """About what one of each decision costs, so that steps are in money."""
        found = np.zeros(len(self.shared.common))
        for model, own, group in zip(self.models, self.own, self.group, strict=True):
            np.maximum.at(found, group, np.abs(model.cost[own]))
        least = float(found[found > 0].min(initial=1.0))
        return np.maximum(found, least)


def _joined(*parts: KeptColumns) -> KeptColumns:
    """Columns with their bounds; where two parts speak of a column, the later holds."""
    columns, low, high = zip(*parts, strict=True)
    return np.concatenate(columns), np.concatenate(low), np.concatenate(high)
