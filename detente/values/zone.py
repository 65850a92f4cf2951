"""A time zone, by its name: on whose clock days begin.

Not here: arithmetic with moments (``values.period``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

from detente.errors import FlawError
from detente.values.likeness import did_you_mean


@cache
def zone_of(name: str) -> tzinfo:
    """A time zone. Raises FlawError where there is none of this name."""
    if name == "UTC":
        return UTC  # also where the machine has no database of zones
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        from zoneinfo import available_timezones

        raise FlawError(f"there is no time zone `{name}`", did_you_mean(name, available_timezones())) from None


class StandingClock(tzinfo):
    """The clock of a zone as it stands at one moment.

    Moments of one zone are compared by what its clock shows, by which the two hours after it is put back are one. Told
    on the clock as it stands, they are two.
    """

    def __init__(self, zone: tzinfo, offset: timedelta) -> None:
        self.zone, self.offset = zone, offset

    def __reduce__(self) -> tuple[Any, ...]:
        return StandingClock, (self.zone, self.offset)

    def utcoffset(self, at: datetime | None) -> timedelta:
        """The same at any moment."""
        return self.offset

    def dst(self, at: datetime | None) -> timedelta:
        """None: all of it is the offset."""
        return timedelta(0)

    def tzname(self, at: datetime | None) -> str:
        """That of its zone."""
        return str(self.zone)


def zone_of_clock(at: datetime) -> tzinfo:
    """The zone on whose clock a moment is told."""
    return at.tzinfo.zone if isinstance(at.tzinfo, StandingClock) else at.tzinfo or UTC


def as_it_stands(at: datetime) -> datetime:
    """The same moment, on its zone's clock as it stands then."""
    zone, offset = zone_of_clock(at), at.utcoffset()
    return at if zone is UTC or offset is None else at.astimezone(StandingClock(zone, offset))


def _known(name: str) -> str:
    zone_of(name)
    return name


Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]+$", max_length=60), AfterValidator(_known)]
