"""What is left of a time limit that several solves share.

Not here: how a solve keeps to its own (``planner.study``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

from detente.errors import UnsettledError


@dataclass(frozen=True)
class Budget:
    """Time until an end on the monotonic clock, in seconds; None is no limit."""

    end: float | None

    @classmethod
    def of(cls, limit: float | None) -> Self:
        """So many seconds from now on."""
        return cls(None if limit is None else time.monotonic() + limit)

    @property
    def left(self) -> float | None:
        """Seconds that are left; None where there is no limit. Raises UnsettledError where nothing is left."""
        left = None if self.end is None else self.end - time.monotonic()
        if left is not None and left <= 0:
            raise UnsettledError("whether the deal can be signed was not settled in time: give it more time")
        return left
