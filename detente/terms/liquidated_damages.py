"""Liquidated damages: a breach that has a price. It is not forbidden, and a case that is performed has none.

See ``docs/terms/liquidated-damages.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.amounts.counting import LISTED, MEASURED, SpendMeasure, repriced
from detente.contract.bases.capped_charge import CappedCharge
from detente.contract.bases.claims_cap import ClaimsCap
from detente.contract.case_view import CaseView, ClauseView
from detente.contract.metered.meter import Measure, Meter
from detente.contract.metered.totals import Totals
from detente.contract.program import Expression, Program
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Window
from detente.contract.roles import PricedBreach
from detente.contract.stated import Divided, StatedWindows
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.market.offer import AnyOffer
from detente.values.money import Cash, Money, WorkPrice, sufficient
from detente.values.noun import Id
from detente.values.quantity import in_percent
from detente.values.quantity_field import Portion


class LiquidatedDamages(CappedCharge, PricedBreach):
    """What is covered is a breach: so much is owed for each unit of it, a part of what it costs, or a lump sum."""

    kind: Literal["liquidated-damages"]
    price: WorkPrice | None = Field(default=None, description="for each unit of work that is done in breach")
    rate: Portion | None = Field(default=None, description="or: the part of what that use costs")
    measure: SpendMeasure = Field(default="after-discounts", description="of a `rate`: which money it is a part of")
    amount: Cash | None = Field(
        default=None, description="or: a lump sum, for each window in which anything is done in breach"
    )
    within: Id | None = Field(default=None, description="the liability cap of the agreement that bounds them")

    fixed: ClassVar[Mapping[str, str]] = {
        "moment": "a breach is when the use is",
        "counts": "all that it covers is a breach; leave the rest out with `except`",
    }
    effect = "restrains"

    _caps: tuple[ClaimsCap, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        if sum(each is not None for each in (self.price, self.rate, self.amount)) != 1:
            raise FlawError("says none or several of `price`, `rate` and `amount`", "write one of them")
        if self.rate is None and "measure" in self.model_fields_set:
            what = "which money counts is said of a `rate`, and there is none"
            raise FlawError(what, "leave out `measure`", ("measure",), key=True)
        if self.amount is not None and self.windows.ramp:
            what = "a lump sum is once for each window, whole, and a ramp would divide it"
            remedy = "leave out `ramp`" if self.cap_each is None else "leave out `ramp` and `cap-each`"
            remedy += ", or write a clause for each window, with its `amount`, `from` and `until`, and without `ramp`"
            raise FlawError(what, remedy, ("windows", "ramp"))
        if self.amount is not None and self.cap_each is not None:
            what = "a lump sum is once for each window, and `cap-each` would lower it"
            raise FlawError(what, "write the lower `amount`, or a `cap` in all", ("cap-each",), key=True)
        if self.within is not None and (self.cap is not None or self.cap_each is not None):
            raise FlawError("states a cap of its own, and one of liability", "keep one of them", ("within",), key=True)
        return self

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing the texts of the cap that bounds it."""
        found = super().knowing(offers, clauses)
        found._caps = tuple(each for each in clauses if isinstance(each, ClaimsCap) and each.id == self.within)
        return found

    @property
    def depends_on(self) -> frozenset[str]:
        """The cap that bounds it."""
        return frozenset() if self.within is None else frozenset({self.within})

    @property
    def _bound(self) -> ClaimsCap | None:
        """The text of the cap that is in force with it; there is one, or a mistake."""
        if self._validity is None:
            return next(iter(self._caps), None)
        own = self.validity
        return next((each for each in self._caps if each.validity.over(own.start, own.end)), None)

    @property
    def in_all(self) -> Money | None:
        """Its own cap, or that of liability."""
        return self._limit if self._bound is not None else self.cap

    @property
    def _limit(self) -> Money | None:
        """What the cap of liability comes to: in another currency, at its one rate while these damages are owed."""
        assert self._bound is not None, "there is a cap"
        limit, own = self._bound.in_all, self._bound.own_money
        if limit is None or own is None or own == self.own_money:
            return limit
        rate, time = own.rates.on(self.validity.start), (self.validity.start, self.validity.end)
        known = rate is not None and not any(own.changes(*time)) and self.own_money is None
        return limit.at(rate, own.into) if known and rate is not None else None

    @property
    def counted(self) -> Meter:
        """What is done in breach in each window."""
        of: Measure = "work" if self.rate is None else MEASURED[self.measure]
        return self.meter("breach", of, self.calendar(self.windows))

    @property
    def each(self) -> Fraction:
        """What is owed for a unit of it."""
        return Fraction(self.price.amount if self.price is not None else self.rate or 0)

    # -- a lump sum --------------------------------------------------------------------------------------------------
    def _lump(self, window: Window) -> Fraction:
        """What is owed for a window in which there is any breach: all of it, however little of it a plan sees."""
        return Fraction(self.amount.amount) * window.due if self.amount else Fraction(0)

    def owed_of(self, program: Program, windows: Sequence[Window]) -> Expression:
        """Of a lump sum, a whole number for each window says whether there is any breach in it."""
        if self.amount is None:
            return super().owed_of(program, windows)
        own, total = list(self.counted.windows), program.total(self.counted)
        most = program.most(total)
        broken = program.slack(self, "broken", most=[Fraction(bool(m)) for m in most], whole="up")
        program.require(self, "broken", total - broken * most <= [Fraction(0) for _ in most])
        lumps = broken * [self._lump(window) for window in own]
        return lumps if windows == own else lumps.gather([0 for _ in own], len(windows))

    def comes_to(self, totals: Totals, window: Window) -> Fraction:
        """The lump sum, of any breach at all."""
        if self.amount is None:
            return super().comes_to(totals, window)
        return self._lump(window) if totals.total(self.counted, window) > 0 else Fraction(0)

    @property
    def by_the_unit(self) -> bool:
        """Whether it is no lump sum."""
        return self.amount is None

    @property
    def divides(self) -> Divided:
        """A lump sum, which is an amount of its windows, or a cap."""
        return super().divides if self.amount is None else "amount"

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those in which they are owed: all of a lump sum, and of its cap, falls to the part that a plan sees."""
        return tuple(replace(each, whole=self.amount is not None) for each in super().stated_windows())

    # -- for people, and for the case's checks -----------------------------------------------------------------------
    def explain(self) -> Reason:
        """What is a breach, and its price."""
        what = f"{self.covered} is a breach: {self._price} is owed to {self.validity.counterparty}"
        return Reason(self.id, what + self.told_cap)

    @property
    def _price(self) -> str:
        if self.amount is not None:
            each = "" if self.windows.every == "term" else f" for each {self.windows.every} in which there is any"
            return f"{self.amount.told}{each}"
        listed = " at list prices" if self.measure == "list" else ""
        return f"{self.price}" if self.rate is None else f"{in_percent(self.rate)} of what it costs{listed}"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A cap that there is not, or has no one amount; a part of what use costs that is charged for otherwise."""
        yield from super().check(case)
        if self.rate is not None:
            yield from repriced(self, self.measure, case, "rate", LISTED)
        if self.within is not None and self.within not in case.unread:
            yield from self._of_cap(case)
        for other in case.beside:
            shared = isinstance(other, LiquidatedDamages) and self.within and other.within == self.within
            if shared and other.id != self.id:
                what = f"`{self.id}` and `{other.id}` are bounded by `{self.within}`, and each would use all of it"
                yield Flaw(what, "write them as one clause, or give each a `cap` of its own", ("within",))
            elif shared and self._amends(other):
                there = f"`{self.id}` of `{other.validity.agreement}` and of `{self.validity.agreement}`"
                what = f"{there} are bounded by `{self.within}`, and each would use all of it"
                remedy = "give each all of it as a `cap` of its own, and say `takes-over: pro-rata` in the amendment"
                yield Flaw(what, remedy, ("within",))

    def _amends(self, other: ClauseView) -> bool:
        """Whether another version is of an earlier text."""
        before, own = other.validity, self.validity
        return before.agreement != own.agreement and before.end <= own.start

    def _of_cap(self, case: CaseView) -> Iterator[Flaw]:
        """A cap that is not there all the time, of the other party, in another currency, or of no one amount."""
        path, bound = ("within",), self._bound
        if not self._caps or bound is None:
            what = f"there is no liability cap `{self.within}` with `{self.validity.counterparty}`"
            what += " while it is in force" if self._caps else ""
            yield Flaw(what, "name a clause of `kind: liability-cap`, or state `cap`", path)
        elif bound.of_theirs(case.called):
            what = f"`{self.within}` bounds what `{self.validity.counterparty}` owes, and these damages are owed to it"
            yield Flaw(what, "name a cap on our liability, or of either party, or state `cap`", path)
        elif (flaw := self._at_times()) is not None:
            yield flaw
        elif bound.in_all is not None and (self._limit is None or (self.own_money and not bound.own_money)):
            what = f"`{self.within}` is in another currency, or at another rate, and the rate changes meanwhile"
            own = f"state it here as `cap: {bound.in_all}`, or " if self.rate is not None else ""
            yield Flaw(what, f"{own}write both in one currency, in agreements with one `exchange`", path)
        elif bound.in_all is None:
            what = f"`{self.within}` says no one amount in all: it turns on fees, or is there anew each year"
            yield Flaw(what, "state what it comes to: `cap`, or `cap-each` with `windows: { every: year }`", path)

    def _at_times(self) -> Flaw | None:
        """A cap that begins, ends or changes while damages are owed, seen by the horizon or not: it is there in all."""
        start, end = self.validity.start, self.validity.end
        times = sorted((c.validity.start, c.validity.end) for c in self._caps if c.validity.over(start, end))
        at = next((on for time in times for on in time if start < on < end), None)
        if at is None:
            return None
        day = at.astimezone(self.validity.zone).date()
        if len(times) > 1:
            what = f"`{self.within}` is amended on {day}, and whether what was owed by then counts is not said"
            remedy = "one with a `cap` until then, and one from then on with the `cap` that is left"
        else:
            holds = f"until {day}" if at == times[0][1] else f"from {day} on"
            what = f"`{self.within}` holds {holds} only, and these damages are owed"
            what += " after that too" if at == times[0][1] else " before that too"
            remedy = f"one `until: {day}` and one `from: {day}`, and say `within` in that for which it holds"
        return Flaw(what, f"write them as two clauses, {remedy}", ("within",))

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        currency = self.own_money.currency if self.own_money is not None else currency
        return f"pay {sufficient(amount, currency)} of damages for {self.covered}"
