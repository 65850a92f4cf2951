"""Settling the clauses of a contract together: those who pay for use first, each after the ones before it.

Not here: what one clause makes of its totals (``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detente.contract.decisions import Decisions
from detente.contract.paid_use import in_order
from detente.contract.settlement import Settlement
from detente.contract.term import Term
from detente.contract.totals import Totals


def settle(
    terms: Sequence[Term], totals: Totals, decisions: Decisions, as_of: datetime | None
) -> tuple[Settlement, ...]:
    """What each clause makes of the totals of all meters, in the order of the clauses.

    The totals do not change: what pays is noted beside them. Raises SettleError as ``Term.settle`` does.
    """
    found: dict[int, Settlement] = {}
    for term in in_order(terms):
        found[id(term)] = term.settle(totals, decisions, as_of)
        totals = totals.paid_by(term.payments(totals, as_of))
    return tuple(found[id(t)] if id(t) in found else t.settle(totals, decisions, as_of) for t in terms)
