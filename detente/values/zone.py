"""A time zone, by its name: on whose clock days begin.

Not here: arithmetic with moments (``values.period``).
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

from detente.errors import FlawError, did_you_mean


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


def _known(name: str) -> str:
    zone_of(name)
    return name


Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]+$", max_length=60), AfterValidator(_known)]
