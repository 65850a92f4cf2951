"""What a worker knows of its deployments: leaky buckets, what each was given, and what outlives a reload."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case import Case
from detente.gateway.admit import Candidate
from detente.gateway.health import WELL
from detente.gateway.load import Load, Taken
from detente.gateway.policy import Policy
from detente.providers.wire import Tokens, failure
from detente.term import PERMIT
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
    assert known.state().served == 400_000
    assert known.state(now=12.0).used == pytest.approx(0.2)
    assert known.state(now=60.0).used == 0.0
    assert known.state(now=60.0).served == 400_000


def test_use_that_is_not_known_stays_at_its_estimate_and_a_failure_gives_it_back() -> None:
    known = Known(policy())
    known.load.asked(known.south, "chat", 100_000, 0.0)
    known.load.served(known.south, "chat", None, 100_000, 0.0)
    assert known.state().used == 0.1
    known.load.asked(known.south, "chat", 300_000, 0.0)
    known.load.failed(known.south, "chat", DOWN, 300_000, 0.0)
    assert known.state().used == pytest.approx(0.1)
    assert known.state().served == 100_000


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
    known.load.left(known.south)
    assert known.load.health("south-m").may_ask(12.0)
    known.load.asked(known.south, "chat", 1, 12.0)
    known.load.answered(known.south)
    assert known.load.health("south-m") == WELL


STEPS = st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6)), max_size=30)


@given(st.floats(1, 1e9), STEPS)
def test_a_bucket_holds_no_less_than_nothing_and_runs_off(per_minute: float, steps: list[tuple[float, float]]) -> None:
    taken, now, added = Taken(per_minute), 1e6, 0.0
    for passed, amount in steps:
        now += passed
        before = taken.used(now)
        taken.add(amount, now)
        added += max(0.0, amount)
        assert 0.0 <= taken.used(now) <= max(before + max(amount, 0.0) / per_minute, 0.0) + 1e-6
    assert taken.used(now + 60 * added / per_minute + 60) == 0.0


def test_a_limit_of_nothing_is_always_full() -> None:
    assert Taken(0.0).used(5.0) == 1.0
