"""What use and units cost in each period: list prices, exact, and what discounts take off them.

Owns: ``Prices``, and the price list of a case. Not here: what a clause takes off (``contract.rating``), the bill.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.contract.rating import taken_off
from detente.contract.term import Term
from detente.demand.workload import Batch
from detente.market.offer import AnyOffer, TokenOffer
from detente.market.token_price import list_price
from detente.planner.formulation.arc import Arc, Arcs
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.grid import Grid
from detente.values.dated import Dated


@dataclass(frozen=True)
class Prices:
    """An exact price in each period, None where there is none: most prices change seldom, so few are distinct."""

    distinct: tuple[Fraction | None, ...]
    which: NDArray[np.int32]

    def __getitem__(self, period: int) -> Fraction | None:
        return self.distinct[int(self.which[period])]

    def over(self, flow: Fraction) -> Prices:
        """The price of a unit that does so much at once, per unit of what it does."""
        return Prices(tuple(None if p is None else p / flow for p in self.distinct), self.which)

    def floats(self) -> Floats:
        """As floats, NaN for None."""
        found: Floats = np.array([np.nan if p is None else float(p) for p in self.distinct])[self.which]
        return found


class PriceList:
    """The prices of a case, before and after discounts."""

    def __init__(self, arcs: Arcs, grid: Grid) -> None:
        self._arcs, self._grid = arcs, grid
        offers = arcs.case.offers
        self.of_units = {
            o.id: self._over_periods(o, o.price, o._per_unit_hour) for o in offers if not isinstance(o, TokenOffer)
        }
        self.of_use = [self._of_use(arc) for arc in arcs]
        """List price per unit of work of each arc; None where it has no price or cannot be had."""
        self.listed: Floats = np.empty((len(arcs), grid.n))
        for row, prices in enumerate(self.of_use):
            self.listed[row] = prices.floats()
        self.off = {o.id: np.zeros(grid.n) for o in offers}  # of units, and of use unless said otherwise
        self._off_arc: dict[int, Floats] = {}
        self._off_egress: dict[int, Floats] = {}

    def _of_use(self, arc: Arc) -> Prices:
        offer = arc.offer
        if not isinstance(offer, TokenOffer):  # by the work that a unit does in an hour
            return self.of_units[offer.id].over(offer.unit_flow / arc.per_work)
        mix = arc.workload.mix
        assert mix is not None
        fresh, cached, output = mix.parts
        batch = isinstance(arc.workload, Batch) and _waits_a_day(arc.workload)

        return self._over_periods(offer, offer.price, lambda p: list_price(p, fresh, cached, output, batch=batch))

    def _over_periods(self, offer: AnyOffer, price: Dated[Any], of: Callable[[Any], Fraction]) -> Prices:
        if holds_always(price) and not offer.from_ and not offer.until:
            return Prices((of(price.steps[0][1]),), np.zeros(self._grid.n, dtype=np.int32))
        spans, which = self._grid.spans
        return Prices(tuple(price.mean(*span, of) if offer.open(*span) else None for span in spans), which)

    # -- after discounts -----------------------------------------------------------------------------------------
    def use(self, arc: Arc) -> Floats:
        """Price of use per unit of work in each period after discounts (NaN where it has none)."""
        found: Floats = self.listed[arc.index] * (1 - self.off[arc.offer.id])
        if arc.index in self._off_arc:
            found = found - self.listed[arc.index] * self._off_arc[arc.index]
        return found

    def egress(self, arc: Arc) -> Floats | float:
        """Price of moving data per unit of work after discounts."""
        return float(arc.egress) * (1 - self._off_egress.get(arc.index, 0.0))

    def take_off(self, term: Term) -> None:
        """What a price clause takes off list prices while in force; for a part of a period, by that part of it."""
        case, share = self._arcs.case, self._grid.covered([term.validity.within(self._arcs.case.declared.horizon)])
        idle = {o.id: taken_off(term, None, case.offer_facts[o.id]) for o in case.offers}
        for offer, rate in idle.items():
            self.off[offer] += float(rate) * share
        for arc in self._arcs:
            self._less(self._off_arc, arc, taken_off(term, arc.demand, arc.sold) - idle[arc.offer.id], share)
            if arc.egress and arc.egress_facts is not None:
                self._less(self._off_egress, arc, taken_off(term, arc.demand, arc.egress_facts), share)

    def _less(self, off: dict[int, Floats], arc: Arc, rate: Fraction, share: Floats) -> None:
        if rate:
            off[arc.index] = off.get(arc.index, np.zeros(self._grid.n)) + float(rate) * share


def holds_always(value: Dated[Any]) -> bool:
    """Whether a dated value never changes."""
    return len(value.steps) == 1 and value.steps[0][0] is None


def _waits_a_day(workload: Batch) -> bool:
    """Batch prices are for work that may take 24 hours."""
    return workload.within.unit != "hour" or workload.within.count >= 24
