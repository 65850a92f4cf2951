"""Columns that count whole things: which there are, and a solution rounded to whole numbers of them.

Not here: when a solution is rounded (``search``), and what may be bought (``formulation.purchases``).
"""

from __future__ import annotations

import numpy as np

from detente.contract.decisions import Rounding
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.program import Block
from detente.planner.formulation.purchases import rounded_up
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution

RULES: tuple[Rounding | None, ...] = (None, "up", "down")
"""How a clause's own counts are rounded, one after the other: first each by its own rule."""

WHOLE = 1e-6
"""A number this near to a whole one is it."""


def whole_columns(draft: Draft) -> Ints:
    """Every column that counts something whole: units, gangs, and what clauses own."""
    own = [block.numbers for block in clause_counts(draft)]
    parts = [*(u.columns for u in draft.units.values()), *(gangs for _, gangs, _ in draft.gangs), *own]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


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
    tried: list[Floats] = []
    for rule in RULES:
        counts = whole_counts(draft, model, relaxed, columns, settled, rule)
        if any((counts == each).all() for each in tried):
            continue
        tried.append(counts)
        model.fix(columns, counts)
        fixed = model.solve_linear()
        model.release(columns)
        if fixed.status != "infeasible":
            return fixed if fixed.status == "optimal" else None
    return None


def whole_counts(
    draft: Draft,
    model: Model,
    relaxed: Solution,
    columns: Ints,
    settled: Ints | None = None,
    rule: Rounding | None = None,
) -> Floats:
    """Whole counts that hold what a solution uses, a clause's own by its rule or by one; those in ``settled`` stay."""
    assert relaxed.values is not None
    counts = rounded_up(draft, relaxed.values)
    gangs = [rounded(relaxed.values[columns], "up") for _, columns, _ in draft.gangs]
    own = [rounded(relaxed.values[block.slice], rule or block.rounding) for block in clause_counts(draft)]
    up = np.concatenate([np.zeros(0), *(counts[name] for name in draft.units), *gangs, *own])
    if settled is not None:
        kept = np.isin(columns, settled)
        up[kept] = np.rint(relaxed.values[columns[kept]])
    most: Floats = np.floor(model.most[columns] + WHOLE)
    return np.asarray(np.clip(up, 0.0, most), dtype=np.float64)


def rounded(values: Floats, rule: Rounding) -> Floats:
    """Whole numbers, by a rule; what is whole but for the solver's tolerance stays as it is."""
    if rule == "nearest":
        return np.rint(values)
    return np.ceil(values - WHOLE) if rule == "up" else np.floor(values + WHOLE)
