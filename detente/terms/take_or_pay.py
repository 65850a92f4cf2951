"""Take-or-pay: so much capacity is paid for in each window, taken or not.

See ``docs/terms/take-or-pay.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.meter import Meter
from detente.contract.program import Program
from detente.contract.scope import Selection
from detente.contract.settlement import Settlement, settled
from detente.contract.stated import Magnitude, Reference, StatedWindows
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.verdict import Reason
from detente.contract.window import Every, Window
from detente.errors import Flaw
from detente.market.offer import GpuOffer
from detente.values.money import CapacityPrice, shown
from detente.values.noun import Id
from detente.values.period import Horizon, hours_between, named
from detente.values.quantity import plain
from detente.values.quantity_field import Accelerators, Portion


class TakeOrPay(Term):
    """A quantity of one offer; what is not taken of the agreed part is paid at the agreed price."""

    kind: Literal["take-or-pay"]
    offer: Id
    quantity: Accelerators = Field(description="GPUs kept for us while the clause is in force")
    take: Portion = Field(default=Decimal(1), description="the part that is paid for in any case")
    price: CapacityPrice = Field(description="of what is not taken, per GPU-hour")
    windows: Every = Every(every="month")

    @property
    def covered(self) -> Selection:
        """What is taken of the one offer."""
        return super().covered.at(offer=self.offer)

    @property
    def taken(self) -> Meter:
        """GPU-hours taken in each window."""
        return Meter(self.id, "taken", self.covered, "taken", self.calendar(self.windows))

    def meters(self) -> tuple[Meter, ...]:
        """What is taken in each window."""
        return (self.taken,)

    def agreed(self, window: Window) -> Fraction:
        """GPU-hours to be taken in a window: by its time, so that a clause that ends within it asks for less."""
        flow = Fraction(self.quantity.value) * Fraction(self.take)
        return flow * hours_between(window.start, window.end) * window.part

    def shape(self, program: Program) -> None:
        """What is taken and what is not, together, reach the agreed quantity."""
        hours = [self.agreed(window) for window in self.taken.windows]
        if hours:
            untaken = program.slack(self, "untaken", most=hours, price=Fraction(self.price.amount))
            program.require(self, "take", program.total(self.taken) + untaken >= hours)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """The price of what was not taken, by window."""
        meter = self.taken
        return Settlement.of(
            self._window(window, totals.total(meter, window), ended=ended) for window, ended in meter.begun(as_of)
        )

    def _window(self, window: Window, drawn: Fraction, *, ended: bool) -> Settlement:
        hours = self.agreed(window)
        missing = max(hours - drawn, Fraction(0))
        owed = missing * Fraction(self.price.amount)
        return settled(
            self.taken,
            window,
            "take",
            "untaken",
            ended=ended,
            amount=hours,
            drawn=drawn,
            short=missing,
            owed=owed,
        )

    def explain(self) -> Reason:
        """What the clause does."""
        part = "" if self.take == 1 else f"{float(self.take):.0%} of "
        return Reason(self.id, f"{part}{self.quantity} of `{self.offer}` are paid for at {self.price}, taken or not")

    def references(self) -> tuple[Reference, ...]:
        """The offer that it is of."""
        return (Reference(("offer",), "offers", self.offer),)

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those in which it is counted."""
        return (StatedWindows(("windows",), self.windows, "time"),)

    def magnitudes(self, hours: Fraction) -> tuple[Magnitude, ...]:
        """Its GPUs through all of the time."""
        taken = Fraction(self.quantity.value) * hours
        return *super().magnitudes(hours), Magnitude(("quantity",), taken, "GPU-hours over the horizon")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A price in another unit; an offer of something else, or of somebody else, or of which there is less."""
        if self.price.unit != "GPU-hour":
            yield Flaw(f"the price is per {self.price.unit}", "expected per GPU-hour", ("price",))
        for offer in case.offers:
            if offer.id == self.offer and isinstance(offer, GpuOffer):
                yield from self._of(offer, case.horizon)
            elif offer.id == self.offer:
                yield Flaw(f"`{self.offer}` is not capacity in GPUs", "name an offer of `kind: gpu`", ("offer",))

    def _of(self, offer: GpuOffer, horizon: Horizon | None) -> Iterator[Flaw]:
        """What an offer of GPUs does not give: it is another party's, or there is less of it."""
        party = self.validity.counterparty
        if offer.provider != party:
            what = f"`{offer.id}` is sold by `{offer.provider}`, and this agreement is with `{party}`"
            yield Flaw(what, f"name an offer of `{party}`, or agree it with `{offer.provider}`", ("offer",))
        seen = self.validity.within(horizon) if horizon is not None else None
        if seen is None or seen.start >= seen.end:
            return
        if not offer.under and not offer.sold(seen.start, seen.end):
            what = f"`{offer.id}` is not on offer for all of the time for which it is to be kept"
            remedy = "let the clause and the offer begin and end on the same days (`from`, `until`)"
            yield Flaw(f"{what} ({named(seen.start, seen.end)})", remedy, ("offer",))
        there = offer.capacity.pieces(seen.start, seen.end) if offer.capacity is not None else ()
        least = min((offer.gpus(amount) for _, amount in there if amount is not None), default=None)
        if least is not None and self.quantity.value > least:
            what = f"{self.quantity} to be kept, and `{offer.id}` has a capacity of {plain(least)} GPU"
            yield Flaw(what, "lower the quantity, or raise the offer's `capacity`", ("quantity",))

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"release {shown(amount)} GPU-hours of `{self.offer}` from the obligation"
