"""A meter: how much of what a clause counts, in which windows.

Owns: ``Meter`` and its measures. A plan's program and the exact totals of use read the same meters: there the two
statements of a clause's rule meet. Not here: the sums (``totals``; of a plan, ``Program.total``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from detente.contract.metered.counting_moment import CountingMoment, first_invoiced, reserved
from detente.contract.own_money import OwnMoney
from detente.contract.reach.counted_time import CountedTime
from detente.contract.reach.scope import Selection
from detente.contract.reach.window import Calendar, Window
from detente.errors import SettleError
from detente.values.facts import Facts

UseMeasure = Literal["work", "spend", "listed", "revenue", "taken", "off"]
Measure = UseMeasure | Literal["paid", "paid-before", "returned", "saved"]
"""``work`` in workloads' units; ``spend`` after discounts and before credits; ``listed`` before discounts;
``revenue``; ``taken``: what was bought or drawn of offers, in their own unit (GPU-hours, Mtok), used or not; ``off``:
what the clause took off list prices; ``paid``: what credits pay; ``paid-before``: those before the clause;
``returned``: what clauses before it give back of what credits leave; ``saved``: what clauses with rates of their own
(``OwnRates``) save of what use costs without them, less what they charge themselves."""

MEASURES: tuple[str, ...] = (*get_args(UseMeasure), "paid", "paid-before", "returned", "saved")
"""All of them."""

PAYMENTS: tuple[Measure, ...] = ("paid", "paid-before", "returned", "saved")
"""Measures of no use, but of what clauses pay."""

MONEY: tuple[Measure, ...] = ("spend", "listed", *PAYMENTS, "revenue", "off")


def unstated(meter: Meter) -> str:
    """Of a meter that a clause reads and does not state: nothing is counted in it."""
    return f"`{meter.term}` reads its meter `{meter.name}`, which its `meters()` does not return; add it there"


@dataclass(frozen=True, slots=True)
class Meter:
    """What a clause counts: a measure of what a selection covers, by window.

    ``term`` and ``name`` say whose it is; ``selection`` and ``windows`` are those of the clause as it is in force, so
    that an amended clause has a meter for each of its times. ``money``: the clause's own currency, into which money is
    converted as it is counted, at the rate of its moment; None where that is the case's.
    """

    term: str
    name: str
    selection: Selection
    measure: Measure
    windows: Calendar
    moment: CountingMoment = "use"
    money: OwnMoney | None = None

    def __hash__(self) -> int:
        """Of what tells most meters apart: they are keys of many sums, and hashing all that they say takes long."""
        return hash((self.term, self.name, self.measure, self.windows.since))

    @property
    def unit(self) -> str:
        """The kind of unit that it counts in: ``money``, ``work`` (the workloads'), or ``taken`` (the offers').

        Of money in a currency of the clause's own, that currency.
        """
        if self.money is not None:
            return self.money.currency
        return "money" if self.measure in MONEY else self.measure

    @property
    def of_money(self) -> bool:
        """Whether it counts money, in whichever currency."""
        return self.measure in MONEY

    @property
    def of_use(self) -> UseMeasure | None:
        """The measure, where it is one of use; None where the meter counts what clauses pay."""
        of = self.measure
        return None if of == "paid" or of == "paid-before" or of == "returned" or of == "saved" else of

    @property
    def counted_time(self) -> CountedTime:
        """The time whose use it counts; by invoice, with the months that are invoiced from its first window on.

        What is reserved counts on the day of its invoice, which may be in the last of them.
        """
        start, end = self.windows.whole
        if self.moment == "invoice":
            start = first_invoiced(start.astimezone(self.windows.clock))
        return CountedTime(start, end)

    def counts_use_of(self, offer: Facts) -> bool:
        """Whether it counts what is used of an offer: what is reserved may count when it is bought, or invoiced.

        What work earns is invoiced as work, on whatever it runs.
        """
        return self.moment == "use" or self.measure == "revenue" or not reserved(offer)

    def use_of(self, window: Window) -> Window:
        """The time whose use counts in a window: where it counts by invoice, that of the months before."""
        if self.moment != "invoice":
            return window
        clock, (first, last) = self.windows.clock, self.windows.counted
        start, end = max(window.start, first), min(window.end, last)
        return Window(window.index, first_invoiced(start.astimezone(clock)), first_invoiced(end.astimezone(clock)))

    @property
    def used_in(self) -> Calendar:
        """A calendar in which a time begins wherever the use of one of its windows does: its own, or of months."""
        if self.moment != "invoice":
            return self.windows
        first, since = (
            first_invoiced(at.astimezone(self.windows.clock)) for at in (self.windows.first, self.windows.since)
        )
        return Calendar("month", first, since, self.windows.end, sight=self.windows.sight)

    def begun(self, as_of: datetime | None) -> Iterator[tuple[Window, bool]]:
        """Each window that has begun, and whether it has ended; where no moment is given, all of them have.

        Raises SettleError where there is no moment and no last window.
        """
        if as_of is None and self.windows.endless:
            what = f"`{self.term}` has no end, so that its windows cannot all be settled"
            raise SettleError(f"{what}; say as of when, or state `ends:` or `until:`")
        for window in self.windows:
            if as_of is not None and window.start > as_of:
                return
            yield window, as_of is None or window.end <= as_of
