"""How long an order lasts: never longer than choosing anew would say, and no answer of a replay turns on it."""

from __future__ import annotations

from dataclasses import asdict
from math import inf
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from detente.gateway.deciding.choose import Order, State, choose
from detente.gateway.deciding.policy import Policy
from detente.gateway.replaying import replay
from detente.gateway.replaying.lasting import lasts
from detente.gateway.replaying.replay import Replay
from detente.gateway.replaying.traffic import ReplayedCall
from tests.gateway.deciding.test_choose import NOW, REST, A, B, C, permitted, states
from tests.gateway.replaying.test_replay import FLOOR, NOON, SECOND, half_north
from tests.ledger.served import served_case

NAMES = {A.id: "a", B.id: "b", C.id: "c"}


def first(order: Order) -> str:
    return NAMES[order.choices[0].candidate.deployed.id]


def test_shares_last_until_the_first_is_further_behind_than_the_band() -> None:
    """Of 1,000 tokens each got its half: t more for `a` put `b` t / 2 behind on each side, and t > 2% of 1,000 + t."""
    known = states(a={"share": 0.5, "served": 500.0}, b={"share": 0.5, "served": 500.0})
    order = choose(permitted("a", "b"), known, NOW)
    assert (first(order), lasts(order, known)) == ("a", pytest.approx(20 / 0.98))


def test_a_larger_share_that_catches_up_goes_first() -> None:
    """`a` has 60 of its 70%, and `b` 40 of its 30%: `a` is first, and nobody passes it before it has caught up.

    `b` is 20 behind it; t tokens for `a` are 0.6 t nearer, and the first stays while it is in the band or in front.
    """
    known = states(a={"share": 0.7, "served": 60.0}, b={"share": 0.3, "served": 40.0})
    order = choose(permitted("a", "b"), known, NOW)
    assert (first(order), lasts(order, known)) == ("a", pytest.approx((2 + 20) / (0.3 + 1 - 0.7 - 0.02)))


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ({"a": {"price": 1}, "b": {"price": 2}}, inf),
        ({"a": {"used": 1.0}, "b": {"price": 2}}, 0.0),
        ({"a": {"health": REST}, "b": {"price": 2}}, 0.0),
    ],
)
def test_what_is_no_matter_of_shares_lasts_and_what_is_full_or_rests_does_not(
    known: dict[str, dict[str, object]], found: float
) -> None:
    by = states(**known)
    assert lasts(choose(permitted("a", "b"), by, NOW), by) == found


amounts = st.integers(0, 10_000).map(float)


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5, 0.7]), min_size=3, max_size=3),
    st.lists(amounts, min_size=3, max_size=3),
    st.floats(0, 1),
)
def test_choosing_anew_within_that_says_the_same(shares: list[float], served: list[float], part: float) -> None:
    known = states(**{n: {"share": s, "served": v, "price": 1} for n, s, v in zip("abc", shares, served, strict=True)})
    order = choose(permitted("a", "b", "c"), known, NOW)
    more = min(lasts(order, known), 1e6) * part
    name = order.choices[0].candidate.deployed.id
    later: dict[str, State] = known | {name: structs.replace(known[name], served=known[name].served + more)}
    assert first(choose(permitted("a", "b", "c"), later, NOW)) == first(order)


@settings(max_examples=8)
@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500)), min_size=100, max_size=300))
def test_a_replay_answers_as_one_that_decides_each_second(each: list[tuple[int, int]]) -> None:
    policy = Policy.of(served_case(FLOOR), half_north())
    some = [ReplayedCall(NOON + n * SECOND // 2, "chat", i, 0, o, 1) for n, (i, o) in enumerate(each)]
    found = Replay(policy).run(some)
    with patch.object(replay, "lasts", return_value=0.0):
        each_second = Replay(policy).run(some)
    assert asdict(found) | {"decisions": 0} == asdict(each_second) | {"decisions": 0}
    assert found.decisions <= each_second.decisions


def test_without_shares_an_hour_of_calls_is_one_decision() -> None:
    some = [ReplayedCall(NOON + n * 2 * SECOND, "chat", 1000, 0, 500, 1) for n in range(900)]
    assert Replay(Policy.of(served_case())).run(some).decisions == 1
