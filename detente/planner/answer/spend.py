"""What a solution pays a provider for capacity: use and units at their prices after discounts.

Owns: that sum, as the solver knows it: where units are divided there is no bill. Not here: the exact bill (``bill``).
"""

from __future__ import annotations

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import dot
from detente.planner.solving.solution import Solution


def spend_with(draft: Draft, solution: Solution, provider: str) -> float:
    """Money, without what clauses owe and without moving data."""
    assert solution.values is not None
    after, total = draft.prices.after_discounts(), 0.0
    for arc in draft.arcs:
        if arc.offer.provider == provider and arc.metered:
            total += dot(solution.values[draft.x[arc.index]], np.nan_to_num(after.use(arc)))
    for name, units in draft.units.items():
        if units.offer.provider == provider:
            column, period, _, price = units.each
            net = price * after.paid_of_units(name)[period]
            total += float(np.bincount(column, weights=net * solution.values[units.columns[column]]).sum())
    return total
