"""What a worker knows of its deployments: leaky buckets, what each was given, and what outlives a reload."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.reach.verdict import PERMIT
from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.choose import choose
from detente.gateway.deciding.health import WELL
from detente.gateway.deciding.load import MAX_ESTIMATE, LeakyBucket, Load
from detente.gateway.deciding.policy import Policy
from detente.providers.wire import Tokens, failure
from tests.builders import tokens
from tests.gateway.stage import NOON, case_data

BUSY = failure("throttled", 429, "no", retry_after=5.0)
DOWN = failure("unavailable", 503, "no")


def policy(capacity: object = "60 Mtok per hour", **head: Any) -> Policy:
    """South takes 1,000,000 tokens a minute."""
    offers = [tokens("south", 2, **({"capacity": capacity} if capacity else {})), tokens("north", 3)]
    bases = {"south": "http://a.example", "north": "http://b.example"}
    return Policy.of(Case.of(case_data(bases, offers=offers, **head)))


class Known:
    """A load and its policy."""

    def __init__(self, given: Policy, workers: int = 1) -> None:
        self.load, self.policy = Load(workers), given
        self.load.limits(given, NOON)
        self.south, self.north = given.deployed

    def state(self, name: str = "south-m", now: float = 0.0, workload: str = "chat") -> Any:
        permitted = [Candidate(d, PERMIT) for d in self.policy.deployed]
        return self.load.states(permitted, workload, {"south-api": 0.7}, {"south-m": 5}, now)[name]


@pytest.mark.parametrize(("workers", "used"), [(1, 0.25), (4, 1.0)])
def test_a_limit_is_shared_by_all_workers(workers: int, used: float) -> None:
    known = Known(policy(), workers)
    known.load.asked(known.south, "chat", 250_000, 0.0)
    assert known.state().used == used
    assert known.state("north-m").used is None


def test_a_call_takes_its_estimate_then_what_it_used_and_it_runs_off() -> None:
    known = Known(policy())
    known.load.asked(known.south, "chat", 100_000, 0.0)
    assert (known.state().used, known.state().served) == (0.1, 100_000)
    known.load.served(known.south, "chat", Tokens(300_000, 200_000, cached=100_000), 100_000, 0.0)
    assert known.state().used == pytest.approx(0.4)  # cached input takes no capacity
    assert known.state().served == 500_000
    assert known.state(now=12.0).used == pytest.approx(0.2)
    assert known.state(now=60.0).used == 0.0
    assert known.state(now=60.0).served == 500_000


def test_use_that_is_not_known_stays_at_its_estimate_and_a_failure_gives_it_back() -> None:
    known = Known(policy())
    known.load.asked(known.south, "chat", 100_000, 0.0)
    known.load.served(known.south, "chat", None, 100_000, 0.0)
    assert known.state().used == 0.1
    known.load.asked(known.south, "chat", 300_000, 0.0)
    known.load.failed(known.south, "chat", DOWN, 300_000, 0.0)
    assert known.state().used == pytest.approx(0.1)
    assert known.state().served == 100_000


def test_no_call_takes_more_than_a_minute_nor_fills_a_deployment_for_longer_than_two() -> None:
    known = Known(policy())
    held = [known.load.asked(known.south, "chat", 2**31 - 1, 0.0) for _ in range(5)]
    assert held == [1e6] * 5
    assert known.state().used == 2.0
    assert known.state(now=60.0).used == 1.0
    assert known.state(now=61.0).used < 1.0  # whatever came before
    known.load.served(known.south, "chat", Tokens(2**53, 0), held[0], 61.0)
    assert known.state(now=61.0).used == 2.0
    assert known.load.asked(known.north, "chat", 2**31 - 1, 0.0) == MAX_ESTIMATE  # without a limit, what a call can be


def test_a_call_that_used_nothing_gives_all_back_and_one_that_left_keeps_its_prompt() -> None:
    known = Known(policy())
    held = known.load.asked(known.south, "chat", 300_000, 0.0)
    known.load.left(known.south, "chat", held, 0.0)
    assert (known.state().used, known.state().served) == (0.0, 0.0)
    held = known.load.asked(known.south, "chat", 300_000, 0.0)
    known.load.left(known.south, "chat", held, 0.0, kept=50_000)
    assert (known.state().used, known.state().served) == (0.05, 50_000)
    held = known.load.asked(known.south, "chat", 2e9, 0.0)
    known.load.left(known.south, "chat", held, 0.0, kept=1.5e9)
    assert known.state().served == 50_000 + held  # no more is kept than was held


def drawing(**more: Any) -> Policy:
    """Two deployments of one offer, and one of another."""
    offers = [tokens("south", 2, capacity="60 Mtok per hour"), tokens("north", 3)]
    bases = {"south": "http://a.example", "north": "http://b.example"}
    data = case_data(bases, offers=offers)
    data["deployments"].insert(1, data["deployments"][0] | {"id": "south-b"} | more)
    return Policy.of(Case.of(data))


@pytest.mark.parametrize("workers", [1, 2])
def test_deployments_of_one_offer_divide_its_limit_and_its_share(workers: int) -> None:
    given, load = drawing(), Load(workers)
    load.limits(given, NOON)
    both = [Candidate(d, PERMIT) for d in given.deployed]
    for name in ("south-m", "south-b"):
        deployed = next(d for d in given.deployed if d.id == name)
        assert load.asked(deployed, "chat", 1e6, 0.0) == 1e6 / 2 / workers
    states = load.states(both, "chat", {"south-api": 0.8, "north-api": 0.2}, {}, 0.0)
    assert [s.share for s in states.values()] == [0.4, 0.4, 0.2]
    assert [s.used for s in states.values()] == [1.0, 1.0, None]
    alone = load.states(both[1:], "chat", {"south-api": 0.8, "north-api": 0.2}, {}, 0.0)
    assert [s.share for s in alone.values()] == [0.8, 0.2]  # what the other may not serve is this one's


def test_two_deployments_of_one_offer_get_its_share_together() -> None:
    given, load = drawing(), Load()
    load.limits(given, NOON)
    candidates = [Candidate(d, PERMIT) for d in given.deployed]
    got: Counter[str] = Counter()
    for n in range(2000):
        states = load.states(candidates, "chat", {"south-api": 0.5, "north-api": 0.5}, {}, 60.0 * n)
        first = choose(candidates, states, 60.0 * n).choices[0].candidate.deployed
        held = load.asked(first, "chat", 100, 60.0 * n)
        load.served(first, "chat", Tokens(80, 20, cached=60), held, 60.0 * n)
        got[first.offer.id] += 1
    assert got["north-api"] == pytest.approx(1000, abs=50)


def test_shares_count_tokens_and_the_limit_weighs_them() -> None:
    ptu = {
        "id": "south-api",
        "kind": "provisioned",
        "provider": "south",
        "region": "texas",
        "model": "m",
        "price": "300 USD per unit-month",
        "throughput": "60 ktok per minute",
        "output-ratio": 4,
        "term": "1 month",
    }
    bases = {"south": "http://a.example", "north": "http://b.example"}
    known = Known(Policy.of(Case.of(case_data(bases, offers=[ptu, tokens("north", 3)]))))
    assert known.south.output_weight == 4
    known.load._known["south-m"].taken = LeakyBucket(10_000)  # as a plan would hold it
    held = known.load.asked(known.south, "chat", 500, 0.0)
    known.load.served(known.south, "chat", Tokens(800, 200, cached=300), held, 0.0)
    assert known.state().served == 1000  # as the plan counts work
    assert known.state().used == 0.13  # 500 that were not cached, and 200 that weigh four times as much


def test_a_new_period_counts_from_nothing() -> None:
    known = Known(policy())
    known.load.enter(3)
    known.load.asked(known.south, "chat", 100, 0.0)
    known.load.enter(3)
    assert known.state().served == 100
    known.load.enter(4)
    assert known.state().served == 0
    known.load.served(known.south, "chat", Tokens(0, 0), 100, 0.0)  # it began in the period before
    assert known.state().served == 0


def test_each_workload_is_counted_by_itself() -> None:
    known = Known(policy())
    known.load.asked(known.south, "chat", 100, 0.0)
    known.load.asked(known.south, "other", 900, 0.0)
    assert (known.state().served, known.state(workload="other").served) == (100, 900)


def test_a_reload_keeps_what_is_known_of_those_that_stay() -> None:
    known = Known(policy())
    known.load.asked(known.south, "chat", 500_000, 0.0)
    known.load.failed(known.north, "chat", BUSY, 0, 0.0)
    known.load.limits(policy("120 Mtok per hour"), NOON)
    assert known.state().used == 0.25  # half of the limit of before
    assert not known.load.health("north-m").may_ask(1.0)
    known.load.limits(policy(None), NOON)
    assert known.state().used is None
    gone = Policy.of(Case.of(case_data({"south": "http://a.example"})))
    known.load.limits(gone, NOON)
    assert known.load.health("north-m") is WELL


def test_health_follows_what_happens() -> None:
    known = Known(policy())
    for _ in range(3):
        known.load.asked(known.south, "chat", 1, 10.0)
        known.load.failed(known.south, "chat", DOWN, 1, 10.0)
    assert not known.load.health("south-m").may_ask(10.5)
    known.load.asked(known.south, "chat", 1, 12.0)
    assert not known.load.health("south-m").may_ask(12.0)  # one tries it
    known.load.left(known.south, "chat", 1, 12.0)
    assert known.load.health("south-m").may_ask(12.0)
    known.load.asked(known.south, "chat", 1, 12.0)
    known.load.answered(known.south, 12.0)
    assert known.load.health("south-m").may_ask(12.0)  # others may come, while the reply is not yet whole
    assert known.load.health("south-m").trips == 1
    known.load.served(known.south, "chat", None, 1, 12.0)
    assert known.load.health("south-m") == WELL


STEPS = st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6)), max_size=30)


@given(st.floats(1, 1e9), STEPS)
def test_a_bucket_holds_no_less_than_nothing_and_runs_off(per_minute: float, steps: list[tuple[float, float]]) -> None:
    taken, now, added = LeakyBucket(per_minute), 1e6, 0.0
    for passed, amount in steps:
        now += passed
        before = taken.used(now)
        taken.add(amount, now)
        added += max(0.0, amount)
        assert 0.0 <= taken.used(now) <= max(before + max(amount, 0.0) / per_minute, 0.0) + 1e-6
    assert taken.used(now + 60 * added / per_minute + 60) == 0.0


def test_a_limit_of_nothing_is_always_full() -> None:
    assert LeakyBucket(0.0).used(5.0) == 1.0
