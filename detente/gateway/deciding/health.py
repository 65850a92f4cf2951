"""The health of a deployment: a circuit breaker, as values. Pure.

Owns: when a deployment is left alone after failures, for how long, and who may try it again. Not here: noticing
failures (``relay``), and what else a choice weighs (``choose``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from detente.providers.wire import Failure

TOLERATED = 3
"""Failures in a row after which a deployment is left alone."""
FIRST_REST, LONGEST_REST = 1.0, 30.0
"""Seconds of rest after the first trip; each further one doubles it, up to the longest."""
THROTTLED_REST = 0.5
"""Seconds of rest after a 429 without `retry-after`."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a deployment has been doing. Times are of a monotonic clock, in seconds.

    Until ``rests_until`` it is asked nothing. After it, a deployment that failed is asked by one call at a time
    (``probing``) until one succeeds; one that was only at its limit is asked as before.
    """

    failures: int = 0
    trips: int = 0
    rests_until: float = 0.0
    probing: bool = False
    tripped: float = 0.0
    """When it last tripped."""

    def may_ask(self, now: float) -> bool:
        """Whether a call may go there."""
        return now >= self.rests_until and not self.probing

    @property
    def well(self) -> bool:
        """Whether it has not failed since it last served: if it rests, then only at its limit."""
        return not (self.failures or self.trips)

    def asked(self) -> Health:
        """A call goes there: of a deployment that has tripped, it is the one that tries."""
        return replace(self, probing=True) if self.trips and not self.probing else self

    def left(self) -> Health:
        """A call went there, and tells nothing of its health: the caller left, or was itself wrong."""
        return replace(self, probing=False) if self.probing else self

    def served(self) -> Health:
        """A call was served."""
        return WELL

    def failed(self, failure: Failure, now: float, began: float | None = None) -> Health:
        """A call failed. ``retry-after`` is honoured whatever the failure; a limit is no fault, and trips nothing.

        Nor does what is our own fault: then nothing was learned. Nor does a call that ``began`` (default: now) before
        the deployment tripped: many are under way at such a moment, and together they tell no more than the one that
        tripped it.
        """
        if failure.kind == "gateway":
            return self.left()
        if failure.kind == "throttled":
            rest = THROTTLED_REST if failure.retry_after is None else failure.retry_after
            return replace(self, rests_until=max(self.rests_until, now + rest), probing=False)
        rest = failure.retry_after or 0.0
        if self.trips and began is not None and began <= self.tripped:
            return replace(self, rests_until=max(self.rests_until, now + rest))
        failures, trips, tripped = self.failures + 1, self.trips, self.tripped
        if failures >= TOLERATED or trips:
            rest = max(rest, min(FIRST_REST * 2**trips, LONGEST_REST))
            trips, tripped = min(trips + 1, 30), now
        return Health(failures, trips, max(self.rests_until, now + rest), probing=False, tripped=tripped)


WELL = Health()
