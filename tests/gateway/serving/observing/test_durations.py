"""Durations that are handed over together stand in the histogram as if each had been observed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from detente.gateway.serving.observing.durations import Durations

BOUNDS = (0.25, 0.5, 2.0)
SECONDS = st.sampled_from([0.0, *BOUNDS, 8.0]) | st.integers(0, 64).map(lambda n: n / 16)  # their sums are exact


@given(st.lists(st.lists(SECONDS)))
def test_they_stand_as_if_each_had_been_observed(turns: list[list[float]]) -> None:
    texts = []
    for together in (True, False):
        registry = CollectorRegistry()
        histogram = Histogram("lasted", "how long", ["who"], registry=registry, buckets=BOUNDS).labels("me")
        for turn in turns:
            durations = Durations(BOUNDS)
            for seconds in turn:
                (durations.add if together else histogram.observe)(seconds)
            durations.hand_over(histogram)
        lines = generate_latest(registry).decode().splitlines()
        texts.append([line for line in lines if "_created" not in line])
    assert texts[0] == texts[1]
