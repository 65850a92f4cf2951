"""Columns that count whole things: which there are, and a solution rounded to whole numbers of them.

Not here: when a solution is rounded (``search``), and what may be bought (``formulation.purchases``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.contract.decisions import Rounding
from detente.market.offer import GpuOffer
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.program import Block
from detente.planner.formulation.purchases import rounded_units
from detente.planner.solving.branch import better
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution

RULES: tuple[Rounding | None, ...] = (None, "up", "down")
"""How a clause's own counts are rounded, one after the other: first each by its own rule."""

SPARED = (0.0, 0.5, 0.3)
"""Parts of a unit that may be too little to buy one for. First all is rounded up: work always finds room then."""

STEPS = (0.1, 0.2, 0.3, 0.4, math.inf)
"""How near to a whole number a count is that is rounded in each step."""

WHOLE = 1e-6
"""A number this near to a whole one is it."""


def whole_columns(draft: Draft) -> Ints:
    """Every column that counts something whole: units, gangs, and what clauses own."""
    own = [block.numbers for block in clause_counts(draft)]
    parts = [*(u.columns for u in draft.units.values()), *(gangs for _, gangs, _ in draft.gangs), *own]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


def with_counts(model: Model, columns: Ints, counts: Floats) -> Solution | None:
    """The least cost with whole columns at such counts; None where they leave no room, or time is over."""
    model.fix(columns, counts)
    found = model.solve_linear()
    model.release(columns)
    return found if found.status == "optimal" else None


def clause_counts(draft: Draft) -> list[Block]:
    """Whole columns that clauses own."""
    return [block for block in draft.program.column_blocks if block.whole and block.owner.kind == "term"]


def round_up(
    draft: Draft, model: Model, relaxed: Solution, columns: Ints, settled: Ints | None = None
) -> Solution | None:
    """Round whole things up, fix them, and solve the rest again; None where a clause does not allow it.

    A clause's own counts are rounded by its rule; where that is not allowed, all of them up, or all down: such a count
    says whether an amount is reached, and it may have to be although it is far from it here.
    """
    return round_off(draft, model, relaxed, columns, 0.0, settled)


def round_off(
    draft: Draft, model: Model, relaxed: Solution, columns: Ints, spared: float, settled: Ints | None = None
) -> Solution | None:
    """The same without units of which no more than a part would be used (``spared``): work finds room elsewhere."""
    tried: list[Floats] = []
    for rule in RULES:
        counts = whole_counts(draft, model, relaxed, columns, settled, rule, spared)
        if any((counts == each).all() for each in tried):
            continue
        tried.append(counts)
        model.fix(columns, counts)
        fixed = model.solve_linear()
        model.release(columns)
        if fixed.status != "infeasible":
            return fixed if fixed.status == "optimal" else None
    return None


@dataclass
class _Rounded:
    """How a solution was rounded, and what came of it."""

    solution: Solution
    whole: Solution
    spared: float
    settled: Ints | None


class Roundings:
    """Solutions rounded in several ways, of which the cheapest counts; the first that is near enough ends it.

    What was best where some counts were ``settled`` is tried alone the next time.
    """

    def __init__(self, draft: Draft, model: Model, columns: Ints, near: Callable[[Solution], bool]) -> None:
        self.draft, self.model, self.columns, self.near = draft, model, columns, near
        self._ways: Sequence[float] = SPARED
        self._best: _Rounded | None = None

    def of(self, solution: Solution, settled: Ints | None = None) -> Solution | None:
        """The best rounding of a solution; those in ``settled`` are whole already. None where nothing has room."""
        best = None
        for spared in self._ways:
            whole = round_off(self.draft, self.model, solution, self.columns, spared, settled)
            if whole is not None and (best is None or whole.objective < best.whole.objective):
                best = _Rounded(solution, whole, spared, settled)
            if whole is None and not spared:
                return None  # where all that is used finds no room, less does not
            if whole is not None and self.near(whole):
                break
        if best is None:
            return round_up(self.draft, self.model, solution, self.columns, settled)
        if settled is not None:
            self._ways = (best.spared,)
        if self._best is None or best.whole.objective < self._best.whole.objective:
            self._best = best
        return best.whole

    def in_steps(self, solution: Solution, settled: Ints) -> Solution | None:
        """The same, and where it is the best so far and not near enough, again in steps: nearest to whole first."""
        before, found = self._best, self.of(solution, settled)
        done = len(settled) == len(self.columns) or self._best is before
        if found is None or done or self.near(found):
            return found
        return better(found, self._stepped())

    def _stepped(self) -> Solution | None:
        """The best of all again, the counts that are nearest to whole first, each time with the rest solved anew."""
        assert self._best is not None
        model, columns, found = self.model, self.columns, self._best.solution
        low, high = np.zeros(len(columns)), np.floor(model.most[columns] + WHOLE)
        for within in STEPS:
            assert found.values is not None
            counts = whole_counts(self.draft, model, found, columns, self._best.settled, spared=self._best.spared)
            sure = np.abs(found.values[columns] - counts) <= within
            low[sure] = high[sure] = counts[sure]
            model.confine(columns, low, high)
            found = model.solve_linear()
            if found.status != "optimal":
                break
        model.release(columns)
        return found if found.status == "optimal" else None


def whole_counts(
    draft: Draft,
    model: Model,
    relaxed: Solution,
    columns: Ints,
    settled: Ints | None = None,
    rule: Rounding | None = None,
    spared: float = 0.0,
) -> Floats:
    """Whole counts that hold what a solution uses, a clause's own by its rule or by one; those in ``settled`` stay.

    Units of which no more than a part would be used (``spared``) are left out.
    """
    assert relaxed.values is not None
    counts = rounded_units(draft, relaxed.values, spared)
    gangs = [
        _beside(draft, arc, spans, counts[arc.offer.id]) if arc.own else rounded(relaxed.values[columns], "up")
        for arc, columns, spans in draft.gangs
    ]
    own = [rounded(relaxed.values[block.slice], rule or block.rounding) for block in clause_counts(draft)]
    up = np.concatenate([np.zeros(0), *(counts[name] for name in draft.units), *gangs, *own])
    if settled is not None:
        kept = np.isin(columns, settled)
        up[kept] = np.rint(relaxed.values[columns[kept]])
    most: Floats = np.floor(model.most[columns] + WHOLE)
    return np.asarray(np.clip(up, 0.0, most), dtype=np.float64)


def _beside(draft: Draft, gang: Arc, spans: Sequence[NDArray[np.int64]], counts: Floats) -> Floats:
    """The whole gangs for which so many rented units leave room."""
    assert isinstance(gang.offer, GpuOffer)
    left = draft.most(gang.offer) - draft.units[gang.offer.id].holding(counts, draft.n)
    fit: Floats = np.floor(left[np.concatenate(spans)] * gang.offer.unit / gang.gang + WHOLE)
    return fit


def rounded(values: Floats, rule: Rounding) -> Floats:
    """Whole numbers, by a rule; what is whole but for the solver's tolerance stays as it is."""
    if rule == "nearest":
        return np.rint(values)
    return np.ceil(values - WHOLE) if rule == "up" else np.floor(values + WHOLE)
