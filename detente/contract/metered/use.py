"""Use: what was metered, normalised; and the same once it is rated.

Not here: rating it (``rating``), counting it (``totals``), and what a clause makes of it (``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from detente.contract.metered.meter import Measure
from detente.values.facts import Facts
from detente.values.quantity import WIDE


@dataclass(frozen=True, slots=True)
class Use:
    """Use of one offer by one workload over a time, or at a moment (``start`` is ``end``).

    Idle capacity is use by nobody (``demand`` is None). ``work`` is in the workload's unit, ``taken`` in the offer's
    (GPU-hours, Mtok), ``listed`` and ``revenue`` are money; each is a whole number of billionths. Capacity that is
    bought in units is charged to the work that used it, pro rata, and the rest to nobody (FOCUS: a commitment's charges
    are ``Used`` or ``Unused``). A plan lists use of a reservation at what was paid for it; a ledger at the price of its
    day, with one line more, ``reserved``, of what the price that was paid makes of it, negative if cheaper: of who used
    it, or nobody's where a bill charged for more than was paid.
    """

    kind: Literal["use", "idle", "reserved", "egress"]
    demand: Facts | None
    offer: Facts
    start: datetime
    end: datetime
    work: Decimal
    taken: Decimal
    listed: Decimal
    revenue: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Reduction:
    """What one clause takes off one line, and the part of the line's time for which it does."""

    term: str
    start: datetime
    end: datetime
    amount: Decimal


EvenAmount = tuple[Decimal, datetime, datetime]
"""An amount, and the time over which it is even."""


@dataclass(frozen=True, slots=True)
class RatedUse:
    """Use and what it costs: ``net`` is the list price less every reduction, all whole nano-units of the currency."""

    use: Use
    net: Decimal
    reductions: tuple[Reduction, ...] = ()

    def measured(self, measure: Measure, term: str) -> Iterator[EvenAmount]:
        """One of the measures of a line, each amount with the time over which it is even.

        Spend is the list price over the line, less every reduction over its own time; what was taken off is what the
        clause ``term`` took.
        """
        use = self.use
        if measure == "off":
            yield from ((r.amount, r.start, r.end) for r in self.reductions if r.term == term)
        elif measure == "spend":
            yield use.listed, use.start, use.end
            yield from ((-r.amount, r.start, r.end) for r in self.reductions)
        else:
            each = {"work": use.work, "listed": use.listed, "revenue": use.revenue, "taken": use.taken}
            yield each[measure], use.start, use.end


def nanos(amount: Decimal) -> int:
    """An amount in whole billionths. Raises ValueError where it is none: a meter's amounts are never rounded here."""
    scaled = WIDE.scaleb(amount, 9)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"`{amount}` is no whole number of billionths; round it once, where it is metered")
    return whole
