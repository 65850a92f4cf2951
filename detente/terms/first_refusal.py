"""First refusal: what others offer may be taken only once the holder of the right could match it, and did not.

See ``docs/terms/first-refusal.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.bases.first_right import FirstRight, FreedUse
from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.reach.scope import Scope
from detente.contract.reach.verdict import Reason
from detente.contract.reminder import Reminder, answerable, unanswered
from detente.errors import Flaw, FlawError, KeyPath
from detente.values.noun import Noun
from detente.values.period import Day, Horizon, later, moment
from detente.values.quantity_field import Length

RIGHTS = {
    "refusal": "may match what others offer",
    "offer": "must be asked first, and is not matched afterwards",
    "negotiation": "must be talked to first, in good faith",
}
"""The three rights, in words."""
MATCHED = {"refusal": "matched the offer", "offer": "made an offer", "negotiation": "came to terms"}
"""What ``matched`` says of each."""


class Notice(Noun):
    """One offer of a third party: when the holder was told of it, what it said, and whether it was signed."""

    of: Scope = Field(description="what was offered: `{ offer: … }`, `{ provider: … }`")
    noticed: Day = Field(description="the day on which the holder had all of the terms")
    answer: Literal["matched", "declined"] | None = Field(default=None, description="what the holder said")
    answered: Day | None = Field(default=None, description="the day of the answer")
    signed: Day | None = Field(default=None, description="the day on which the third party's offer was signed")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.answer is None) != (self.answered is None):
            raise FlawError("an answer has a day, and a day an answer", "write `answer` and `answered`", ("answered",))
        days = [day for day in (self.noticed, self.answered, self.signed) if day is not None]
        if days != sorted(days):
            raise FlawError("notice, answer and signature are out of order", "correct the days", ("noticed",))
        return self


class FirstRefusal(FirstRight):
    """Offered, noticed; then matched, declined or silent; then free for some time, and noticed again after that."""

    kind: Literal["first-refusal"]
    right: Literal["refusal", "offer", "negotiation"] = "refusal"
    answer_within: Length = Field(description="how long the holder has; silence then counts as `declined`")
    sign_within: Length | None = Field(
        default=None, description="how long it is then free; what is not signed by then must be noticed again"
    )
    notices: tuple[Notice, ...] = Field(default=(), description="what the holder was told of, and what it said")

    unstated: ClassVar[str] = "whether {home} has been told of it is not known"

    @property
    def openings(self) -> tuple[FreedUse, ...]:
        """Of each notice."""
        return tuple(self._opening(notice) for notice in self.notices)

    def _opening(self, notice: Notice) -> FreedUse:
        if notice.answer == "matched":
            return FreedUse(notice.of, None, f"it {MATCHED[self.right]} on {notice.answered}")
        free = notice.answered or unanswered(notice.noticed, self.answer_within)
        until = self._signed_by(free)
        late = until is not None and notice.signed is not None and notice.signed >= until
        why = f"it was told on {notice.noticed}, and has {self.answer_within} to answer"
        why += f"; what was offered was signed too late, on {notice.signed}" if late else ""
        return FreedUse(notice.of, free, why, until if notice.signed is None or late else None)

    def _signed_by(self, free: Day | None) -> Day | None:
        """The first day on which what became free on a day can be signed no more."""
        return later(moment(free), self.sign_within).date() if free and self.sign_within else None

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The last day for each answer, the last on which what is free can be signed, and what was signed after it."""
        for notice, each in zip(self.notices, self.openings, strict=True):
            if each.since is not None and notice.answered is None:
                yield Reminder(each.since, "right", f"{notice.of} is free: {self.home} has not answered", self.home)
            end = self._signed_by(each.since)
            if end is not None:
                last = f"the last day to sign what was offered of {notice.of}: after it, it must be noticed again"
                yield Reminder(end - timedelta(days=1), "notice", last, SELF, notice.signed)
                if notice.signed is not None and notice.signed >= end:
                    again = f"what was offered of {notice.of} is signed too late: it must be noticed again"
                    yield Reminder(notice.signed, "notice", again, SELF)

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """When the holder was told."""
        yield from ((("notices", index, "noticed"), notice.noticed) for index, notice in enumerate(self.notices))

    def overlooked(self, horizon: Horizon) -> Iterator[Flaw]:
        """What was signed once it was no longer free."""
        for notice, each in zip(self.notices, self.openings, strict=True):
            end = self._signed_by(each.since)
            if end is not None and notice.signed is not None and notice.signed >= end:
                what = f"`{self.id}`: {notice.of} was signed on {notice.signed}, and was free until"
                remedy = "correct the days, or have it noticed again: as they are, it may not be used"
                yield Flaw(f"{what} {end - timedelta(days=1)}", remedy)

    def explain(self) -> Reason:
        """What the clause does."""
        held = f"{self.covered} outside {self.home}: {self.home} {RIGHTS[self.right]}, within {self.answer_within}"
        free = f"; what it declines is free for {self.sign_within}" if self.sign_within else ""
        return Reason(self.id, f"{held}{free}")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A right of nobody; answers that came too late; notice of what was signed too early."""
        yield from super().check(case)
        for index, (notice, each) in enumerate(zip(self.notices, self.openings, strict=True)):
            last = answerable(notice.noticed, self.answer_within)
            yield from self.late(notice.answered, last, ("notices", index, "answered"))
            early = notice.signed is not None and (each.since is None or notice.signed < each.since)
            if early:
                free = "it was matched" if each.since is None else f"it is free from {each.since} on"
                what = f"`{self.id}`: signed on {notice.signed}, and {free}"
                yield Flaw(
                    what, "correct the days: what is signed before breaches the right", ("notices", index, "signed")
                )
