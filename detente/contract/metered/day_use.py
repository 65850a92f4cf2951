"""Uses of a day added up as one, where they are alike to all meters.

Not here: which meters count them, and sums of what they count (``totals``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple, Protocol

from detente.contract.metered.lacking import Lacks
from detente.contract.metered.meter import Measure

Counted = tuple[int, int]
"""A meter's place and a window's index."""


class MomentUse(Protocol):
    """What was used at a moment, in whole billionths."""

    @property
    def start(self) -> int:
        """When: microseconds since 1970."""

    @property
    def work(self) -> int:
        """In the work's unit."""

    @property
    def taken(self) -> int:
        """In the offer's unit."""

    @property
    def listed(self) -> int:
        """At list price."""

    @property
    def revenue(self) -> int:
        """What it earned."""

    @property
    def off(self) -> Mapping[tuple[str, int, int], int]:
        """What clauses took off: by clause, and from when to when."""


class UseTogether:
    """Several uses as one."""

    __slots__ = ("listed", "off", "revenue", "spend", "taken", "work")

    def __init__(self, uses: Iterable[MomentUse]) -> None:
        self.work = self.taken = self.listed = self.revenue = 0
        self.off: dict[str, int] = {}
        for use in uses:
            self.work += use.work
            self.taken += use.taken
            self.listed += use.listed
            self.revenue += use.revenue
            for (term, _, _), amount in use.off.items():
                self.off[term] = self.off.get(term, 0) + amount
        self.spend = self.listed - sum(self.off.values())

    def comes_to(self, measure: Measure, term: str) -> int:
        """What a clause's meter counts of it."""
        found: int = self.off.get(term, 0) if measure == "off" else getattr(self, measure)
        return found


class CountedOfDay(NamedTuple):
    """Where all use of a day counts that is alike: the meters that cover it, whose windows hold the day; and the rest.

    Of a meter in a currency of its own, with what one of that is in the case's.
    """

    counts: tuple[tuple[Measure, str, Counted, Fraction | None], ...]
    rest: tuple[tuple[int, Lacks | None], ...]
