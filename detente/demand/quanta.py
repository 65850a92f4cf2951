"""Work in whole quanta: an exact count, so that a plan can be billed without a remainder.

Owns: arrays of quanta. Not here: how large a quantum is (``quantum``), how much work there is (``demand``), and where
it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.demand.demand import DemandOverTime
from detente.demand.quantum import PER_QUANTUM as NANOS_PER_QUANTUM
from detente.demand.quantum import QUANTUM
from detente.values.period import Period
from detente.values.rounding import half_even

PARTS = 10**18
"""Of a unit: as near as what is passed on is kept."""

PER_QUANTUM = PARTS * QUANTUM.numerator // QUANTUM.denominator
"""Parts of a quantum."""

ROOM = 1 << 62
"""Whole numbers below this have room in 64 bits, and so has twice what is left of a division by one."""

LITTLE = 1000 * PER_QUANTUM
"""Parts: of less than this, rounding could lose or add a part that matters."""

DAY = timedelta(days=1)

Quanta = NDArray[np.int64]


def nanos_each(quanta: Quanta, each: Fraction) -> list[int]:
    """What each of some quanta comes to at an amount a unit of work: ``quantum.nanos``, at once where it can be."""
    over, under = each.as_integer_ratio()
    over *= NANOS_PER_QUANTUM
    most = int(quanta.max(initial=0)) * abs(over)
    if max(most, 2 * under) >= ROOM or int(quanta.min(initial=0)) < 0:
        return [half_even(many * over, under) for many in quanta.tolist()]
    whole, rest = np.divmod(quanta * over, under)
    rest *= 2
    found: list[int] = (whole + ((rest > under) | ((rest == under) & (whole % 2 == 1)))).tolist()
    return found


class InQuanta(NamedTuple):
    """Work in successive times: whole quanta, and by how much each is above what was asked for (its unit; or below)."""

    quanta: Quanta
    above: NDArray[np.float64]


def quanta_over(demand: DemandOverTime, periods: Sequence[Period], begin: datetime) -> InQuanta:
    """Work in each of some periods (``DemandOverTime.over``), in whole quanta. Not to be written to.

    What no file says is worked out once: a question over many changes to a case asks for the same again and again.
    """
    if demand.recorded is None:
        return _known(demand, tuple(periods), begin)
    return in_quanta(demand.over(periods, begin), _made_good(tuple(periods)))


@lru_cache(maxsize=128)
def _known(demand: DemandOverTime, periods: tuple[Period, ...], begin: datetime) -> InQuanta:
    found = in_quanta(demand.over(periods, begin), _made_good(periods))
    for each in found:
        each.setflags(write=False)
    return found


@lru_cache(maxsize=8)
def _made_good(periods: tuple[Period, ...]) -> tuple[bool, ...]:
    """Which periods are the last of their day, where they are shorter than that, else the last of their month."""
    each = [(p.span_start.year, p.span_start.month, p.span_start.day if _within_a_day(p) else 0) for p in periods]
    return tuple(one != other for one, other in zip(each, [*each[1:], None], strict=True))


def _within_a_day(period: Period) -> bool:
    return period.span_end - period.span_start < DAY


def in_quanta(work: Sequence[Fraction], made_good: Sequence[bool]) -> InQuanta:
    """Work in successive times, each amount as the nearest whole number of quanta, of two equally near the even one.

    What that leaves is ``made_good`` at some of the times, so that up to there they come to what was asked for: a
    thousand Mtok of a month, planned by the day, are a thousand. A little does so at once: five tokens a day, planned
    by the hour, are five. At all other times equal work stays equal. Where there is no work there is none. No amount is
    beyond 64 bits: a case that declares so much work, or less than a quantum in all, is refused when it is read
    (``case.checks.magnitude``).
    """
    left, quanta, passed_on = 0, [], [0]
    for amount, good in zip(work, made_good, strict=True):
        over, under = amount.as_integer_ratio()
        whole = 0
        if over:
            asked = half_even(over * PARTS, under)
            whole = half_even(asked + left if good or asked < LITTLE else asked, PER_QUANTUM)
            whole = max(whole, 0)
            left += asked - whole * PER_QUANTUM
        quanta.append(whole)
        passed_on.append(left)
    return InQuanta(np.array(quanta, dtype=np.int64), -np.diff(np.array(passed_on, dtype=np.float64)) / PARTS)
