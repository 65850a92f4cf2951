"""How many units could be of any use where they may stand idle: as many as clauses could ask for.

Owns: ``idle_ceilings``, read off the rows of clauses, of whatever kind. Not here: whether capacity may stand idle
(``Case.may_stand_idle``), what work uses of it (``purchases``), and the rows that forbid it (``capacity``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Floats, Ints, Lines, Part, broadcast
from detente.planner.formulation.unit_columns import Units
from detente.values.quantity import LARGEST

RowAsking = tuple[Ints, Floats, float]
"""A row in the form "the sum of value times column reaches an amount": its columns, its values, the amount."""

MANY = LARGEST / 1000
"""Stands for no limit on units."""

ROUNDS = 100
"""Shares of several offers may ask for each other's units: their ceilings are raised in turn, until none moves."""


def idle_ceilings(draft: Draft) -> dict[str, Floats]:
    """Upper bounds of the columns of units, offer by offer, where clauses could ask for more than work uses.

    A row stops asking for a unit once it holds whatever the other columns do; a unit that no row asks for only costs
    money, so some optimum has none of it. What only gives money back (a credit) never asks: it gives at most the price.
    Read off the rows that are not handed over yet.
    """
    open_units = {name: units for name, units in draft.units.items() if draft.case.may_stand_idle(units.offer)}
    unit = np.zeros(draft.program.n, dtype=np.bool_)
    for units in open_units.values():
        unit[units.columns] = True
    upper = draft.program.upper()
    raised = _raised(list(_asking(draft, unit)), unit, upper, _limits(draft, open_units, upper))
    return {
        name: raised[units.columns]
        for name, units in open_units.items()
        if (raised[units.columns] > upper[units.columns]).any()
    }


def raised_alike(drafts: Sequence[Draft]) -> list[dict[str, Floats]]:
    """Upper bounds of the columns of units in each of several futures, offer by offer, where they have to be raised.

    What is of use in any future is open in all, as far as there is room: what one needs, another may hold idle.
    """
    found: list[dict[str, Floats]] = [{} for _ in drafts]
    uppers = [draft.program.upper() for draft in drafts]
    for name in dict.fromkeys(name for draft in drafts for name in draft.units):
        most: dict[tuple[int, bool], float] = {}
        open_in = [
            (index, draft.units[name])
            for index, draft in enumerate(drafts)
            if name in draft.units and draft.case.may_stand_idle(draft.units[name].offer)
        ]
        for index, units in open_in:
            for key, upper in zip(_purchases(units), uppers[index][units.columns].tolist(), strict=True):
                most[key] = max(upper, most.get(key, 0.0))
        for index, units in open_in:
            own, wanted = uppers[index][units.columns], np.array([most[key] for key in _purchases(units)])
            room = _limits(drafts[index], {name: units}, uppers[index])[units.columns]
            raised = np.maximum(own, np.minimum(wanted, room))
            if (raised > own).any():
                found[index][name] = raised
    return found


def _purchases(units: Units) -> list[tuple[int, bool]]:
    """What tells the columns of an offer apart: the period of the start, and whether it opens a purchase."""
    return [(start, index < units.opening) for index, start in enumerate(units.starts)]


def _raised(asked: list[RowAsking], unit: Bools, upper: Floats, limits: Floats) -> Floats:
    """Upper bounds of every column, units as many as the rows could ask for."""
    found = upper.copy()
    for _ in range(ROUNDS):
        before = found.copy()
        for columns, values, amount in asked:
            least = float((np.minimum(values, 0.0) * before[columns]).sum())
            helps = unit[columns] & (values > 0)
            wanted = np.ceil(np.maximum(0.0, amount - least) / values[helps] * (1 + 1e-9))
            at = columns[helps]
            found[at] = np.maximum(found[at], np.minimum(wanted, limits[at]))
        if (found == before).all():
            break
    return found


def _limits(draft: Draft, open_units: dict[str, Units], upper: Floats) -> Floats:
    """The most of each column of units that there is room for in all periods that it serves."""
    found = upper.copy()
    for units in open_units.values():
        most, opening = np.minimum(draft.most(units.offer), MANY), units.opening
        room = np.array([most[serve].min(initial=MANY) if len(serve) else 0.0 for serve in units.serve])
        if opening:
            room[opening:] -= units.units[:opening]  # the minimum of a purchase is held before its steps
        counts = np.maximum(0.0, room // units.units)
        counts[:opening] = np.minimum(counts[:opening], 1.0)
        found[units.columns] = np.maximum(upper[units.columns], counts)
    return found


def _asking(draft: Draft, unit: Bools) -> Iterator[RowAsking]:
    """The rows of clauses in which more units could be of use."""
    program, cost = draft.program, draft.program.cost()
    low, high = program.bounds()
    blocks = program.row_blocks[len(program.row_blocks) - len(program.entries) :]
    for block, parts in zip(blocks, program.entries, strict=True):
        if block.owner.kind != "term" or not any(_has(part, unit) for part in parts):
            continue
        for row, columns, values in _rows(parts, program.n):
            for sign, amount in ((1.0, low[block.start + row]), (-1.0, -high[block.start + row])):
                signed = values * sign
                asks = np.isfinite(amount) and (unit[columns] & (signed > 0)).any()
                if asks and not ((signed < 0) & (cost[columns] < 0)).any():
                    yield columns, signed, float(amount)


def _has(part: Part, unit: Bools) -> bool:
    return not isinstance(part[1], Lines) and bool(unit[part[1]].any())


def _rows(parts: list[Part], n: int) -> Iterator[tuple[int, Ints, Floats]]:
    """Row by row, columns and values, equal entries added up."""
    entries = [tuple(np.ravel(each) for each in broadcast(part)) for part in parts]
    row, column, value = (np.concatenate(each) for each in zip(*entries, strict=True))
    place: NDArray[np.int64] = row.astype(np.int64) * n + column
    distinct, which = np.unique(place, return_inverse=True)
    total: Floats = np.bincount(which, weights=value, minlength=len(distinct)).astype(np.float64)
    cuts = np.flatnonzero(np.diff(distinct // n)) + 1
    for some, values in zip(np.split(distinct, cuts), np.split(total, cuts), strict=True):
        yield int(some[0] // n), (some % n).astype(np.int32), values
