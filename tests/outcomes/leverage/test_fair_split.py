"""A fair split of what all providers are worth together: by hand, and by brute force over plans made anew."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from detente.case.case import Case
from detente.planner.solve import plan
from detente.results.plan import Plan
from tests.builders import EXACT, agreement, build, compute, gpus, tokens, work
from tests.outcomes.leverage.losing import OFFERS, VALUED, floor, found, without


def test_two_that_can_replace_each_other_hide_what_both_are_worth() -> None:
    # Work worth 5; both sell at 2. Each alone saves 18,000, and adds nothing to the other.
    answer = found(build([tokens("north", 2), tokens("south", 2)], [VALUED]), curves=True)
    parts = [(p.part.amount, p.part.alone, p.part.last) for p in answer.providers if p.part is not None]
    assert parts == [(9_000, 18_000, 0), (9_000, 18_000, 0)]
    assert answer.in_core is False, "either alone would have all of it"
    assert answer.no_split == ""


def test_two_that_complete_each_other_are_in_the_core() -> None:
    # Chat runs at North only, research at South only.
    offers = [tokens("north", 2), gpus("south", 2)]
    answer = found(build(offers, [VALUED, compute(value="3 USD per GPU-hour")], months=1), curves=True)
    assert answer.in_core is True


def brute_force(case: Case, names: list[str]) -> dict[str, Fraction]:
    """Shapley values by plans made anew of every group, averaged over every order: nothing of the program's own."""

    def costs(some: frozenset[str]) -> Fraction:
        left = case
        for name in names:
            left = left if name in some else without(left, name)
        made = plan(left, gap=EXACT)
        assert isinstance(made, Plan)
        return Fraction(made.cost)

    known: dict[frozenset[str], Fraction] = {}
    parts = dict.fromkeys(names, Fraction(0))
    orders = list(permutations(names))
    for order in orders:
        for at, name in enumerate(order):
            before, after = frozenset(order[:at]), frozenset(order[: at + 1])
            for some in (before, after):
                if some not in known:
                    known[some] = costs(some)
            parts[name] += (known[before] - known[after]) / len(orders)
    return parts


def test_the_split_is_that_of_brute_force_over_plans_made_anew() -> None:
    offers = [
        tokens("north", 3, capacity="700 Mtok per month"),
        tokens("south", 2, capacity="400 Mtok per month"),
        tokens("east", "2.5", capacity="500 Mtok per month"),
    ]
    case = build(offers, [VALUED], agreement(floor("1000 USD")), months=2)
    answer = found(case, curves=True)
    expected = brute_force(case, ["north", "south", "east"])
    for each in answer.providers:
        assert each.part is not None
        assert abs(Fraction(each.part.amount) - expected[each.provider]) < Fraction(1, 100), each.provider


def test_our_own_limit_on_concentration_is_no_limit_on_a_provider_that_is_alone() -> None:
    # At most half at South: alone it could do nothing, and would seem to save nothing. 6000 Mtok at 5 less 2, or 3.
    most = {"id": "most", "kind": "share", "at-most": "50%", "on": {"provider": "south"}, "windows": {"every": "term"}}
    answer = found(build(OFFERS, [VALUED], agreement(most, party="self")), curves=True)
    alone = {p.provider: p.part.alone for p in answer.providers if p.part is not None}
    assert alone == {"north": 12_000, "south": 18_000}


def test_without_a_value_there_is_no_split_and_the_reason_is_said() -> None:
    answer = found(build(OFFERS, [work()]), curves=True)
    assert "`chat` must be served at any price" in answer.no_split
    assert all(each.part is None for each in answer.providers)
