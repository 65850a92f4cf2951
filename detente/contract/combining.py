"""How several price clauses on one use combine: by product, by sum, or the best of them alone.

Providers differ: AWS multiplies, Azure takes the lower of two prices, other contracts add. So an agreement says it, and
price clauses that meet without a stated way are a mistake of the case. Not here: what each clause takes off
(``PriceChange.takes_off``), and when (``rating``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, get_args

from detente.errors import SettleError

Combine = Literal["product", "sum", "best-of"]
"""``product``: each takes its part of what is left; ``sum``: of the list price; ``best-of``: the largest part alone."""


def parts_of(rates: Sequence[Fraction], way: Combine) -> list[Fraction]:
    """What each clause takes off, as parts of the list price, in the order of the contract."""
    if way == "sum":
        return list(rates)
    if way == "best-of":
        best = max(range(len(rates)), key=lambda at: rates[at])  # of equals, the first
        return [rate if at == best else Fraction(0) for at, rate in enumerate(rates)]
    left, found = Fraction(1), []
    for rate in rates:
        found.append(left * rate)
        left -= left * rate
    return found


def undisputed(rates: Sequence[Fraction]) -> list[Fraction] | None:
    """What each takes off where every way comes to the same; None where the way matters."""
    found = [parts_of(rates, way) for way in get_args(Combine)]
    return found[0] if all(each == found[0] for each in found) else None


def parts(rates: Sequence[Fraction], ways: Sequence[Combine | None], names: Sequence[str]) -> list[Fraction]:
    """The same of clauses whose agreements each say a way, or None. Raises SettleError where no one way is said."""
    if len(rates) < 2:
        return list(rates)
    said = set(ways)
    way = said.pop() if len(said) == 1 else None
    if way is None and (found := undisputed(rates)) is not None:
        return found
    if way is None:
        meeting = " and ".join(f"`{name}`" for name in names)
        raise SettleError(f"{meeting} meet on one price, and no one way to combine them is stated; write `combine:`")
    return parts_of(rates, way)
