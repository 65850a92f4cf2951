"""Budgets and keys in replayed traffic: they hold as a worker's own count does live; amounts by hand.

North sells tokens at 3 USD per Mtok, South at 2: without a plan, South is asked first.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.gateway.deciding.decision import decide
from detente.gateway.deciding.keyring import Keyring
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.replaying.replay import Replay, _asked_of
from detente.gateway.replaying.replayed import Replayed
from detente.gateway.replaying.traffic import ReplayedCall
from detente.gateway.serving.caps.cap_news import CapNews
from detente.gateway.serving.caps.own_count import OwnCount
from detente.live.key import Key, hash_of
from detente.providers.wire import Tokens
from detente.values.micros import HOUR, at_micros, micros
from tests.builders import Data, day
from tests.gateway.replaying.test_replay import MINUTE, NOON, SECOND, calls, went
from tests.ledger.served import served_case


def key(name: str, **more: Any) -> Data:
    return {"id": name, "workload": "chat", "hash": hash_of(name), **more}


def replayed(case: Case, some: list[ReplayedCall], **more: Any) -> Replayed:
    return Replay(Policy.of(case), **more).run(some)


def by(name: str, some: list[ReplayedCall]) -> list[ReplayedCall]:
    return [each._replace(key=name) for each in some]


def test_a_budget_denies_what_it_has_no_room_for_and_says_so() -> None:
    """15,000 tokens are 3 cents at South: of 0.10 USD a day three fit, and midnight begins anew.

    At North they are 4.5 cents, so that the third call is already kept off that.
    """
    each = (10_000, 5_000)
    case = served_case(budgets=[{"id": "daily", "of": {}, "every": "day", "money": "0.10 USD"}])
    found = replayed(case, [*calls(5, each), *calls(2, each, at=NOON + 24 * HOUR)])
    assert (went(found), found.refused) == ({"south-live": 5}, {("chat", "daily"): 2})
    (daily,) = found.budgets
    assert (daily.cap.id, daily.limit, daily.windows, daily.full, daily.kept_off) == ("daily", 10**8, 2, 1, 3)
    assert (daily.start, daily.used, daily.when) == (day("2026-01-15"), 9 * 10**7, "in 2026-01-15")


def test_a_budget_of_one_provider_sends_calls_elsewhere() -> None:
    """What South has no room for goes to North, and is refused by nobody."""
    case = served_case(budgets=[{"id": "south", "of": {"provider": "south"}, "every": "hour", "requests": 3}])
    found = replayed(case, calls(8))
    assert (went(found), found.refused, found.kept_off) == ({"south-live": 3, "north-live": 5}, {}, {"south": 5})
    assert [(b.used, b.kept_off) for b in found.budgets] == [(3, 5)]


def test_budgets_of_keys_of_labels_and_of_departments_hold_together() -> None:
    """Key a's own: 3 requests. Team x: 5 in all, of which the department has 6."""
    budgets = [
        {"id": "dept", "every": "month", "requests": 6},
        {"id": "team", "of": {"team": "x"}, "within": "dept", "every": "month", "requests": 5},
        {"id": "each", "of": {}, "per": "key", "every": "day", "requests": 4},
    ]
    keys = [
        key("a", labels={"team": "x"}, budget={"every": "day", "requests": 3}),
        key("b", labels={"team": "x"}),
        key("c", labels={"team": "y"}, within="dept"),
    ]
    case = served_case(budgets=budgets, keys=keys)
    some = [*by("a", calls(4)), *by("b", calls(4, at=NOON + HOUR)), *by("c", calls(2, at=NOON + 2 * HOUR))]
    found = replayed(case, some)
    assert went(found) == {"south-live": 3 + 2 + 1}
    assert found.refused == {("chat", "key/a"): 1, ("chat", "team"): 2, ("chat", "dept"): 1}
    used = {(each.cap.id, each.cap.details.get("of")): each.used for each in found.budgets}
    assert used == {
        ("key/a", None): 3, ("team", None): 5, ("dept", None): 6,
        ("each", "key=a"): 3, ("each", "key=b"): 2, ("each", "key=c"): 1,
    }  # fmt: skip


