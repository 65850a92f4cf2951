"""Renewal: what becomes of an agreement at its end, and until when notice can be given.

See ``docs/terms/renewal.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import Field

from detente.contract.bases.position import Position
from detente.contract.case_view import CaseView
from detente.contract.reach.verdict import Reason
from detente.contract.reminder import Reminder, before
from detente.errors import Flaw
from detente.values.noun import Flag, Title
from detente.values.period import Day, endless, later
from detente.values.quantity_field import Length


class Renewal(Position):
    """It goes on for another term unless notice is given, or ends unless notice is given."""

    kind: Literal["renewal"]
    automatic: Flag = Field(description="`true`: it renews unless notice is given; `false`: it ends unless it is")
    for_: Length = Field(description="how long the next term is")
    notice: Length = Field(description="how long before the end notice is given at the latest")
    by: Title = Field(default="either party", description="who may give notice")
    given: Day | None = Field(default=None, description="the day on which notice was given")
    price: Title | None = Field(default=None, description="at which price it renews: in words, for whoever decides")

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The last day for notice and the end of each term, as long as it goes on; none of a text that was replaced."""
        end, goes_on, terms = self.validity.end, not self.validity.replaced, 0
        while goes_on and not endless(end) and before(end, self.notice) < until.date():
            last = before(end, self.notice)
            noticed = self.given if self.given is not None and self._in_time else None
            goes_on = self.automatic if noticed is None else not self.automatic
            yield Reminder(last, "notice", self._notice(end), self.by, noticed)
            what = f"renews for {self.for_}{self._price}" if goes_on else "ends, and does not renew"
            yield Reminder(end.date(), "renewal", what)
            terms += 1
            end, goes_on = later(self.validity.end, self.for_, terms), goes_on and self.automatic

    @property
    def _in_time(self) -> bool:
        return self.given is not None and self.given <= before(self.validity.end, self.notice)

    @property
    def _price(self) -> str:
        return f" at {self.price}" if self.price else ""

    def _notice(self, end: datetime) -> str:
        what = "so that it does not renew" if self.automatic else "so that it renews"
        return f"the last day for notice, {what} on {end:%Y-%m-%d}"

    def explain(self) -> Reason:
        """What happens at the end."""
        does, unless = ("renews", "ends") if self.automatic else ("ends", "renews")
        end = "" if endless(self.validity.end) else f" on {self.validity.end:%Y-%m-%d}"
        terms = f"for {self.for_}{self._price}"
        return self.says(
            f"the agreement {does}{end} ({terms} where it renews) unless {self.by} gives notice {self.notice} before; "
            f"then it {unless}"
        )

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """An agreement without end has nothing to renew; notice that came too early or too late changes nothing."""
        if endless(self.validity.end):
            yield Flaw("an agreement without end does not renew", "state `ends:` of the agreement", ("kind",))
        elif self.given is not None and self.validity.begun is None and self.begin(self.given) < self.validity.start:
            what = f"notice was given on {self.given}, before the clause is in force ({self.validity.start:%Y-%m-%d})"
            yield Flaw(what, "is the year right?", ("given",))
        elif self.given is not None and not self._in_time:
            last = before(self.validity.end, self.notice)
            what = f"notice was given on {self.given}, and the last day for it was {last}"
            yield Flaw(what, "leave it out, or correct the day: notice that is late changes nothing", ("given",))
