"""A plan's periods, side by side: their hours, the calendar time that they stand for, and what windows see of them.

Not here: what happens in a period.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detente.contract.reach.validity import Validity
from detente.contract.reach.window import Window, overlap
from detente.planner.formulation.expression import Bools, Floats, Ints
from detente.values.period import Period, begins

Shares = tuple[Ints, NDArray[np.int64], Floats]
"""(window, period, share of the period that lies in the window), for every overlap."""


class Grid:
    """The periods of a plan."""

    def __init__(self, periods: Sequence[Period]) -> None:
        self.periods = periods
        self.n = len(periods)
        self.hours: Floats = np.array([float(p.hours) for p in periods])
        self._overlaps: dict[tuple[tuple[datetime, datetime], ...], Shares] = {}
        self._in_force: dict[tuple[datetime, datetime], Bools] = {}

    @cached_property
    def begins(self) -> dict[datetime, int]:
        """The moments at which periods begin, in order, each with the first that does."""
        return begins(self.periods)

    @cached_property
    def spans(self) -> tuple[list[tuple[datetime, datetime]], Ints]:
        """The distinct calendar spans, and which of them each period stands for."""
        place: dict[tuple[datetime, datetime], int] = {}
        which = [place.setdefault((p.span_start, p.span_end), len(place)) for p in self.periods]
        return list(place), np.array(which, dtype=np.int32)

    def overlaps(self, window: Window) -> list[Fraction]:
        """The share of each period that lies in a window: the same for all that stand for the same time."""
        spans, which = self.spans
        some = dict(zip(which.tolist(), self.periods, strict=True))
        each = [overlap(some[place], window) for place in range(len(spans))]
        return [each[place] for place in which.tolist()]

    def shares(self, windows: Sequence[Window]) -> Shares:
        """How windows lie over the periods: rows in the order of windows, then periods."""
        key = tuple((window.start, window.end) for window in windows)
        if key not in self._overlaps:
            found = [(w, t, share) for w, window in enumerate(windows) for t, share in sorted(self._shares_of(window))]
            rows = np.array([f[0] for f in found], dtype=np.int32)
            periods = np.array([f[1] for f in found], dtype=np.int64)
            self._overlaps[key] = rows, periods, np.array([f[2] for f in found], dtype=np.float64)
        return self._overlaps[key]

    def _shares_of(self, window: Window) -> Iterator[tuple[int, float]]:
        """The periods that hold any of a window, each with its share in it; only times that touch it are looked at."""
        spans, periods = self._by_start
        first = max(bisect_right(spans, (window.start, window.start)) - 1, 0)
        for place in range(first, bisect_left(spans, (window.end, window.end))):
            some = periods[spans[place]]
            share = overlap(self.periods[some[0]], window)
            if share:
                yield from ((t, float(share)) for t in some)

    @cached_property
    def _by_start(self) -> tuple[list[tuple[datetime, datetime]], dict[tuple[datetime, datetime], list[int]]]:
        """The distinct calendar spans in order of time, and the periods that stand for each; no two overlap."""
        spans, which = self.spans
        periods: dict[tuple[datetime, datetime], list[int]] = {span: [] for span in spans}
        for t, place in enumerate(which.tolist()):
            periods[spans[place]].append(t)
        return sorted(spans), periods

    def together(self, windows: Sequence[Window], time: Window) -> Floats:
        """Of each of the ``shares`` of some windows, what lies in a time too, as a share of the period."""
        rows, periods, share = self.shares(windows)
        in_time = self.covered([time])[periods]
        found: Floats = share * in_time
        for k in np.flatnonzero((share < 1) & (in_time > 0) & (in_time < 1)).tolist():  # both cut the period
            window = windows[int(rows[k])]
            both = Window(0, max(window.start, time.start), min(window.end, time.end))
            found[k] = float(overlap(self.periods[int(periods[k])], both))
        return found

    def covered(self, windows: Iterable[Window]) -> Floats:
        """The share of each period that lies in any of some windows, which do not overlap."""
        _, periods, share = self.shares(tuple(windows))
        found: Floats = np.bincount(periods, weights=share, minlength=self.n).astype(np.float64)
        return found

    def in_force(self, validity: Validity) -> Bools:
        """Periods of which any part lies in a clause's time: a denial for a part denies the whole."""
        key = validity.start, validity.end
        if key not in self._in_force:
            self._in_force[key] = np.array(
                [validity.over(p.span_start, p.span_end) for p in self.periods], dtype=np.bool_
            )
        return self._in_force[key]


def in_same_period(
    periods: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of a place in some periods and one in others, which are in order, that are of one period."""
    first = np.searchsorted(others, periods, side="left")
    times = np.searchsorted(others, periods, side="right") - first
    found = np.repeat(first - np.cumsum(times) + times, times) + np.arange(times.sum())  # runs, one after the other
    return np.repeat(np.arange(len(periods)), times), found