def test_a_key_that_expires_opens_until_then_and_one_that_may_ask_for_other_models_nothing() -> None:
    keys = [key("old", expires="2026-01-15T12:02Z"), key("other", models=["m2"])]
    found = replayed(served_case(keys=[keys[0]]), by("old", calls(5)))
    assert (went(found), found.refused) == ({"south-live": 2}, {("chat", "key `old`: expired"): 3})
    together = by("old", calls(4, every=SECOND // 2, at=NOON + 2 * MINUTE - SECOND))
    assert went(replayed(served_case(keys=[keys[0]]), together)) == {"south-live": 2}, "within one decision"
    policy = Policy.of(served_case())
    made = Keyring(policy, [Key.model_validate(keys[1], by_alias=True, by_name=False)])
    assert set(made.strangers) == {"other"}, "no workload runs on it"


def test_a_key_of_run_time_stands_for_its_labels_and_its_budget() -> None:
    policy = Policy.of(served_case(budgets=[{"id": "team", "of": {"team": "x"}, "every": "day", "requests": 1}]))
    written = key("made", labels={"team": "x"}, budget={"every": "day", "tokens": 10_000})
    keys = Keyring(policy, [Key.model_validate(written, by_alias=True, by_name=False)])
    assert not keys.strangers
    found = Replay(policy, keys=keys).run(by("made", calls(3)))
    assert (went(found), found.refused) == ({"south-live": 1}, {("chat", "team"): 2})


def test_a_row_of_many_calls_fills_a_budget_as_many_rows_do() -> None:
    case = served_case(budgets=[{"id": "b", "of": {"provider": "south"}, "every": "day", "tokens": "1 Mtok"}])
    row = ReplayedCall(NOON, "chat", 700, 200, 300, 5_000)
    one, many = replayed(case, [row]), replayed(case, [row._replace(calls=1)] * 5_000)
    assert went(one) == went(many) == {"south-live": 1_000, "north-live": 4_000}
    assert one.spent == many.spent == 2 + 12
    assert [b.used for b in one.budgets] == [b.used for b in many.budgets] == [10**6]


def test_calls_at_a_time_are_never_too_many() -> None:
    case = served_case(budgets=[{"id": "b", "of": {}, "concurrency": 1}])
    found = replayed(case, calls(10, every=0))
    assert (went(found), [b.kept_off for b in found.budgets]) == ({"south-live": 10}, [0])


BUDGETS: list[Data] = [
    {"id": "all", "of": {}, "every": "day", "money": "0.03 USD"},
    {"id": "south", "of": {"provider": "south"}, "every": "minute", "tokens": 6_000},
    {"id": "team", "of": {"team": "x"}, "every": "hour", "requests": 12},
    {"id": "each", "of": {"provider": "north"}, "per": "key", "every": "day", "output-tokens": 3_000},
]


@cache
def budgeted() -> Policy:
    keys = [key("a", labels={"team": "x"}, budget={"every": "hour", "tokens": 9_000}), key("b", labels={"team": "y"})]
    return Policy.of(served_case(budgets=BUDGETS, keys=keys))


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 3_000), st.integers(0, 900), st.sampled_from(["a", "b", ""])),
        min_size=1,
        max_size=60,
    )
)
def test_it_is_as_a_worker_that_counts_by_itself(each: list[tuple[int, int, int, str]]) -> None:
    """Another keeper of the same budgets, the gateway's own, asked call by call: each goes where that says."""
    at, some = NOON + 58 * MINUTE, []
    for wait, given_, output, name in each:
        at += wait * SECOND // 4
        some.append(ReplayedCall(at, "chat", given_, 0, output, 1, name))
    found, served = Replay(budgeted()).run(some), _live(budgeted(), some)
    assert went(found) == dict(served)
    assert (found.calls, bool(found.refused)) == (len(some), served.total() < len(some))
    assert all(b.used <= b.limit for b in found.budgets)


def _live(policy: Policy, some: list[ReplayedCall]) -> Counter[str]:
    """How many of some calls each deployment serves, with budgets kept by a worker."""
    served = Counter[str]()
    keeper, keyring, load = OwnCount(CapNews(lambda _: None)), Keyring(policy), Load()
    held = {each.key.id: each for each in keyring}
    surface, asked = _asked_of(policy, "chat")
    until = at_micros(0)
    for call in some:
        at = at_micros(call.at)
        if at >= until:
            keeper.tick(at)
            moment = Moment(policy, at, keeper, keyring)
            until = moment.until
        who, workload = held.get(call.key), policy.workloads["chat"]
        mine = msgspec.structs.replace(asked, prompt=call.input, tokens=call.input + call.output)
        labels, presented = (who.labels, who.presented) if who else (workload.labels, None)
        decided = decide(moment, load, surface, mine, workload, labels, call.at / SECOND, presented)
        for choice in decided.order.choices[:1]:
            served[choice.candidate.deployed.id] += 1
            keeper.hold(choice.candidate.caps, mine.need).settle(Tokens(call.input, call.output))
    return served


@pytest.mark.parametrize("grain", [0, SECOND])
def test_a_smaller_call_finds_the_room_that_a_larger_one_did_not(grain: int) -> None:
    """Of 2,000 tokens 1,500 are used: 1,500 more are denied, 500 fit, and then none do."""
    case = served_case(budgets=[{"id": "b", "of": {}, "every": "day", "tokens": 2_000}])
    sizes = [1_500, 1_500, 500, 1, 1_500]
    some = [ReplayedCall(NOON + n, "chat", size, 0, 0, 1) for n, size in enumerate(sizes)]
    found = replayed(case, some, grain=grain)
    assert (went(found), found.refused) == ({"south-live": 2}, {("chat", "b"): 3})
    assert [(each.used, micros(each.start)) for each in found.budgets] == [(2_000, NOON - 12 * HOUR)]
