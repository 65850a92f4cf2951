"""A fair split of what several bring about together, by what each adds to the others (L. S. Shapley, 1953).

Owns: the split, exact or sampled, and whether it is in the core. Not here: what a coalition is worth: it is asked once
for each. Names no clause and no provider.

The value of player i over players N, worth v, |N| = n: the sum over S in N without i of
|S|! (n - |S| - 1)! / n! * (v(S and i) - v(S)). Sampled: the mean of v(before and i) - v(before) over random orders.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

from detente.values.money import nano
from detente.values.quantity import Exact

ORDERS = 200
"""Random orders of players that are tried where there are too many to try them all."""

CONFIDENCE = Fraction(196, 100)
"""Standard errors on each side of a mean: the truth lies within in 19 of 20 samples."""

Worth = Callable[[frozenset[str]], Decimal]
"""What a coalition is worth, in money."""


@dataclass(frozen=True, slots=True)
class FairPart:
    """One player's part: ``alone`` is what it brings by itself, ``last`` what it adds to all others.

    ``error`` is half the width of a 95% confidence interval, nothing where every order was tried; what the worths
    themselves are off is added by whoever knows.
    """

    player: str
    amount: Exact
    alone: Exact
    last: Exact
    error: Exact = Decimal(0)


def split(players: Sequence[str], worth: Worth, *, most: int, seed: int = 0) -> tuple[FairPart, ...]:
    """What each player adds, averaged over all orders in which they may come; above ``most`` players, sampled.

    The amounts add up to the worth of all, to the nano-unit.
    """
    worth = _remembered(worth)
    found = exact(players, worth) if len(players) <= most else sampled(players, worth, seed)
    amounts = _adding_up([nano(amount) for amount, _ in found], worth(frozenset(players)) - worth(frozenset()))
    every, nobody = frozenset(players), worth(frozenset())
    return tuple(
        FairPart(
            player, amount, worth(frozenset([player])) - nobody, worth(every) - worth(every - {player}), nano(error)
        )
        for player, amount, (_, error) in zip(players, amounts, found, strict=True)
    )


def exact(players: Sequence[str], worth: Worth) -> list[tuple[Fraction, Fraction]]:
    """Each player's value, over every coalition of the others, and no error."""
    n = len(players)
    found = []
    for player in players:
        others = [other for other in players if other != player]
        total = Fraction(0)
        for size in range(n):
            weight = Fraction(math.factorial(size) * math.factorial(n - size - 1), math.factorial(n))
            for some in combinations(others, size):
                total += weight * Fraction(worth(frozenset([*some, player])) - worth(frozenset(some)))
        found.append((total, Fraction(0)))
    return found


def sampled(players: Sequence[str], worth: Worth, seed: int) -> list[tuple[Fraction, Fraction]]:
    """Each player's mean addition over random orders, with half of its confidence interval.

    Each order is taken forwards and backwards, which makes errors smaller; the pair is one observation.
    """
    chance, orders = random.Random(seed), []
    for _ in range(ORDERS // 2):
        order = list(players)
        chance.shuffle(order)
        orders.append([_added(order, worth), _added(order[::-1], worth)])
    found = []
    for player in players:
        seen = [(there[player] + back[player]) / 2 for there, back in orders]
        mean = sum(seen, Fraction(0)) / len(seen)
        spread = sum(((each - mean) ** 2 for each in seen), Fraction(0)) / (len(seen) - 1)
        found.append((mean, CONFIDENCE * Fraction(math.sqrt(spread / len(seen)))))
    return found


def _added(order: Iterable[str], worth: Worth) -> dict[str, Fraction]:
    """What each adds to those before it."""
    before: frozenset[str] = frozenset()
    found = {}
    for player in order:
        found[player] = Fraction(worth(before | {player}) - worth(before))
        before |= {player}
    return found


def _adding_up(amounts: list[Decimal], whole: Decimal) -> list[Decimal]:
    """Amounts that add up to the whole: what rounding lost goes to the largest."""
    if amounts:
        at = max(range(len(amounts)), key=lambda index: abs(amounts[index]))
        amounts[at] += whole - sum(amounts, Decimal(0))
    return amounts


def in_core(parts: Sequence[FairPart], worth: Worth, within: Decimal) -> bool:
    """Whether no coalition would do better by itself than with its parts (all of them asked), but for so much."""
    amounts = {part.player: part.amount for part in parts}
    return all(
        sum((amounts[p] for p in some), Decimal(0)) >= worth(frozenset(some)) - worth(frozenset()) - within
        for size in range(1, len(amounts))
        for some in combinations(amounts, size)
    )


def _remembered(worth: Worth) -> Worth:
    known: dict[frozenset[str], Decimal] = {}

    def ask(some: frozenset[str]) -> Decimal:
        if some not in known:
            known[some] = worth(some)
        return known[some]

    return ask
