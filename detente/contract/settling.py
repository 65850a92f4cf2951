"""Settling the clauses of a contract together: who pays for use first, then who gives back, each after those before.

Not here: what one clause makes of its totals (``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from detente.contract.decisions import Decisions
from detente.contract.metered.meter import PAYMENTS, Measure
from detente.contract.metered.paid_use import in_the_cases
from detente.contract.metered.totals import Totals
from detente.contract.payer import Payer, meet
from detente.contract.returning import Returning, in_turn
from detente.contract.settled.settlement import Settlement
from detente.contract.term import Term, misanswered
from detente.errors import SettleError


def settle(
    terms: Sequence[Term], totals: Totals, decisions: Decisions, as_of: datetime | None
) -> tuple[Settlement, ...]:
    """What each clause makes of the totals of all meters, in the order of the clauses.

    The totals do not change: what pays is noted beside them. Raises SettleError as ``Term.settle`` does.
    """
    found = settle_each(terms, totals, decisions, as_of)
    for each in found:
        if isinstance(each, SettleError):
            raise each
    return tuple(each for each in found if isinstance(each, Settlement))


def settle_each(
    terms: Sequence[Term], totals: Totals, decisions: Decisions, as_of: datetime | None
) -> tuple[Settlement | SettleError, ...]:
    """The same, where what one clause comes to may not be known: then its error, and those of all who count on it."""
    found: dict[int, Settlement | SettleError] = {}
    lost: list[UnknownPayment] = []
    for term in in_turn(terms):
        found[id(term)] = each = _settled(term, totals, decisions, as_of, lost)
        if isinstance(each, SettleError):
            lost += _lost_with(term, each)
        elif isinstance(term, Payer):
            paid = term.payments(totals, as_of)
            totals = totals.paid_by(in_the_cases(paid, term.own_money, returned=False))
        elif isinstance(term, Returning):
            back = term.returned(totals, as_of)
            totals = totals.paid_by(in_the_cases(back, term.own_money, returned=True))
    return tuple(found[id(term)] for term in terms)


def settled_with(asking: Sequence[Term], measures: Collection[Measure], every: Iterable[Term]) -> list[Term]:
    """Some clauses, which read some measures, and those who pay or give back what they count, in the order of all."""
    roles: tuple[type, ...] = ()
    if "returned" in measures:
        roles = (Payer, Returning)
    elif not {*PAYMENTS}.isdisjoint(measures) or any(isinstance(term, Payer) for term in asking):
        roles = (Payer,)
    own = set(map(id, asking))
    return [each for each in every if id(each) in own or isinstance(each, roles)]


class UnknownPayment(NamedTuple):
    """What is not known since it is not known what a clause comes to: how much it pays of use, or gives back."""

    term: Term
    measures: frozenset[Measure]
    words: str
    why: SettleError


def _lost_with(term: Term, why: SettleError) -> Iterator[UnknownPayment]:
    if isinstance(term, Payer):
        yield UnknownPayment(term, frozenset({"paid", "paid-before"}), "credits pay", why)
    elif isinstance(term, Returning):
        yield UnknownPayment(term, frozenset({"returned"}), "others give back", why)


def _settled(
    term: Term, totals: Totals, decisions: Decisions, as_of: datetime | None, lost: Sequence[UnknownPayment]
) -> Settlement | SettleError:
    """Its error, too, where it counts what is lost with a clause that may speak of the same use."""
    reads: set[Measure] = {meter.measure for meter in term.meters()} if lost else set()
    if isinstance(term, Payer):
        reads.add("paid-before")
    for each in lost:
        if reads & each.measures and meet(term, each.term):
            return SettleError(f"`{term.id}` counts what {each.words}: {each.why}")
    try:
        found = term.settle(totals, decisions, as_of)
        if not isinstance(found, Settlement):
            raise TypeError(misanswered(term, "settle", found, "a `Settlement`: `Settlement.of(…)` of several"))
        return found if term.own_money is None else found.converted(term.own_money)
    except SettleError as error:
        return error
