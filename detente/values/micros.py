"""Moments as whole microseconds since 1970, as stores and files of rows hold them, and lengths of time in them.

Owns: these numbers. Not here: calendars (``period``), and times as people write them (``values.row_times``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def micros(at: datetime) -> int:
    """A moment as a number."""
    since = at - EPOCH  # parts of it: dividing one length of time by another takes three times as long
    return since.days * DAY + since.seconds * SECOND + since.microseconds


def at_micros(stored: int) -> datetime:
    """The moment of a number."""
    return EPOCH + stored * MICRO
