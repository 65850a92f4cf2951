"""Counts that are many, searched with the few that matter most as they were found.

Rounded each by itself they cost more than is needed: a search finds who should hold what another spares. It is short:
what ties places and times together is settled, and each count is near what a linear program says of it (after Berthold,
"RENS", 2014, where it is one of the two whole numbers beside it). What it proves holds for these alone: it gives no
bound.

Not here: when it is asked for (``search``).
"""

from __future__ import annotations

import numpy as np

from detente.planner.formulation.expression import Ints
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution, Stopped
from detente.planner.solving.whole import WHOLE

BESIDE = 1.0
"""How far beyond the two whole numbers beside it a count may be: of two alone the best was not enough of S's seed 4."""


def with_others_searched(
    model: Model, columns: Ints, settled: Ints, best: Solution, gap: float
) -> tuple[Solution | None, Stopped | None]:
    """A solution whole in ``columns``, with those in ``settled`` as in the best one, where one is found in time.

    And what stopped the search, if it was stopped. ``gap`` is that of this search alone.
    """
    assert best.values is not None
    others = np.setdiff1d(columns, settled)
    model.fix(settled, np.rint(best.values[settled]))
    tried = model.solve_linear()
    if tried.values is not None:
        counts = tried.values[others]
        low, high = np.floor(counts + WHOLE) - BESIDE, np.ceil(counts - WHOLE) + BESIDE
        model.confine(others, np.maximum(low, 0.0), np.minimum(high, np.floor(model.most[others] + WHOLE)))
        tried = model.solve_as(others, gap)
    found = None
    if tried.values is not None:
        with model.uninterrupted():
            model.fix(columns, np.rint(tried.values[columns]))
            found = model.solve_linear()
    model.release(columns)
    stopped = tried.status if tried.status in ("time-limit", "interrupted") else None
    return (found if found is not None and found.status == "optimal" else None), stopped
