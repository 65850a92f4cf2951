"""The least part of work that is planned: how large it is, and what work in such parts comes to.

Owns: the size of a quantum. Not here: arrays of quanta (``quanta``), which need numpy; a gateway needs none.
"""

from __future__ import annotations

from fractions import Fraction

from detente.values.rounding import half_even

QUANTUM = Fraction(1, 10**6)
"""Work is planned in whole multiples of this much of its unit."""

PER_QUANTUM = int(QUANTUM * 10**9)
"""Billionths of a unit of work that a quantum is."""


def nanos(quanta: int, each: Fraction) -> int:
    """What quanta of work come to at an amount a unit of it, in whole billionths, half to even: ``money.nano``."""
    over, under = each.as_integer_ratio()
    return half_even(quanta * PER_QUANTUM * over, under)
