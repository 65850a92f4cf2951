"""Take-or-pay: so much capacity is paid for in each window, taken or not.

See ``docs/terms/take-or-pay.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from pydantic import Field

from detente.contract.case_view import CaseView
from detente.contract.posting import Posting
from detente.contract.scope import Selection
from detente.contract.stated import Magnitude, Reference, StatedWindows
from detente.contract.term import Program, Term
from detente.contract.usage import Metered
from detente.contract.verdict import Reason
from detente.contract.window import Every, Window
from detente.errors import Flaw
from detente.values.money import CapacityPrice, nano, shown
from detente.values.noun import Id
from detente.values.period import Horizon, hours_between
from detente.values.quantity import Accelerators, Portion


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

    def owed(self, horizon: Horizon) -> list[tuple[Window, Fraction]]:
        """GPU-hours to be taken in each window, prorated where the horizon cuts it (and the clause says so)."""
        flow = Fraction(self.quantity.value) * Fraction(self.take)
        windows = self.cut_into(self.windows, horizon)
        return [(w, flow * hours_between(w.start, w.end) * w.part) for w in windows]

    def shape(self, program: Program) -> None:
        """What is taken and what is not, together, reach the agreed quantity."""
        owed = self.owed(program.horizon)
        if not owed:
            return
        windows, hours = [w for w, _ in owed], [h for _, h in owed]
        taken = program.sum(self.covered, of="taken", by=windows)
        untaken = program.slack(self, "untaken", len(windows), price=Fraction(self.price.amount), most=hours)
        program.require(self, "take", taken + untaken >= hours)

    def account(self, metered: Metered, horizon: Horizon) -> list[Posting]:
        """The price of what was not taken, by window."""
        postings = []
        owed = self.owed(horizon)
        for (window, hours), taken in zip(
            owed, metered.totals(self.covered, "taken", [w for w, _ in owed]), strict=True
        ):
            missing = max(hours - taken, Fraction(0))
            if missing:
                amount = nano(missing * Fraction(self.price.amount))
                postings.append(Posting(self.id, "untaken", window.index, window.start, window.end, amount))
        return postings

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
        """An offer of something else than GPUs; a price in another unit."""
        if any(offer.id == self.offer and offer.kind != "gpu" for offer in case.offers):
            yield Flaw(f"`{self.offer}` is not capacity in GPUs", "name an offer of `kind: gpu`", ("offer",))
        if self.price.unit != "GPU-hour":
            yield Flaw(f"the price is per {self.price.unit}", "expected per GPU-hour", ("price",))

    def concede(self, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"release {shown(amount)} GPU-hours of `{self.offer}` from the obligation"
