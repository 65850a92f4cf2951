"""What use and units cost in each period: list prices, exact, and what price clauses take off them.

Owns: ``Prices``, the price list of a case, and ``NetPrices``. Not here: what a clause takes off
(``contract/rated/rating``), and the bill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.contract.rated.rating import combined, counted_off
from detente.contract.reach.window import Window
from detente.contract.roles import PriceChange
from detente.market.offer import AnyOffer, AnyUnits, TokenOffer
from detente.market.stated_price import as_stated
from detente.market.token_price import list_price
from detente.planner.formulation.arc import Arc, Arcs
from detente.planner.formulation.expression import Floats
from detente.planner.formulation.grid import Grid
from detente.planner.formulation.price_curve import PriceCurve, PricedSpan
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


@dataclass(frozen=True)
class TakenOff:
    """The parts of list prices that price clauses take off together, and when: of units by offer, else by arc."""

    time: Window
    units: dict[str, float]
    use: list[float]
    egress: dict[int, float]


@dataclass(frozen=True)
class NetPrices:
    """Prices after discounts, in parts of periods.

    A part's price is that of one unit of work in the whole period, times what lies in the part: its share of the list
    price, less what each clause takes off while both hold. ``periods`` and ``share`` say which parts they are
    (``Grid.shares``), ``moved`` what moving data costs for a unit of work by arc and period, ``off`` the share of the
    period that lies in a clause's time too. Of a price that changes within a period, by ``curves``, shares are of what
    that costs: ``cut`` are the parts of such periods that are not whole.
    """

    listed: Floats
    moved: Mapping[int, Floats]
    periods: NDArray[np.int64]
    share: Floats
    off: list[tuple[TakenOff, Floats]]
    curves: Mapping[int | str, PriceCurve]
    cut: Sequence[CutPart]

    def use(self, arc: Arc) -> Floats:
        """Price of use per unit of work (NaN where it has none)."""
        found: Floats = self.listed[arc.index, self.periods] * self.paid_of_use(arc)
        return found

    def paid_of_use(self, arc: Arc) -> Floats:
        """The part of the list price of use that is paid."""
        return self._paid([each.use[arc.index] for each, _ in self.off], self.curves.get(arc.index))

    def egress(self, arc: Arc) -> Floats:
        """Price of moving data per unit of work."""
        if arc.egress is None:
            return np.zeros(len(self.share))
        off = [each.egress.get(arc.index, 0.0) for each, _ in self.off]
        return self.moved[arc.index][self.periods] * self._paid(off, None)

    def paid_of_units(self, offer: str) -> Floats:
        """The part of a unit's list price that is paid."""
        return self._paid([each.units[offer] for each, _ in self.off], self.curves.get(offer))

    def _paid(self, rates: Sequence[float], curve: PriceCurve | None) -> Floats:
        found = self.share
        for rate, (_, share) in zip(rates, self.off, strict=True):
            if rate:
                found = found - rate * share
        there = () if curve is None else [part for part in self.cut if part.span in curve]
        if curve is None or not there:
            return found
        found = found.copy()
        for each in there:
            off = zip(rates, (taken.time for taken, _ in self.off), strict=True)
            times = ((rate, max(each.start, time.start), min(each.end, time.end)) for rate, time in off if rate)
            less = (rate * curve.part(each.span, start, end) for rate, start, end in times if start < end)
            found[each.place] = curve.part(each.span, each.start, each.end) - sum(less)
        return found


@dataclass(frozen=True, slots=True)
class CutPart:
    """One of the parts by its place, the span of its period, and from when to when in that it is."""

    place: int
    span: PricedSpan
    start: datetime
    end: datetime


