"""A fair split: against values worked by hand, every order of players, and its own laws."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.outcomes.shapley import Worth, in_core, split
from tests.builders import D

MOST = 10
quick = settings(deadline=None, derandomize=True, max_examples=30)


def game(worths: dict[str, int]) -> Worth:
    """Coalitions written as words: ``ab`` is worth so much; those that are not written are worth nothing."""
    known = {frozenset(word): D(worth) for word, worth in worths.items()}
    return lambda some: known.get(some, D(0))


def by_orders(players: Sequence[str], worth: Worth) -> dict[str, Fraction]:
    """The mean of what each adds, over every order in which they may come: another way to the same."""
    found = dict.fromkeys(players, Fraction(0))
    orders = list(permutations(players))
    for order in orders:
        for at, player in enumerate(order):
            before = frozenset(order[:at])
            found[player] += Fraction(worth(before | {player}) - worth(before)) / len(orders)
    return found


@st.composite
def games(draw: st.DrawFn, most: int = 4) -> tuple[str, Worth]:
    players = "abcde"[: draw(st.integers(1, most))]
    every = [some for size in range(1, len(players) + 1) for some in combinations(players, size)]
    return players, game({"".join(some): draw(st.integers(-50, 100)) for some in every})


def amounts(players: str, worth: Worth, **how: int) -> dict[str, Decimal]:
    return {part.player: part.amount for part in split(players, worth, most=how.get("most", MOST))}


def test_one_right_glove_and_two_left_ones() -> None:
    # The textbook's game: a pair is worth 1; a has the only right glove. 4/6, 1/6, 1/6.
    found = split("abc", game({"ab": 6, "ac": 6, "abc": 6}), most=MOST)
    assert [(p.player, p.amount, p.alone, p.last) for p in found] == [
        ("a", 4, 0, 6),
        ("b", 1, 0, 0),
        ("c", 1, 0, 0),
    ]


def test_two_that_hide_each_other_share_alike() -> None:
    assert amounts("ab", game({"ab": 100})) == {"a": 50, "b": 50}


@quick
@given(games())
def test_it_is_the_mean_over_all_orders(found: tuple[str, Worth]) -> None:
    players, worth = found
    expected = by_orders(players, worth)
    for player, amount in amounts(players, worth).items():
        assert abs(Fraction(amount) - expected[player]) <= Fraction(len(players), 10**9)


@quick
@given(games())
def test_the_parts_add_up_to_the_whole(found: tuple[str, Worth]) -> None:
    players, worth = found
    for most in (MOST, 1):  # exact, and sampled
        assert sum(amounts(players, worth, most=most).values()) == worth(frozenset(players))


def test_a_sample_says_how_far_off_it_may_be() -> None:
    worth = game({"abc": 90, "ab": 60, "bc": 30, "d": 10, "abcd": 130, "ad": 20})
    exact = amounts("abcd", worth)
    found = split("abcd", worth, most=3)
    assert all(part.error > 0 for part in found)
    assert all(abs(part.amount - exact[part.player]) <= 3 * part.error for part in found)
    assert found == split("abcd", worth, most=3), "the same sample each time"


@pytest.mark.parametrize(
    ("worth", "inside"),
    [
        (game({"ab": 10, "a": 4, "b": 4}), True),
        (game({"ab": 60, "ac": 60, "abc": 60}), False),  # 40, 10 and 10: a and b alone would have 60
        (game({"abc": 90, "ab": 30}), True),
    ],
)
def test_the_core_is_where_nobody_would_do_better_alone(worth: Worth, inside: bool) -> None:
    players = "ab" if worth(frozenset("abc")) == 0 else "abc"
    assert in_core(split(players, worth, most=MOST), worth, D(0)) is inside
