"""Change of control: what a new owner of a party gives the other the right to.

See ``docs/terms/change-of-control.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal

from pydantic import Field

from detente.contract.bases.position import Position
from detente.contract.reach.verdict import Reason
from detente.contract.reminder import Reminder
from detente.errors import KeyPath
from detente.values.noun import Title
from detente.values.period import Day, later
from detente.values.quantity import in_percent
from detente.values.quantity_field import Length, Portion

RIGHTS = {
    "terminate": "may end the agreement",
    "consent": "must consent, else it is a breach",
    "new-price": "may ask for a new price",
}
"""What the other party may do."""


class ChangeOfControl(Position):
    """Who becomes owned by somebody else must say so, and the other party may then act for some time."""

    kind: Literal["change-of-control"]
    party: Title = Field(default="either party", description="whose owner changes")
    above: Portion | None = Field(default=None, description="the part of votes from above which control has changed")
    right: Literal["terminate", "consent", "new-price"] = Field(description="what the other party then may")
    notice: Length | None = Field(default=None, description="how soon it must be told")
    within: Length = Field(description="how long the right lasts, from the day")
    happened: Day | None = Field(default=None, description="the day on which control changed")

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """Once it has happened: by when it must be told, and how long the right lasts."""
        if self.happened is None:
            return
        day = self.begin(self.happened)
        if self.notice:
            yield Reminder(
                later(day, self.notice).date(), "notice", "the last day to tell of the change of control", self.party
            )
        what = f"the last day on which the other party {RIGHTS[self.right]}"
        yield Reminder(later(day, self.within).date(), "right", what)

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """When control changed."""
        if self.happened is not None:
            yield ("happened",), self.happened

    def explain(self) -> Reason:
        """What follows from it."""
        above = f" (more than {in_percent(self.above)} of the votes)" if self.above is not None else ""
        when = f"; it happened on {self.happened}" if self.happened else "; no day is stated on which it `happened`"
        told = f"control of {self.party} changes{above}, "
        told += f"it must be told within {self.notice}, and " if self.notice else ""
        told += f"the other party {RIGHTS[self.right]} within {self.within}"
        return self.says(f"where {told}{when}")
