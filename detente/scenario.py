"""A scenario: the case, and named changes to it.

Owns: which events happen when, which clauses fall away, which reading holds. Not here: running it.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from detente.noun import Id, Label, Noun
from detente.period import Day, day


def event_day(given: Any) -> Any:
    """The day of an event, or None where it is ``not expected``."""
    return None if given == "not expected" else day(given)


EventDay = Annotated[Day | None, BeforeValidator(event_day)]


class Scenario(Noun):
    """Baseline + changes."""

    id: Id
    text: Label | None = None
    reading: Id | None = None
    events: dict[Id, EventDay] = Field(default_factory=dict)
    without: tuple[Id, ...] = Field(default=(), description="clauses that fall away")
