"""Durations, counted by bucket until they are handed over to Prometheus.

Owns: counting many of them for the price of one. Not here: which are counted, and under which name (``metrics``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Histogram


class Durations:
    """In seconds, since they were last handed over.

    Parameters
    ----------
    bounds
        The upper bounds of the histogram's buckets, in order; what is longer than the last falls into one more.
    """

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, seconds: float) -> None:
        """One more. A bound belongs to the bucket that it ends, as ``Histogram.observe`` has it."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._total += seconds

    def hand_over(self, histogram: Histogram) -> None:
        """Add them to a histogram of the same bounds.

        ``observe`` takes one at a time, and with several workers 1.2 us for each: so the values behind it are added to
        here, which prometheus_client keeps to itself (its version is pinned, and a test compares with ``observe``).
        """
        for value, count in zip(histogram._buckets, self._counts, strict=True):
            if count:
                value.inc(count)
        histogram._sum.inc(self._total)
