"""First ship: a product runs first on one provider, unless that provider cannot or will not.

See ``docs/terms/first-ship.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.bases.first_right import FirstRight, FreedUse
from detente.contract.case_view import CaseView
from detente.contract.reach.scope import Scope
from detente.contract.reach.verdict import Reason
from detente.contract.reminder import Reminder, answerable, unanswered, year_before
from detente.errors import Flaw, FlawError, KeyPath
from detente.values.noun import Noun
from detente.values.period import Day, later, moment
from detente.values.quantity import Span
from detente.values.quantity_field import Length


class Release(Noun):
    """A product, or a part of one, and what became of it: shipped there, or asked for and answered."""

    of: Scope = Field(description="which of what the clause covers; a place, too: `{ country: DE }`")
    shipped: Day | None = Field(default=None, description="the day on which it was there first")
    offered: Day | None = Field(default=None, description="the day on which the provider was asked to support it")
    answer: Literal["will", "cannot", "will-not"] | None = Field(default=None, description="what it said")
    answered: Day | None = Field(default=None, description="the day on which it answered")

    @model_validator(mode="after")
    def _one_story(self) -> Self:
        if self.shipped is None and self.offered is None and self.answer is None:
            remedy = "state `shipped`, or `offered`, with its `answer` and when it was `answered`"
            raise FlawError("says nothing of what became of it", remedy)
        if (self.answer is None) != (self.answered is None):
            raise FlawError("an answer has a day, and a day an answer", "write `answer` and `answered`", ("answered",))
        if self.offered and self.answered and self.answered < self.offered:
            what = f"was answered on {self.answered}, before it was asked ({self.offered})"
            raise FlawError(what, "correct one of the days", ("answered",))
        return self


class FirstShip(FirstRight):
    """Elsewhere once it was there first, or the provider has said that it cannot or will not, or has kept silent."""

    kind: Literal["first-ship"]
    ahead: Length | None = Field(default=None, description="how long the provider has it alone; default: not at all")
    silence: Length | None = Field(
        default=None, description="how long after it was asked silence counts as `will-not`; default: it never does"
    )
    releases: tuple[Release, ...] = Field(default=(), description="what is known of each product")

    unstated: ClassVar[str] = "whether it was on {home} first, or {home} cannot or will not, is not known"

    @property
    def openings(self) -> tuple[FreedUse, ...]:
        """Of each release."""
        return tuple(self._opening(release) for release in self.releases)

    def _opening(self, release: Release) -> FreedUse:
        if release.answer in ("cannot", "will-not"):
            return FreedUse(
                release.of, release.answered, f"it says on {release.answered} that it {WORDS[release.answer]}"
            )
        if release.shipped is not None:
            alone = f" and is there alone for {self.ahead}" if self.ahead else ""
            return FreedUse(
                release.of, _after(release.shipped, self.ahead), f"it ships there on {release.shipped}{alone}"
            )
        if release.answer is None and release.offered is not None and self.silence is not None:
            why = f"it was asked on {release.offered}, and has {self.silence} to answer"
            return FreedUse(release.of, unanswered(release.offered, self.silence), why)
        if release.answer is None:
            asked = f"it was asked on {release.offered}, and no answer is stated; ask for it"
            return FreedUse(release.of, None, f"{asked}, and write `answer`, or `shipped` once it is there")
        return FreedUse(
            release.of, None, f"it says on {release.answered} that it will support it; `shipped` is not stated"
        )

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """When it was asked, or answered; a product may have been there for some time before."""
        for index, each in enumerate(self.releases):
            key = "offered" if each.offered is not None else "answered"
            asked = each.offered or each.answered
            if asked is not None:
                yield ("releases", index, key), asked
            yield from year_before([(("releases", index, "shipped"), each.shipped)], self.validity.first)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A right of nobody; answers that came too late."""
        yield from super().check(case)
        for index, each in enumerate(self.releases):
            if each.offered is not None and self.silence is not None:
                yield from self.late(
                    each.answered, answerable(each.offered, self.silence), ("releases", index, "answered")
                )

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The last day for an answer, and the day from which a product may run elsewhere."""
        for release, each in zip(self.releases, self.openings, strict=True):
            if each.since is not None and self.validity.over(self.begin(each.since), self.begin(each.since)):
                yield Reminder(each.since, "right", f"{release.of} may run outside {self.home} from this day on")

    def explain(self) -> Reason:
        """What the clause does."""
        first = f"{self.covered} ships first on {self.home}"
        alone = f", {self.ahead} ahead of others" if self.ahead else ""
        quiet = f", or has not answered within {self.silence}" if self.silence else ""
        return Reason(self.id, f"{first}{alone}, unless {self.home} cannot or will not support it{quiet}")


WORDS = {"cannot": "cannot support it", "will-not": "will not support it"}
"""An answer in a sentence."""


def _after(on: Day, span: Span | None) -> Day:
    return later(moment(on), span).date() if span else on
