"""What offers that are priced in another currency come to in that currency, at list price.

Not here: the bill (``bill``), which is in the case's currency: each of its prices was converted, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from detente.demand.quantum import QUANTUM
from detente.market.offer import AnyOffer
from detente.market.stated_price import priced_in, rate_at
from detente.planner.answer.bill import Bill
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.unit_columns import Units
from detente.results.plan_rows import StatedCharge
from detente.values.money import nano, of_nanos


def stated_charges(draft: Draft, exact: Bill) -> Iterable[StatedCharge]:
    """Of each offer that is used, or bought, and priced in another currency."""
    for offer in draft.case.offers:
        currency = priced_in(offer)
        if currency is None:
            continue
        listed, stated = _by_use(draft, exact, offer)
        if offer.id in draft.units:
            listed += of_nanos(sum(exact.bought[offer.id]))
            stated += sum(_by_units(draft, draft.units[offer.id], exact.quantities.units[offer.id].tolist()))
        if listed or stated:
            yield StatedCharge(offer.id, offer.provider, currency, listed, nano(stated))


def _by_use(draft: Draft, exact: Bill, offer: AnyOffer) -> tuple[Decimal, Fraction]:
    """What is paid by the use: as it is billed, and as it is stated."""
    charges, work, listed, stated = exact.charges, exact.quantities.work, 0, Fraction(0)
    prices = {a.index: draft.prices.as_stated(a) for a in draft.arcs.of_offer[offer.id] if a.metered}
    for index, t, cost in zip(charges.arc.tolist(), charges.period.tolist(), charges.cost, strict=True):
        if index in prices:
            listed += cost
            stated += int(work[index, t]) * QUANTUM * (prices[index][t] or 0)
    return of_nanos(listed), stated


def _by_units(draft: Draft, units: Units, counts: list[int]) -> Iterable[Fraction]:
    """What units cost as they are stated, purchase by purchase: a reservation has the rate of its first day."""
    now = draft.prices.units_as_stated(units.offer)
    for count, size, start, paid, rates in zip(counts, units.units, units.starts, units.paid, units.rates, strict=True):
        if not count:
            continue
        at = draft.periods[start].span_start
        fixed = rate_at(units.offer, at) if units.offer.reserved else None
        for t, hours in paid.items():
            price = rates[t] / Fraction(fixed) if fixed else now[t] or 0
            yield int(count) * int(size) * hours * price
