"""A price that changes within a period of the plan, where it matters when: use of a period has one price in a plan.

Not here: which prices a clause turns on (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from detente.errors import Flaw, KeyPath
from detente.values.period import Horizon


def within_a_period(term: str, at: datetime, horizon: Horizon | None, path: KeyPath) -> Iterator[Flaw]:
    """The mistake, where a price that a clause covers changes at a moment that begins no period."""
    if horizon is None or not horizon.opens < at < horizon.closes:
        return
    if at not in {period.span_start for period in horizon.periods()}:
        what = f"a price that `{term}` covers changes on {at:%Y-%m-%d}, within a period of the plan"
        every = "day" if horizon.begins_a_day(at) else "hour"
        yield Flaw(what, f"plan by shorter periods (`every: {every}`), or let it change where one begins", path)
