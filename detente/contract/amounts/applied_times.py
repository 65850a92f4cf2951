"""When a credit is applied: its own times, each cut where the times of others begin or end inside of it.

So what is given when is known to whoever counts it. Not here: which others there are (``terms``), and how much is given
(``in_full``, ``paid_parts``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, pairwise

from detente.contract.reach.window import Calendar, Window

MANY = 500
"""Windows that are looked at of each clause: after so many, how they lie to each other comes again."""


@dataclass(frozen=True)
class AppliedTimes:
    """The times of a credit, and those of all who ask when it was applied."""

    own: Calendar
    others: tuple[Calendar, ...]

    def of(self, window: Window) -> Iterator[Window]:
        """The times of one of its windows, each as far as others begin none."""
        for paid in self.own.over(window.start, window.end):
            edges = sorted({paid.start, paid.end, *self._edges(paid.start, paid.end)})
            yield from (Window(paid.index, a, b) for a, b in pairwise(edges))

    def cuts(self, start: datetime, end: datetime) -> set[datetime]:
        """The moments of a time at which one of its own is cut: of the first many."""
        whole = replace(self.own, sight=None)
        edges = islice(self._edges(start, end), MANY)
        return {at for at in edges if any(each.start < at < each.end for each in whole.over(at, at))}

    def _edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The moments inside of a time at which a window of another begins or ends."""
        for each in self.others:
            for window in replace(each, sight=None).over(start, end):
                yield from (at for at in (window.start, window.end) if start < at < end)
