"""Rating: what use costs. List price, then what each price clause takes off it, in the order of the contract.

The one place that prices use: the bill of a plan, what is metered, and the order in which the gateway asks. Not here:
list prices (``market``), and what a clause takes off (``Term.takes_off``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from detente.contract.term import Term
from detente.contract.use import RatedUse, Reduction, Use
from detente.errors import SettleError
from detente.values.facts import Facts
from detente.values.money import NANO, nano
from detente.values.period import hours_between
from detente.values.quantity import plain


class Rating:
    """The price clauses of a contract, in its order."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._terms = tuple(term for term in terms if term.prices)

    def rate(self, use: Use) -> RatedUse:
        """What a line of use costs after discounts.

        Raises SettleError where it is not known whether a price clause covers it: an unknown price is never the list
        price, and never zero. So it does where they take off more than the price.
        """
        found = tuple(r for term in self._terms if (r := _reduction(term, use)) is not None)
        net = use.listed - sum((r.amount for r in found), Decimal(0))
        if net < -NANO * len(found) and use.listed >= 0:  # each is rounded by itself
            names = " and ".join(f"`{reduction.term}`" for reduction in found)
            what = f"{names} take {plain(use.listed - net)} off a list price of {plain(use.listed)}"
            raise SettleError(f"{what}: more than all of it; narrow one with `of` or `except`")
        return RatedUse(use, net, found)


def _reduction(term: Term, use: Use) -> Reduction | None:
    """Pro rata of the line's time in which the clause is in force; a moment is in force or not."""
    validity = term.validity
    start, end = max(use.start, validity.start), min(use.end, validity.end)
    if start > end or start >= validity.end or (start == end and use.start < use.end):
        return None
    rate = taken_off(term, use.demand, use.offer)
    if not rate:
        return None
    part = Fraction(1) if start == end else hours_between(start, end) / hours_between(use.start, use.end)
    return Reduction(term.id, start, end, nano(Fraction(use.listed) * rate * part))


def part_paid(terms: Iterable[Term], demand: Facts, offer: Facts, at: datetime) -> Fraction:
    """The part of the list price that use costs at a moment. Raises SettleError where it is not known."""
    off = (taken_off(term, demand, offer) for term in terms if term.prices and term.validity.over(at, at))
    return 1 - sum(off, Fraction(0))


def taken_off(term: Term, demand: Facts | None, offer: Facts) -> Fraction:
    """The part of the list price that a clause takes off while it is in force. Raises SettleError where not known."""
    rate = term.takes_off(demand, offer)
    if rate is None:
        labels = ", ".join(f"`{key}`" for key in term.covered.missing(demand))
        what = (
            f"`{term.id}`: whether it lowers the price of `{offer.get('offer')}` turns on {labels}, which the use lacks"
        )
        raise SettleError(f"{what}; label the use")
    return rate