class PriceList:
    """The prices of a case, before and after discounts."""

    def __init__(self, arcs: Arcs, grid: Grid) -> None:
        self._arcs, self._grid = arcs, grid
        offers = arcs.case.offers
        self.of_units = {o.id: self._of_units(o) for o in offers if not isinstance(o, TokenOffer)}
        self.of_use = [self._of_use(arc, arc.offer) for arc in arcs]
        """List price per unit of work of each arc, or what was reserved for it; None where it cannot be had."""
        self.listed: Floats = np.empty((len(arcs), grid.n))
        for row, prices in enumerate(self.of_use):
            self.listed[row] = prices.floats()
        self.moved = {arc.index: self._moved(arc.egress) for arc in arcs if arc.egress is not None}
        """What moving data costs for a unit of work, by arc and period."""
        self._taken_off: list[TakenOff] = []
        self.curves = dict(self._curves(offers))
        """Of arcs, and of units by offer, whose price changes within a period; of what is reserved, it stays."""

    def _moved(self, prices: Dated[Fraction]) -> Floats:
        """In each period: another where the rate of exchange changes, and that is where a period begins."""
        if prices.always:
            return np.full(self._grid.n, float(next(prices.values())))
        starts = (period.span_start for period in self._arcs.case.periods)
        return np.array([float(prices.on(at) or 0) for at in starts])

    def at_reserved(self, arc: Arc, prices: Mapping[int, Fraction]) -> None:
        """Use of an arc costs what was reserved for it: an hour's price of a unit, in some periods."""
        before, flow = self.of_use[arc.index], arc.offer.unit_flow / arc.per_work
        other = {t: price / flow for t, price in prices.items() if before[t] not in (None, price / flow)}
        if not other:
            return
        places = {price: len(before.distinct) + at for at, price in enumerate(dict.fromkeys(other.values()))}
        which = before.which.copy()
        which[list(other)] = [places[price] for price in other.values()]
        self.of_use[arc.index] = found = Prices((*before.distinct, *places), which)
        self.listed[arc.index] = found.floats()

    def as_stated(self, arc: Arc) -> Prices:
        """List price per unit of work of an arc, in the currency in which it is stated."""
        return self._of_use(arc, as_stated(arc.offer))

    def units_as_stated(self, offer: AnyUnits) -> Prices:
        """What a unit costs by the hour, in the currency in which it is stated."""
        return self._of_units(as_stated(offer))

    def _of_units(self, offer: AnyUnits) -> Prices:
        spans, which = self._grid.spans
        if not offer.by_month:  # whatever the hour
            return self._over_periods(offer, offer.price, lambda price: offer.hour_price(price, *spans[0]))
        return Prices(tuple(offer.unit_price(*span) if offer.open(*span) else None for span in spans), which)

    def _of_use(self, arc: Arc, offer: AnyOffer) -> Prices:
        if not isinstance(offer, TokenOffer):  # by the work that a unit does in an hour
            units = self.of_units[offer.id] if offer is arc.offer else self._of_units(offer)
            return units.over(offer.unit_flow / arc.per_work)
        mix = arc.workload.mix
        assert mix is not None
        fresh, cached, output = mix.parts
        batch = arc.workload.in_batches
        return self._over_periods(offer, offer.price, lambda p: list_price(p, fresh, cached, output, batch=batch))

    def _over_periods(self, offer: AnyOffer, price: Dated[Any], of: Callable[[Any], Fraction]) -> Prices:
        if price.always and not offer.turns:
            return Prices((of(price.steps[0][1]),), np.zeros(self._grid.n, dtype=np.int32))
        spans, which = self._grid.spans
        of_each = {id(value): of(value) for value in price.values()}
        means = [price.mean(*span, lambda value: of_each[id(value)]) if offer.open(*span) else None for span in spans]
        places = {mean: place for place, mean in enumerate(dict.fromkeys(means))}
        return Prices(tuple(places), np.array([places[mean] for mean in means], dtype=np.int32)[which])

    def _curves(self, offers: Iterable[AnyOffer]) -> Iterator[tuple[int | str, PriceCurve]]:
        spans = self._grid.spans[0]
        units = {}
        for offer in (each for each in offers if not each.reserved and not each.price.always):
            if not isinstance(offer, TokenOffer) and (found := PriceCurve.of(spans, offer.price, offer.hour_price)):
                units[offer.id] = found
                yield offer.id, found
        for arc in self._arcs:
            curve = units.get(arc.offer.id)
            if isinstance(arc.offer, TokenOffer) and not arc.offer.price.always:
                assert arc.workload.mix is not None
                of = partial(_mixed, arc.workload.mix.parts, arc.workload.in_batches)
                curve = PriceCurve.of(spans, arc.offer.price, of)
            if curve is not None:
                yield arc.index, curve

    # -- after discounts -----------------------------------------------------------------------------------------
    def take_off(self, terms: Iterable[PriceChange]) -> None:
        """What price clauses take off list prices: in each time in which the same ones are in force, together."""
        horizon = self._arcs.case.declared.horizon
        seen = [(term, self._alone(term), term.validity.within(horizon)) for term in terms]
        edges = sorted({at for _, _, time in seen for at in (time.start, time.end) if time.start < time.end})
        for start, end in pairwise(edges):
            there = [(term, alone) for term, alone, time in seen if time.start < end and start < time.end]
            if there:
                self._taken_off.append(_together(there, Window(0, start, end)))

    def _alone(self, term: PriceChange) -> Alone:
        """What a price clause takes off by itself, asked once for all times."""
        egress = {
            arc.index: counted_off(term, arc.demand, arc.egress_facts)
            for arc in self._arcs
            if arc.egress and arc.egress_facts is not None
        }
        sold = self._arcs.case.offer_facts
        units = {offer: counted_off(term, None, facts) for offer, facts in sold.items()}
        return units, {arc.index: counted_off(term, arc.demand, arc.sold) for arc in self._arcs}, egress

    def after_discounts(self) -> NetPrices:
        """Prices after discounts of each period as a whole."""
        n = self._grid.n
        off = [(each, self._grid.covered([each.time])) for each in self._taken_off]
        cut = _cut([(t, span, *span) for t, span in self._turning.items()], [each.time for each in self._taken_off])
        return NetPrices(self.listed, self.moved, np.arange(n), np.ones(n), off, self.curves, cut)

    def part_paid(self, offer: str, at: datetime) -> float:
        """The part of a unit's list price that is paid at a moment."""
        there = (each for each in self._taken_off if each.time.start <= at < each.time.end)
        return 1 - sum(each.units[offer] for each in there)

    def within(self, windows: Sequence[Window], *, discounts: bool = True) -> NetPrices:
        """Prices of the parts of periods that lie in some windows, after discounts or before."""
        rows, periods, share = self._grid.shares(windows)
        taken_off = self._taken_off if discounts else ()
        off = [(each, self._grid.together(windows, each.time)) for each in taken_off]
        there = np.flatnonzero(np.isin(periods, list(self._turning))).tolist() if self._turning else ()
        spans = ((k, self._turning[int(periods[k])], windows[int(rows[k])]) for k in there)
        parts = [(k, span, max(span[0], w.start), min(span[1], w.end)) for k, span, w in spans]
        return NetPrices(
            self.listed, self.moved, periods, share, off, self.curves, _cut(parts, [e.time for e in taken_off])
        )

    @cached_property
    def _turning(self) -> dict[int, PricedSpan]:
        """The periods in whose time some price changes, each with that time."""
        if not self.curves:
            return {}
        spans, which = self._grid.spans
        turning = {place for place, span in enumerate(spans) if any(span in c for c in self.curves.values())}
        return {t: spans[place] for t, place in enumerate(which.tolist()) if place in turning}


