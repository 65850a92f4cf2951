"""Savings plan: so much money an hour, for which use of some offers costs less; what an hour does not use is lost.

See ``docs/terms/savings-plan.md``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.paid_use import PaidUse, UsePart
from detente.contract.metered.totals import Totals
from detente.contract.program import BEYOND, Expression, Program
from detente.contract.rated.covered_hours import CoveredHours, CoveredUse, WentHour
from detente.contract.rated.planned_hours import PlannedHours
from detente.contract.rated.price_turn import within_a_period
from detente.contract.reach.scope import Scope, Selection
from detente.contract.reach.verdict import Reason
from detente.contract.reach.window import Every, Window
from detente.contract.roles import OwnRates, off_price
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import PAID
from detente.contract.stated import Magnitude, Reference
from detente.contract.term import Term
from detente.errors import Flaw
from detente.market.offer import AnyOffer
from detente.values.money import HourlyCash, WorkPrice, shown, sufficient
from detente.values.noun import Id
from detente.values.period import Horizon, hours_between, moment

EVERY_HOUR, EVERY_DAY, EVERY_MONTH = Every(every="hour"), Every(every="day"), Every(every="month")


USUAL = "(at AWS the narrower kind of plan comes first, at Azure the longer term and then the narrower scope)"


class SavingsPlan(Term, OwnRates):
    """Paid in every hour, used or not; in each, use is covered by savings percentage, the last of it in part."""

    kind: Literal["savings-plan"]
    commitment: HourlyCash = Field(description="paid in each hour, in money at the plan's prices")
    rates: dict[Id, WorkPrice] = Field(min_length=1, description="by offer: its price in the plan")
    owner: Scope = Field(default=Scope(), description="whose use it covers first; default: nobody's before others'")
    after: tuple[Id, ...] = Field(
        default=(), description="savings plans with the same party that come first: it covers what they leave"
    )

    theirs: ClassVar[bool] = True
    idle_at_zero = ("commitment",)
    fixed: ClassVar[Mapping[str, str]] = {
        "measure": "its `commitment` is money at its own `rates`",
        "moment": "what is used in an hour counts in that hour",
        "counts": "its `rates` say what it covers",
    }

    _after: tuple[SavingsPlan, ...] = PrivateAttr(default=())
    _offers: tuple[AnyOffer, ...] = PrivateAttr(default=())

    def knowing(self, offers: Sequence[AnyOffer], clauses: Sequence[Term]) -> Self:
        """The same, knowing its offers, and the plans that come first."""
        others = [each for each in clauses if isinstance(each, SavingsPlan) and each.id != self.id]
        found = self.model_copy()
        found._after = tuple(each.knowing(offers, others) for each in others if each.id in self.after)
        found._offers = tuple(offer for offer in offers if offer.id in self.rates)
        return found

    def turns(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The days on which the price of one of its offers changes, or of those of the plans that come first."""
        for plan in (self, *self.firsts):
            yield from (moment(on) for offer in plan._offers for on, _ in offer.price.steps if on is not None)

    def seen_by(self, horizon: Horizon) -> Self:
        """The same, with the plans that come first."""
        seen = super().seen_by(horizon)
        seen._after = tuple(each.seen_by(horizon) for each in self._after)
        return seen

    @property
    def firsts(self) -> tuple[SavingsPlan, ...]:
        """All plans that come first, in their order; of an amended one, each text."""
        found = {(f.id, f.validity.start): f for each in self._after for f in (*each.firsts, each)}
        return tuple(found.values())

    @property
    def depends_on(self) -> frozenset[str]:
        """The plans that come first."""
        return frozenset(first.id for first in self.firsts)

    @property
    def covered(self) -> Selection:
        """Use of any of its offers."""
        return Selection((*super().covered.within, Scope({"offer": tuple(self.rates)})), self.except_)

    @property
    def uses(self) -> tuple[CoveredUse, ...]:
        """What it covers: of each offer all, or where it has an owner the owner's use, and that of all others."""
        found = []
        for offer in self.rates:
            whole = self._use_of(offer)
            if not self.owner.wanted:
                found.append(CoveredUse(offer, offer, whole))
                continue
            own, rest = (*whole.within, self.owner), (*whole.outside, self.owner)
            found.append(CoveredUse(offer, f"{offer} of the owner", Selection(own, whole.outside)))
            found.append(CoveredUse(offer, f"{offer} of others", Selection(whole.within, rest), of_others=True))
        return tuple(found)

    def _use_of(self, offer: str) -> Selection:
        """What it covers of one of its offers, by what is not settled by the offer alone (its country is not known)."""
        facts = next((each.facts_anywhere for each in self._offers if each.id == offer), {})
        return self.covered.of_offer(facts).at(offer=offer)

    def taken(self, use: CoveredUse) -> Meter:
        """What is taken of an offer in each hour."""
        return self.meter(f"taken of {use.name}", "taken", self.calendar(EVERY_HOUR), use.of)

    def listed(self, use: CoveredUse) -> Meter:
        """What that costs without the plan."""
        return self.meter(f"price of {use.name}", "listed", self.calendar(EVERY_HOUR), use.of)

    @property
    def money(self) -> Meter:
        """By what it is settled: hours by month."""
        return self.meter("covered", "listed", self.calendar(EVERY_MONTH))

    def meters(self) -> tuple[Meter, ...]:
        """What is taken of each offer, and what it costs, by the hour; the first is of all, by the month.

        Those of the plans that come first are among them.
        """
        own = (self.money, *(meter for use in self.uses for meter in (self.taken(use), self.listed(use))))
        return tuple(dict.fromkeys((*own, *(meter for first in self.firsts for meter in first.meters()))))

    def due(self, window: Window, as_of: datetime | None = None) -> Fraction:
        """What is paid for a time, as far as it has come."""
        end = window.end if as_of is None else min(window.end, as_of)
        return Fraction(self.commitment.amount) * hours_between(window.start, end) * window.part

    # -- in a plan -----------------------------------------------------------------------------------------------
    def shape(self, program: Program) -> None:
        """Paid is every hour; what is covered saves its price outside, and uses up the hour's money inside.

        What saves the largest part of its price saves most for each unit of the hour's money: so the cheapest plan
        covers use in the order of the contract, and no whole number is needed, unless its owner comes first.
        """
        times = self._times(program)
        if not times:
            return
        due, nothing = [self.due(time) for time in times], [Fraction(0) for _ in times]
        paid = program.slack(self, "commitment", most=[each * BEYOND for each in due], price=Fraction(1))
        program.require(self, "commitment", program.in_money(paid, self, times) == due)
        hours = PlannedHours.of(self, program, times)
        if self.owner.wanted:
            saved = program.in_money(paid, self, times) * Fraction(-1)
            for use, covered in hours.covered_by(self, paid).items():
                saved = saved + covered * hours.listed(use.offer)
            program.pays(self, UsePart(self.sold), times, saved)
            return
        used, found = None, dict[CoveredUse, tuple[Expression, Expression]]()
        saved = program.in_money(paid, self, times) * Fraction(-1)
        for use in self.uses:
            left, price = hours.left(self, use), -hours.listed(use.offer)
            covered = program.slack(self, f"covered of {use.name}", most=program.most(left), price=price)
            program.require(self, f"covered-{use.name}", covered - left <= nothing)
            found[use] = covered, left
            each = covered * Fraction(self.rates[use.offer].amount)
            used = each if used is None else used + each
            saved = saved - covered * price
        assert used is not None
        program.require(self, "used", used - paid <= nothing)
        program.pays(self, UsePart(self.sold), times, saved, partial(hours.exactly, found, used))

    def _times(self, program: Program) -> list[Window]:
        """The times over which use is even, and the plans that come first are the same."""
        edges = {at for first in self.firsts for at in (first.validity.start, first.validity.end)}
        found: list[Window] = []
        for time in program.even(self.calendar(EVERY_HOUR)):
            marks = [time.start, *sorted(at for at in edges if time.start < at < time.end), time.end]
            found += [Window(len(found) + n, start, end) for n, (start, end) in enumerate(pairwise(marks))]
        return found

    def shares(self, earlier: CoveredUse, use: CoveredUse) -> bool:
        """Whether what another covers of an offer is of what this one covers."""
        return earlier.offer == use.offer and earlier.of.inside(use.of) is True

    # -- in exact numbers ----------------------------------------------------------------------------------------
    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """By month, the commitment of its hours, less what the use that each hour covers would have cost."""
        plan = CoveredHours(self, {})
        hours = [(window.start, plan.hour(window, totals)) for window in self._used(totals)]
        return Settlement.of(
            self._month(window, hours, as_of, ended=ended) for window, ended in self.money.begun(as_of)
        )

    @property
    def tells_savings(self) -> bool:
        """Yes."""
        return True

    def savings(self, totals: Totals, as_of: datetime | None) -> Iterator[PaidUse]:
        """Day by day, what the use that each hour covers would have cost, less the commitment of its hours."""
        plan, of = CoveredHours(self, {}), UsePart(self.sold)
        days, saves = self.meter("by day", "listed", self.calendar(EVERY_DAY)), defaultdict[int, Fraction](Fraction)
        for hour in self._used(totals):
            for day in days.windows.over(hour.start, hour.start):
                saves[day.index] += plan.hour(hour, totals)[1]
        for day, _ in days.begun(as_of):
            yield PaidUse(of, day.start, day.end, saves[day.index] - self.due(day, as_of))

    def _used(self, totals: Totals) -> list[Window]:
        """The hours in which anything is used: of the others, all of the commitment is lost."""
        found = {window for use in self.uses for window in totals.counted(self.taken(use))}
        return sorted(found, key=lambda window: window.start)

    def _month(self, window: Window, hours: Sequence[WentHour], as_of: datetime | None, *, ended: bool) -> Settlement:
        inside = [went for start, went in hours if window.start <= start < window.end]
        used, saved = (sum((went[k] for went in inside), Fraction(0)) for k in (0, 1))
        return settled(
            self.money, window, PAID, "savings-plan", ended=ended, amount=self.due(window), drawn=used,
            owed=self.due(window, as_of) - saved,
        )  # fmt: skip

    # -- for people, and for the case's checks -------------------------------------------------------------------
    def explain(self) -> Reason:
        """What the clause does."""
        rates = " and ".join(f"`{offer}` at {price}" for offer, price in self.rates.items())
        sentence = f"{self.commitment.told} an hour are paid, used or not, and cover use of {rates}"
        sentence += ", first where it saves the largest part of the price" if len(self.rates) > 1 else ""
        sentence += f", and use of `{self.owner}` before that of others" if self.owner.wanted else ""
        if self.after:
            sentence += f", of what {' and '.join(f'`{name}`' for name in self.after)} left"
        return Reason(self.id, sentence)

    def references(self) -> tuple[Reference, ...]:
        """The offers that it covers."""
        return tuple(Reference(("rates", offer), "offers", offer) for offer in self.rates)

    def magnitudes(self, hours: Fraction) -> tuple[Magnitude, ...]:
        """Its money through all of the time."""
        return (Magnitude(("commitment",), Fraction(self.commitment.amount) * hours, self.commitment.currency),)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Prices that are no saving; offers with more than one price, of somebody else, or with a discount."""
        for offer in case.offers:
            if offer.id in self.rates:
                yield from self._of(offer, case)
        for other in case.lowering:
            for demand, facts in case.uses(self.covered, *other.covered.keys):
                if off_price(other, demand, facts):
                    what = f"`{other.id}` changes the price of `{facts['offer']}`, which the plan covers"
                    after = "state prices after it: in `commitment`, in `rates` and as `price` of these offers, by day"
                    remedy = f"narrow `{other.id}` with `except`, and {after} where it changes them"
                    yield Flaw(what, remedy, ("rates", facts["offer"]))
                    return
        yield from self._order(case)
        start = self.validity.start  # which of several offers saves most turns on their prices
        if len(self.rates) + len(self.firsts) > 1 and start in {*self.turns(start, start)}:
            yield from within_a_period(self.id, start, case.horizon, ("rates",))

    def _order(self, case: CaseView) -> Iterator[Flaw]:
        """Which of several plans comes first, where they cover the same use."""
        others = {other.id: other for other in case.beside if isinstance(other, SavingsPlan)}
        told = {first.id for first in self._after}
        for index, name in enumerate(self.after):
            if name == self.id or (name in others and self.id in {each.id for each in others[name].firsts}):
                yield Flaw(f"`{name}` comes after `{self.id}` itself", "leave it out of one", ("after", index))
            elif name not in told | case.unread:
                what = f"there is no savings plan `{name}` with `{self.validity.counterparty}`"
                yield Flaw(what, "name a savings plan of an agreement with the same party", ("after", index))
        before = {first.id for first in self.firsts}
        for other in others.values():
            if other.validity.over(self.validity.start, self.validity.end):
                yield from self._twice(case, other, first=other.id in before)

    def _twice(self, case: CaseView, other: SavingsPlan, *, first: bool) -> Iterator[Flaw]:
        """Another plan for the same use."""
        for offer in (name for name in self.rates if name in other.rates):
            found = case.uses(self.covered.at(offer=offer), *other.covered.keys)
            if not any(other.covered.covers(demand, facts) for demand, facts in found):
                continue
            path = ("rates", offer)
            within = other._use_of(offer).inside(self._use_of(offer)) is True
            if first and (other.readings or not within):
                what = f"`{other.id}` comes first, and may cover use of `{offer}` that `{self.id}` does not"
                remedy = "give both the same words (`of`, `except`, `parties`), or let the narrower come first"
                yield Flaw(what, remedy, path)
            elif first and self.owner.wanted and other.owner != self.owner:
                what = f"`{other.id}` comes first, and how much of `{offer}` it covers for `{self.owner}` is not known"
                yield Flaw(what, "let both have the same `owner`", ("owner",))
            elif not first and self.id not in {each.id for each in other.firsts}:
                what = f"`{self.id}` and `{other.id}` both cover `{offer}`, and which of them comes first is not said"
                remedy = f"say `after: [{other.id}]` in the one that covers what the other leaves {USUAL}, or write one"
                yield Flaw(what, remedy, path)
            else:
                continue
            return

    def _of(self, offer: AnyOffer, case: CaseView) -> Iterator[Flaw]:
        rate, party, start = self.rates[offer.id], self.validity.counterparty, self.validity.start
        listed = offer.one_price(start) if offer.price.on(start) is not None else rate.amount  # not sold yet
        held = (offer.one_price(at) for at in self._times_of_prices(offer, case))
        if listed is None or offer.taken_in != rate.unit:
            what = f"`{offer.id}` has no one price per {rate.unit}, of which the plan could save a part"
            yield Flaw(what, "cover offers with one price", ("rates", offer.id))
        elif rate.amount > max(listed, *(price for price in held if price is not None), 0):
            what = f"{rate} in the plan is more than `{offer.id}` costs: {shown(listed, rate.currency)}"
            remedy = "write that price where the lower of both is charged (Azure), or leave the offer out"
            yield Flaw(what, remedy, ("rates", offer.id))
        if party != SELF and offer.provider != party:
            what = f"`{offer.id}` is sold by `{offer.provider}`, and this agreement is with `{party}`"
            yield Flaw(what, f"name an offer of `{party}`", ("rates", offer.id))

    def _times_of_prices(self, offer: AnyOffer, case: CaseView) -> Iterator[datetime]:
        """When its text begins, and when the price of an offer changes while that is in force, if it is sold then."""
        first = self.validity.first
        texts = (self, *(other for other in case.beside if isinstance(other, SavingsPlan) and other.id == self.id))
        end = max(text.validity.end for text in texts if text.validity.first == first)
        steps = (moment(on) for on, _ in offer.price.steps if on is not None)
        yield from (at for at in (first, *steps) if first <= at < end and offer.price.on(at) is not None)

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        if part == "commitment":  # to commit more is bounded at once
            return f"commit {sufficient(amount, unit)} less"
        return f"cover {sufficient(amount, unit)} more than is used or paid for"
