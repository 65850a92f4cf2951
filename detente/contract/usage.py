"""Usage: what was metered, normalised; and its exact totals over a clause's scope and window.

Owns: the one measure that every clause's account reads (its twin on planned columns is ``Program.sum``).
Not here: what a clause makes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Literal

from detente.contract.scope import Selection
from detente.contract.window import Window
from detente.values.facts import Facts
from detente.values.period import hours_between

Measure = Literal["work", "spend", "revenue", "taken"]
"""``work`` in workloads' units; ``spend`` after discounts and before credits; ``revenue``; ``taken``: what was bought
or drawn of offers, in their own unit (GPU-hours, Mtok), used or not."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Use of one offer by one workload over a time; idle capacity is use by nobody (``demand`` is None).

    ``listed`` is the cost at list price, ``net`` the cost after discounts: both whole nano-units of the currency.
    Capacity that is bought in units is charged to the work that used it, pro rata, and the rest to nobody (FOCUS:
    a commitment's charges are ``Used`` or ``Unused``).
    """

    kind: Literal["use", "idle", "egress"]
    demand: Facts | None
    offer: Facts
    start: datetime
    end: datetime
    work: Decimal
    taken: Decimal
    listed: Decimal
    net: Decimal
    revenue: Decimal = Decimal(0)

    def at_net(self, net: Decimal) -> Usage:
        """The same use at another net cost."""
        return replace(self, net=net)

    def measured(self, of: Measure) -> Decimal:
        """One of its four measures."""
        if of == "work":
            return self.work
        if of == "spend":
            return self.net
        return self.revenue if of == "revenue" else self.taken


class Metered:
    """Usage as a whole, with totals by scope and window."""

    def __init__(self, usages: Iterable[Usage]) -> None:
        self.usages = tuple(usages)

    def __iter__(self) -> Iterator[Usage]:
        return iter(self.usages)

    def __len__(self) -> int:
        return len(self.usages)

    def covered(self, selection: Selection) -> Iterator[Usage]:
        """What a selection covers. A fact that is unknown is an error by now: the case was checked."""
        known: dict[tuple[int, int], bool] = {}
        for usage in self.usages:
            pair = (id(usage.demand), id(usage.offer))
            if pair not in known:
                known[pair] = selection.covers(usage.demand, usage.offer) is True
            if known[pair]:
                yield usage

    def totals(self, selection: Selection, of: Measure, windows: Iterable[Window]) -> list[Fraction]:
        """The measure in each window; use over a window's edge counts pro rata of its time."""
        inside = list(self.covered(selection))
        found = []
        with localcontext(prec=60):
            for window in windows:
                whole, parts = Decimal(0), Fraction(0)
                for usage in inside:
                    if usage.end <= window.start or usage.start >= window.end:
                        continue
                    if window.start <= usage.start and usage.end <= window.end:
                        whole += usage.measured(of)
                    else:
                        seen = hours_between(max(usage.start, window.start), min(usage.end, window.end))
                        parts += Fraction(usage.measured(of)) * seen / hours_between(usage.start, usage.end)
                found.append(Fraction(whole) + parts)
        return found
