"""Obligation: something is to be delivered by a day, once or again and again, and something shows that it was.

See ``docs/terms/obligation.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from detente.contract.bases.position import Position
from detente.contract.case_view import CaseView
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Cycle, Every
from detente.contract.reminder import Reminder, last_day
from detente.errors import Flaw, FlawError, KeyPath
from detente.values.noun import Title
from detente.values.period import Day, endless, later, named
from detente.values.quantity import Span
from detente.values.quantity_field import Length

_AGAIN = ("each", "every")
"""Words with which a duty that comes back begins, where a day is asked for."""


class DatedObligation(Position):
    """A dated duty of one party, with its evidence."""

    kind: Literal["obligation"]
    what: str = Field(description="what is to be done", min_length=1, max_length=4000)
    by: Title = Field(default="self", description="who must: `self`, a provider's id, or anybody else")
    to: Title | None = Field(default=None, description="who receives it")
    due: Day | None = Field(default=None, description="the last day, of a duty that is done once")
    windows: Every | None = Field(default=None, description="of a duty that comes back: once for each window")
    within: Length | None = Field(default=None, description="with `windows`: how long after a window's end")
    evidence: Title | None = Field(default=None, description="what shows that it was done")
    done: tuple[Day, ...] = Field(default=(), description="the days on which it was done, in order")

    @model_validator(mode="before")
    @classmethod
    def _comes_back(cls, given: Any) -> Any:
        """One that is due again and again has windows: said where `due` has what is no day."""
        due = given.get("due") if isinstance(given, dict) else None
        words = due.split() if isinstance(due, str) else []
        stated = isinstance(due, dict) and "value" in due
        if stated or not (isinstance(due, dict | list) or {*words[:1]} & {*_AGAIN}):
            return given
        said = due if isinstance(due, dict) else {"every": words[-1] if words else None}
        every = next((c for c in get_args(Cycle) if c == said.get("every") and c != "term"), "quarter")
        first = next((f", starts: {said[key]}" for key in ("from", "start", "starts") if key in said), "")
        what = "`due` is the one day of a duty that is done once, and this one comes back"
        remedy = f"write `windows: {{ every: {every}{first} }}` in its place: it is due as each ends, or `within` some"
        remedy += " time, or a clause for each day" if isinstance(due, list) else " time"
        raise FlawError(what, remedy, ("due",))

    @model_validator(mode="after")
    def _once_or_again(self) -> Self:
        if (self.due is None) == (self.windows is None):
            raise FlawError("says neither or both of `due` and `windows`", "write one of them")
        if self.within and not self.windows:
            remedy = "leave it out, or write `windows` in place of `due`"
            raise FlawError("`within` counts from the end of a window", remedy, ("within",), key=True)
        if list(self.done) != sorted(self.done):
            raise FlawError("the days on which it was done are out of order", "write the earlier first", ("done",))
        if self.due and len(self.done) > 1:
            raise FlawError("is done once, and two days are stated", "keep one of them", ("done",))
        return self

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """Its last day; of one that comes back, that of each window."""
        if self.due is not None and self._over(self.due):
            yield Reminder(self.due, "duty", self._told, self.by, self.done[0] if self.done else None)
        for window in self.calendar(self.windows).over(self.validity.start, until) if self.windows else ():
            end = later(window.end, self.within) if self.within else window.end
            done = self.done[window.index] if window.index < len(self.done) else None
            what = f"{self._told} for {named(window.start, window.end)}"
            if end >= since:
                yield Reminder(last_day(end), "duty", what, self.by, done)

    def acting_days(self) -> Iterator[tuple[KeyPath, date]]:
        """Its last day, where an amendment or an event ends the clause before it."""
        if self.due is not None and self.validity.overtaken(self.begin(self.due)):
            yield ("due",), self.due

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """When it was done."""
        yield from ((("done", index), on) for index, on in enumerate(self.done))

    @property
    def open_after(self) -> Span | None:
        """As long as it may be done after its last window."""
        return self.within

    def _over(self, on: date) -> bool:
        """Whether it is in force on a day."""
        return self.validity.over(self.begin(on), self.begin(on))

    @property
    def _told(self) -> str:
        return self.what + (f" (evidence: {self.evidence})" if self.evidence else "")

    def explain(self) -> Reason:
        """What is to be done, by whom, and when."""
        when = f"by {self.due}" if self.windows is None else f"in each {self.windows.every}"
        when = f"within {self.within} of the end of {when[3:]}" if self.within else when
        to = f" {self.to}" if self.to else ""
        return self.says(f"{self.by} owes{to} {when}: {self._told}")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A day on which the clause is not in force, as signed; more days on which it was done than it has windows."""
        if self.due is not None and not self._over(self.due) and not self.validity.overtaken(self.begin(self.due)):
            when = named(self.validity.start, self.validity.as_signed)
            yield Flaw(f"{self.due} is not while the clause is in force ({when})", "is the year right?", ("due",))
        if self.windows is not None and self.done and not endless(self.validity.end):
            windows = self.calendar(self.windows).over(self.validity.start, self.validity.end)
            asked = max((window.index + 1 for window in windows), default=0)
            if len(self.done) > asked:
                times = f"{asked} window{'s' if asked != 1 else ''} ({named(self.validity.first, self.validity.end)})"
                yield Flaw(
                    f"{self.done[asked]} is the day of no window: it comes back in {times}, each done once",
                    "write one day for each window, in order",
                    ("done", asked),
                )
