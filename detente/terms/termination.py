"""Termination: who may end an agreement before its time, with which notice, and at which fee.

See ``docs/terms/termination.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.bases.position import Position
from detente.contract.case_view import CaseView
from detente.contract.reach.verdict import Reason
from detente.contract.reminder import Reminder, before
from detente.errors import Flaw, FlawError
from detente.values.money import Cash, Money, nano
from detente.values.noun import Noun, Title
from detente.values.period import FIRST, Day, endless, later, moment, months_in
from detente.values.quantity import in_percent
from detente.values.quantity_field import Length, Percent


class ExitFee(Noun):
    """What leaving costs from so many months of the clause on, until the next step."""

    after: Length | None = Field(default=None, description="how long after the clause's first day it begins")
    fee: Cash | None = None
    of_remaining: Percent | None = Field(default=None, description="in its place, a part of what remains to be paid")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.fee is None) == (self.of_remaining is None):
            raise FlawError("a step says none or both of `fee` and `of-remaining`", "write one of them")
        return self


class Termination(Position):
    """A right to leave early, by convenience or for a cause."""

    kind: Literal["termination"]
    for_: Literal["convenience", "cause"] = Field(description="whether a reason is needed")
    by: Title = Field(default="either party", description="who may end it")
    notice: Length | None = Field(default=None, description="how long before the end notice is given")
    cure: Length | None = Field(default=None, description="for cause: how long a breach may be mended after notice")
    not_before: Day | None = Field(default=None, description="the first day on which the agreement may end so")
    fees: tuple[ExitFee, ...] = Field(default=(), description="what leaving costs, by elapsed months; none: nothing")
    total: Cash | None = Field(
        default=None, description="what is to be paid over the whole term, evenly, of which a step may ask a part"
    )

    @model_validator(mode="after")
    def _steps(self) -> Self:
        begun = [_since(moment(FIRST), step) for step in self.fees]
        if begun != sorted(set(begun)):
            raise FlawError("the steps of `fees` are out of order", "write the earlier first", ("fees",))
        if self.for_ == "convenience" and self.cure:
            raise FlawError("only a breach is cured", "leave out `cure`, or say `for: cause`", ("cure",), key=True)
        parts = [index for index, step in enumerate(self.fees) if step.of_remaining is not None]
        if parts and self.total is None:
            what = "a part of what remains, and what is to be paid in all is not said"
            raise FlawError(what, "add `total`, what the term comes to", ("fees", parts[0], "of-remaining"))
        if self.total is not None and not parts:
            raise FlawError("no step asks a part of it", "leave it out, or say `of-remaining`", ("total",), key=True)
        return self

    def fee(self, on: date) -> Decimal:
        """What it costs to leave on a day: that of the last step that has begun."""
        begun = [step for step in self.fees if self._step(step) <= self.begin(on)]
        return self._cost(begun[-1], self.begin(on)).amount if begun else Decimal(0)

    def _cost(self, step: ExitFee, at: datetime) -> Money:
        """What leaving costs at a moment by a step: what remains goes by months, of one that has begun by its days."""
        if step.fee is not None:
            return step.fee
        assert self.total is not None, "a part is of it"
        since, end = self.validity.first, self.validity.as_signed if self.validity.replaced else self.validity.end
        left = months_in(min(at, end), end, since) / months_in(since, end, since)
        return replace(self.total, amount=nano(Fraction(step.of_remaining or 0) * Fraction(self.total.amount) * left))

    def _step(self, step: ExitFee) -> datetime:
        """When a step begins."""
        return _since(self.validity.first, step)

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The first day of leaving, with its notice, and each day on which the fee changes."""
        if self.not_before is not None and self.begin(self.not_before) < self.validity.end:
            yield Reminder(self.not_before, "right", f"the first day on which {self.by} may leave", self.by)
            if self.notice:
                first = before(self.begin(self.not_before), self.notice)
                yield Reminder(first, "notice", f"the first day for notice to leave on {self.not_before}", self.by)
        leaves = self.validity.start if self.not_before is None else self.begin(self.not_before)
        begins = [*map(self._step, self.fees), self.validity.end]
        for step, (begin, until) in zip(self.fees, pairwise(begins), strict=True):
            at = max(begin, leaves)
            if at < min(until, self.validity.end) and (step.fee is not None or not endless(self.validity.end)):
                part = "" if step.of_remaining is None else f"{in_percent(step.of_remaining)} of what remains, then "
                cost = f"{part}{self._cost(step, at).told}"
                yield Reminder(at.date(), "right", f"from this day leaving costs {cost}", self.by)

    def explain(self) -> Reason:
        """Who may leave, and at which price."""
        first = f" from {self.not_before} on" if self.not_before else ""
        notice = f" with {self.notice} of notice" if self.notice else ""
        cure = f", unless it is cured within {self.cure}" if self.cure else ""
        steps = ", ".join(_told(step) for step in self.fees)
        return self.says(
            f"{self.by} may end the agreement for {self.for_}{first}{notice}{cure}; fee: {steps or 'none'}"
        )

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A first day after the end; steps that no time of the agreement sees; a part of what has no end."""
        if self.total is not None and endless(self.validity.end):
            what = "what remains of an agreement without end is not known"
            yield Flaw(what, "state `ends:` for the agreement, or `until:` for the clause", ("total",))
        end = self.validity.as_signed
        if self.not_before is not None and self.begin(self.not_before) >= end:
            what = f"the first day of leaving, {self.not_before}, is after the end ({end:%Y-%m-%d})"
            yield Flaw(what, "is the year right?", ("not-before",))
        for index, step in enumerate(self.fees):
            if self._step(step) >= end:
                last = (end - timedelta(days=1)).date()
                what = f"a fee from {self._step(step):%Y-%m-%d} on begins after the last day ({last})"
                yield Flaw(what, "leave the step out, or correct it", ("fees", index, "after"))


def _since(start: datetime, step: ExitFee) -> datetime:
    return later(start, step.after) if step.after else start


def _told(step: ExitFee) -> str:
    after = f" after {step.after}" if step.after else " from the start"
    if step.of_remaining is not None:
        return f"{in_percent(step.of_remaining)} of what remains{after}"
    assert step.fee is not None, "a step says one of them"
    return f"{step.fee.told}{after}"
