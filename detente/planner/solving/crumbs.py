"""Places that a plan hardly uses: a team would not send a workload there.

Owns: which columns of use are crumbs, and a solution that does without them. Not here: what that may cost, and when it
is sought (``planner.study``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detente.demand.quantum import QUANTUM
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.spare import with_less_idle
from detente.planner.solving.whole import with_counts

CRUMBS = (1e-3, 1e-5)
"""An offer that does less than such a part of a workload does a crumb of it: first it is tried with the larger part."""


ROUNDS = 3
"""So often crumbs are looked for again: what is swept from one workload may fall to another."""


def crumbs(draft: Draft, values: Floats, part: float) -> Ints:
    """The columns of use of offers that do less than such a part of a workload, and something."""
    found = list(_hardly_used(draft, values, part))
    return np.concatenate([np.zeros(0, dtype=np.int32), *found]).astype(np.int32)


def _hardly_used(draft: Draft, values: Floats, part: float) -> Iterator[Ints]:
    """The columns of each such offer of a workload."""
    for workload in draft.case.workloads:
        columns = [draft.x[arc.index] for arc in draft.arcs.of_workload[workload.id]]
        work = [float(values[each].sum()) for each in columns]
        for each, done in zip(columns, work, strict=True):
            if float(QUANTUM) / 2 < done < part * sum(work):
                yield each


def with_counts_of(draft: Draft, model: Model, best: Solution, columns: Ints) -> Solution | None:
    """The least cost at a solution's whole numbers, or lower ones where units now stand idle; None: there is none."""
    assert best.values is not None
    found = with_counts(model, columns, np.rint(best.values[columns]))
    return found and with_less_idle(draft, model, found, columns)
