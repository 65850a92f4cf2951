"""What use of reservations costs: the price at which they were bought, whatever the day's is.

Owns: the price of use in the periods in which all that serve were bought at one, and elsewhere columns that say how
much work is served by those bought at each, for clauses that ask what work cost. Not here: the prices (``purchases``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from detente.contract.term import Term
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Expr, Floats, Ints, Part
from detente.planner.formulation.grid import in_same_period
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.period_prices import NetPrices
from detente.planner.formulation.unit_columns import Units, UseByPrice
from detente.values.facts import OFFER_KEYS


def keep_prices(draft: Draft) -> None:
    """Use costs what was paid for it, in each period in which that is one price."""
    for name, units in draft.units.items():
        one = {t: next(iter(prices)) for t, prices in units.prices.items() if len(prices) == 1}
        for arc in draft.arcs.of_offer[name] if one else ():
            draft.prices.at_reserved(arc, one)


def asks_other_prices(draft: Draft, term: Term) -> bool:
    """Whether a clause asks what work costs on reservations bought at several prices, of which none asked before."""
    without = {o for o, units in draft.units.items() if o not in draft.by_price and _bought_at_several(units)}
    return bool(without) and any(meter.selection.keys.difference(OFFER_KEYS) for meter in term.meters())


def _bought_at_several(units: Units) -> bool:
    """Whether what serves in some period may have been bought at several prices."""
    return any(len(prices) > 1 for prices in units.prices.values())


def use_by_price(draft: Draft, units: Units) -> UseByPrice | None:
    """The use of an offer by price, added to the program once; None where each period has one price."""
    name = units.offer.id
    if name not in draft.by_price:
        if not _bought_at_several(units):
            return None
        draft.by_price[name] = _defined(draft, units)
    return draft.by_price[name]


def measured_by_price(draft: Draft, part: Floats, net: NetPrices, windows: Ints, own: Floats) -> Iterator[Part]:
    """What use adds to a measure where what serves at once was bought at several prices: of each arc so large a part.

    ``windows`` and ``own``: the row, and what one of the case's currency is in the measure's, of each part of ``net``.
    """
    each = np.broadcast_to(own, len(net.share))
    for name, units in draft.units.items():
        adds = [arc for arc in draft.arcs.of_offer[name] if part[arc.index]]
        found = use_by_price(draft, units) if adds else None
        if found is None:
            continue
        piece, place = in_same_period(net.periods, found.periods)
        prices = np.array([float(price) for price in found.prices])[place] * each[piece]
        for arc in adds:
            rate = part[arc.index] * float(arc.per_work / units.offer.unit_flow)
            columns = found.columns[found.arcs.index(arc.index), place]
            yield windows[piece], columns, rate * prices * net.paid_of_use(arc)[piece]


def _defined(draft: Draft, units: Units) -> UseByPrice:
    """Columns that make up the work of each arc, by price no more than what was bought at it gives."""
    program, owner, arcs = draft.program, Owner("units", units.offer.id), draft.arcs.of_offer[units.offer.id]
    several = [(t, price) for t, prices in sorted(units.prices.items()) if len(prices) > 1 for price in prices]
    periods = np.array([t for t, _ in several], dtype=np.int64)
    most = np.stack([draft.demand[arc.workload.id].most_asked[periods] for arc in arcs])
    columns = program.columns(owner, "by-price", most.shape, upper=most)
    found = UseByPrice(tuple(arc.index for arc in arcs), periods, tuple(price for _, price in several), columns)
    each, at = np.unique(periods, return_inverse=True)
    rows = np.arange(len(arcs))[:, np.newaxis] * len(each)
    work = draft.x[np.ix_(np.array(found.arcs), each)]
    n = len(arcs) * len(each)
    split = Expr(n, [((rows + at).ravel().astype(np.int32), columns.ravel(), 1.0), (None, work.ravel(), -1.0)])
    program.require(owner, "by-price", split == np.zeros(n))
    rounding = draft.rounded_up(arcs)[periods]
    program.require(owner, "at-price", Expr(len(periods), _served(draft, units, arcs, found)) <= rounding)
    return found


def _served(draft: Draft, units: Units, arcs: Sequence[Arc], found: UseByPrice) -> list[Part]:
    """Place by place, what is taken less what is given there."""
    taken = np.array([float(arc.per_work) for arc in arcs])[:, np.newaxis]
    flow = draft.hours[found.periods] * float(units.offer.unit_flow)
    serving = [units.prices[t][price] for t, price in zip(found.periods.tolist(), found.prices, strict=True)]
    place = np.repeat(np.arange(len(serving)), [len(each) for each in serving])
    column = np.array([column for each in serving for column in each], dtype=np.int64)
    given: Part = place.astype(np.int32), units.columns[column], -units.units[column] * flow[place]
    return [(np.arange(len(serving), dtype=np.int32), found.columns, taken), given]
