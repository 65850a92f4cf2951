"""A deployment's health: when it is left alone, for how long, and who tries it again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.deciding.health import FIRST_REST, LONGEST_REST, THROTTLED_REST, TOLERATED, WELL, Health
from detente.providers.retry_after import LONGEST
from detente.providers.wire import Failure, FailureKind, failure


def failed(kind: FailureKind = "unavailable", retry_after: float | None = None) -> Failure:
    return failure(kind, 503, "no", retry_after=retry_after)


def test_a_few_failures_are_tolerated_and_then_it_rests() -> None:
    health = WELL
    for _ in range(TOLERATED - 1):
        health = health.failed(failed(), 10.0)
        assert health.may_ask(10.0)
    health = health.failed(failed(), 10.0)
    assert not health.may_ask(10.0)
    assert not health.may_ask(10.0 + FIRST_REST - 0.01)
    assert health.may_ask(10.0 + FIRST_REST)


def test_a_success_between_failures_starts_the_count_again() -> None:
    health = WELL
    for _ in range(10):
        health = health.failed(failed(), 0.0).failed(failed(), 0.0).served(0.0)
    assert health == WELL


def test_after_its_rest_one_call_at_a_time_tries_it() -> None:
    health = _tripped().asked()
    assert not health.may_ask(100.0)
    assert health.left().may_ask(100.0)  # the caller left: another may try
    assert health.served(100.0) == WELL
    answered = health.answered(100.0)
    assert answered.may_ask(100.0)  # others may come
    assert answered.trips == 1
    again = health.failed(failed(), 100.0)
    assert not again.may_ask(100.0 + 2 * FIRST_REST - 0.01)  # twice as long
    assert again.may_ask(100.0 + 2 * FIRST_REST)


def test_a_limit_that_was_told_is_not_unsaid_by_a_reply_that_was_under_way() -> None:
    health = WELL.failed(failed("throttled", 5.0), 10.0).served(9.0)
    assert not health.may_ask(14.9)
    assert health.may_ask(15.0)


def test_replies_that_begin_and_break_off_trip_it_and_it_rests_longer_each_time() -> None:
    health, now, rests = WELL, 0.0, []
    for _ in range(TOLERATED):
        health = health.asked().answered(now).failed(failed("broken"), now, now)
    for _ in range(4):
        rests.append(health.until - now)
        now = health.until
        assert health.asked().probing, "one call tries it"
        health = health.asked().answered(now + 0.1).failed(failed("broken"), now + 0.5, now + 0.1)
        now += 0.5
    assert rests == [1.0, 2.0, 4.0, 8.0]


def test_an_account_that_is_used_up_trips_it_at_once() -> None:
    assert not WELL.failed(failed("exhausted"), 10.0).may_ask(10.0 + FIRST_REST - 0.01)


def test_it_is_found_well_within_ten_seconds_of_its_recovery() -> None:
    assert LONGEST_REST == 10.0


def _tripped() -> Health:
    health = WELL
    for _ in range(TOLERATED):
        health = health.failed(failed(), 0.0)
    return health


def test_rests_grow_to_the_longest_and_no_further() -> None:
    health, now, rests = _tripped(), 100.0, []
    for _ in range(40):
        health = health.asked().failed(failed(), now)
        rests.append(health.rests_until - now)
        now = health.rests_until
    assert rests[0] == 2 * FIRST_REST
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST


def test_calls_under_way_when_it_tripped_tell_nothing_new() -> None:
    """One blip fails all of them, and is one blip: the rest does not grow with the load."""
    health = WELL
    for number in range(200):
        health = health.failed(failed(), 10.0 + number / 1000, began=9.9)
    assert health.trips == 1
    assert health.may_ask(10.0 + FIRST_REST + 0.1)
    probing = health.asked()
    assert probing.failed(failed(), 11.5, began=9.9).probing, "nor do they end the try of the one that tries"
    assert probing.failed(failed(), 11.5, began=11.2).trips == 2
    assert not health.failed(failed("unavailable", 7.0), 11.0, began=9.9).may_ask(17.9), "what they were told holds"


def test_a_limit_trips_nothing_and_is_honoured() -> None:
    health = WELL
    for _ in range(10):
        health = health.failed(failed("throttled", 2.5), 10.0)
    assert (health.failures, health.trips) == (0, 0)
    assert not health.may_ask(12.4)
    assert health.may_ask(12.5)
    assert not health.asked().probing  # all may go on at once
    assert WELL.failed(failed("throttled"), 10.0).until == 10.0 + THROTTLED_REST
    assert WELL.failed(failed("throttled", 0.0), 10.0).may_ask(10.0)
    assert health.failed(failed("throttled", 0.1), 11.0).until == 12.5  # a shorter word does not undo a longer


def test_retry_after_is_honoured_whatever_the_failure() -> None:
    health = WELL.failed(failed("unavailable", 7.0), 10.0)
    assert not health.may_ask(16.9)
    assert health.may_ask(17.0)


def test_one_that_said_longer_than_is_believed_is_tried_by_one_call() -> None:
    """It may well be at its limit still: whether it is, one call shows."""
    health = WELL.failed(failed("throttled", LONGEST), 10.0)
    assert not health.may_ask(309.9)
    trial = health.asked()
    assert (health.may_ask(310.0), trial.may_ask(310.0)) == (True, False)
    assert trial.answered(310.0).may_ask(311.0)
    assert trial.failed(failed("throttled", LONGEST), 311.0).until == 611.0
    short = WELL.failed(failed("throttled", 299.0), 10.0)
    assert short.asked().may_ask(309.0)  # as it said itself: all may go on at once


def test_a_call_that_began_before_a_limit_was_told_does_not_end_the_doubt() -> None:
    """Under load some are under way whenever a 429 comes, and what they tell was so before it."""
    told = WELL.failed(failed("throttled", LONGEST), 10.0, began=9.5)
    for heard in (told.answered(9.0), told.served(9.0), told.answered(9.0).served(9.0)):
        assert not heard.may_ask(309.9)
        trial = heard.asked()
        assert (heard.may_ask(310.0), trial.may_ask(310.0)) == (True, False)
        assert not trial.answered(9.0).may_ask(310.5)  # a long stream from before: the one that tries is still out
        assert trial.answered(310.0).served(310.0).asked().may_ask(311.0)  # its own answer lets all go there
        assert trial.served(310.0).asked().may_ask(311.0)


def test_a_limit_or_a_mistake_of_our_own_says_nothing_of_it() -> None:
    assert WELL.failed(failed("gateway"), 10.0) == WELL
    trial = _tripped().asked()
    assert trial.failed(failed("gateway"), 100.0) == _tripped()  # another may try it


KINDS = st.sampled_from(["throttled", "unavailable", "timeout", "unreachable", "credential", "broken", "gateway"])
TOLD = st.tuples(KINDS, st.none() | st.floats(0, 3600))
STEP = st.one_of(st.sampled_from(["asked", "left", "answered", "served"]), TOLD)
STEPS = st.lists(st.tuples(st.floats(0, 40), STEP, st.floats(0, 60)), max_size=30)


@given(STEPS)
def test_it_always_comes_back(steps: list[tuple[float, object, float]]) -> None:
    health, now, told = WELL, 0.0, 0.0
    for passed, step, lasted in steps:
        now += passed
        if isinstance(step, tuple):
            kind, wait = step
            told = max(told, now + (wait or 0.0))
            health = health.failed(failed(kind, wait), now)
        else:
            began = [now - lasted] if step in ("answered", "served") else []
            health = getattr(health, str(step))(*began)
        assert health.until <= max(told, now + LONGEST_REST)
    assert health.left().may_ask(max(told, now) + LONGEST_REST)
