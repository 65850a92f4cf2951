"""A reminder: a day that a clause names, for whoever must keep it.

Owns: ``Reminder``. A clause states its own (``Term.reminds``); a case lists all of them in order (``case.agenda``). It
moves no money and denies nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from detente.errors import KeyPath
from detente.values.period import later, moment
from detente.values.quantity import Span

Role = Literal["start", "end", "window", "milestone", "payment", "notice", "renewal", "right", "duty", "event"]
"""What kind of day it is: ``notice``: the last day to say something; ``right``: until when, or from when, somebody may;
``duty``: by when somebody must."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """A day, what falls on it, who must act, and the day on which it was done."""

    on: date
    role: Role
    what: str
    by: str | None = None
    done: date | None = None


def before(end: datetime, notice: Span) -> date:
    """The last day on which notice of so long can be given of what happens at a moment: all of that lies between.

    Three months before the end of a year, which is the first moment of the next, are 30 September.
    """
    return last_day(later(end, notice, -1))


def answerable(asked: date, within: Span) -> date:
    """The last day for an answer: the day of asking does not count, and the last is in. Silence answers on the next.

    Asked on 2 January, within 30 days: until the end of 1 February.
    """
    return later(moment(asked), within).date()


def unanswered(asked: date, within: Span) -> date:
    """The day on which silence has answered."""
    return answerable(asked, within) + timedelta(days=1)


def year_before(days: Iterable[tuple[KeyPath, date | None]], first: datetime) -> Iterator[tuple[KeyPath, date]]:
    """Of days that may lie before a clause is in force, each with its place, those of a year before it or more."""
    for path, on in days:
        if on is not None and later(moment(on), Span(1, "year")).date() <= first.date():
            yield path, on


def last_day(end: datetime) -> date:
    """The last day of what ends at a moment: contracts name the day before an exclusive end."""
    return (end - timedelta(microseconds=1)).date()
