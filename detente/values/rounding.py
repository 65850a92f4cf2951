"""Rounding of whole numbers without fractions between, for what is worked out for each call.

Owns: the nearest whole number. Not here: what is rounded to which unit (``money``, ``demand.quanta``).
"""


def half_even(over: int, under: int) -> int:
    """The whole number nearest to ``over / under``, of two as near the even one; ``under`` is positive."""
    whole, rest = divmod(over, under)
    return whole + (2 * rest > under or (2 * rest == under and whole % 2 == 1))
