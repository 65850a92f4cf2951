"""Settling the clauses of a contract together: who pays for use first, then who gives back, each after those before.

Not here: what one clause makes of its totals (``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Measure
from detente.contract.metered.paid_use import in_the_cases
from detente.contract.metered.totals import Totals
from detente.contract.payer import Payer
from detente.contract.returning import Returning, in_turn
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
    lost: dict[Measure, SettleError] = {}
    for term in in_turn(terms):
        found[id(term)] = each = _settled(term, totals, decisions, as_of, lost)
        if isinstance(each, SettleError):
            lost |= _lost_with(term, each)
        elif isinstance(term, Payer | Returning):
            noted = term.payments(totals, as_of) if isinstance(term, Payer) else term.returned(totals, as_of)
            totals = totals.paid_by(in_the_cases(noted, term.own_money))
    return tuple(found[id(term)] for term in terms)


def _lost_with(term: Term, error: SettleError) -> dict[Measure, SettleError]:
    """The measures that are not known where it is not known what a clause comes to."""
    if isinstance(term, Payer):
        return {"paid": error, "paid-before": error}
    return {"returned": error} if isinstance(term, Returning) else {}


def _settled(
    term: Term, totals: Totals, decisions: Decisions, as_of: datetime | None, lost: Mapping[Measure, SettleError]
) -> Settlement | SettleError:
    """``lost``: of what credits pay, or others give back, what is not known, and so what they come to who count it."""
    reads: list[Measure] = [meter.measure for meter in term.meters()] if lost else []
    reads += ["paid-before"] if isinstance(term, Payer) else []
    if gone := [lost[of] for of in reads if of in lost]:
        return SettleError(
            f"`{term.id}` counts what {'credits pay' if 'paid' in lost else 'others give back'}: {gone[0]}"
        )
    try:
        found = term.settle(totals, decisions, as_of)
        return found if term.own_money is None else found.converted(term.own_money)
    except SettleError as error:
        return error
