"""What a plan before the news costs: in each future, exact, and over all of them.

Owns: ``HedgedPlan``, the exact bill of a future, mean and tail. Not here: finding one (``hedging``, ``decomposed``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from detente.errors import BillError
from detente.planner.answer.bill import bill_of, quantities
from detente.planner.answer.whole_quanta import at_stake
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, dot
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.results.tail import tail
from detente.values.money import nano


@dataclass(frozen=True)
class HedgedPlan:
    """What the plan before the news costs: in each future, exact, and on average (``cost``).

    ``weighed`` is the mean and the mean of the dearest part by their weights, and no plan comes to less than ``bound``.
    ``sure`` is the same where one plans until the news as if the likeliest future were sure, None where that is not
    known; ``for_mean`` where one plans until the first news for the mean of each number, None where futures differ in
    more than numbers; ``divisible`` what this plan comes to by the same count: all with units that may be divided.
    """

    costs: tuple[Decimal, ...]
    cost: Decimal
    weighed: Decimal
    bound: Decimal
    shared: int
    sure: float | None
    for_mean: float | None
    divisible: float


def scored(
    chances: Sequence[Decimal], costs: Sequence[Decimal], weight: Decimal, level: Decimal
) -> tuple[Decimal, Decimal]:
    """The mean, and the mean and the mean of the dearest part by their weights."""
    both = list(zip(chances, costs, strict=True))
    mean = nano(sum((Fraction(p) * Fraction(c) for p, c in both), Fraction(0)))
    dearest = tail(both, level)
    return mean, nano((1 - Fraction(weight)) * Fraction(mean) + Fraction(weight) * Fraction(dearest))


def billed(draft: Draft, model: Model, values: Floats) -> Decimal:
    """The exact bill of a future, held against the solver's cost of it. Raises BillError."""
    objective = dot(model.cost, values)
    whole = quantities(draft, model, values)
    total = bill_of(draft, whole).total
    stake = at_stake(draft, model, whole, Solution("optimal", values, objective, objective))
    if abs(float(total) - objective) > 1e-6 * max(1.0, abs(objective)) + stake:
        raise BillError(f"a future's exact bill is {total} and the solver's cost {objective:.6f}")
    return total
