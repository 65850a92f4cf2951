"""Capacity: buckets, which are pure; and what a client sees of provisioned throughput and of quotas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.sandbox.bucket import CapacityBucket
from tests.sandbox.playing import CASE, Played, chat_of, played

calls = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 2_000)), max_size=60)


@given(calls, st.booleans())
def test_what_is_admitted_is_what_was_there(arrivals: list[tuple[float, int]], provisioned: bool) -> None:
    """Over any time, no more is let in than flowed off, a minute's capacity, and (provisioned) one call over it."""
    bucket = CapacityBucket(1_000, provisioned=provisioned)
    at, taken, largest = 0.0, 0.0, 0
    for wait, weight in arrivals:
        at += wait
        told = bucket.take(at, weight)
        if told is None:
            taken += weight
            largest = max(largest, weight)
        else:
            assert told > 0
            assert bucket.take(at + told + 0.001, weight) is None
            return
        slack = largest if provisioned else max(0, largest - 1_000)
        assert taken <= 1_000 + slack + at * 1_000 / 60 + 1e-6


def test_provisioned_use_is_refused_at_full_and_asks_for_the_time_that_it_takes() -> None:
    bucket = CapacityBucket(6_000, ratio=4, provisioned=True)
    assert bucket.take(0, bucket.weight(2_000, 500)) is None
    assert bucket.take(0, bucket.weight(2_000, 500)) is None
    assert bucket.utilisation(0) == pytest.approx(8_000 / 6_000)
    assert bucket.take(0, 1) == pytest.approx(20)
    bucket.settle(0, bucket.weight(2_000, 500), bucket.weight(2_000, 100, cached=1_000))
    assert bucket.utilisation(0) == pytest.approx((4_000 + 1_400) / 6_000)
    assert bucket.take(0, 1) is None


def test_a_client_of_provisioned_throughput() -> None:
    with played(units={"ptu": 1}) as sandbox:  # 600 tokens a minute
        first = sandbox.chat("ptu", "x" * 800, max_tokens=200)
        assert first.status == 200
        assert float(first.headers["azure-openai-deployment-utilization"].rstrip("%")) > 100
        sandbox.chat("ptu", "x" * 2_400, max_tokens=200)
        refused = sandbox.chat("ptu")
        assert refused.status == 429
        assert 0 < int(refused.headers["retry-after-ms"]) <= 120_000
        assert refused.json["error"]["code"] == "429"


def test_it_spills_over_when_asked() -> None:
    with played(units={"ptu": 1}) as sandbox:
        sandbox.chat("ptu", "x" * 8_000)
        path, body = chat_of("ptu", "Hello")
        headers = {"api_key": "k", "x_ms_spillover_deployment": "mini"}
        spilled = sandbox.call("ptu", path, body, headers=headers)
        assert spilled.status == 200
        assert spilled.headers["x-ms-spillover-from-deployment"] == "mini-ptu"
        assert spilled.headers["x-ms-spillover-error"] == "429"
        assert spilled.headers["x-ms-deployment-name"] == "mini"
        assert sandbox.call("ptu", path, body, headers=headers | {"x_ms_spillover_deployment": "none"}).status == 429
        assert sandbox.recent("ptu")[-1]["outcome"] == "refused"
        assert sandbox.recent("mini")[-1]["spilled_from"] == "ptu"


def test_units_absent_are_all_there_are(sandbox: Played) -> None:
    assert sandbox.chat("ptu", "x" * 8_000).status == 200
    told = float(sandbox.chat("ptu").headers["azure-openai-deployment-utilization"].rstrip("%"))
    assert 30 < told < 100  # 2,000 tokens of 10 units of 600


def test_a_quota_tells_what_is_left_and_refuses_what_does_not_fit() -> None:
    with played() as sandbox:
        first = sandbox.chat("small", "x" * 800, max_tokens=100)
        left = int(first.headers["x-ratelimit-remaining-tokens"])
        assert first.headers["x-ratelimit-limit-tokens"] == "600"
        assert left == 300
        refused = sandbox.chat("small", "x" * 2_000, max_tokens=100)
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json["error"]["code"] == "RateLimitReached"


def test_bedrock_reserves_all_that_a_model_may_generate() -> None:
    offers = [{**o, "capacity": "4_000 tok per minute"} if o["id"] == "nova" else o for o in CASE["offers"]]
    with played(offers=offers) as sandbox:
        limit: Any = {"inferenceConfig": {"maxTokens": 16}}
        assert [sandbox.chat("nova", **limit).status for _ in range(3)] == [200, 200, 200]
        assert sandbox.chat("nova").status == 429
