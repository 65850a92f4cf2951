"""Credit: money off what is owed, from a pool or as a rate of spend (a subsidy), up to a cap.

See ``docs/terms/credit.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, partial
from itertools import islice
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from detente.contract.amounts.applied_times import MANY, AppliedTimes
from detente.contract.amounts.counting import APART, OF_CHARGES, repriced
from detente.contract.amounts.in_full import in_full
from detente.contract.amounts.lapsing import lapses_before
from detente.contract.amounts.paid_parts import MAX_DIVIDING, PaidPart, dividing, fall, fallen, parts
from detente.contract.bases.credited import taken_back
from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.paid_use import PaidUse
from detente.contract.metered.totals import Totals
from detente.contract.payer import Payer, in_order, meet, meeting
from detente.contract.program import Expression, Program
from detente.contract.rated.stacking import more_than_all
from detente.contract.reach.scope import Selection
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Calendar, Every, Window
from detente.contract.returning import Returning
from detente.contract.roles import UpToAmount
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import CREDIT
from detente.contract.stated import Divided
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.market.offer import AnyOffer
from detente.values.facts import Facts
from detente.values.money import Cash
from detente.values.quantity import in_percent
from detente.values.quantity_field import Portion


class Credit(Term, Payer, UpToAmount):
    """A rate of covered spend is given back in each window, up to an amount; what is unused at its end is lost."""

    kind: Literal["credit"]
    amount: Cash | None = Field(default=None, description="the most in each window; with a ramp: in all")
    rate: Portion = Field(default=Decimal(1), description="the part of spend that it pays")
    windows: Every = Every()

    theirs: ClassVar[bool] = True
    fixed: ClassVar[Mapping[str, str]] = {**OF_CHARGES, "order": "of what discounts and earlier credits leave"}
    effect = "grants"
    idle_at_zero = ("amount", "rate")

    _credits: tuple[Credit, ...] = PrivateAttr(default=())
    _met: tuple[Credit, ...] = PrivateAttr(default=())
    _asked: bool = PrivateAttr(default=False)
    _counting: tuple[Meter, ...] = PrivateAttr(default=())

    @model_validator(mode="before")
    @classmethod
    def _from_the_first_unit(cls, given: Any) -> Any:
        if isinstance(given, dict) and "above" in given:
            what = "a credit is given from the first unit on, and `above` is a threshold"
            remedy = "write `kind: volume-discount` with `tiers: [ { from: …, off: … } ]`, and its `method`: "
            remedy += "`all-units` (of all spend once it is reached) or `graduated` (of what lies above)"
            raise FlawError(what, remedy, ("above",), key=True)
        return given

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.amount is None and self.rate == 1:
            if "rate" in self.model_fields_set:
                what = "`rate` is 100%, and there is no `amount`, so it would pay for everything"
                raise FlawError(what, "write a lower `rate`, or add the `amount` up to which it pays")
            raise FlawError("says neither `amount` nor `rate`, so it would pay for everything", "add one of them")
        if self.amount is None and self.windows.ramp:
            what = "a ramp divides an amount, and there is none"
            raise FlawError(what, "add `amount: …`", ("windows", "ramp"), key=True)
        return self

    @property
    def spend(self) -> Meter:
        """What it is given on."""
        return self.meter("spend", "spend", self.calendar(self.windows))

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing the credits that pay before and after it, and what counts the use that credits leave."""
        plain = [each for each in clauses if each.id != self.id and not each.readings]
        found = self.model_copy()
        found._credits = tuple(each for each in plain if isinstance(each, Credit))
        reading = (each.knowing(offers, clauses) if isinstance(each, Returning) else each for each in plain)
        found._counting = tuple(meter for each in reading for meter in each.meters() if meter.measure == "paid")
        fields = type(self).model_fields
        texts = [e for e in clauses if e.id == self.id and all(getattr(e, f) == getattr(self, f) for f in fields)]
        met = [other for each in texts for other in meeting(found.in_force(each.validity), found._credits)]
        found._met = tuple({id(other): other for other in met if isinstance(other, Credit)}.values())
        found._asked = any(found.in_force(each.validity)._asks() for each in texts)
        whole = [found.in_force(each.validity) for each in texts]
        return found if any(each.beside or each._cuts or each._dividing for each in whole) else self

    @cached_property
    def beside(self) -> tuple[Credit, ...]:
        """The credits with the same party that may pay for the same use, where it makes a difference which pays first.

        That is where they could give more than all, or something counts a part of what one of them leaves.
        """
        met, counting = self._met, [meter.selection for meter in self._counting]
        rates: dict[str, Decimal] = {}
        for each in (self, *met):
            rates[each.id] = max(each.rate, rates.get(each.id, each.rate))
        apart = sum(rates.values()) <= 1 and not any(dividing(each.covered, counting) for each in (self, *met))
        return () if apart else met

    @property
    def depends_on(self) -> frozenset[str]:
        """The credits beside it."""
        return frozenset(other.id for other in self.beside)

    @property
    def tells_apart(self) -> frozenset[str]:
        """The clauses for which it says how much of what it pays is for what they count."""
        return frozenset(meter.term for meter in self._counting)

    @cached_property
    def _dividing(self) -> tuple[Selection, ...]:
        """What covers some of what it pays for, where somebody asks: all that meet in it, whenever they do."""
        if not self._asked:
            return ()
        counting = (meter.selection for meter in self._counting)
        return dividing(self.covered, [*(other.covered for other in self.beside), *counting])

    def _asks(self) -> bool:
        """Whether one that pays after it, or after that, or counts what they leave, covers a part of what one pays."""
        counting, asking = [meter.selection for meter in self._counting], [self]
        for each in asking:  # grows as it goes
            after = [other for other in self.beside if meet(each, other) and not each._only_before(other)]
            if dividing(each.covered, [*counting, *(other.covered for other in after)]):
                return True
            asking += [other for other in after if other not in asking]
        return False

    def _lapse_before(self, other: Credit, windows: Sequence[Window] = ()) -> set[bool | None]:
        return lapses_before(self, windows or self.whole, other, other.whole, (self, *self._met))

    def _only_before(self, other: Credit) -> bool:
        """Whether another always pays before it."""
        return self._lapse_before(other) <= {False}

    def _after(self, other: Credit) -> bool:
        """Whether another pays before it for some of what it pays for."""
        before = self._lapse_before(other) - {None}
        return meet(self, other) and (False in before or (not before and in_order((self, other))[0] is other))

    def pays_after(self, other: Any, /) -> bool:
        """Whether what another has lapses before what it has itself, and never after it."""
        if not isinstance(other, Credit) or not self.counted_time.meets(other.counted_time):
            return False
        return other.id in self.depends_on and self._lapse_before(other) - {None} == {False}

    def _spares(self, other: Credit) -> bool:
        """Whether another pays all that it leaves, and no sooner lapses: then to use this first is never dearer."""
        pool = other.rate == 1 and other.amount is not None  # it pays for all use until its amount is gone
        return pool and self.covered.inside(other.covered) is True and False not in self._lapse_before(other)

    def turns(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """When it comes before another credit that it came after, or the other way round: its windows have own ends."""
        if self.validity.begun is not None:  # its windows go on from an earlier text's
            return
        for other in self.beside:
            before: set[bool | None] = set()
            for window in islice(self.whole, MANY) if len(self._lapse_before(other) - {None}) > 1 else ():
                now = self._lapse_before(other, [window]) - {None}
                if before and now and (now != before or len(now) > 1):  # one in which it changes is by itself
                    yield window.start
                before = now or before

    @property
    def whole(self) -> Calendar:
        """Its windows, whatever a plan sees of them."""
        return replace(self.spend.windows, sight=None)

    @property
    def most_part(self) -> Fraction:
        """Its rate."""
        return Fraction(self.rate)

    @property
    def paying(self) -> Calendar:
        """The times in which it is applied: month by month, where its amount is for longer, or others pay beside it."""
        return self._paying(monthly=self.amount is not None or bool(self.beside))

    def _paying(self, *, monthly: bool) -> Calendar:
        windows = self.spend.windows
        if not monthly or windows.every in ("hour", "day", "week", "month"):
            return windows
        return replace(windows, every="month", count=None)

    @cached_property
    def _times(self) -> AppliedTimes:
        """When it is applied: cut where another credit begins to be, or a window that counts what it pays.

        And where a rate of exchange changes of one of them: each is applied at one rate, as is what counts that.
        """
        beside = self.beside
        alike = [self.covered, *(other.covered for other in beside)]
        read = [m for m in self._counting if any(each.inside(m.selection) is not False for each in alike)]
        kept = (self.own_money, *(other.own_money for other in beside), *(meter.money for meter in read))
        moneys = tuple(dict.fromkeys(money for money in kept if money is not None))
        times = (*(other._paying(monthly=True) for other in beside), *(meter.used_in for meter in read))
        return AppliedTimes(self.paying, times, moneys)

    @property
    def _cuts(self) -> set[datetime]:
        """The moments at which one of the times in which it is applied is cut."""
        return self._times.cuts(self.validity.start, self.validity.end)

    def applied_until(self, at: datetime) -> bool:
        """Whether one of the times in which it is applied ends there: it is cut where rates change of what it knows."""
        return at in self._cuts

    @cached_property
    def _counted(self) -> Calendar:
        """By which times use is counted: those in which it is applied, or days or hours of which each is some."""
        cuts = self._cuts
        if not cuts:
            return self.paying
        days, hours = (self.calendar(Every(every=each)) for each in ("day", "hour"))
        return days if all(map(days.begins_at, cuts)) else hours

    @property
    def applied(self) -> Meter:
        """What it is given on, by the times in which it is applied."""
        return self.spend if self._counted == self.spend.windows else self.meter("applied", "spend", self._counted)

    @property
    def lapses(self) -> datetime:
        """The end of its first window: until then the first of its amount lasts."""
        return next((window.end for window in self.whole), self.validity.end)

    def before(self, of: Selection) -> Meter:
        """What credits that come first pay of it, or of a part of it."""
        return replace(self.applied, name="paid before", measure="paid-before", selection=of)

    def meters(self) -> tuple[Meter, ...]:
        """Spend in each window, and in each time in which it is applied, of each selection that divides it."""
        return tuple(dict.fromkeys((self.spend, self.applied, *self._sums(self._parts).values())))

    @property
    def _parts(self) -> tuple[PaidPart, ...]:
        """The parts of what it pays for that others tell apart."""
        return parts(self.covered, self._dividing)

    def _sums(self, parts: Sequence[PaidPart]) -> dict[Selection, Meter]:
        """By each selection of which parts are made: what is spent of it; of its own, all that it is given on."""
        found = {self.covered: (applied := self.applied)}
        for of in dict.fromkeys(of for part in parts for _, of in part.sums if of != self.covered):
            found[of] = replace(applied, name=f"applied to part {len(found)}", selection=of)
        return found

    def most(self, window: Window) -> Fraction | None:
        """The most that is given in a window."""
        return None if self.amount is None else Fraction(self.amount.amount) * self.windows.share(window)

    def shape(self, program: Program) -> None:
        """Given back: at most the cap, at most the rate of spend, of what others leave; each unit saves one."""
        windows = list(self.spend.windows)
        of_windows = [(time, w) for w, window in enumerate(windows) for time in self._times.of(window)]
        if not of_windows:
            return
        times, at = [time for time, _ in of_windows], [w for _, w in of_windows]
        given, bounds = self._given_at_most(program, times)
        full = None
        if self.amount is not None:
            caps = [self.most(window) or Fraction(0) for window in windows]
            whole = given.gather(at, len(windows)).like(program.total(self.spend))
            program.require(self, "amount", whole <= caps)
            full = [caps[w] for w in at]
        exactly = partial(in_full, program, self, given, bounds, full, at)
        needed = self._gains_by_less(several=len(times) != len(windows))
        if needed:
            exactly()
        self._pays(program, given, times, None if needed else exactly)

    def _given_at_most(self, program: Program, times: Sequence[Window]) -> tuple[Expression, Sequence[Expression]]:
        """What is given in each time, and what bounds it there: its rate of spend, and what others leave of that."""
        spend = program.total(self.applied, times)
        earned = spend * self.most_part
        given = program.slack(self, "given", most=program.most(earned), price=Fraction(-1), windows=times)
        left = spend - program.total(self.before(self.covered), times) if self.beside else earned
        nothing = [Fraction(0) for _ in times]
        program.require(self, "earned", given - left <= nothing)
        if not self.beside or self.rate == 1:
            return given, [left]
        program.require(self, "rate", given - earned <= nothing)
        return given, [left, earned]

    def _gains_by_less(self, *, several: bool) -> bool:
        """Whether a plan could gain by giving less in a time than it may; ``several``: a window has more than one."""
        after = (other for other in self.beside if not self._only_before(other))
        another_rate = several and self.own_money is not None
        return len(self._parts) > 1 or another_rate or not all(map(self._spares, after))

    def _pays(
        self, program: Program, given: Expression, times: Sequence[Window], exactly: Callable[[], None] | None
    ) -> None:
        """Say of which use it is paid, part by part where others tell parts of it apart."""
        found = self._parts
        if len(found) == 1:
            program.pays(self, found[0].of, times, given, exactly)
            return
        meters = self._sums(found).items()
        sums = {of: program.total(meter, times) - program.total(self.before(of), times) for of, meter in meters}
        charges = [each.shaped(sums) for each in found]
        for each, paid in zip(found, fall(program, self, given, charges, times), strict=True):
            program.pays(self, each.of, times, paid)

    def payments(self, totals: Totals, as_of: datetime | None) -> Iterator[PaidUse]:
        """What is given in each time in which it is applied, of each part that others tell apart."""
        found = self._parts
        for window, _ in self.spend.begun(as_of):
            for time, given in self._given(window, totals):
                if len(found) == 1:
                    yield PaidUse(found[0].of, time.start, time.end, given)
                elif given:
                    yield from self._fallen(found, time, given, totals)

    def _fallen(self, found: Sequence[PaidPart], time: Window, given: Fraction, totals: Totals) -> Iterator[PaidUse]:
        """What is given in a time, part by part."""
        sums = {of: totals.within(m, time) - totals.total(self.before(of), time) for of, m in self._sums(found).items()}
        charges = [part.exact(sums) for part in found]
        for part, paid in zip(found, fallen(given, charges), strict=True):
            yield PaidUse(part.of, time.start, time.end, paid)

    def _given(self, window: Window, totals: Totals) -> Iterator[tuple[Window, Fraction]]:
        """What is given in the times of a window, one after the other, as far as its amount goes."""
        rest, applied = self.most(window), self.applied
        for time in self._times.of(window):
            spend = totals.within(applied, time)
            given = spend * Fraction(self.rate)
            if self.beside:
                given = min(given, spend - totals.total(self.before(self.covered), time))
            given = given if rest is None else min(given, rest)
            rest = None if rest is None else rest - given
            yield time, given

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is given back in each window."""
        return Settlement.of(self._window(window, totals, ended=ended) for window, ended in self.spend.begun(as_of))

    def _window(self, window: Window, totals: Totals, *, ended: bool) -> Settlement:
        parts, money = list(self._given(window, totals)), self.own_money
        back = given = sum((amount for _, amount in parts), Fraction(0))
        if money is not None:  # each part at its own rate, as it was applied
            back = sum((a * money.at_end(p.end) for p, a in parts), Fraction(0)) / money.at_end(window.end)
        cap = self.most(window)
        return settled(self.spend, window, CREDIT, "credit", ended=ended, amount=cap, drawn=given, owed=-back)

    def explain(self) -> Reason:
        """What the clause does."""
        cap = f", at most {self.amount.told} {self.windows.told}" if self.amount else ""
        first = " and ".join(dict.fromkeys(f"`{other.id}`" for other in self.beside if self._after(other)))
        cap += f", of what {first} left" if first else ""
        return Reason(self.id, f"{in_percent(self.rate)} of spend ({self.covered}) is given back{cap}")

    @property
    def divides(self) -> Divided:
        """Its amount; of a rate alone, a window that is cut loses nothing."""
        return "nothing" if self.amount is None else "amount"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Use that is charged for otherwise; credits of which it cannot be said which of them pays."""
        yield from repriced(self, None, case, "kind", APART)
        known = {other.id for other in self._credits} if not self.readings else set()
        others = [other for other in case.beside if isinstance(other, Credit) and other.id not in known]
        yield from more_than_all(self, others, case, Credit.gives, remedy=STACKED)
        yield from taken_back(self, [e for e in case.beside if isinstance(e, Credit) and e.id == self.id])
        if len(self._dividing) > MAX_DIVIDING:
            what = f"{len(self._dividing)} other clauses each cover some of what `{self.id}` pays for, and not all"
            yield Flaw(what, f"let at most {MAX_DIVIDING} do so", ("of",) if self.of.wanted else ("kind",))
        hours = self.calendar(Every(every="hour"))
        at = next((at for at in sorted(self._cuts) if not hours.begins_at(at)), None)
        if at is not None and at in self._times.rates_turn(self.validity.start, self.validity.end):
            what = f"a rate of exchange changes at {at:%Y-%m-%d %H:%M} UTC, and not with an hour of `{self.id}`"
            yield Flaw(what, "fix the rate (`exchange:` of its agreement, `day: signing`)", ("kind",))
        elif at is not None:
            what = f"a window beside those of `{self.id}` begins at {at:%Y-%m-%d %H:%M} UTC, and not with an hour of it"
            yield Flaw(what, "let both agreements have one `zone`", ("kind",))

    def gives(self, demand: Facts | None, offer: Facts) -> Decimal | None:
        """Its rate, of what it covers."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else self.rate * covered


STACKED = (
    "narrow one with `of` or `except`; credits of one party that have no `readings` are used one after the other, the "
    "soonest to expire first"
)
