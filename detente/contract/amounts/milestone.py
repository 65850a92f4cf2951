"""A milestone of a commitment: so much in all by a day, or a charge on what is missing then.

Owns: what a milestone says, what makes no sense in it, and what it asks where what is missing is a fee. Not here: a
charge that is a prepayment (``prepayment``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.amounts.counting import Counting
from detente.contract.metered.totals import Totals
from detente.contract.program import ClauseOwner, Program
from detente.contract.reach.validity import Validity
from detente.contract.reach.window import Window
from detente.contract.reminder import Reminder, last_day
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import MILESTONE
from detente.errors import Flaw, FlawError
from detente.values.committed import Committed, is_flow, number, told, unit_of
from detente.values.money import NANOS, Money, WorkPrice
from detente.values.noun import Noun
from detente.values.period import Day, Horizon, later, named
from detente.values.quantity import Span, in_percent
from detente.values.quantity_field import Length, Percent

CHARGES = "`charged-as: prepayment` (later use draws it, and does not count again) or `charged-as: fee` (it is lost)"

APART = "write the `milestones` as a commitment of its own"


def only_prepaid(valid_for: Span | None, *, prepaid: bool) -> None:
    """Raise FlawError where something else than a prepayment is said to lapse."""
    if valid_for is not None and not prepaid:
        raise FlawError("only a prepayment lapses", f"say {CHARGES}", ("valid-for",), key=True)


def drawn_within(valid_for: Span | None) -> str:
    """In a clause's sentence: what becomes of a prepayment."""
    return "later use draws" if valid_for is None else f"use within {valid_for} draws"


