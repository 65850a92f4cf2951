"""What no plan can cost less than, before anything is solved: all demand at its cheapest permitted prices.

Owns: prices of a program's rows that need no solving. An hour of a unit costs what it does in the purchase that is
cheapest by the hour; a workload's demand costs what it does at its cheapest place and time, or its value. What clauses
ask for beside that is left out. Not here: why prices prove a bound (``bound``), and when it is asked for (``search``).
"""

from __future__ import annotations

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Floats, Ints
from detente.planner.solving.model import Model


def at_cheapest(draft: Draft, model: Model) -> float:
    """A lower bound of any plan's cost, soon there: far from the least where clauses ask for much."""
    cost = model.cost * model.column_scale * model.money_scale
    prices = _of_hours(model, cost, _rows(draft, "units", "use"))
    return model.bound_by(
        prices + _of_demand(model, cost - model.matrix.priced(prices), _rows(draft, "demand", "served"))
    )


def _rows(draft: Draft, kind: str, part: str) -> Bools:
    """The rows of one part of all owners of a kind."""
    found = np.zeros(draft.program.m, dtype=np.bool_)
    for block in draft.program.row_blocks:
        found[block.slice] |= (block.owner.kind, block.part) == (kind, part)
    return found


def _of_hours(model: Model, cost: Floats, rows: Bools) -> Floats:
    """Of rows that keep use within units: what an hour costs, where a purchase is paid evenly by all its hours."""
    some = rows[model.matrix.index] & (model.matrix.value < 0)
    row, column = model.matrix.index[some], model.matrix.columns[some]
    hours = np.bincount(column, -model.matrix.value[some] / model.row_scale[row], minlength=len(cost))
    each = cost / np.maximum(hours, 1e-300)
    return -_least(len(rows), row, each[column]) / model.row_scale


def _of_demand(model: Model, cost: Floats, rows: Bools) -> Floats:
    """Of rows that serve demand: what it costs in the column that serves it at least cost."""
    some = rows[model.matrix.index] & (model.most > 0)[model.matrix.columns]
    row, column = model.matrix.index[some], model.matrix.columns[some]
    return _least(len(rows), row, cost[column] / model.matrix.value[some])


def _least(rows: int, row: Ints, value: Floats) -> Floats:
    """The least value of each row; nothing for one without any."""
    found = np.full(rows, np.inf)
    np.minimum.at(found, row, value)
    return np.where(np.isfinite(found), found, 0.0)
