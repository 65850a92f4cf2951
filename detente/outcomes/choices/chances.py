"""What follows from the costs of outcomes and their probabilities: mean, tail, regret, and what flips the choice.

Owns: these figures, pure, over exact amounts. Not here: where costs come from (``comparing``), and words
(``report/outcomes/outcomes``). Probabilities are opinions: so each figure that turns on them is asked over all of their
range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from detente.outcomes.estimate import NOTHING, LeastCost
from detente.values.money import nano
from detente.values.quantity import Exact


def expected(costs: Sequence[tuple[Decimal, LeastCost]]) -> LeastCost:
    """The mean of costs by their probabilities, and that of their bounds."""
    amount = sum((Fraction(chance) * Fraction(cost.amount) for chance, cost in costs), Fraction(0))
    bound = sum((Fraction(chance) * Fraction(cost.bound) for chance, cost in costs), Fraction(0))
    return LeastCost(nano(amount), min(nano(amount), nano(bound)))


@dataclass(frozen=True, slots=True)
class Regret:
    """How much more a choice may cost than the best for that state of the world: at most, and on average."""

    most: Exact
    mean: Exact


def regrets(by_world: Sequence[tuple[Decimal, Mapping[str, Decimal], Decimal]]) -> dict[str, Regret]:
    """The regret of each choice, over states of the world: each with the costs of choices, and the least there is."""
    found: dict[str, list[tuple[Fraction, Decimal]]] = {}
    for chance, costs, least in by_world:
        for choice, cost in costs.items():
            found.setdefault(choice, []).append((Fraction(chance), cost - least))
    return {
        choice: Regret(
            max(amount for _, amount in each), nano(sum((p * Fraction(amount) for p, amount in each), Fraction(0)))
        )
        for choice, each in found.items()
    }


# -- over a probability ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Flip:
    """A probability at which another choice becomes the best: below it one, above it the other."""

    probability: Exact
    below: str
    above: str


@dataclass(frozen=True, slots=True)
class Ends:
    """The expected cost of a choice where an outcome never happens, and where it surely does."""

    never: Exact
    surely: Exact

    def at(self, probability: Fraction) -> Fraction:
        """Between the two it is a straight line: the other outcomes keep their ratio."""
        return Fraction(self.never) + probability * (Fraction(self.surely) - Fraction(self.never))


def flips(ends: Mapping[str, Ends]) -> tuple[Flip, ...]:
    """Where the best choice changes as a probability goes from 0 to 1, in order.

    Each choice is a straight line; the best is the lowest, and it changes where lines cross.
    """
    crossings = {Fraction(0), Fraction(1)}
    lines = list(ends.values())
    for index, one in enumerate(lines):
        for other in lines[index + 1 :]:
            rise = Fraction(one.surely - one.never) - Fraction(other.surely - other.never)
            if rise and 0 < (at := Fraction(other.never - one.never) / rise) < 1:
                crossings.add(at)
    spans = [(left, best(ends, (left + right) / 2)) for left, right in pairwise(sorted(crossings))]
    return tuple(
        Flip(_rounded(right), below, above) for (_, below), (right, above) in pairwise(spans) if below != above
    )


def best(ends: Mapping[str, Ends], probability: Fraction) -> str:
    """The choice that costs least at a probability; of equals, the first."""
    return min(ends, key=lambda choice: ends[choice].at(probability))


def _rounded(probability: Fraction) -> Decimal:
    return Decimal(round(probability * 10**6)).scaleb(-6)


def conditional(costs: Sequence[tuple[Fraction, Decimal]]) -> Decimal:
    """The mean of amounts, by weights that need not add up to 1."""
    total = sum((weight for weight, _ in costs), Fraction(0))
    return nano(sum((weight * Fraction(amount) for weight, amount in costs), Fraction(0)) / total) if total else NOTHING
