"""What a solution pays a provider for capacity: use and units at their prices after discounts.

Owns: that sum, as the solver knows it: where units are divided there is no bill. Not here: the exact bill (``bill``).
"""

from __future__ import annotations

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import dot
from detente.planner.formulation.purchases import TOLD
from detente.planner.solving.solution import Solution

HARDLY = 1e-6
"""Of a unit: what is less is none where units are counted whole, too."""


def spend_with(draft: Draft, solution: Solution, provider: str) -> float:
    """Money, without what clauses owe and without moving data; what is less than the solver can tell is none."""
    assert solution.values is not None
    after, total = draft.prices.after_discounts(), 0.0
    for arc in draft.arcs:
        if arc.offer.provider == provider and arc.metered:
            work = solution.values[draft.x[arc.index]]
            told = np.where(work > TOLD * draft.most_work[arc.workload.id], work, 0.0)
            total += dot(told, np.nan_to_num(after.use(arc)))
    for name, units in draft.units.items():
        if units.offer.provider == provider:
            column, period, _, price = units.each
            net = price * after.paid_of_units(name)[period]
            bought = solution.values[units.columns[column]]
            total += float(np.where(bought > HARDLY, net * bought, 0.0).sum())
    return total
