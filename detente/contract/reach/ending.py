"""When a clause ends: on a day, or with an event.

Not here: when it is in force (``validity``), and the days of events (``case.declared``).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from detente.values.noun import Id, Noun
from detente.values.period import Day


class Until(Noun):
    """An end that an event brings, or at the latest a date."""

    event: Id
    latest: Day | None = None


Ending = Annotated[
    Annotated[Day, Tag("day")] | Annotated[Until, Tag("event")],
    Discriminator(lambda given: "event" if isinstance(given, (dict, Until)) else "day"),
]
