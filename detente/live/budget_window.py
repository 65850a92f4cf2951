"""The windows of a budget: stretches of time as a clock on the wall has them, in a time zone.

Owns: ``WallWindows``, which says in which window a moment lies. Not here: the windows of a contract
(``contract/reach/window``).

Days and what is longer begin at midnight of the zone, so that one may have 23 or 25 hours. Minutes and hours are of
UTC: each is as long as any other.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal, NamedTuple

from detente.contract.reach.window import Window
from detente.values.period import LAST, later, moment, named, whole_spans
from detente.values.quantity import Span
from detente.values.zone import zone_of

BudgetCycle = Literal["minute", "hour", "day", "week", "month", "quarter", "year", "term"]
SHORT: tuple[BudgetCycle, ...] = ("minute", "hour")
"""Windows that come too often to have days of their own."""
_FIRST = date(2001, 1, 1)
"""A Monday, and the first day of a month, a quarter and a year."""


class WallWindows(NamedTuple):
    """How a budget cuts time. ``starts``: the first day of the first window; None: the calendar's own."""

    every: BudgetCycle
    zone: str = "UTC"
    starts: date | None = None

    def at(self, at: datetime) -> Window | None:
        """The window that a moment lies in; None before the first."""
        if at < self.first and self.starts is not None:
            return None
        if self.every == "term":
            return Window(0, self.first, moment(LAST))
        index = whole_spans(self.every, self._origin, self._wall(at))
        while self._edge(index) > at:  # where the clock went back at midnight, a day may seem to come twice
            index -= 1
        while self._edge(index + 1) <= at:
            index += 1
        return Window(index, self._edge(index), self._edge(index + 1))

    def said(self, start: datetime, end: datetime) -> str:
        """When a window is, as the clock on the wall has it: ``in Nov 2026``."""
        if self.every == "term":
            return "in all" if self.starts is None else f"from {self.starts} on"
        when = named(self._wall(start), self._wall(end))
        return f"from {when} UTC" if self.every in SHORT else f"in {when}"

    @property
    def first(self) -> datetime:
        """When the first window begins."""
        return self._edge(0)

    @property
    def _origin(self) -> datetime:
        """The start of the first window, by the clock on the wall."""
        return moment(self.starts or _FIRST)

    def _wall(self, at: datetime) -> datetime:
        """A moment by the clock on the wall, as if that were UTC."""
        return at if self.every in SHORT else at.astimezone(zone_of(self.zone)).replace(tzinfo=UTC)

    def _edge(self, index: int) -> datetime:
        """When a window begins."""
        wall = self._origin if self.every == "term" else later(self._origin, Span(index, self.every))
        return wall if self.every in SHORT else wall.replace(tzinfo=zone_of(self.zone)).astimezone(UTC)