class Milestone(Noun):
    """So much in all by a day, or a charge on what is missing then."""

    by: Day
    reach: Committed
    fee: Percent = Field(default=Decimal(0), description="what is paid of the missing amount; 0%: must be reached")
    price: WorkPrice | None = Field(
        default=None, description="of work: what is paid for each unit that is missing; default: it must be reached"
    )
    charged_as: Literal["fee", "prepayment"] | None = Field(
        default=None, description="whether the charge is lost, or a prepayment that later use draws"
    )
    valid_for: Length | None = Field(
        default=None, description="how long after its day a prepayment may be drawn; default: as long as the clause"
    )

    @model_validator(mode="after")
    def _charge(self) -> Self:
        if isinstance(self.reach, Money):
            self._of_money()
        else:
            self._of_work()
        only_prepaid(self.valid_for, prepaid=self.prepaid)
        return self

    def _of_money(self) -> None:
        if self.price is not None:
            raise FlawError("a price of what is missing of money", "say `fee`, a part of it", ("price",))
        if self.fee == 1 and self.charged_as is None:
            what = "all of what is missing is charged, and whether that is lost is not said"
            raise FlawError(what, f"say {CHARGES}", ("fee",))
        if self.prepaid and self.fee != 1:
            what = f"a prepayment of {in_percent(self.fee)} of what is missing"
            raise FlawError(what, "say `fee: 100%`, or `charged-as: fee`", ("charged-as",))

    def _of_work(self) -> None:
        unit = unit_of(self.reach)
        if is_flow(self.reach):
            what = f"{self.reach} at any time, and a milestone is what has been taken in all by a day"
            raise FlawError(what, f"write it in {unit}", ("reach",))
        if self.price is not None and self.price.unit != unit:
            what = f"what is missing is in {unit}, and priced per {self.price.unit}"
            raise FlawError(what, f"write a price per {unit}", ("price",))
        if self.fee or self.prepaid:
            key, what = ("charged-as", "prepayment") if self.prepaid else ("fee", in_percent(self.fee))
            remedy = f"say `price: 1.00 USD per {unit}`, or leave out `{key}`: then it must be reached"
            raise FlawError(f"`{key}: {what}` is of money, and the milestone is in {unit}", remedy, (key,))

    @property
    def prepaid(self) -> bool:
        """Whether what is missing is charged as a prepayment."""
        return self.charged_as == "prepayment"

    def asks(self, window: Window) -> Fraction:
        """How much of it a plan sees."""
        return number(self.reach) * window.part

    @property
    def each(self) -> Fraction:
        """What is paid of a missing amount, or for each unit that is missing; nothing: it must be reached."""
        return Fraction(self.price.amount if self.price is not None else self.fee)

    def shaped(self, program: Program, owner: ClauseOwner, counting: Counting) -> None:
        """What counts up to it, with what is missing, reaches it."""
        meter = counting.own
        amounts = [self.asks(window) for window in meter.windows]
        if not amounts:
            return
        reached = counting.shaped(program, owner, amounts)
        if self.each:
            windows = list(meter.windows)
            missing = f"missing at {meter.name}"
            reached += program.slack(owner, missing, most=amounts, price=self.each, windows=windows, remedy=True)
        program.require(owner, meter.name, reached >= amounts)

    def settled(self, index: int, counting: Counting, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        """What counted up to it, and the fee of what is missing; of several it is the one of this number."""
        meter = counting.own
        for window, ended in meter.begun(as_of):
            amount = self.asks(window)
            drawn = counting.drawn(totals, window, amount)
            missing = max(amount - drawn, Fraction(0))
            yield settled(
                meter, replace(window, index=index), MILESTONE, "milestone-fee", ended=ended,
                amount=amount, drawn=drawn, short=missing, owed=missing * self.each,
            )  # fmt: skip

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        price = f"{in_percent(self.fee)} of what is missing then is owed" if self.fee else "it must be reached"
        price += f", as prepayment that {drawn_within(self.valid_for)}" if self.prepaid else ""
        price = f"what is missing then is owed at {self.price}" if self.price is not None else price
        return f"{told(self.reach)} by {self.by}: {price}"


def out_of_order(milestones: Sequence[Milestone], validity: Validity, in_all: Committed | None) -> Iterator[Flaw]:
    """Milestones outside of a clause's time, not in the order of their days and amounts, or of more than is asked."""
    previous: Milestone | None = None
    whole = validity.ended is not None and validity.ended.how == "whole-window"
    for index, milestone in enumerate(milestones):
        path = ("milestones", index, "by")
        amended = validity.end < validity.begin(milestone.by) <= validity.as_signed
        if in_all is not None and number(milestone.reach) > number(in_all) and not amended:
            most = f"{in_all}" if (number(in_all) * NANOS).denominator == 1 else told(in_all)
            what = f"{milestone.reach} by {milestone.by} is more than the {most} that are committed in all"
            yield Flaw(what, "lower the milestone, or raise `amount`", ("milestones", index, "reach"))
        if whole and milestone.prepaid and not amended:
            what = f"what is prepaid on {milestone.by} is drawn after an amendment that takes over the whole window"
            remedy = "write the amount and the milestones of both texts, as amended, in the earlier one, and leave out"
            yield Flaw(what, f"{remedy} the clause of the amendment", path)
        if not amended and not validity.start < validity.begin(milestone.by) <= validity.end:
            what = f"{milestone.by} is not while the clause is in force ({named(validity.start, validity.end)})"
            yield Flaw(what, "move the milestone, or the dates of the clause", path)
        if previous and milestone.by == previous.by:
            what = f"two milestones by {milestone.by}: {previous.reach} and {milestone.reach}"
            yield Flaw(what, "keep the one that was agreed on", path)
        elif previous and milestone.by < previous.by:
            what = f"milestones out of order: {previous.by} comes before {milestone.by}"
            yield Flaw(what, "write the earlier first", path)
        elif previous and number(milestone.reach) < number(previous.reach):
            what = f"{milestone.reach} by {milestone.by} is less than {previous.reach} by {previous.by}"
            yield Flaw(what, "raise the later, or leave it out", ("milestones", index, "reach"))
        previous = milestone


def alike_charged(milestones: Sequence[Milestone], *, by_window: bool) -> None:
    """Raise FlawError where some are charged as prepayment, and others not, or beside an amount of each window."""
    if len({each.prepaid for each in milestones}) > 1:
        what = "milestones that are charged as prepayment stand beside others that are not"
        remedy = "write the others as a commitment of their own, where what is lost of a prepayment does not count"
        raise FlawError(what, remedy, ("milestones",))
    if by_window and any(each.prepaid for each in milestones):
        what = "milestones that are charged as prepayment stand beside an amount of each window"
        raise FlawError(what, f"{APART}, over `every: term`", ("milestones",))


def from_before(
    milestones: Sequence[Milestone], validity: Validity, horizon: Horizon | None, *, divided: bool
) -> Iterator[Flaw]:
    """Milestones that count from before a horizon, which sees no part of it; ``divided``: a plan counts the rest."""
    for index, each in enumerate(milestones):
        if horizon is None or (divided and not each.prepaid):
            continue
        if validity.start < horizon.opens < validity.begin(each.by):
            remedy = "move the horizon to the clause's first day" if each.prepaid else "say `windows: { cut: prorate }`"
            yield Flaw("counts spend from before the horizon", remedy, ("milestones", index, "by"))


def milestone_days(milestones: Sequence[Milestone], validity: Validity, ours: str) -> Iterator[Reminder]:
    """The last day for each, and on which what is prepaid may be drawn."""
    for each in milestones:
        if validity.start < (by := validity.begin(each.by)) <= validity.end:
            yield Reminder(last_day(by), "milestone", f"milestone: {each.told}", ours)
            if each.valid_for is not None:
                yield Reminder(last_day(later(by, each.valid_for)), "milestone", f"what is prepaid on {each.by} lapses")


def on_last_days(clause: str, milestones: Sequence[Milestone]) -> Iterator[Flaw]:
    """Milestones on the last day of a month, as a contract may name it that counts this day in: here it is out."""
    for each in milestones:
        if (after := each.by + timedelta(days=1)).day == 1:
            what = (
                f"`{clause}` has a milestone by {each.by}, the last day of a month, and use of it does not count for it"
            )
            yield Flaw(what, f"if use of that day counts, write {after}")
