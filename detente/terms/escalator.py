"""Escalator: prices rise, or fall, on each anniversary, by a fixed part or with an index, within a cap and a floor.

See ``docs/terms/escalator.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from math import prod
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.case_view import CaseView, ClauseView
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.rated.price_clause import OF_PRICES
from detente.contract.rated.shared_units import by_workload
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Every
from detente.contract.reminder import Reminder, before
from detente.contract.roles import PriceChange, known_part_off
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.term import Term
from detente.errors import Flaw, FlawError, KeyPath
from detente.values.facts import Facts
from detente.values.period import Day, Horizon, endless, later
from detente.values.quantity import Span, in_percent
from detente.values.quantity_field import Length, Percent, Rise

ONE = Fraction(1)


class Escalator(Term, PriceChange):
    """What is covered costs its list price times a factor that changes on each anniversary."""

    kind: Literal["escalator"]
    by: Rise | None = Field(default=None, description="a fixed rise on each anniversary; with a minus a fall")
    index: dict[Day, Decimal] = Field(
        default_factory=dict, description="values of an index, each by its month, as first published"
    )
    lag: Length | None = Field(default=None, description="how long before an anniversary the index is read")
    assume: Rise | None = Field(default=None, description="the rise of the index where it is not yet published")
    cap: Percent | None = Field(default=None, description="the most that prices rise on one anniversary")
    floor: Rise | None = Field(
        default=None, description="the least that they rise; default: with an index they do not fall (0%)"
    )
    method: Literal["chain", "base"] = Field(
        default="chain", description="each rise on the last price, or on the first by all that the index has risen"
    )
    every: Length = Field(default=Span(1, "year"), description="from one anniversary to the next")
    starts: Day | None = Field(default=None, description="the day from which anniversaries count; default: the first")
    notice: Length | None = Field(default=None, description="how long before an anniversary the new prices are told")

    theirs: ClassVar[bool] = True
    idle_at_zero = ("by",)
    fixed = OF_PRICES

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.by is None) == (not self.index):
            raise FlawError("says neither or both of `by` and `index`", "write one of them")
        for key in ("lag", "assume") if self.by is not None else ():
            if getattr(self, key) is not None:
                raise FlawError(f"`{key}` is of an index, and there is none", f"leave out `{key}`", (key,), key=True)
        if self.cap is not None and self.cap < self.least:
            raise FlawError("the cap lies below the floor", "raise `cap`, or lower `floor`", ("cap",))
        for key in ("by", "assume"):
            if getattr(self, key) == -1:
                raise FlawError("prices that fall by 100% are none", "write by how much they fall: `-3%`", (key,))
        if any(value <= 0 for value in self.index.values()):
            raise FlawError("an index is above zero", "correct the value", ("index",))
        months = [f"{on:%Y-%m}" for on in self.index]
        if twice := next((month for month in months if months.count(month) > 1), None):
            raise FlawError(f"the index of {twice} is stated twice", "keep one of them", ("index",))
        return self

    @property
    def least(self) -> Decimal:
        """The least that prices rise on one anniversary: below zero, they may fall."""
        if self.floor is not None:
            return self.floor
        return Decimal(0) if self.by is None else min(self.by, Decimal(0))

    # -- when, and by how much -------------------------------------------------------------------------------------
    def turns(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Its anniversaries; of a clause without end, which is a mistake, none."""
        first, count = self.begin(self.starts) if self.starts else since, 1
        while not endless(until) and (at := later(first, self.every, count)) < until:
            yield at
            count += 1

    @property
    def passed(self) -> int:
        """How many anniversaries there were when this version begins."""
        at = self.validity.start
        return sum(1 for on in self.turns(self._first, self.validity.end) if on <= at)

    @property
    def _first(self) -> datetime:
        """The day from which anniversaries count."""
        return self.begin(self.starts) if self.starts else self.validity.first

    @property
    def factor(self) -> Fraction:
        """What prices are multiplied by in this version."""
        raw = [self._raw(n) for n in range(1, self.passed + 1)]
        if self.method == "base":
            return self._within(prod(raw, start=ONE), self.passed)
        return prod((self._within(step, 1) for step in raw), start=ONE)

    def _within(self, factor: Fraction, times: int) -> Fraction:
        """A factor of so many anniversaries, within as many floors and caps."""
        least = max(factor, (1 + Fraction(self.least)) ** times)
        return least if self.cap is None else min(least, (1 + Fraction(self.cap)) ** times)

    def _raw(self, n: int) -> Fraction:
        """What it would be without them."""
        if self.by is not None:
            return 1 + Fraction(self.by)
        now, before = self._index(n), self._index(n - 1)
        if now is None or before is None:
            return 1 + Fraction(self.assume or 0)
        return Fraction(now) / Fraction(before)

    def _read_on(self, n: int) -> date:
        """The month of which the index counts for an anniversary."""
        on = later(self._first, self.every, n) if n else self._first
        on = later(on, self.lag, -1) if self.lag else on
        return on.date().replace(day=1)

    def _index(self, n: int) -> Decimal | None:
        return next((value for on, value in self.index.items() if on.replace(day=1) == self._read_on(n)), None)

    # -- the questions -----------------------------------------------------------------------------------------------
    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction | None:
        """Less than nothing of what it covers while prices have risen."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else (1 - self.factor) * covered

    def sets_price(self, demand: Facts | None, offer: Facts) -> bool:
        """Before the first anniversary, too: what is paid is then the list price, as it has risen until then."""
        return self.by != 0 and self.covered.covers(demand, offer) is True

    @property
    def added(self) -> Meter:
        """What it adds, by the month of its text's time in force."""
        months = replace(self.calendar(Every(every="month")), first=self.validity.first)
        return self.meter("added", "off", months)

    def meters(self) -> tuple[Meter, ...]:
        """What it adds."""
        return (self.added,)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What was added in each month."""
        return Settlement.of(
            settled(self.added, window, "escalation", "escalation", ended=ended, amount=None, drawn=-off, owed=-off)
            for window, ended in self.added.begun(as_of)
            for off in (totals.total(self.added, window),)
        )

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The anniversary on which this version begins, and the last day for notice of it."""
        if self.passed:
            what, on = f"prices of {self.covered}: {self._now}", self.validity.start
            yield Reminder(on.date(), "event", what)
            if self.notice:
                told = f"the last day to tell of prices from {on:%Y-%m-%d} on"
                yield Reminder(before(on, self.notice), "notice", told, self.validity.counterparty)

    def overlooked(self, horizon: Horizon) -> Iterator[Flaw]:
        """No anniversary before its text ends."""
        first, end = self._first, self.validity.end
        elsewhere = first >= min(end, horizon.closes) or self.validity.ended is not None
        if not endless(end) and not elsewhere and next(self.turns(first, end), None) is None:
            what = f"prices do not change by `{self.id}`: no anniversary of {first:%Y-%m-%d} comes before it ends"
            yield Flaw(f"{what} ({end:%Y-%m-%d})", "say the day from which they count (`starts`), or drop the clause")

    def acting_days(self) -> Iterator[tuple[KeyPath, date]]:
        """The day from which anniversaries count."""
        if self.starts is not None:
            yield ("starts",), self.starts

    def explain(self) -> Reason:
        """How prices rise or fall, and what they are multiplied by now."""
        often = f"each {self.every.unit}" if self.every.count == 1 else f"every {self.every}"
        now = f"from {self.validity.start:%Y-%m-%d} on: {self._now}"
        return Reason(self.id, f"prices of {self.covered} {self._rise} {often}{self._bounds}; {now}")

    @property
    def _rise(self) -> str:
        if self.by is not None:
            return f"{'rise' if self.by >= 0 else 'fall'} by {in_percent(abs(self.by))}"
        return "rise with the index" if self.least >= 0 else "rise and fall with the index"

    @property
    def _bounds(self) -> str:
        based = "" if self.by is not None else f", on the {'last' if self.method == 'chain' else 'first'} price"
        return self._between + based

    @property
    def _between(self) -> str:
        most = f", at most {in_percent(self.cap)}" if self.cap is not None else ""
        if self.by is not None and self.by >= self.least:  # a fixed rise never comes down to its floor
            return most
        if self.least >= 0:
            return f", at least {in_percent(self.least)}{most}"
        return most + (f", and fall by {in_percent(-self.least)} at most" if self.least > -1 else "")

    @property
    def _now(self) -> str:
        return "list price" if self.factor == 1 else f"list price × {float(self.factor):.6g}"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """No end; an index that is not known; by workload on what workloads share; discounts that do not multiply."""
        yield from by_workload(self.kind, self.covered, case)
        if endless(self.validity.end):
            yield Flaw("prices rise without end", "state `ends:` for the agreement, or `until:`", ("kind",))
        elif self.index:
            yield from self._unstated()
        for other in case.lowering:
            way = self.validity.combine
            meets = other.id != self.id and other.validity.over(self.validity.start, self.validity.end)
            if meets and way in ("sum", "best-of") and (flaw := self._beside(other, way, case)) is not None:
                yield flaw
                return

    def _beside(self, other: ClauseView, way: str, case: CaseView) -> Flaw | None:
        """A price that is no part of the risen one; the best of that and a price that was agreed is the lower."""
        uses = [use for use in case.uses(self.covered, *other.covered.keys) if known_part_off(other, *use) is not None]
        if not uses:
            return None
        says = f"and the agreement says `combine: {way}`"
        if not (isinstance(other, PriceChange) and any(other.sets_price(*use) for use in uses)):
            what = f"`{other.id}` takes off a price that rises, {says}"
            return Flaw(what, "say `combine: product`: a part of the risen price is taken off", ("kind",))
        if way == "best-of" and not other.follows_list:
            return None
        what = f"`{other.id}` holds a price beside one that rises, {says}"
        lower = "`combine: best-of` with `method: fixed` (the lower of what holds and the risen list is paid)"
        return Flaw(what, f"say {lower}, or `combine: product` (what holds rises, too)", ("kind",))

    def _unstated(self) -> Iterator[Flaw]:
        """A value of the index that is needed, and not known; one is published before those that are stated."""
        needed = [self._read_on(n) for n in range(self.passed + 1) if self.passed and self._index(n) is None]
        gap = next((on for on in needed if on < max(self.index)), None)
        if needed and self.assume is None:
            what = f"the index of {needed[0]:%Y-%m} is not stated"
            yield Flaw(what, "state it under `index`, or say what to `assume`: `2%`", ("index",))
        elif gap is not None:
            what = f"the index of {gap:%Y-%m} is not stated, and a later one is, so that it is published"
            yield Flaw(what, "state it: only what is not published yet is assumed", ("index",))
