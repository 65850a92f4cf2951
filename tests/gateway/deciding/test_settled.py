"""An order that is remembered for a class of requests is the one that would be worked out anew, whatever has happened.

The oracle is a moment that remembers nothing yet.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.gateway.deciding import decision
from detente.gateway.deciding.choose import Order, choose
from detente.gateway.deciding.decision import decide, decided, read
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.routing_decision import RoutingDecision
from detente.gateway.deciding.standings import Standings
from detente.gateway.surfaces import SURFACES
from detente.live.key import hash_of
from detente.providers.wire import Tokens, failure
from tests.builders import Data, agreement, solved, tokens, work
from tests.gateway.caller import HELLO
from tests.gateway.deciding.test_steering import case as with_floor
from tests.gateway.deciding.test_steering import risks
from tests.gateway.stage import NOON, case_data

CHAT = SURFACES[b"/v1/chat/completions"]
BASES = dict.fromkeys(("south", "north", "east"), "http://a.example")
SHARE: Data = {"id": "part", "kind": "share", "at-least": "25%"}


def policy(*, plan: bool = False, level: bool = False) -> Policy:
    """South takes a million tokens a minute; ``level``: North and East cost the same, so that prompts decide."""
    prices = {"south": 2, "north": 3, "east": 3 if level else 4}
    limit = {"south": {"capacity": "60 Mtok per hour"}}
    offers = [tokens(name, price, **limit.get(name, {})) for name, price in prices.items()]
    case = Case.of(case_data(BASES, agreement(SHARE), offers=offers))
    return Policy.of(case, solved(case) if plan else None)


POLICIES = (policy(), policy(level=True), policy(plan=True))


def ordered(moment: Moment, load: Load, now: float, prompt: str = "hi") -> Order:
    messages = [{"role": "user", "content": prompt}]
    asked = read(CHAT, json.dumps({**HELLO, "messages": messages}).encode())
    workload = moment.policy.workloads["chat"]
    return decide(moment, load, CHAT, asked, workload, workload.labels, now).order


def by_key(moment: Moment, load: Load, now: float, prompt: str = "hi", **more: Any) -> RoutingDecision:
    messages = [{"role": "user", "content": prompt}]
    asked = read(CHAT, json.dumps({**HELLO, **more, "messages": messages}).encode())
    held = next(iter(moment.keys))
    return decided(moment, load, CHAT, asked, held, held.labels, now)


def plain(order: Order) -> tuple[object, ...]:
    """What an order says."""
    choices = [(choice.candidate.deployed.id, choice.told) for choice in order.choices]
    return choices, [c.deployed.id for c in order.resting], order.retry_after, order.limited


EVENTS = st.one_of(
    st.tuples(st.just("failed"), st.integers(0, 2), st.sampled_from([None, 0.4, 9.0])),
    st.tuples(st.just("took"), st.integers(0, 2), st.sampled_from([1_000, 400_000, 2_000_000])),
    st.tuples(st.just("passes"), st.just(0), st.sampled_from([0.1, 1.0, 30.0, 120.0])),
)


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(POLICIES), st.lists(EVENTS, max_size=12), st.data())
def test_what_is_remembered_is_what_would_be_worked_out(
    policy: Policy, events: list[tuple[str, int, float]], data: st.DataObject
) -> None:
    load, now, moment = Load(), 0.0, Moment(policy, NOON)
    load.limits(policy, NOON)
    load.enter(moment.period)
    for what, which, how in [("passes", 0, 0.0), *events]:
        deployed = policy.deployed[which]
        if what == "passes":
            now += how
        elif what == "failed":
            load.failed(deployed, "chat", failure("unavailable", 503, "no", retry_after=how), 0.0, now)
        else:
            held = load.asked(deployed, "chat", how, now)
            load.served(deployed, "chat", Tokens(int(how), 0), held, now)
        prompt = data.draw(st.sampled_from(["hi", "ho", "a longer prompt"]))
        expected = plain(ordered(Moment(policy, NOON), load, now, prompt))
        assert plain(ordered(moment, load, now, prompt)) == expected
        assert plain(by_key(moment, load, now, prompt).order) == expected


def test_calls_of_a_key_that_ask_for_nothing_but_a_model_are_decided_once() -> None:
    given, load = POLICIES[0], Load()
    load.limits(given, NOON)
    moment = Moment(given, NOON)
    by_key(moment, load, 0.0)  # its order is worked out, and may stand from now on
    first = by_key(moment, load, 1.0)
    assert by_key(moment, load, 2.0, "another prompt") is first
    wishing = by_key(moment, load, 3.0, tools=[{"type": "function", "function": {"name": "f"}}])
    assert wishing.request.needs == {"tools"}
    held = next(iter(moment.keys))
    labels = {**held.labels, "data": "public"}
    asked = read(CHAT, json.dumps(HELLO).encode())
    assert dict(decided(moment, load, CHAT, asked, held, labels, 4.0).request.labels) == labels
    assert by_key(moment, load, 5.0) is first
    load.failed(given.deployed[0], "chat", failure("throttled", 429, "no", retry_after=5.0), 0.0, 6.0)
    assert [c.deployed.id for c in by_key(moment, load, 7.0).order.resting] == ["south-m"]


def test_what_is_remembered_of_one_key_path_or_model_is_not_told_of_another() -> None:
    """South and East serve `a`, and North `b` and vectors; one key may ask for `b` alone. South is the cheapest."""
    offers = [
        tokens(name, price, model=model)
        for name, price, model in (("south", 2, "a"), ("north", 3, "b"), ("east", 4, "a"))
    ]
    data = case_data(BASES, offers=offers, workloads=[work() | {"runs-on": {"models": ["a", "b"]}}])
    data["deployments"][1]["serves"] = ["chat", "embeddings"]
    data["keys"] = [{"id": key, "workload": "chat", "hash": hash_of(key)} for key in ("wide", "narrow")]
    data["keys"][1]["models"] = ["b"]
    load, given = Load(), Policy.of(Case.of(data))
    load.limits(given, NOON)
    keys = {held.id: held for held in Moment(given, NOON).keys}
    chat, messages, vectors = (SURFACES[path] for path in (b"/v1/chat/completions", b"/v1/messages", b"/v1/embeddings"))
    expected = {
        ("wide", chat, "chat"): ["south-m", "north-m", "east-m"],
        ("narrow", chat, "chat"): ["north-m"],
        ("wide", chat, "a"): ["south-m", "east-m"],
        ("wide", messages, "chat"): ["south-m", "north-m", "east-m"],
        ("wide", vectors, "chat"): ["north-m"],
        ("narrow", messages, "chat"): ["north-m"],
    }
    for first in expected:
        moment = Moment(given, NOON)
        for key, surface, model in [*[first] * 3, *expected, *expected]:
            more = {"input": "hi"} if surface is vectors else {"messages": HELLO["messages"], "max_tokens": 9}
            asked = read(surface, json.dumps({"model": model, **more}).encode())
            held = keys[key]
            found = decided(moment, load, surface, asked, held, held.labels, 0.0)
            assert [c.candidate.deployed.id for c in found.order.choices] == expected[key, surface, model]
            assert found.surface is surface
        assert len(moment.decided) == len(expected)


def test_an_order_is_worked_out_once_and_again_when_one_begins_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out: list[Order] = []

    def counted(*given: Any) -> Order:
        worked_out.append(choose(*given))
        return worked_out[-1]

    monkeypatch.setattr(decision, "choose", counted)
    given, load = POLICIES[0], Load()
    load.limits(given, NOON)
    moment = Moment(given, NOON)
    first = ordered(moment, load, 0.0)
    assert ordered(moment, load, 1.0) is first
    assert len(worked_out) == 1
    load.failed(given.deployed[0], "chat", failure("throttled", 429, "no", retry_after=5.0), 0.0, 1.0)
    assert [c.deployed.id for c in ordered(moment, load, 2.0).resting] == ["south-m"]
    assert len(worked_out) == 2
    assert plain(ordered(moment, load, 7.0)) == plain(first)
    assert len(worked_out) == 2  # it may be asked again, and the order is remembered still


def test_a_floor_that_begins_to_fall_short_changes_the_order(tmp_path: Path) -> None:
    case, standings, load = with_floor(), Standings(), Load()
    floors = risks(case, tmp_path)
    moment = Moment(Policy.of(case), NOON, standings)
    for at_risk, expected in ((), "south-live"), (floors, "north-live"), ((), "south-live"):
        standings.at_risk = at_risk
        for _ in range(2):
            assert ordered(moment, load, 0.0).choices[0].candidate.deployed.id == expected
