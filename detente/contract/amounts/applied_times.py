"""When a credit is applied: its own times, each cut where times of others begin or end inside of it, or a rate changes.

So what is given when, and at which rate of exchange, is known to whoever counts it. Not here: which others there are
(``terms``), and how much is given (``in_full``, ``paid_parts``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice, pairwise

from detente.contract.own_money import OwnMoney
from detente.contract.reach.window import Calendar, Window

MANY = 500
"""Windows that are looked at of each clause: after so many, how they lie to each other comes again."""


@dataclass(frozen=True)
class AppliedTimes:
    """The times of a credit, and those of all who ask when it was applied."""

    own: Calendar
    others: tuple[Calendar, ...]
    kept_in: tuple[OwnMoney, ...] = ()
    """The currencies of it and of them, where their rates change."""

    def of(self, window: Window) -> Iterator[Window]:
        """The times of one of its windows, each as far as others begin none."""
        for paid in self.own.over(window.start, window.end):
            edges = sorted({paid.start, paid.end, *self._edges(paid.start, paid.end)})
            yield from (Window(paid.index, a, b) for a, b in pairwise(edges))

    def cuts(self, start: datetime, end: datetime) -> set[datetime]:
        """The moments of a time at which one of its own is cut: of the first many."""
        whole = replace(self.own, sight=None)
        edges = chain(islice(self._begins(start, end), MANY), self.rates_turn(start, end))
        return {at for at in edges if any(each.start < at < each.end for each in whole.over(at, at))}

    def rates_turn(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The moments inside of a time at which a rate of exchange changes."""
        return (at for money in self.kept_in for at in money.changes(start, end))

    def _edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        return chain(self._begins(start, end), self.rates_turn(start, end))

    def _begins(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The moments inside of a time at which a window of another begins or ends."""
        for each in self.others:
            for window in replace(each, sight=None).over(start, end):
                yield from (at for at in (window.start, window.end) if start < at < end)
