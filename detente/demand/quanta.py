"""Work in whole quanta: an exact count, so that a plan can be billed without a remainder.

Owns: arrays of quanta. Not here: how large a quantum is (``quantum``), how much work there is (``demand``), and where
it goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detente.demand.demand import DemandOverTime
from detente.demand.quantum import QUANTUM
from detente.values.period import Period
from detente.values.rounding import half_even

PARTS = 10**12
"""Of a unit: as near as what is passed on is kept."""

LITTLE = 1000 * QUANTUM
"""Of less than this, rounding could lose or add a part that matters."""

Quanta = NDArray[np.int64]


def quanta_over(demand: DemandOverTime, periods: Sequence[Period], begin: datetime) -> Quanta:
    """Work in each of some periods (``DemandOverTime.over``), in whole quanta. Not to be written to.

    What no file says is worked out once: a question over many changes to a case asks for the same again and again.
    """
    if demand.recorded is None:
        return _known(demand, tuple(periods), begin)
    return in_quanta(demand.over(periods, begin))


@lru_cache(maxsize=128)
def _known(demand: DemandOverTime, periods: tuple[Period, ...], begin: datetime) -> Quanta:
    found = in_quanta(demand.over(periods, begin))
    found.setflags(write=False)
    return found


def in_quanta(work: Iterable[Fraction]) -> Quanta:
    """Work in successive times, each amount as the nearest whole number of quanta, of two equally near the even one.

    A little passes on to the next little what rounding leaves of it: five tokens a day, planned by the hour, are five.
    No amount is beyond 64 bits: a case that declares so much work, or less than a quantum in all, is refused when it
    is read (``case.checks.magnitude``).
    """
    return np.array(list(_passing_on(work)), dtype=np.int64)


def _passing_on(work: Iterable[Fraction]) -> Iterator[int]:
    left = Fraction(0)
    for amount in work:
        if not _is_little(amount):
            yield _whole(amount)
            continue
        whole = _whole(amount + left)
        left = Fraction(round((amount + left - whole * QUANTUM) * PARTS), PARTS)
        yield whole


def _is_little(work: Fraction) -> bool:
    """``0 < work < LITTLE``, without another fraction."""
    over, under = work.as_integer_ratio()
    return 0 < over * LITTLE.denominator < under * LITTLE.numerator


def _whole(work: Fraction) -> int:
    """``round(work / QUANTUM)``, without another fraction."""
    over, under = work.as_integer_ratio()
    return half_even(over * QUANTUM.denominator, under)
