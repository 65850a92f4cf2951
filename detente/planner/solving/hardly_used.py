"""Units that a little work has to itself: done without, where that work costs less elsewhere.

A gap is a part of the whole cost: beside a huge bill a whole node for a little work is within it, however much dearer
the node is than an endpoint. So what is found is tried with one unit fewer of each purchase that is not full. And a
little work beside a huge one that fills its units is lost in the solver's tolerance: it is done elsewhere, where it
can be.

Owns: which purchases are tried, and how many. Not here: which work has no room (``no_room``), units that no use needs
(``spare``), the search (``search``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Ints
from detente.planner.formulation.unit_columns import Units
from detente.planner.solving.model import Model
from detente.planner.solving.no_room import without_room
from detente.planner.solving.solution import Solution
from detente.planner.solving.spare import NEARLY, Fewer, one_by_one, solved, spare_of

MAX_TRIES = 40
"""So many purchases are tried one by one: each is a warm solve."""

FEW, LARGE = 60, 5_000
"""In a program of more than ``LARGE`` columns a solve takes longer: those used by less than half are tried together
alone, and only where no more than ``FEW`` counts are whole."""

SAVED = 1e-9
"""Of the cost: what saves no more is the solver's tolerance."""

ROUNDS = 5
"""Work that goes elsewhere may leave other work without room, as the solver's tolerance hid both."""

MAX_DEARER = 1e-6
"""Of the cost: what it may cost at most to do elsewhere what has no room."""


def without_hardly_used(draft: Draft, model: Model, best: Solution, columns: Ints) -> Solution:
    """The solution, whole in ``columns``, or a cheaper one with a unit fewer of purchases that are not full."""
    large = model.program.n > LARGE
    found = [] if large and len(columns) > FEW else _one_fewer(draft, best, 0.5)
    best = (_cheaper(draft, model, best, columns, found) if found else None) or best
    if not large:
        for one in islice(one_by_one(_one_fewer(draft, best, 1.0)), MAX_TRIES):
            best = _cheaper(draft, model, best, columns, [one]) or best
    with_room = _with_room(draft, model, best, columns)
    dearest = best.objective + MAX_DEARER * abs(best.objective)
    return best if with_room is None or with_room.objective > dearest else with_room


def _cheaper(draft: Draft, model: Model, best: Solution, columns: Ints, fewer: list[Fewer]) -> Solution | None:
    """The solution with lower counts that hold all its work, if it costs less."""
    found = solved(model, best, columns, fewer)
    found = None if found is None else _with_room(draft, model, found, columns)
    return found if found is not None and found.objective < best.objective - SAVED * abs(best.objective) else None


def _with_room(draft: Draft, model: Model, found: Solution, columns: Ints) -> Solution | None:
    """The solution without work that has room in bought units by a tolerance alone; None: it can be nowhere else."""
    none, more = np.zeros(0, dtype=np.int32), without_room(draft, found)
    for _ in range(ROUNDS):
        if not len(more):
            break
        assert found.values is not None
        none = np.append(none, more)
        model.fix(np.append(columns, none), np.append(np.rint(found.values[columns]), np.zeros(len(none))))
        found = model.solve_linear()
        model.release(np.append(columns, none))
        if found.status != "optimal" or found.values is None:
            return None
        more = np.setdiff1d(without_room(draft, found), none)
    return found


def _one_fewer(draft: Draft, best: Solution, part: float) -> list[Fewer]:
    """Of each offer the purchases of which a unit is used by less than a part, and one unit fewer of each."""
    return [fewer for units in draft.units.values() for fewer in _not_full(draft, units, best, part)]


def _not_full(draft: Draft, units: Units, best: Solution, part: float) -> Iterator[Fewer]:
    assert best.values is not None
    counts = np.rint(best.values[units.columns])
    spare = spare_of(draft, units, best.values, counts)
    fewer = counts.copy()
    for index in np.flatnonzero(counts)[::-1].tolist():  # as ``spare`` goes through them
        serve, size = units.serve[index], units.units[index]
        if len(serve) and spare[serve].min() > max(size * (1.0 - part), NEARLY):
            fewer[index] -= 1.0
            spare[serve] -= size
    less = np.flatnonzero(fewer < counts)
    if len(less):
        yield units.columns[less], fewer[less]
