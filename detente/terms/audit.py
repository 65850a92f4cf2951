"""Audit: who may look into the other's books, how often, how far back, and who pays.

See ``docs/terms/audit.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal

from pydantic import Field

from detente.contract.bases.position import Position
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Every, Window
from detente.contract.reminder import Reminder, before, last_day
from detente.errors import Flaw, KeyPath
from detente.values.noun import Title
from detente.values.period import Day, Horizon, named
from detente.values.quantity import in_percent
from detente.values.quantity_field import Length, Portion


class Audit(Position):
    """A right to audit, once in each window."""

    kind: Literal["audit"]
    by: Title = Field(default="self", description="who may audit")
    windows: Every = Every(every="year")
    notice: Length | None = Field(default=None, description="how long before it must be announced")
    look_back: Length | None = Field(default=None, description="how far back it may look")
    threshold: Portion | None = Field(
        default=None, description="the overcharge, as a part, from which the other pays it"
    )
    done: tuple[Day, ...] = Field(default=(), description="the days of audits that were made, in order")

    def _in(self, window: Window) -> list[date]:
        """The audits that were made in a window."""
        return [day for day in self.done if window.start.date() <= day <= last_day(window.end)]

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The last day of each window, and the last on which an audit in it can be announced."""
        for window in self.calendar(self.windows).over(self.validity.start, until):
            if window.end <= since:
                continue
            name = named(window.start, window.end)
            made = next(iter(self._in(window)), None)
            if self.notice:
                what, by = f"to announce the audit of {name}", self.by if made is None else None
                what += "" if made is None else f": it was made on {made}, and when it was announced is not stated"
                yield Reminder(before(window.end, self.notice), "notice", what, by)
            yield Reminder(last_day(window.end), "right", f"the last day for an audit in {name}", self.by, made)

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """When audits were made."""
        yield from ((("done", index), on) for index, on in enumerate(self.done))

    def overlooked(self, horizon: Horizon) -> Iterator[Flaw]:
        """More audits in one window than there is a right to."""
        for window in self.calendar(self.windows).over(self.validity.start, horizon.closes):
            if len(made := self._in(window)) > 1:
                what = f"`{self.id}`: an audit may be made once in {named(window.start, window.end)}, and was on"
                yield Flaw(f"{what} {' and '.join(map(str, made))}", "correct the days, or `windows`")

    def explain(self) -> Reason:
        """Who may look at what."""
        back = f", {self.look_back} back" if self.look_back else ""
        pays = f"; from an overcharge of {in_percent(self.threshold)} on the other pays it" if self.threshold else ""
        return self.says(f"{self.by} may audit once in each {self.windows.every}{back}{pays}")
