"""Work in whole quanta: an exact count, so that a plan can be billed without a remainder.

Owns: how large a quantum is, and arrays of them. Not here: how much work there is (``demand``), and where it goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

QUANTUM = Fraction(1, 10**6)
"""Work is planned in whole multiples of this much of its unit."""

Quanta = NDArray[np.int64]


def in_quanta(work: Iterable[Fraction]) -> Quanta:
    """Amounts of work, each as the nearest whole number of quanta, of two equally near the even one.

    Exact. No amount is beyond 64 bits: a case that declares so much work is refused when it is read
    (``case.checks.magnitude``).
    """
    return np.array([_whole(amount) for amount in work], dtype=np.int64)


def _whole(work: Fraction) -> int:
    """``round(work / QUANTUM)``, without another fraction."""
    whole, rest = divmod(work.numerator * QUANTUM.denominator, work.denominator)
    return whole + (2 * rest > work.denominator or (2 * rest == work.denominator and whole % 2 == 1))
