"""Credit: money off what is owed, from a pool or as a rate of spend (a subsidy), up to a cap.

See ``docs/terms/credit.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.amounts.counting import APART, repriced
from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.paid_use import PaidUse, in_order
from detente.contract.metered.totals import Totals
from detente.contract.program import Expression, Program
from detente.contract.rated.stacking import more_than_all
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Calendar, Every, Window
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import CREDIT
from detente.contract.stated import Divided
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.values.facts import Facts
from detente.values.money import Cash
from detente.values.period import Horizon
from detente.values.quantity_field import Portion


class Credit(Term):
    """A rate of covered spend is given back in each window, up to an amount; what is unused at its end is lost."""

    kind: Literal["credit"]
    amount: Cash | None = Field(default=None, description="the most in each window; with a ramp: in all")
    rate: Portion = Field(default=Decimal(1), description="the part of spend that it pays")
    windows: Every = Every()

    theirs: ClassVar[bool] = True
    effect: ClassVar[Literal["restrains", "grants", "both"]] = "grants"

    @model_validator(mode="before")
    @classmethod
    def _from_the_first_unit(cls, given: Any) -> Any:
        if isinstance(given, dict) and "above" in given:
            what = "a credit is given from the first unit on, and `above` is a threshold"
            remedy = (
                "write `kind: volume-discount` with `tiers: [ { from: …, off: … } ]`, and its `method`: `all-units` "
            )
            remedy += "(of all spend once it is reached) or `graduated` (of what lies above)"
            raise FlawError(what, remedy, ("above",), key=True)
        return given

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.amount is None and self.rate == 1:
            raise FlawError("says neither `amount` nor `rate`, so it would pay for everything", "add one of them")
        if self.amount is None and self.windows.ramp:
            raise FlawError(
                "a ramp divides an amount, and there is none", "add `amount: …`", ("windows", "ramp"), key=True
            )
        return self

    @property
    def spend(self) -> Meter:
        """What it is given on."""
        return self.meter("spend", "spend", self.calendar(self.windows))

    @property
    def applied(self) -> Meter:
        """The same by the times in which it is applied: month by month, where its amount is for longer.

        So what is given when is known to those who count it, and what is left of the amount is used as soon as it can.
        """
        spend = self.spend
        if self.amount is None or self.windows.every in ("hour", "day", "week", "month"):
            return spend
        return replace(spend, name="applied", windows=replace(spend.windows, every="month", count=None))

    @property
    def paying(self) -> Calendar:
        """The times in which it is applied."""
        return self.applied.windows

    @property
    def lapses(self) -> datetime:
        """The end of its first window: until then the first of its amount lasts."""
        whole = replace(self.spend.windows, sight=None)
        return next((window.end for window in whole), self.validity.end)

    @property
    def before(self) -> Meter:
        """What credits that come first pay of it."""
        return replace(self.applied, name="paid before", measure="paid-before")

    def meters(self) -> tuple[Meter, ...]:
        """Spend in each window, and in each month."""
        return tuple(dict.fromkeys((self.spend, self.applied)))

    def most(self, window: Window) -> Fraction | None:
        """The most that is given in a window."""
        return None if self.amount is None else Fraction(self.amount.amount) * self.windows.share(window)

    def shape(self, program: Program) -> None:
        """Given back: at most the cap, at most the rate of spend, of what others leave; each unit saves one."""
        windows, applied = list(self.spend.windows), list(self.applied.windows)
        at = [next((w for w, whole in enumerate(windows) if _holds(whole, part)), None) for part in applied]
        if not windows:
            return
        spend, caps = program.total(self.applied), [self.most(window) for window in windows]
        reach = program.most(spend)
        of_window = [None if w is None else caps[w] for w in at]
        most = [
            Fraction(0) if w is None else e if c is None else min(c, e)
            for w, c, e in zip(at, of_window, reach, strict=True)
        ]
        nothing = [Fraction(0) for _ in applied]
        given = program.slack(self, "given", most=most, price=Fraction(-1), windows=applied)
        left = spend - program.total(self.before) if self._pool else spend * Fraction(self.rate)
        program.require(self, "earned", given - left <= nothing)
        if self.spend != self.applied:
            inside = given.gather([-1 if w is None else w for w in at], len(windows))
            whole = inside.like(program.total(self.spend))
            program.require(self, "amount", whole <= [cap or Fraction(0) for cap in caps])
        exactly = partial(self._exactly, program, given, left, at)
        if self.own_money is not None and self.spend != self.applied:  # a plan would rather have it at another rate
            exactly()
            program.pays(self, self.applied, given, _already)
        else:
            program.pays(self, self.applied, given, exactly)

    def _exactly(self, program: Program, given: Expression, left: Expression, at: Sequence[int | None]) -> None:
        """Given is all that is earned until the amount is used up: a whole number for each time says whether it is."""
        caps = [self.most(window) for window in self.spend.windows]
        most, n = program.most(left), len(at)
        if self.amount is None:
            program.require(self, "in-full", given - left >= [Fraction(0)] * n)
            return
        full = [Fraction(0) if w is None else caps[w] or Fraction(0) for w in at]
        used_up = program.slack(self, "used-up", most=[Fraction(1)] * n, whole="nearest")
        until = given.gather(list(range(n)), n)
        for back in range(1, n):  # what was given in the same window until then
            earlier = [place if place >= back and at[place] == at[place - back] else -1 for place in range(n)]
            if all(row < 0 for row in earlier):
                break
            until = until + given.gather([earlier[p + back] if p + back < n else -1 for p in range(n)], n)
        program.require(self, "in-full", given - left + used_up * most >= [Fraction(0)] * n)
        program.require(self, "used-up", until - used_up * full >= [Fraction(0)] * n)

    def payments(self, totals: Totals, as_of: datetime | None) -> Iterator[PaidUse]:
        """What is given in each time in which it is applied."""
        for window, _ in self.spend.begun(as_of):
            for part, given in self._applied(window, totals):
                yield PaidUse(self.covered, part.start, part.end, given)

    def _applied(self, window: Window, totals: Totals) -> Iterator[tuple[Window, Fraction]]:
        """What is given in the parts of a window, one after the other, as far as its amount goes."""
        left = self.most(window)
        applied = self.applied
        for part in applied.windows.over(window.start, window.end) if applied != self.spend else (window,):
            spend = totals.total(applied, part)
            earned = spend - totals.total(self.before, part) if self._pool else spend * Fraction(self.rate)
            given = earned if left is None else min(earned, left)
            left = None if left is None else left - given
            yield part, given

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is given back in each window."""
        meter = self.spend
        return Settlement.of(self._window(window, totals, ended=ended) for window, ended in meter.begun(as_of))

    def _window(self, window: Window, totals: Totals, *, ended: bool) -> Settlement:
        parts, money = list(self._applied(window, totals)), self.own_money
        given = sum((amount for _, amount in parts), Fraction(0))
        back = given if money is None else sum((a * money.at_end(p.end) for p, a in parts), Fraction(0))
        back /= 1 if money is None else money.at_end(window.end)  # each part at its own rate, as it was applied
        cap = self.most(window)
        return settled(self.spend, window, CREDIT, "credit", ended=ended, amount=cap, drawn=given, owed=-back)

    def explain(self) -> Reason:
        """What the clause does."""
        cap = f", at most {self.amount.told}" if self.amount else ""
        return Reason(self.id, f"{float(self.rate) * 100:g}% of spend ({self.covered}) is given back{cap}")

    @property
    def divides(self) -> Divided:
        """Its amount; of a rate alone, a window that is cut loses nothing."""
        return "nothing" if self.amount is None else "amount"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Use that is charged for otherwise; credits that together give more than everything.

        Unless one pays what the one before it leaves.
        """
        yield from repriced(self, None, case, "kind", APART)
        others = [other for other in case.beside if isinstance(other, Credit)]
        stacked = [other for other in others if self._stacks_with(other, case.horizon)]
        yield from more_than_all(
            self, [other for other in others if other not in stacked], case, Credit.gives, remedy=STACKED
        )

    def _stacks_with(self, other: Credit, horizon: Horizon | None) -> bool:
        """Whether the two pay one after the other: what the first could pay for, and when, the other could as well.

        Then how much the first pays of what the other covers is known, and to use it first is never dearer.
        """
        first, then = in_order((self, other))
        if not (first._pool and then._pool and first.covered.inside(then.covered)):
            return False
        seen = () if horizon is None else first.paying.seen_by(horizon)
        beside = ((part, each) for part in seen for each in then.paying.over(part.start, part.end))
        return all(_holds(each, part) and first._left_until(part) <= then._left_until(part) for part, each in beside)

    def _left_until(self, part: Window) -> datetime:
        """When the amount lapses that pays in a time."""
        return next((window.end for window in self.spend.windows.over(part.start, part.end)), part.end)

    @property
    def _pool(self) -> bool:
        """Whether it pays for all use until its amount is gone, and so what others leave."""
        return self.rate == 1 and self.amount is not None

    def gives(self, demand: Facts | None, offer: Facts) -> Decimal | None:
        """Its rate, of what it covers; None where that is not known."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else self.rate * covered


STACKED = (
    "narrow one with `of` or `except`; credits are used one after the other, the soonest to expire first, where each "
    "has an `amount` and pays 100%, the first covers no more than the other, and each month in which it pays lies in "
    "one of the other's; one that is given anew in each window may be written as a clause for each"
)


def _already() -> None:
    """What is exact anyhow."""


def _holds(window: Window, part: Window) -> bool:
    return window.start <= part.start and part.end <= window.end
