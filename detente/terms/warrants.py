"""Warrants: shares that vest as enough is bought and as conditions come true. Contingent, and on no bill.

See ``docs/terms/warrants.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.amounts.counting import (
    MEASURED,
    SAID,
    CountedClasses,
    Counting,
    MoneyMeasure,
    paid_apart,
    plans_apart,
    repriced,
)
from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.metered.counting_moment import COUNTED, CountingMoment, untimed
from detente.contract.metered.meter import Measure, Meter
from detente.contract.metered.totals import Totals
from detente.contract.reach.validity import Validity
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Calendar, Every
from detente.contract.reminder import Reminder, last_day
from detente.contract.roles import AfterPlans
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import VESTING
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.values.committed import Committed, is_flow, number, told, unit_of
from detente.values.money import Cash, Money
from detente.values.noun import Flag, Noun, Title
from detente.values.period import endless
from detente.values.quantity import Amount
from detente.values.quantity_field import Many


class VestingCondition(Noun):
    """What must be true besides: a price of the share, a technical milestone."""

    what: Title = Field(description="what must be true")
    met: Flag | None = Field(default=None, description="whether it is; default: not known")


class WarrantTranche(Noun):
    """Shares that vest once so much was bought, and every condition is met."""

    reach: Committed = Field(description="how much in all: money, or work such as `2 M GPU-hour`")
    shares: Many = Field(le=10**12, description="how many vest")
    conditions: tuple[VestingCondition, ...] = ()
    worth: Cash | None = Field(default=None, description="what they would be worth, for people: it is on no bill")


class Warrants(Term, AfterPlans):
    """A right to shares. It moves no money: its worth turns on prices of shares that no plan knows."""

    kind: Literal["warrants"]
    tranches: tuple[WarrantTranche, ...] = Field(min_length=1, description="in the order of what they ask")

    measure: MoneyMeasure = Field(default="after-discounts", description="of tranches in money: which money counts")
    moment: CountingMoment = Field(default="use", description="of tranches in money: when it counts")
    counts: CountedClasses = Field(default=(), description="classes that count up to a part of what a tranche asks")

    theirs: ClassVar[bool] = True

    @model_validator(mode="after")
    def _of_one_measure(self) -> Self:
        units = {unit_of(t.reach) if isinstance(t.reach, Amount) else t.reach.currency for t in self.tranches}
        if len(units) > 1 or any(is_flow(t.reach) for t in self.tranches):
            what = "the tranches do not ask for amounts in one unit"
            raise FlawError(what, "write all in money, or all in GPU-hours or Mtok", ("tranches",))
        asked = [number(t.reach) for t in self.tranches]
        if asked != sorted(asked):
            raise FlawError("the tranches are out of order", "write the smaller first", ("tranches",))
        reach = self.tranches[0].reach
        stated = [key for key in ("measure", "moment") if key in self.model_fields_set]
        if isinstance(reach, Amount) and stated:
            what = f"`{stated[0]}` is of money, and the tranches are in {reach.unit}"
            raise FlawError(what, f"leave out `{stated[0]}`", (stated[0],), key=True)
        return self

    @property
    def after_plans(self) -> bool:
        """Whether what savings plans charge counts, and not the use that they cover."""
        return self.measure == "after-plans"

    @property
    def _of_money(self) -> bool:
        return isinstance(self.tranches[0].reach, Money)

    @property
    def bought(self) -> Meter:
        """What counts towards them, from the clause's first day on, or that of a text which it takes over whole."""
        of: Measure = MEASURED[self.measure] if self._of_money else "taken"
        whole, begun = self.calendar(Every()), self.validity.begun
        if begun is not None and begun.counting is not None and begun.how == "whole-window":
            since = begun.counting.since
            whole = replace(whole, first=since, since=since)
        return self.meter("spend" if self._of_money else of, of, whole, moment=self.moment)

    @cached_property
    def counting(self) -> Counting:
        """What of that counts, and up to which part of what a tranche asks."""
        return Counting.of(self.bought, self.counts, self.measure)

    def going_on(self, validity: Validity) -> Calendar | None:
        """All of the time in which it counts."""
        return self.in_force(validity).bought.windows

    def meters(self) -> tuple[Meter, ...]:
        """What counts."""
        return self.counting.meters()

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """How far each tranche is; nothing is owed."""
        counting, meter = self.counting, self.counting.own
        return Settlement.of(
            settled(meter, window, VESTING, None, ended=ended, amount=number(tranche.reach), drawn=drawn)
            for window, ended in meter.begun(as_of)
            for tranche in self.tranches
            for drawn in (counting.drawn(totals, window, number(tranche.reach)),)
        )

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The last day on which they can vest."""
        if not endless(self.validity.end):
            yield Reminder(last_day(self.validity.end), "right", "the last day on which warrants can vest", "self")

    def explain(self) -> Reason:
        """What vests when, and what stands in the way."""
        steps = "; ".join(_step(tranche) for tranche in self.tranches)
        also = f"; what counts is {SAID[self.measure]}" if self.measure != "after-discounts" else ""
        also += f"; it counts {COUNTED[self.moment]}" if self.moment != "use" else ""
        also += "".join(f"; {each.told(milestones=False)}" for each in self.counts)
        return Reason(self.id, f"shares vest as {self.covered} is bought: {steps}{also}; their worth is on no bill")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Purchases in money, of use that is charged for otherwise."""
        yield from self._taken_over()
        if self._of_money:
            yield from repriced(self, self.measure, case, "tranches")
            yield from paid_apart(self.counting, self, case)
            yield from plans_apart(self.counting, self, case)
            yield from untimed(self.moment, self.covered, case)

    def _taken_over(self) -> Iterator[Flaw]:
        """Of a text that replaces an earlier one: whether what was bought before counts."""
        begun, start = self.validity.begun, self.validity.start
        if begun is None or begun.counting is None or begun.counting.since >= start or self.validity.text_from:
            return
        remedy = "say `takes-over: whole-window` (it counts) or `new-window` (what is bought from that day on counts)"
        if begun.how is None:
            what = f"whether what was bought before {start:%Y-%m-%d} counts towards the tranches is not said"
            yield Flaw(f"{what}, and `{self.id}` replaces an earlier text", remedy)
        elif begun.how == "pro-rata":
            what = (
                "tranches ask for so much in all, and no part of it falls to a time; what was bought before counts, or"
            )
            yield Flaw(f"{what} does not", remedy, ("takes-over",))


def _step(tranche: WarrantTranche) -> str:
    worth = f" (worth {tranche.worth.told})" if tranche.worth else ""
    state = {True: "met", False: "not met", None: "not known"}
    also = "".join(f", {c.what}: {state[c.met]}" for c in tranche.conditions)
    return f"{Decimal(tranche.shares):,} shares{worth} at {told(tranche.reach)}{also}"
