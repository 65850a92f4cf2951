"""A lower bound that holds whatever the solver's tolerances.

Owns: the bound of a linear program, from any prices of its rows. Not here: where the prices come from (``model``).
"""

from __future__ import annotations

import numpy as np

from detente.planner.formulation.expression import Floats
from detente.planner.solving.matrix import Matrix

LOST = max(2.0**-50, 64 * float(np.finfo(np.longdouble).eps))
"""What sums of products may lose to rounding, as a part of all that is added: in the longest floats that there are, and
numpy adds in blocks of 128, pairwise."""


def safe_bound(
    matrix: Matrix, cost: Floats, columns: tuple[Floats, Floats], rows: tuple[Floats, Floats], duals: Floats
) -> tuple[float, Floats]:
    """The bound, and each column's reduced cost; everything in the solver's scale.

    For any row prices y (with the sign that each row allows), y·b plus the least of each column's reduced cost over
    its bounds is at most the optimum (Neumaier and Shcherbina, 2004). Every column is bounded, so it is always
    finite. What floating point can lose in the sums is taken off.

    Parameters
    ----------
    columns, rows
        Their lower and their upper bounds.
    """
    low, high = rows
    y = np.where((duals > 0) & np.isinf(low), 0.0, duals)
    y = np.where((y < 0) & np.isinf(high), 0.0, y)
    reduced = cost - matrix.priced(y)
    by_row = np.where(y > 0, y * np.where(np.isinf(low), 0, low), y * np.where(np.isinf(high), 0, high))
    by_column = np.where(reduced > 0, reduced * columns[0], reduced * columns[1])
    slop = (np.abs(by_row).sum() + np.abs(by_column).sum()) * LOST
    total = by_row.sum(dtype=np.longdouble) + by_column.sum(dtype=np.longdouble)
    return float(total - slop), reduced