Alone = tuple[dict[Any, Fraction | None], dict[Any, Fraction | None], dict[Any, Fraction | None]]
"""What one price clause takes off by itself: of units by offer, of use and of moved data by arc; None: not counting."""


def _together(clauses: Sequence[tuple[PriceChange, Alone]], time: Window) -> TakenOff:
    """What price clauses take off together while all of them are in force."""
    units, use, egress = (_each(clauses, which) for which in range(3))
    return TakenOff(time, units, [use[arc] for arc in sorted(use)], egress)


def _each(clauses: Sequence[tuple[PriceChange, Alone]], which: int) -> dict[Any, float]:
    found = {}
    for key in clauses[0][1][which]:
        each = [(term, rate) for term, alone in clauses if (rate := alone[which][key]) is not None]
        found[key] = float(combined(each)) if each else 0.0
    return found


def _cut(parts: Iterable[tuple[int, PricedSpan, datetime, datetime]], times: Sequence[Window]) -> list[CutPart]:
    """Of some parts of periods, each with its place and its period's span, those of which a time has only a part."""
    return [
        CutPart(place, span, start, end)
        for place, span, start, end in parts
        if (start, end) != span or any(start < at < end for time in times for at in (time.start, time.end))
    ]


def _mixed(parts: Sequence[Fraction], batch: bool, price: Any, start: datetime, end: datetime) -> Fraction:
    """What a Mtok of a mix costs, whenever."""
    fresh, cached, output = parts
    return list_price(price, fresh, cached, output, batch=batch)
