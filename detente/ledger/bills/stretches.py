"""Stretches: the days that a bill tells together, since one of its rows is for all of them.

Owns: clocks of a zone, which days a row is for, and which days hang together by such rows. Not here: what is billed for
them (``reconciling``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from zoneinfo import ZoneInfo

from detente.values.micros import DAY, HOUR, MICRO, at_micros, micros
from detente.values.period import later
from detente.values.quantity import Span

LocalClock = Callable[[int], int]
"""What a clock of some zone shows at a moment; both in microseconds."""


def local_clock(zone: str) -> LocalClock:
    """The clock of a zone, by its name."""
    there = ZoneInfo(zone)

    def local(at: int) -> int:
        ahead = at_micros(at).astimezone(there).utcoffset()
        return at if ahead is None else at + ahead // MICRO

    return local


def moments(zone: str) -> LocalClock:
    """When the clock of a zone shows a time; the first of two moments at which it does."""
    there = ZoneInfo(zone)
    return lambda shown: micros(at_micros(shown).replace(tzinfo=there))


def days_of(start: int, end: int) -> int:
    """Of how many days a row is, from that on which it begins. A day on which clocks are changed has 25 hours."""
    return max(1, -((HOUR - (end - start)) // DAY))


def months_within(start: int, end: int, zone: tzinfo) -> Iterator[int]:
    """When months begin on a clock within a time."""
    at = at_micros(start).astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while (begins := micros(at := later(at, Span(1, "month")))) < end:
        yield begins


def month_of(day: int) -> tuple[int, int]:
    """The first day of the month in which a day lies, and that of the next month."""
    first = at_micros(day).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return micros(first), micros(later(first, Span(1, "month")))


class Stretches:
    """Days that hang together, of spans of days: each its first day, and the day after its last. All in microseconds.

    A day that is in no span stands for itself.
    """

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._starts, self._ends = list[int](), list[int]()
        for start, end in sorted(spans):
            if self._ends and start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def first(self, day: int) -> int:
        """The first day of the stretch in which a day lies."""
        at = bisect_right(self._starts, day) - 1
        return self._starts[at] if at >= 0 and day < self._ends[at] else day

    def name(self, first: int) -> str:
        """A stretch by its days: `2026-01-15`, `2026-01-01 to 2026-01-31`."""
        at = bisect_right(self._starts, first) - 1
        end = self._ends[at] if at >= 0 and first < self._ends[at] else first + DAY
        last = end - DAY
        return f"{at_micros(first):%Y-%m-%d}" + (f" to {at_micros(last):%Y-%m-%d}" if last > first else "")
