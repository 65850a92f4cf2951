"""The health of a deployment: a circuit breaker, as values. Pure.

Owns: when a deployment is left alone after failures, for how long, and who may try it again. Not here: noticing
failures (``relay``), and what else a choice weighs (``choose``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from detente.providers.retry_after import LONGEST
from detente.providers.wire import Failure

TOLERATED = 3
"""Failures in a row after which a deployment is left alone."""
FIRST_REST, LONGEST_REST = 1.0, 10.0
"""Seconds of rest after the first trip; each further one doubles it, up to the longest: no recovery is missed
longer."""
THROTTLED_REST = 0.5
"""Seconds of rest after a 429 without `retry-after`."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a deployment has been doing. Times are of a monotonic clock, in seconds.

    Until ``rests_until`` and ``told_until`` it is asked nothing. One that tripped is ``doubted``: it is asked by one
    call at a time (``probing``) until one is answered. An answer that breaks off is a failure all the same: only a
    reply that comes whole wipes out ``failures`` and ``trips``. One that was only at its limit is asked as before,
    unless it said that for longer than is believed.
    """

    failures: int = 0
    trips: int = 0
    rests_until: float = 0.0
    probing: bool = False
    tripped: float = 0.0
    """When it last tripped."""
    doubted: bool = False
    told_until: float = 0.0
    """Until when it is to be left alone as its provider said: a reply that comes whole meanwhile does not unsay it."""

    @property
    def until(self) -> float:
        """When it may be asked again."""
        return max(self.rests_until, self.told_until)

    def may_ask(self, now: float) -> bool:
        """Whether a call may go there."""
        return now >= self.rests_until and now >= self.told_until and not self.probing

    @property
    def well(self) -> bool:
        """Whether it has not failed since it last served: if it rests, then only at its limit."""
        return not (self.failures or self.trips)

    def asked(self) -> Health:
        """A call goes there: of a deployment that is doubted, it is the one that tries."""
        return replace(self, probing=True) if self.doubted and not self.probing else self

    def left(self) -> Health:
        """A call went there, and tells nothing of its health: the caller left, or was itself wrong."""
        return replace(self, probing=False) if self.probing else self

    def answered(self, began: float) -> Health:
        """Content has come of a call that ``began`` then: others may go there too. The reply may yet break off."""
        if not self.doubted or self._knew_nothing(began):
            return self
        return replace(self, probing=False, doubted=False)

    def served(self, began: float) -> Health:
        """A call that ``began`` then was served, to its end."""
        if not self.told_until:
            return WELL
        return Health(told_until=self.told_until, doubted=self.doubted and self._knew_nothing(began))

    def _knew_nothing(self, began: float) -> bool:
        """Whether a call began before the time that was told was over: it does not show that a limit has room again."""
        return began < self.told_until

    def told(self, now: float, seconds: float) -> Health:
        """A provider said for how long it is to be left alone. A shorter word does not undo a longer.

        If it said longer than is believed, it is asked by one call at a time then, as one that tripped.
        """
        doubted = self.doubted or seconds >= LONGEST
        return replace(self, told_until=max(self.told_until, now + seconds), doubted=doubted)

    def failed(self, failure: Failure, now: float, began: float | None = None) -> Health:
        """A call failed. ``retry-after`` is honoured whatever the failure; a limit is no fault, and trips nothing.

        Nor does what is our own fault: then nothing was learned. Nor does a call that ``began`` (default: now) before
        the deployment tripped: many are under way at such a moment, and together they tell no more than the one that
        tripped it. An account that is used up trips it at once.
        """
        if failure.kind == "gateway":
            return self.left()
        if failure.kind == "throttled":
            rest = THROTTLED_REST if failure.retry_after is None else failure.retry_after
            return replace(self.told(now, rest), probing=False)
        told = self if failure.retry_after is None else self.told(now, failure.retry_after)
        if self.trips and began is not None and began <= self.tripped:
            return told
        failures = self.failures + 1
        if failures < TOLERATED and not self.trips and failure.kind != "exhausted":
            return replace(told, failures=failures, probing=False)
        rest = min(FIRST_REST * 2**self.trips, LONGEST_REST)
        return Health(
            failures=failures,
            trips=min(self.trips + 1, 30),
            rests_until=max(self.rests_until, now + rest),
            tripped=now,
            doubted=True,
            told_until=told.told_until,
        )


WELL = Health()
