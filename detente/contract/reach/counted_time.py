"""The time whose use a clause counts, which may begin before the clause is in force.

A window that is taken over whole is counted with its use to date, and what is invoiced in a month was used before it.
Whatever asks which use two clauses may both speak of asks this. Not here: when a clause is in force (``validity``), and
which time a clause counts (``Term.counted_time``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from detente.values.period import Horizon


@dataclass(frozen=True, slots=True)
class CountedTime:
    """From ``start`` to ``end``, the end exclusive; of a clause that counts nothing any more, one without length."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, times: Iterable[CountedTime]) -> Self | None:
        """From the first of some times to the last; those without length say nothing."""
        some = [time for time in times if time.start < time.end]
        return cls(min(time.start for time in some), max(time.end for time in some)) if some else None

    def meets(self, other: CountedTime) -> bool:
        """Whether any of the one is in the other."""
        return max(self.start, other.start) < min(self.end, other.end)

    def seen_by(self, horizon: Horizon | None) -> CountedTime:
        """As far as a horizon sees it; all of it where that is not known."""
        if horizon is None:
            return self
        return CountedTime(max(self.start, horizon.opens), min(self.end, horizon.closes))
