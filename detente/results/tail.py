"""The tail of what may happen: the mean of its dearest part (CVaR).

Owns: that figure, exact. Not here: probabilities and costs (``outcomes``), and a plan that heeds it (``planner``).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from detente.values.money import nano


def tail(costs: Sequence[tuple[Decimal, Decimal]], level: Decimal) -> Decimal:
    """The mean of the dearest part ``1 - level`` of what may happen (CVaR; Rockafellar and Uryasev, 2000).

    Parameters
    ----------
    costs
        Probabilities, which add up to 1, and amounts.
    level
        From 0 (the mean) to less than 1.
    """
    left = size = 1 - Fraction(level)
    total = Fraction(0)
    for chance, amount in sorted(costs, key=lambda each: -each[1]):
        part = min(left, Fraction(chance))
        total += part * Fraction(amount)
        left -= part
    return nano(total / size)
