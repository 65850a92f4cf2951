"""Units that may not stand idle, and that a clause keeps from being bought with the work that would use them.

Where a little of that work is let through, as many units come with it as it takes: a part of one. There is room for
twice as many, so that all are bought only where more are wanted than the work takes (to meet a floor); what one more of
them saves is then saved by the work with which it comes.

Owns: that room, and what it is worth. Not here: the columns and rows (``formulation/idle_denied``), and the work
(``let_through``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detente.market.offer import TokenOffer
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.capacity import busiest
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.unit_columns import Units

NOTICED = 1e-6
"""Units: room for fewer the solver could not tell from none."""


def takes(draft: Draft, arc: Arc) -> Floats:
    """The part of one unit that a unit of work takes in each period."""
    assert not isinstance(arc.offer, TokenOffer)
    found: Floats = float(arc.per_work) / (draft.hours * float(arc.offer.unit_flow))
    return found


@dataclass(frozen=True)
class LittleWork:
    """Work of a group that is let through on an arc in a period, at most."""

    group: int
    arc: Arc
    period: int
    work: float


class UnitsKeptOff:
    """By offer and period, the column of units that a clause alone keeps off; -1 without one."""

    def __init__(self, draft: Draft, opened: Ints) -> None:
        self._draft = draft
        self._columns: dict[str, Ints] = {}
        for name, columns in draft.kept_off.items():
            ours = np.where(np.isin(columns, opened), columns, -1).max(axis=0)
            if (ours >= 0).any():
                self._columns[name] = ours.astype(np.int32)

    def worth(self, arc: Arc, reduced: Floats) -> Floats:
        """What one more unit would save by itself that an arc's work brings, with the reduced costs of a solution."""
        columns = self._columns.get(arc.offer.id)
        if columns is None or arc.own:
            return np.zeros(self._draft.n)
        found: Floats = np.where(columns >= 0, np.maximum(-reduced[columns], 0.0), 0.0)
        return found * self._per_unit(arc.offer.id)

    def _per_unit(self, offer: str) -> float:
        """What a unit takes of its column: of a purchase by the hour it counts how often the minimum is bought."""
        units = self._draft.units[offer]
        return 1.0 if units.offer.reserved else 1.0 / float(units.offer.sizes[0])

    def beside(self, works: Iterable[LittleWork]) -> RoomBeside:
        """The room that comes with some work."""
        by_offer: dict[str, list[LittleWork]] = {}
        for each in works:
            if each.arc.offer.id in self._columns and not each.arc.own:
                by_offer.setdefault(each.arc.offer.id, []).append(each)
        return RoomBeside(tuple(part for name, some in by_offer.items() for part in self._parts(name, some)))

    def _parts(self, name: str, works: list[LittleWork]) -> Iterator[RoomPart]:
        units, columns = self._draft.units[name], self._columns[name]
        taken, by_period = np.zeros(self._draft.n), dict[int, list[tuple[int, float]]]()
        for each in works:
            part = float(takes(self._draft, each.arc)[each.period]) * self._per_unit(name)
            taken[each.period] += part * each.work
            by_period.setdefault(each.period, []).append((each.group, part))
        most = busiest(units, taken) if units.offer.reserved else taken
        for t, of in enumerate(_brought_by(units, taken).tolist()):
            if columns[t] >= 0 and most[t]:
                yield RoomPart(int(columns[t]), max(2 * float(most[t]), NOTICED), tuple(by_period[of]))


def _brought_by(units: Units, taken: Floats) -> Ints:
    """By period, that whose work brings its units: itself; without such work, the busiest of a term that serves it."""
    found = np.arange(len(taken))
    for serve in units.serve:
        best = int(serve[np.argmax(taken[serve])]) if len(serve) else 0
        less = serve[(taken[serve] == 0) & (taken[found[serve]] < taken[best])]
        found[less] = best
    return found.astype(np.int32)


@dataclass(frozen=True)
class RoomPart:
    """A column, how much of it there is room for, and what a unit of each group's work brings of it."""

    column: int
    most: float
    brought: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class RoomBeside:
    """The room for units that comes with a little work."""

    parts: tuple[RoomPart, ...]

    @cached_property
    def columns(self) -> Ints:
        """Columns of units."""
        return np.array([part.column for part in self.parts], dtype=np.int32)

    @cached_property
    def most(self) -> Floats:
        """How much of each there is room for."""
        return np.array([part.most for part in self.parts], dtype=np.float64)

    def worth(self, reduced: Floats, groups: int) -> Floats:
        """What the units save that come with one unit of each group's work, with the reduced costs of a solution."""
        found = np.zeros(groups)
        for part in self.parts:
            for group, brings in part.brought:
                found[group] += max(-float(reduced[part.column]), 0.0) * brings
        return found
