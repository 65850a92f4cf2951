"""Savings plan: so much money an hour, for which use of some offers costs less; what an hour does not use is lost.

See ``docs/terms/savings-plan.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.meter import Meter
from detente.contract.program import Program
from detente.contract.scope import Scope, Selection
from detente.contract.settlement import Settlement, settled
from detente.contract.stated import Magnitude, Reference
from detente.contract.term import SELF, Term
from detente.contract.totals import Totals
from detente.contract.verdict import Reason
from detente.contract.window import Every, Window
from detente.errors import Flaw
from detente.market.offer import AnyOffer
from detente.values.money import HourlyCash, WorkPrice, shown
from detente.values.noun import Id
from detente.values.period import hours_between

EVERY_HOUR, EVERY_MONTH = Every(every="hour"), Every(every="month")


class SavingsPlan(Term):
    """Paid in every hour, used or not; in each, use is covered by savings percentage, the last of it in part."""

    kind: Literal["savings-plan"]
    commitment: HourlyCash = Field(description="paid in each hour, in money at the plan's prices")
    rates: dict[Id, WorkPrice] = Field(min_length=1, description="by offer: its price in the plan")

    theirs: ClassVar[bool] = True
    effect: ClassVar[Literal["restrains", "grants", "both"]] = "both"
    reprices: ClassVar[bool] = True

    @property
    def covered(self) -> Selection:
        """Use of any of its offers."""
        return Selection((*super().covered.within, Scope({"offer": tuple(self.rates)})), self.except_)

    def taken(self, offer: str) -> Meter:
        """What is taken of an offer in each hour."""
        return Meter(self.id, f"taken of {offer}", self.covered.at(offer=offer), "taken", self.calendar(EVERY_HOUR))

    def listed(self, offer: str) -> Meter:
        """What that costs without the plan."""
        whole = self.covered.at(offer=offer)
        return Meter(self.id, f"price of {offer}", whole, "listed", self.calendar(EVERY_HOUR))

    @property
    def money(self) -> Meter:
        """By what it is settled: hours by month."""
        return Meter(self.id, "covered", self.covered, "listed", self.calendar(EVERY_MONTH))

    def meters(self) -> tuple[Meter, ...]:
        """What is taken of each offer, and what it costs, by the hour; the first is of all, by the month."""
        return self.money, *(meter for offer in self.rates for meter in (self.taken(offer), self.listed(offer)))

    def due(self, window: Window, as_of: datetime | None = None) -> Fraction:
        """What is paid for a time, as far as it has come."""
        end = window.end if as_of is None else min(window.end, as_of)
        return Fraction(self.commitment.amount) * hours_between(window.start, end) * window.part

    # -- in a plan -----------------------------------------------------------------------------------------------
    def shape(self, program: Program) -> None:
        """Paid is every hour; what is covered saves its price outside, and uses up the hour's money inside.

        What saves the largest part of its price saves most for each unit of the hour's money: so the cheapest plan
        covers use in the order of the contract, and no whole number is needed.
        """
        windows = program.even(self.calendar(EVERY_HOUR))
        if not windows:
            return
        due, nothing = [self.due(window) for window in windows], [Fraction(0) for _ in windows]
        paid = program.slack(self, "commitment", most=due, price=Fraction(1))
        program.require(self, "commitment", paid >= due)
        used = None
        for offer, price in self.rates.items():
            rate, taken = Fraction(price.amount), program.total(self.taken(offer), windows)
            covered = program.slack(
                self, f"covered of {offer}", most=program.most(taken), price=-program.list_price(offer)
            )
            program.require(self, f"covered-{offer}", covered - taken <= nothing)
            each = covered * rate
            used = each if used is None else used + each
        assert used is not None
        program.require(self, "used", used <= due)

    # -- in exact numbers ----------------------------------------------------------------------------------------
    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """By month, the commitment of its hours, less what the use that each hour covers would have cost."""
        hours = [(window.start, self._hour(window, totals)) for window in self._used(totals)]
        return Settlement.of(
            self._month(window, hours, as_of, ended=ended) for window, ended in self.money.begun(as_of)
        )

    def _used(self, totals: Totals) -> list[Window]:
        """The hours in which anything is used: of the others, all of the commitment is lost."""
        found = {window for offer in self.rates for window in totals.counted(self.taken(offer))}
        return sorted(found, key=lambda window: window.start)

    def _hour(self, window: Window, totals: Totals) -> tuple[Fraction, Fraction]:
        """What an hour uses of its commitment, and what that would have cost."""
        due = left = self.due(window)
        saved = Fraction(0)
        for taken, listed, price in sorted(self._use(window, totals), key=_by_savings):
            covered = min(taken, left / price) if price else taken
            left -= covered * price
            saved += covered * listed / taken
        return due - left, saved

    def _month(self, window: Window, hours: Sequence[Hour], as_of: datetime | None, *, ended: bool) -> Settlement:
        inside = [went for start, went in hours if window.start <= start < window.end]
        used, saved = (sum((went[k] for went in inside), Fraction(0)) for k in (0, 1))
        return settled(
            self.money, window, "savings-plan", "savings-plan", ended=ended, amount=self.due(window), drawn=used,
            owed=self.due(window, as_of) - saved,
        )  # fmt: skip

    def _use(self, window: Window, totals: Totals) -> Iterator[Covered]:
        """What it can cover; use that costs nothing without it needs no cover."""
        for offer, price in self.rates.items():
            taken, listed = (totals.total(meter, window) for meter in (self.taken(offer), self.listed(offer)))
            if taken > 0 and listed > 0:
                yield taken, listed, Fraction(price.amount)

    # -- for people, and for the case's checks -------------------------------------------------------------------
    def explain(self) -> Reason:
        """What the clause does."""
        rates = " and ".join(f"`{offer}` at {price}" for offer, price in self.rates.items())
        paid = self.commitment.told
        sentence = f"{paid} an hour are paid, used or not, and cover {rates}, what saves the largest part first"
        return Reason(self.id, sentence)

    def references(self) -> tuple[Reference, ...]:
        """The offers that it covers."""
        return tuple(Reference(("rates", offer), "offers", offer) for offer in self.rates)

    def magnitudes(self, hours: Fraction) -> tuple[Magnitude, ...]:
        """Its money through all of the time."""
        paid = Fraction(self.commitment.amount) * hours
        return (Magnitude(("commitment",), paid, self.commitment.currency),)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Prices that are no saving; offers with more than one price, of somebody else, or with a discount."""
        for offer in case.offers:
            if offer.id in self.rates:
                yield from self._of(offer)
        for other in case.lowering:
            for demand, facts in case.uses(self.covered, *other.covered.keys):
                if other.takes_off(demand, facts):
                    what = f"`{other.id}` takes off the price of `{facts['offer']}`, which the plan covers"
                    remedy = "narrow the discount with `except`, and state prices after it in `commitment` and `rates`"
                    yield Flaw(what, remedy, ("rates", facts["offer"]))
                    return
        yield from self._twice(case)

    def _twice(self, case: CaseView) -> Iterator[Flaw]:
        """Another plan for the same use: nobody says which of the two covers it."""
        others = [other for other in case.beside if isinstance(other, SavingsPlan)]
        for other in (o for o in others if o.validity.over(self.validity.start, self.validity.end)):
            for offer in (name for name in self.rates if name in other.rates):
                found = case.uses(self.covered.at(offer=offer), *other.covered.keys)
                if any(other.covered.covers(demand, facts) for demand, facts in found):
                    what = (
                        f"`{self.id}` and `{other.id}` both cover `{offer}`, and which of them comes first is not said"
                    )
                    remedy = "write them as one plan, or leave the use of one out with `except`"
                    yield Flaw(what, remedy, ("rates", offer))
                    return

    def _of(self, offer: AnyOffer) -> Iterator[Flaw]:
        rate, party, listed = self.rates[offer.id], self.validity.counterparty, offer.flat_price
        if listed is None or offer.taken_in != rate.unit:
            what = f"`{offer.id}` has no one price per {rate.unit} at all times, of which the plan could save a part"
            yield Flaw(what, "cover offers with one price", ("rates", offer.id))
        elif rate.amount >= listed:
            what = f"{rate} in the plan is no saving: `{offer.id}` costs {shown(listed, rate.currency)}"
            yield Flaw(what, "lower it, or leave the offer out", ("rates", offer.id))
        if party != SELF and offer.provider != party:
            what = f"`{offer.id}` is sold by `{offer.provider}`, and this agreement is with `{party}`"
            yield Flaw(what, f"name an offer of `{party}`", ("rates", offer.id))

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"cover {shown(amount)} more than is used or paid for"


Hour = tuple[datetime, tuple[Fraction, Fraction]]
"""An hour's start, what it uses of the commitment, and what that would have cost."""
Covered = tuple[Fraction, Fraction, Fraction]
"""Of one offer in an hour: what is taken, what that costs without the plan, and the price of a unit in it."""


def _by_savings(use: Covered) -> tuple[Fraction, Fraction]:
    """The largest saving first, as a part of the price; of equals the lowest price in the plan.

    https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html
    """
    taken, listed, price = use
    return price * taken / listed, price
