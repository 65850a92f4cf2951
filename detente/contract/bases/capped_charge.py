"""A charge in proportion to what is counted, up to a cap: in all, or in each window.

Owns: ``CappedCharge``, the base of such kinds, in a plan and in exact totals. Not here: what is counted, and what it is
called (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.amounts import cap_in_all
from detente.contract.bases.taken_over import RatedMeter, at_own_rates, taken_over
from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.program import Expression, Program
from detente.contract.reach.window import Calendar, Every, Window
from detente.contract.roles import PricedBreach, UpToAmount
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.stated import Divided, StatedWindows
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.market.offer import AnyOffer
from detente.values.money import Cash, Money


class CappedCharge(Term, UpToAmount):
    """So much for each unit that is counted, as far as the cap leaves room."""

    cap: Cash | None = Field(default=None, description="the most that is owed in all")
    cap_each: Cash | None = Field(
        default=None, description="the most that is owed in each window; with a ramp: in all windows together"
    )
    windows: Every = Every(every="month")

    idle_at_zero = ("rate", "price", "amount", "cap", "cap_each")

    @model_validator(mode="after")
    def _one_cap(self) -> Self:
        if self.cap is not None and self.cap_each is not None:
            raise FlawError("states both `cap` and `cap-each`", "keep one of them")
        if self.cap_each is None and self.windows.ramp and self.by_the_unit:
            remedy = "add `cap-each` (in place of any other cap), or leave out `ramp`"
            raise FlawError("a ramp divides an amount, and there is none", remedy, ("windows", "ramp"))
        return self

    _texts: tuple[CappedCharge, ...] = PrivateAttr(default=())

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing its texts where there are several: one may take over the window of another whole."""
        texts = tuple(each for each in clauses if isinstance(each, CappedCharge) and each.id == self.id)
        found = self.model_copy()
        found._texts = texts if len(texts) > 1 else ()
        return found

    # -- what a kind says ------------------------------------------------------------------------------------------
    @property
    def counted(self) -> Meter:
        """What is counted in each window."""
        raise AssertionError("each kind says so")

    @property
    def each(self) -> Fraction:
        """What is owed for one unit of it."""
        raise AssertionError("each kind says so")

    @property
    def by_the_unit(self) -> bool:
        """Whether so much is owed for each unit of it."""
        return True

    def owed_of(self, program: Program, windows: Sequence[Window]) -> Expression:
        """What would be owed without a cap in a plan, in each window, or in all of them together."""
        owed = program.total(self.counted, windows) * (Fraction(0) if self._at_own_rates else self.each)
        for part in self._at_own_rates:
            rows = [next(k for k, w in enumerate(windows) if w.start <= at.start < w.end) for at in part.meter.windows]
            owed += program.total(part.meter).gather(rows, len(windows)) * part.each
        return owed

    def comes_to(self, totals: Totals, window: Window) -> Fraction:
        """What would be owed without a cap of what was counted in a window."""
        own = self._at_own_rates or (RatedMeter(self.counted, self.each),)
        parts = ((part, at) for part in own for at in part.meter.windows.over(window.start, window.end))
        return sum((totals.total(part.meter, at) * part.each for part, at in parts), Fraction(0))

    @cached_property
    def _at_own_rates(self) -> tuple[RatedMeter, ...]:
        """What the window that it takes over whole comes to, each text at its own rate; none: all at this one."""
        return at_own_rates(self, self._texts) if self.in_all is None and self.by_the_unit else ()

    # -- the cap ---------------------------------------------------------------------------------------------------
    @property
    def in_all(self) -> Money | None:
        """The most that is owed in all."""
        return self.cap

    @property
    def _capped(self) -> Calendar:
        """The times for which a cap holds."""
        return self.counted.windows if self.in_all is None else self.calendar(self._whole)

    @property
    def _of_breach(self) -> bool:
        """Whether what is counted is not to be, so that the charge is a remedy."""
        return isinstance(self, PricedBreach)

    @property
    def _whole(self) -> Every:
        """All windows as one."""
        return Every(starts=self.windows.starts, cut=self.windows.cut)

    def most(self, window: Window) -> Fraction | None:
        """The cap of one of the times for which a cap holds: a lump sum falls to a plan whole, and so does its cap."""
        if self.in_all is not None:
            part = self._whole.share(window) if self.by_the_unit else self._whole.due(window)
            return Fraction(self.in_all.amount) * part
        return None if self.cap_each is None else Fraction(self.cap_each.amount) * self.windows.share(window)

    # -- the questions ---------------------------------------------------------------------------------------------
    def meters(self) -> tuple[Meter, ...]:
        """What is counted in each window."""
        return (self.counted, *(part.meter for part in self._at_own_rates))

    def shape(self, program: Program) -> None:
        """A cost in proportion to what is counted; with a cap, the lesser of the two.

        The lesser of two amounts is concave, so it takes a whole number for each cap: whether it is reached. Until then
        the rate is owed, from then on the cap, and it is reached only where the rate comes to as much.
        """
        windows = list(self._capped)
        caps = [cap for window in windows if (cap := self.most(window)) is not None]
        if not caps and not self._of_breach and not self._at_own_rates:
            program.charge(self, self.counted, self.each)
            return
        if self.own_money is not None and self.in_all is not None:
            self._at_each_rate(program)
            return
        share = program.in_money(self.owed_of(program, windows), self, windows)
        most = program.most(share)
        nothing = [Fraction(0) for _ in most]
        if not caps:
            owed = program.slack(self, "owed", most=most, price=Fraction(1), windows=windows, remedy=self._of_breach)
            program.require(self, "rate", share - owed <= nothing)
            return
        above = [max(m - cap, Fraction(0)) for m, cap in zip(most, caps, strict=True)]
        lesser = [min(m, cap) for m, cap in zip(most, caps, strict=True)]
        owed = program.slack(self, "owed", most=lesser, price=Fraction(1), windows=windows, remedy=self._of_breach)
        reached = program.slack(self, "reached", most=[Fraction(bool(a)) for a in above], whole="nearest")
        program.require(self, "rate", share - owed - reached * above <= nothing)
        program.require(self, "cap", owed - reached * caps >= nothing)
        program.require(self, "reached", share - reached * caps >= nothing)

    def _at_each_rate(self, program: Program) -> None:
        """The same with a cap in all, where each window has its own rate of exchange."""
        windows = list(self.counted.windows)
        share = program.in_money(self.owed_of(program, windows), self, windows)
        for cap in map(self.most, self._capped):
            assert cap is not None, "there is a cap in all"
            cap_in_all.shaped(program, self, share, cap, windows, Fraction(1), remedy=self._of_breach)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is owed for each window, as far as the cap leaves room."""
        return Settlement.of(self._owed(totals, as_of))

    def _owed(self, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        meter, overall, breach = self.counted, self.in_all is not None, self._of_breach
        left = next(map(self.most, self._capped), None) if overall else None
        for window, ended in meter.begun(as_of):
            room = left if overall else self.most(window)
            counted = totals.total(meter, window)
            share = self.comes_to(totals, window)
            owed = share if room is None else min(share, room)
            yield settled(
                meter, window, self.kind, self.kind, ended=ended, amount=None if breach else room,
                drawn=counted if breach else owed, short=counted if breach else Fraction(0), owed=owed,
            )  # fmt: skip
            left = None if left is None else left - owed

    # -- for people, and for the case's checks -----------------------------------------------------------------------
    @property
    def told_cap(self) -> str:
        """In a clause's sentence, with what was owed before an amendment of a window that it takes over."""
        before = f"; what was counted before {self.validity.start:%Y-%m-%d} is owed as the text before said"
        return self._told_cap + (before if self._at_own_rates else "")

    @property
    def _told_cap(self) -> str:
        if self.in_all is not None:
            return f", at most {_shown(self.in_all)} in all"
        if self.cap_each is None:
            return ""
        return f", at most {_shown(self.cap_each)} {self.windows.told}"

    @property
    def divides(self) -> Divided:
        """Its cap; a rate alone loses nothing where a window is cut."""
        return "nothing" if self.cap_each is None else "amount"

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those in which it is owed, and the one of a cap in all."""
        each = super().stated_windows()
        if (cap := self.in_all) is None:
            return each
        divided = self._validity is not None and (self._validity.begun or self._validity.ended)
        return *each, StatedWindows(("windows",), self._whole, "amount", "" if divided else cap.told)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A cap in all, of which windows that have been paid would be counted again."""
        if self.in_all is not None and self._paid_before:
            yield cap_in_all.not_whole(self, "owed")
        for earlier in taken_over(self, self._texts):
            otherwise = earlier.by_the_unit != self.by_the_unit or self._in_another_currency(earlier)
            if earlier.readings or otherwise:
                what = "turns on a reading" if earlier.readings else "is not charged as this text charges for it"
                running = f"what the earlier `{self.id}` counts of the window that it takes over whole {what}"
                yield Flaw(running, "say `takes-over: pro-rata` or `new-window`", ("takes-over",))

    @property
    def _paid_before(self) -> bool:
        """Whether a window is taken over whole, of which an earlier text has owed: told of the later, if both say."""
        begun, ended = self.validity.begun, self.validity.ended
        if begun is not None and begun.how == "whole-window" and begun.unasked is None:
            return True
        later = (text for text in self._texts if text.validity.start == self.validity.end)
        return ended is not None and ended.how == "whole-window" and all(text.in_all is None for text in later)

    def _in_another_currency(self, earlier: CappedCharge) -> bool:
        """Whether an earlier text has a price of units in another currency than this, and not a part of money."""
        return earlier.own_money != self.own_money and not self.counted.of_money


def _shown(amount: Money) -> str:
    return amount.told
