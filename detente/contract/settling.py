"""Settling the clauses of a contract together: those who pay for use first, each after the ones before it.

Not here: what one clause makes of its totals (``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detente.contract.decisions import Decisions
from detente.contract.metered.meter import PAYMENTS
from detente.contract.metered.paid_use import in_the_cases
from detente.contract.metered.totals import Totals
from detente.contract.payer import Payer, in_order
from detente.contract.settled.settlement import Settlement
from detente.contract.term import Term
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
    lost: SettleError | None = None
    for term in in_order(each for each in terms if isinstance(each, Payer)):
        found[id(term)] = each = _settled(term, totals, decisions, as_of, lost)
        if isinstance(each, SettleError):
            lost = each
        else:
            totals = totals.paid_by(in_the_cases(term.payments(totals, as_of), term.own_money))
    rest = (term for term in terms if id(term) not in found)
    found |= {id(term): _settled(term, totals, decisions, as_of, lost) for term in rest}
    return tuple(found[id(term)] for term in terms)


def _settled(
    term: Term, totals: Totals, decisions: Decisions, as_of: datetime | None, lost: SettleError | None
) -> Settlement | SettleError:
    """``lost``: what a credit pays is not known, and so is what those come to who count what it leaves."""
    if lost is not None and (isinstance(term, Payer) or any(meter.measure in PAYMENTS for meter in term.meters())):
        return SettleError(f"`{term.id}` counts what credits pay: {lost}")
    try:
        found = term.settle(totals, decisions, as_of)
        return found if term.own_money is None else found.converted(term.own_money)
    except SettleError as error:
        return error
