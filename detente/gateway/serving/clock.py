"""The gateway's time: the one place where it asks for now (§9).

Owns: wall-clock time, which may start at a stated moment instead of today. Not here: deadlines (the event loop's
clock).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall-clock time in UTC.

    Parameters
    ----------
    at
        When it starts (and then runs); None: today. Signatures and certificates always take the true time.
    """

    def __init__(self, at: datetime | None = None) -> None:
        self._shift = at - datetime.now(UTC) if at is not None else timedelta(0)

    def now(self) -> datetime:
        """The moment, as clauses and plans see it."""
        return datetime.now(UTC) + self._shift

    wall = staticmethod(time.time)
    """Seconds since the epoch: true time."""
