"""In which order the permitted are asked: golden orders with their reasons, and the plan's shares over many calls."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from detente.case.case import Case
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.choose import BAND, Order, State, choose
from detente.gateway.deciding.health import Health
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.steering import Saving
from tests.gateway.stage import case_data

NOW = 1000.0
A, B, C = Policy.of(Case.of(case_data(dict.fromkeys(("south", "north", "east"), "http://a.example")))).deployed


def permitted(*names: str) -> list[Candidate]:
    """``a``, ``b``, ``c``: paid by use; ``+`` is prepaid, ``*`` preferred by a clause."""
    found = []
    for name in names:
        deployed = {"a": A, "b": B, "c": C}[name[0]]
        verdict = Verdict("prefer", Reason("clause", "is preferred")) if "*" in name else PERMIT
        found.append(Candidate(deployed, verdict, prepaid="+" in name))
    return found


def states(**by: dict[str, Any]) -> dict[str, State]:
    return {{"a": A, "b": B, "c": C}[name].id: State(**given) for name, given in by.items()}


def shown(order: Order) -> str:
    short = {A.id: "a", B.id: "b", C.id: "c"}
    return " ".join(f"{short[c.candidate.deployed.id]}:{c.why}" for c in order.choices)


KEPT: dict[str, Any] = {"price": 3, "saving": Saving(1, "floor")}
"""It costs 3, of which 1 would be owed all the same."""
REST = Health(failures=3, trips=1, rests_until=NOW + 2)
GOLDEN: list[tuple[str, list[str], dict[str, dict[str, Any]], str]] = [
    ("price", ["a", "b", "c"], {"a": {"price": 3}, "b": {"price": 1}, "c": {"price": 2}}, "b:price c:price a:price"),
    ("prepaid first", ["a", "b+", "c"], {"a": {"price": 1}}, "b:prepaid c:price a:price"),
    (
        "prepaid that is full comes last",
        ["a+", "b"],
        {"a": {"used": 1.0}, "b": {"price": 9}},
        "b:price a:full",
    ),
    ("almost full is not full", ["a+", "b"], {"a": {"used": 0.999}}, "a:prepaid b:price"),
    ("prepaid before a clause's preference", ["a+", "b*"], {}, "a:prepaid b:preferred"),
    ("the plan before a clause's preference", ["a", "b*"], {"a": {"share": 0.9}}, "a:share b:preferred"),
    (
        "what a clause prefers takes no more than the plan gives it",
        ["a", "b*"],
        {"a": {"share": 0.9, "served": 80.0}, "b": {"share": 0.1, "served": 20.0}},
        "a:share b:share",
    ),
    ("a clause's preference before price", ["a", "b*"], {"a": {"price": 1}, "b": {"price": 9}}, "b:preferred a:price"),
    ("a preferred one that is full comes last", ["a", "b*"], {"b": {"used": 2.0}}, "a:price b:full"),
    ("shares before price", ["a", "b"], {"a": {"price": 1}, "b": {"share": 0.1, "price": 9}}, "b:share a:price"),
    ("prepaid before shares", ["a", "b+"], {"a": {"share": 1.0}}, "b:prepaid a:share"),
    (
        "furthest behind its share first",
        ["a", "b", "c"],
        {
            "a": {"share": 0.5, "served": 60.0},
            "b": {"share": 0.3, "served": 30.0},
            "c": {"share": 0.2, "served": 10.0},
        },
        "c:share b:share a:share",
    ),
    ("the largest share first of all", ["a", "b"], {"a": {"share": 0.3}, "b": {"share": 0.7}}, "b:share a:share"),
    (
        "the full ones by price",
        ["a", "b"],
        {"a": {"used": 1, "price": 5}, "b": {"used": 1, "price": 4}},
        "b:full a:full",
    ),
    ("as declared where all is equal", ["c", "a", "b"], {}, "c:price a:price b:price"),
    ("one that rests is left out", ["a", "b"], {"a": {"health": REST, "price": 0}}, "b:price"),
    ("one that is probed is left out", ["a", "b"], {"a": {"health": Health(3, 1, 0.0, True)}}, "b:price"),
    ("one whose rest is over is back", ["a"], {"a": {"health": Health(3, 1, NOW)}}, "a:price"),
    (
        "a floor that would fall short before shares",
        ["a", "b"],
        {"a": {"share": 1.0, "price": 2}, "b": KEPT},
        "b:floor a:share",
    ),
    ("prepaid before a floor", ["a+", "b"], {"b": KEPT}, "a:prepaid b:floor"),
    ("a floor that is cheaper missed than met", ["a", "b"], {"a": {"price": 1}, "b": KEPT}, "a:price b:price"),
    ("a floor that costs the same met as missed is met", ["a", "b"], {"a": {"price": 2}, "b": KEPT}, "b:floor a:price"),
    (
        "of two floors the one that saves more of its price",
        ["a", "b", "c"],
        {"a": {"price": 4, "saving": Saving(3, "x")}, "b": KEPT, "c": {"price": 2}},
        "a:floor b:floor c:price",
    ),
    (
        "a floor whose deployment is full waits",
        ["a", "b"],
        {"a": {"price": 9}, "b": KEPT | {"used": 1.0}},
        "a:price b:full",
    ),
    ("where all fill floors, all of them save", ["b"], {"b": KEPT}, "b:floor"),
    ("nobody", [], {}, ""),
]


@pytest.mark.parametrize("name", [row[0] for row in GOLDEN])
def test_golden_orders(name: str) -> None:
    _, names, known, expected = next(row for row in GOLDEN if row[0] == name)
    assert shown(choose(permitted(*names), states(**known), NOW)) == expected


def test_a_floor_is_named_in_the_reason() -> None:
    first, second = choose(permitted("a", "b"), states(a={"price": 2}, b=KEPT), NOW).choices
    assert (first.told, second.told) == ("floor floor", "price")


def test_who_rests_is_told_and_when_the_first_may_be_asked_again() -> None:
    rest = {"a": {"health": Health(3, 1, NOW + 7)}, "b": {"health": Health(rests_until=NOW + 2.5)}}
    order = choose(permitted("a", "b"), states(**rest), NOW)
    assert (order.choices, order.retry_after) == ((), 2.5)
    assert [c.deployed.id for c in order.resting] == [A.id, B.id]
    order = choose(permitted("a", "b", "c"), states(**rest), NOW)
    assert (shown(order), order.retry_after) == ("c:price", None)  # somebody can be asked now
    probed = choose(permitted("a"), states(a={"health": Health(3, 1, NOW - 5, True)}), NOW)
    assert probed.retry_after == 0.0


def served_over(calls: int, shares: dict[str, float], prompts: list[bytes]) -> Counter[str]:
    """Which was asked first, call by call, where each call takes as many tokens as it has letters."""
    taken: Counter[str] = Counter()
    ids = {A.id: "a", B.id: "b", C.id: "c"}
    for n in range(calls):
        prompt = prompts[n % len(prompts)]
        known = states(**{k: {"share": s, "served": float(taken[k])} for k, s in shares.items()})
        first = choose(permitted("a", "b", "c"), known, NOW, prompt).choices[0]
        taken[ids[first.candidate.deployed.id]] += max(1, len(prompt))
    return taken


@pytest.mark.parametrize("prompts", [[b""], [b"p%d" % n for n in range(50)], [b"x" * n for n in range(1, 60)]])
@pytest.mark.parametrize("shares", [{"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.9, "b": 0.05, "c": 0.05}, {"a": 1.0}])
def test_a_thousand_calls_follow_the_plan(shares: dict[str, float], prompts: list[bytes]) -> None:
    taken = served_over(1000, shares, prompts)
    total = sum(taken.values())
    for name, share in shares.items():
        assert abs(taken[name] / total - share) <= 2 * BAND, taken
    assert sum(taken[name] for name in shares) == total  # what the plan does not use is not asked first
    assert taken == served_over(1000, shares, prompts)


def test_like_prompts_stay_together_while_shares_are_level() -> None:
    shares = states(
        a={"share": 0.5, "served": 5000.0}, b={"share": 0.3, "served": 3000.0}, c={"share": 0.2, "served": 2000.0}
    )
    firsts: dict[bytes, str] = {}
    for prompt in [b"prompt %d" % n for n in range(40)]:
        order = choose(permitted("a", "b", "c"), shares, NOW, prompt)
        again = choose(permitted("c", "b", "a"), shares, NOW, prompt)
        assert shown(order) == shown(again)  # whatever the order declared
        firsts[prompt] = order.choices[0].candidate.deployed.id
    assert len(set(firsts.values())) == 3  # and different prompts spread
    within = {A.id: structs.replace(shares[A.id], served=5000.0 + BAND * 10_000 / 2)}
    for prompt, first in firsts.items():
        kept = choose(permitted("a", "b", "c"), shares | within, NOW, prompt)
        assert kept.choices[0].candidate.deployed.id == first
    beyond = {A.id: structs.replace(shares[A.id], served=9000.0)}
    assert all(
        choose(permitted("a", "b", "c"), shares | beyond, NOW, p).choices[0].candidate.deployed.id != A.id
        for p in firsts
    )


STATES = st.builds(
    State,
    st.builds(Health, st.integers(0, 4), st.integers(0, 3), st.floats(0, 2 * NOW), st.booleans()),
    st.none() | st.floats(0, 3),
    st.floats(0, 1),
    st.floats(0, 1e9),
    st.integers(0, 10**18),
)


@given(
    names=st.permutations(["a", "b", "c", "a+", "b*", "c+*"]).map(lambda p: p[:3]),
    known=st.lists(STATES, min_size=3, max_size=3),
    prefix=st.binary(max_size=20),
)
def test_everyone_permitted_is_asked_once_or_rests(names: list[str], known: list[State], prefix: bytes) -> None:
    candidates = permitted(*{n[0]: n for n in names}.values())
    by = dict(zip((A.id, B.id, C.id), known, strict=True))
    order = choose(candidates, by, NOW, prefix)
    assert order == choose(candidates, by, NOW, prefix)
    asked = [c.candidate for c in order.choices]
    assert sorted(c.deployed.id for c in [*asked, *order.resting]) == sorted(c.deployed.id for c in candidates)
    assert all(by[c.deployed.id].health.may_ask(NOW) for c in asked)
    assert (order.retry_after is None) == bool(asked or not order.resting)
    ranks = [["prepaid", "share", "preferred", "price", "full"].index(c.why) for c in order.choices]
    assert ranks == sorted(ranks)
