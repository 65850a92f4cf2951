"""When an amount is reached: what is missing of it and is none of it, the same in a plan and on a bill.

Money is owed in whole cents, and work is planned in whole quanta (``demand.quantum``): what is less is the rounding of
lines. Not here: what becomes of what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from detente.demand.quantum import QUANTUM
from detente.values.money import CENT
from detente.values.rounding import half_even


def least(*, of_money: bool) -> Fraction:
    """The least that can be missing of an amount; in its own unit."""
    return Fraction(CENT) if of_money else QUANTUM


def missing(short: Fraction | Decimal, *, of_money: bool) -> bool:
    """Whether so much that is missing is no rounding."""
    return short >= least(of_money=of_money)


ROUNDING = "rounding"
"""The part of a clause's columns that say what is missing and is none: their price is no money that is owed."""

NEARLY = Fraction(99, 100)
"""Of the least that can be missing: as much may be in a plan, which is known to floats, and still be none."""


def left(*, of_money: bool) -> tuple[Fraction, Fraction]:
    """How much may be missing of an amount in a plan and be none, and at what price for each unit of it.

    The price is no part of any bill: by it an amount is reached to the last where that costs no more. All of it comes
    to less than a cent.
    """
    of = least(of_money=of_money)
    return of * NEARLY, Fraction(CENT) / of


def in_whole_quanta(amount: Fraction) -> Fraction:
    """What is asked of work that is planned in whole quanta: a part of one is never missing."""
    return amount // QUANTUM * QUANTUM


def enough(amounts: Sequence[Fraction], most: Sequence[Fraction], of: Fraction) -> list[Fraction]:
    """What is enough for each amount in a plan, where ``most`` is all that can count and ``of`` the least that misses.

    The amount, or all that there is where less than the least is missing then. What is counted is known to floats: to a
    millionth.
    """
    seen = [Fraction(half_even(m.numerator * 10**6, m.denominator), 10**6) for m in most]
    each = zip(amounts, most, seen, strict=True)
    return [min(amount, there) if about > amount - of else amount for amount, there, about in each]


def open_to(amounts: Sequence[Fraction], most: Sequence[Fraction]) -> list[Fraction]:
    """One for each amount that can be reached, and nothing for others: a solver cannot tell the last part of many."""
    return [Fraction(there >= amount) for amount, there in zip(amounts, most, strict=True)]
