"""Delivery: capacity comes in tranches, each once it is accepted; a tranche that is late is credited by the day.

See ``docs/terms/delivery.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.bases.tranche import CapacityTranche, InTranches
from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.decisions import Decisions
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.reach.scope import Scope
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Window
from detente.contract.reminder import Reminder
from detente.contract.settled.posting import Posting
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.stated import Divided
from detente.errors import Flaw, FlawError, KeyPath
from detente.values.money import nano, shown, sufficient
from detente.values.noun import Noun
from detente.values.period import hours_between, later
from detente.values.quantity import Span, in_percent
from detente.values.quantity_field import Length, Portion

A_DAY = Span(1, "day")


class DelayCredit(Noun):
    """What a day of delay gives back of a tranche's worth, and the most in all."""

    per_day: Portion
    at_most: Portion
    after: Length | None = Field(default=None, description="how long after `due` nothing is credited")


class Delivery(InTranches):
    """Of one offer no more can be taken than was delivered; what is late is credited as it is accepted."""

    kind: Literal["delivery"]
    credit: DelayCredit | None = None
    long_stop: Length | None = Field(default=None, description="how long after `due` a tranche may be cancelled")

    keeps_windows = False
    apart = "or write what they buy as an offer of its own, and this one with `others: none`"

    @model_validator(mode="after")
    def _of_all(self) -> Self:
        for key in ("of", "except_", "readings"):
            if getattr(self, key) not in (Scope(), (), {}):
                what = "what has come is all that there is of its offer, for whatever work"
                raise FlawError(what, "leave it out; for whom it is, `parties` says", (key.strip("_"),), key=True)
        if self.others == "apart":
            what = "what others take of the same offer cannot be apart: no more of it is there than was delivered"
            raise FlawError(what, "say `share` or `none`, and write theirs as an offer of its own", ("others",))
        return self

    @model_validator(mode="after")
    def _worth(self) -> Self:
        for index, tranche in enumerate(self.tranches):
            if self.credit is not None and tranche.worth is None:
                what = f"delay of `{tranche.name}` is credited, and of how much is not said"
                raise FlawError(what, "add `worth`, the fee of the tranche", ("tranches", index))
            if tranche.offered is not None and tranche.accepted is None and self.deemed_after is None:
                what = f"`{tranche.name}` is offered, and after which silence it is accepted is not said"
                raise FlawError(what, "add `deemed-after`, or the day on which it was `accepted`", ("tranches", index))
        if self.windows.ramp:
            raise FlawError("a ramp divides an amount, and there is none", "leave it out", ("windows", "ramp"))
        return self

    def ready(self, window: Window) -> Fraction:
        """GPU-hours that are there in a time, as far as a plan sees it."""
        start, end = window.start, window.end
        if self._seen is not None:
            start, end = max(start, self._seen.opens), min(end, self._seen.closes)
        since = ((t, max(start, self.begin(t.there))) for t in self.known)
        hours = (Fraction(t.quantity.value) * hours_between(at, end) for t, at in since if at < end)
        return sum(hours, Fraction(0))

    # -- late ------------------------------------------------------------------------------------------------------
    def late(self, tranche: CapacityTranche) -> int:
        """Days of delay that count, by the day from which it can be used as far as is known."""
        after = self.credit.after if self.credit else None
        since = later(self.begin(tranche.due), after).date() if after else tranche.due
        return max((tranche.there - since).days, 0)

    def credited(self, tranche: CapacityTranche) -> Fraction:
        """What is given back for the delay of a tranche."""
        if self.credit is None or tranche.worth is None:
            return Fraction(0)
        part = min(Fraction(self.credit.per_day) * self.late(tranche), Fraction(self.credit.at_most))
        return part * Fraction(tranche.worth.amount)

    def _given(self, *, expected: bool) -> Iterator[tuple[date, Fraction]]:
        """Each credit, on the day of acceptance, while the clause is in force and a plan sees it.

        A plan counts on what is ``expected`` to be accepted as late; the books know only of what was.
        """
        for tranche in self.known:
            amount, day = self.credited(tranche), tranche.there if expected else tranche.accepted
            if not amount or day is None or not self.validity.over(self.begin(day), self.begin(day)):
                continue
            if self._seen is None or self._seen.start <= day < self._seen.end:
                yield day, amount

    def _day(self, on: date) -> tuple[datetime, datetime]:
        """From when to when a day is."""
        return self.begin(on), later(self.begin(on), A_DAY)

    # -- the questions -----------------------------------------------------------------------------------------------
    def shape(self, program: Program) -> None:
        """In each time in which use is even, no more than is there; credits are known amounts."""
        times = program.even(self.calendar(self.windows))
        if times:
            ready = [self.ready(time) for time in times]
            program.require(self, "delivered", program.total(self.taken, times) <= ready)
        given = list(self._given(expected=True))
        if given:
            days = [Window(place, *self._day(on)) for place, (on, _) in enumerate(given)]
            program.slack(self, "delay", most=[amount for _, amount in given], price=Fraction(-1), windows=days)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What was there and what was taken of it, by window; the credits of what was late."""
        taken = self.taken
        rows = [
            settled(taken, window, "delivered", None, ended=ended, amount=self.ready(window), drawn=drawn)
            for window, ended in taken.begun(as_of)
            for drawn in (totals.total(taken, window),)
        ]
        credits_ = tuple(
            Posting(self.id, "delay-credit", place, *self._day(on), nano(-amount))
            for place, (on, amount) in enumerate(self._given(expected=as_of is None))
            if as_of is None or self._day(on)[1] <= as_of
        )
        return Settlement.of([*rows, Settlement(credits_)])

    def acting_days(self) -> Iterator[tuple[KeyPath, date]]:
        """The day on which the delay of a tranche is credited; of one that earns no credit, when it is due."""
        for index, (stated, tranche) in enumerate(zip(self.tranches, self.known, strict=True)):
            late = bool(self.credited(tranche))
            key = next(key for key in ("accepted", "offered", "expected", "due") if getattr(stated, key))
            yield ("tranches", index, key if late else "due"), tranche.there if late else tranche.due

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """When each tranche is due while it is in force, and from when it may be cancelled."""
        seller = self.validity.counterparty
        for stated, tranche in zip(self.tranches, self.known, strict=True):
            if self.begin(tranche.due) >= self.validity.end:
                continue
            what = f"{tranche.quantity} of `{self.offer}` are due ({tranche.name})"
            yield Reminder(tranche.due, "milestone", what, seller, tranche.accepted)
            if stated.accepted is None and tranche.accepted is not None:
                last = tranche.accepted - timedelta(days=1)
                yield Reminder(last, "notice", f"the last day to refuse {tranche.name}: silence accepts it", SELF)
            if self.long_stop and stated.accepted is None:
                on = later(self.begin(tranche.due), self.long_stop).date()
                unless = ", unless it is accepted by then" if tranche.accepted is not None else ""
                yield Reminder(on, "right", f"from this day on {tranche.name} may be cancelled{unless}", SELF)

    def explain(self) -> Reason:
        """The tranches, and what a delay gives."""
        told = ", ".join(f"{t.quantity} from {t.there} on ({_state(t)})" for t in self.known)
        late = ""
        if self.credit is not None:
            late = f"; a day of delay gives {in_percent(self.credit.per_day)} of a tranche's worth back"
            late += f", at most {in_percent(self.credit.at_most)}"
            earned, all_of_it = (sum((a for _, a in self._given(expected=each)), Fraction(0)) for each in (False, True))
            currency = next((t.worth.currency for t in self.tranches if t.worth), "")
            late += f": {shown(nano(earned), currency)}" if earned else ""
            expected = shown(nano(all_of_it - earned), currency)
            late += f"; of what is expected late, {expected} as it is accepted" if all_of_it > earned else ""
        return Reason(self.id, f"`{self.offer}` can be used as it is delivered: {told}{late}")

    # -- for the case's checks ---------------------------------------------------------------------------------------
    @property
    def divides(self) -> Divided:
        """Nothing: it counts in them, and asks for no amount of one."""
        return "nothing"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Capacity that two clauses deliver, too."""
        yield from super().check(case)
        others = [each for each in case.beside if isinstance(each, Delivery)]
        for other in others:
            if other.offer == self.offer and other.validity.over(self.validity.start, self.validity.end):
                what = f"`{self.id}` and `{other.id}` both deliver `{self.offer}`, and each would hold it to its own"
                yield Flaw(what, "write all tranches in one clause", ("offer",))

        earlier = [each for each in others if each.id == self.id and each.validity.end <= self.validity.first]
        for index, tranche in enumerate(self.known):
            for text in earlier:
                if (flaw := self._told_otherwise(text, index, tranche)) is not None:
                    yield flaw

    def _told_otherwise(self, earlier: Delivery, index: int, tranche: CapacityTranche) -> Flaw | None:
        """A tranche of whose delay an earlier text, while it holds, gives another credit than this text tells of.

        A credit is given by the text that holds on its day: the books and a plan must find the same day in both.
        """
        day = self.begin(tranche.there)
        lost = earlier.credit is not None and bool(self.credited(tranche)) and earlier.validity.over(day, day)
        was = next((each for each in earlier.known if each.name == tranche.name), None)
        if was is not None and was.there == tranche.there and was.accepted == tranche.accepted:
            return None
        given = was is not None and bool(earlier.credited(was)) and was.there != tranche.there
        at = earlier.begin(was.there) if was is not None else None
        twice = given and at is not None and earlier.validity.over(at, at)
        if not (lost or twice):
            return None
        stated = self.tranches[index]
        key = next((key for key in ("accepted", "offered", "expected") if getattr(stated, key)), "expected")
        on = getattr(stated, key) or tranche.there
        says = (
            "has no such tranche"
            if was is None
            else f"says {was.there}"
            if was.there != tranche.there
            else "does not say so"
        )
        here = f"`{tranche.name}` is there from {tranche.there} on"
        what = f"{here} by this text, and that of `{earlier.validity.agreement}`, which holds until"
        what += f" {self.validity.first:%Y-%m-%d}, {says}: by which its delay is credited is not clear"
        at_key = key if getattr(stated, key) else "due"
        return Flaw(what, f"write `{key}: {on}` in that, too", ("tranches", index, at_key))

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        if part == "denied":
            return super().concede(part, amount, unit, currency)
        return f"have {sufficient(amount)} GPU-hours of `{self.offer}` delivered sooner"


def _state(tranche: CapacityTranche) -> str:
    late = (tranche.there - tranche.due).days
    told = f" {late} day{'s' if late > 1 else ''} late" if late > 0 else ""
    if tranche.accepted is not None:
        return f"{tranche.name}, accepted{told}"
    return f"{tranche.name}, not accepted yet" + (f", expected{told}" if told else "")
