"""Denied work that is let through: one unit of it in each period, or all of it, and what that saves.

Of a workload's denied work in a period one unit in all is let through, wherever it goes: a share may ask that a part of
it runs in one place and the rest in another. What all of it saves is read off a plan: the program is solved again
without the denial, with what clauses count as it is, and units are made whole again.

Owns: those rows and solves. Not here: what is denied, and what comes of it for the reader (``denied``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from detente.planner.answer.easing import ALIKE, Easing
from detente.planner.answer.filled_terms import FilledTerms
from detente.planner.answer.kept_off import RoomBeside
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Expr, Floats, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import WHOLE, round_up, whole_columns

FEW = 10_000
"""Columns times periods up to which what each period saves is asked by itself."""


SUMMED = 200_000
"""Columns above which no rows are added: what may run in several places at once is let through in each."""

LARGE = 20_000
"""Columns above which whole units are not made whole again for it."""


@dataclass(frozen=True)
class ClosedWork:
    """The columns of use that a clause closes for a workload in a period, and a little work there."""

    workload: str
    period: int
    columns: Ints
    little: float


class LetThrough:
    """Groups of closed columns, all else that opens with them (``beside``), and what does with a little of them."""

    def __init__(
        self, draft: Draft, easing: Easing, groups: Sequence[ClosedWork], beside: Ints, room: RoomBeside
    ) -> None:
        self._draft, self._easing, self._model = draft, easing, easing.model
        self.groups, self._beside, self._room = groups, beside, room
        self._units = bool(draft.units or draft.gangs)
        self._columns = np.concatenate([group.columns for group in groups])
        self._of = np.repeat(np.arange(len(groups), dtype=np.int32), [len(group.columns) for group in groups])

    def prices(self, at_hand: Floats) -> Floats | None:
        """What one more unit of each group's work saves, where a little of all is let through; None: not settled.

        Those at hand do wherever they come to as much.
        """
        model, little = self._model, np.array([group.little for group in self.groups])
        rows = self._rows() if self._draft.program.n <= SUMMED else np.zeros(0, dtype=np.int32)
        never, each = np.full(len(rows), np.inf), little[self._of]
        model.confine(self._columns, np.zeros(len(each)), each * 2 if len(rows) else each)  # rows hold them
        model.confine(self._room.columns, np.zeros(len(self._room.most)), self._room.most)
        model.ask(rows, -never, little[: len(rows)])
        try:
            solved = self._easing.solved()
        finally:
            model.release(np.append(self._columns, self._room.columns).astype(np.int32))
            model.ask(rows, -never, never)
        if solved.duals is None or solved.reduced is None:
            return None
        eased, terms = np.zeros(len(self.groups)), None
        np.maximum.at(eased, self._of, -solved.reduced[self._columns])
        if len(rows):
            eased = np.maximum(-solved.duals[rows], 0.0)
            terms = FilledTerms(self._draft, solved, self._columns, self._of, little).evened(eased)
        worth = self._room.worth(solved.reduced, len(self.groups))
        if terms is not None:
            return terms + worth
        most, least = float(at_hand @ little), float((eased + worth) @ little)
        return at_hand if abs(most - least) <= ALIKE * most else eased + worth

    def saved(self, relaxed: Solution, prices: Floats) -> Floats | None:
        """What all the work saves that would be let through, by group: together what a plan without the denial saves.

        No more than the best plan would: of a large program with whole units, where rounding takes what is saved, and
        where the time was over, it is None. ``relaxed`` is the program as it is, with divided units.
        """
        if self._units and self._draft.program.n > LARGE:
            return None
        found = self._without(relaxed, range(len(self.groups)))
        if found is None:
            return None
        total, values = found
        if self._units and not total:
            return None
        worth = prices * np.bincount(self._of, weights=values[self._columns], minlength=len(self.groups))
        alone = self._by_period(relaxed, worth)
        each = worth if alone is None or alone.sum() < total * (1 - ALIKE) else alone
        return each * (total / each.sum()) if each.sum() > 0 else np.zeros(len(each))

    def _by_period(self, relaxed: Solution, worth: Floats) -> Floats | None:
        """The same of each period by itself; None where there are too many."""
        periods = np.array([group.period for group in self.groups])
        if self._draft.program.n * len(set(periods.tolist())) > FEW:
            return None
        each = np.zeros(len(periods))
        for period in set(periods.tolist()):
            at = np.flatnonzero(periods == period)
            found = self._without(relaxed, at.tolist())
            if found is None:
                return None
            parts = worth[at] if worth[at].sum() > 0 else np.ones(len(at))
            each[at] = found[0] * parts / parts.sum()
        return each

    def _without(self, relaxed: Solution, some: Collection[int]) -> tuple[float, Floats] | None:
        """What is saved without the denial of some groups, and that solution, with divided units."""
        model, planned = self._model, self._easing.planned
        opened = np.append(self._columns[np.isin(self._of, list(some))], self._beside).astype(np.int32)
        model.confine(opened, np.zeros(len(opened)), model.upper[opened])
        try:
            with self._easing.held():
                found = model.solve_linear()
                if found.status != "optimal" or found.values is None:
                    return None
                if not self._units:
                    return max(0.0, relaxed.objective - found.objective), found.values
                saved = planned.objective - min(self._whole(found), default=np.inf)
        finally:
            model.release(opened)
        return max(0.0, saved), found.values

    def _whole(self, found: Solution) -> Iterator[float]:
        """What a solution costs with whole units, rounded up; and without the last units for denied work."""
        draft, model = self._draft, self._model
        tried = [found]
        if draft.program.n <= FEW:
            lines = np.unique((self._columns - int(draft.x[0, 0])) // draft.n).tolist()
            offers = {draft.arcs[line].offer.id: None for line in lines if draft.arcs[line].offer.id in draft.units}
            last = [np.zeros(0, dtype=np.int32), *(draft.units[name].columns for name in offers)]
            less = np.concatenate(last).astype(np.int32)
            assert found.values is not None
            model.confine(less, np.zeros(len(less)), np.floor(found.values[less] + WHOLE))
            tried.append(model.solve_linear())
            model.release(less)
        for each in tried:
            if each.status == "optimal":
                rounded = round_up(draft, model, each, whole_columns(draft), self._easing.columns)
                yield np.inf if rounded is None else rounded.objective

    def _rows(self) -> Ints:
        """A row for each group that sums it up, and asks for nothing: added once, and kept."""
        program = self._draft.program
        name = blake2b(self._columns.tobytes() + self._of.tobytes()).hexdigest()
        owner = Owner("let-through", name)
        known = next((block for block in program.row_blocks if block.owner == owner), None)
        if known is None:
            every = Expr(len(self.groups), [(self._of, self._columns, np.ones(len(self._of)))])
            work = [float(self._draft.most_work[group.workload][group.period]) for group in self.groups]
            program.require(owner, "all", every <= np.array(work))
            self._model.extend()
            known = program.row_blocks[-1]
        return known.numbers
