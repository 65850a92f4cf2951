"""A scenario: the case, and named changes to it.

Owns: which events happen when, which clauses fall away, which reading holds. Not here: running it.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from detente.case.reading import WrittenReading
from detente.errors import FlawError
from detente.values.noun import Id, Noun, read_by, written_as
from detente.values.period import DATE, day


def event_day(given: Any) -> date | None:
    """The day of an event, or None where it is ``not expected``. Raises FlawError."""
    if given == "not expected":
        return None
    try:
        return day(given)
    except FlawError as error:
        (flaw,) = error.flaws
        raise FlawError(flaw.what, f"{flaw.remedy}, or `not expected`") from None


EventDay = Annotated[
    date | None,
    read_by(
        event_day,
        written_as(rf"({DATE})|^not expected$", "not expected", "a day, or `not expected`", name="event-day"),
    ),
]


class Scenario(Noun):
    """Baseline + changes."""

    id: Id
    text: str | None = Field(default=None, description="what happens in it", max_length=4000)
    reading: WrittenReading | None = Field(
        default=None, description="the reading of disputed clauses, or one for each; default: the case's"
    )
    events: dict[Id, EventDay] = Field(default_factory=dict, description="days that differ from the case's")
    without: tuple[Id, ...] = Field(default=(), description="clauses that fall away")
