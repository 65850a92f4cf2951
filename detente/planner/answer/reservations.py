"""What a plan reserves, as clauses count it that do so when it is bought or invoiced.

Owns: the moments and amounts, exact. Not here: when an offer is invoiced (``market.invoicing``), and the same in a
program (``formulation.shaping``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from detente.contract.metered.counting_moment import BoughtCapacity, CountingMoment
from detente.contract.rated.rating import Rating
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.reserving import counted_on
from detente.values.money import NANOS, nano


def reservations(draft: Draft, counts: Mapping[str, NDArray[np.int64]], rating: Rating) -> Iterator[BoughtCapacity]:
    """Each purchase, and each of its invoices, where some clause counts so."""
    moments = {meter.moment for term in draft.case.terms for meter in term.meters()} - {"use"}
    for name, units in draft.units.items() if moments else ():
        for moment in sorted(moments) if units.offer.reserved else ():
            yield from reserved_at(draft, counts, rating, name, moment)


def reserved_at(
    draft: Draft, counts: Mapping[str, NDArray[np.int64]], rating: Rating, name: str, moment: CountingMoment
) -> Iterator[BoughtCapacity]:
    """Of one offer that is reserved: each purchase, or each of its invoices."""
    units, facts = draft.units[name], draft.case.offer_facts[name]
    for column, count in enumerate(counts[name].tolist()):
        paid = units.paid[column].items()
        cost = sum((hours * units.rates[column][t] for t, hours in paid), Fraction(0))
        days = counted_on(draft, units, column, moment) if count else ()
        for at, part in zip(days, units.offer.instalment_parts(days) if days else (), strict=True):
            listed = nano(count * int(units.units[column]) * cost * part)
            off = rating.at(None, facts, at).of(int(listed * NANOS))
            yield BoughtCapacity(moment, facts, at, listed, listed - nano(Fraction(sum(off), NANOS)))
