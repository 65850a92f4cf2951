"""The end of a replay: capacity that stood idle hour by hour, and what each clause comes to.

Not here: the rules (``contract``), and the calls (``replay``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from detente.case.case import Case
from detente.case.counted_unit import counted_unit
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse
from detente.contract.rated.rating import Rating
from detente.contract.settled.settlement import Settlement
from detente.contract.settling import settle_each
from detente.contract.term import Term
from detente.gateway.deciding.policy import Policy
from detente.gateway.replaying.replayed import ClauseEnd
from detente.ledger.books.idle import idle_use
from detente.market.offer import TokenOffer


def idle_lines(
    policy: Policy, used: Mapping[str, tuple[int, int]], start: datetime, end: datetime
) -> Iterator[RatedUse]:
    """Of what the plan reserved, what was not charged to use in an hour (``ledger.books.idle``)."""
    rating = Rating(policy.case.signed)
    for name, held in {d.offer.id: d.held for d in policy.deployed if d.held}.items():
        offer = next(d.offer for d in policy.deployed if d.offer.id == name)
        if not isinstance(offer, TokenOffer):
            found = idle_use(offer, policy.case.offer_facts[name], held, start, end, used.get(name, (0, 0)))
            if found is not None:
                yield rating.rate(found)


def ended(case: Case, terms: Sequence[Term], totals: Totals, since: datetime, as_of: datetime) -> tuple[ClauseEnd, ...]:
    """What each clause comes to; of one that cannot be settled, why.

    Of windows that were over by ``since`` nothing was replayed: what they came to is not known, and not told.
    """
    found = settle_each(terms, totals, NOTHING_DECIDED, as_of)
    return tuple(
        _end(case, term, each, since, as_of)
        if isinstance(each, Settlement)
        else ClauseEnd(term.id, term.validity.counterparty, unknown=str(each))
        for term, each in zip(terms, found, strict=True)
    )


def _end(case: Case, term: Term, found: Settlement, since: datetime, as_of: datetime) -> ClauseEnd:
    off = {meter.name for meter in term.meters() if meter.measure == "off"}
    postings = tuple(p for p in found.postings if not p.in_spend and p.end > since)
    owed = sum((p.amount for p in postings), Decimal(0))
    begun = tuple(s for s in found.standings if s.start < as_of and s.end > since)
    units = {meter.name: counted_unit(case, meter) or "" for meter in term.meters()}
    accruing = sum((s.accruing for s in begun if s.meter not in off), Decimal(0))
    return ClauseEnd(term.id, term.validity.counterparty, owed, accruing, postings, begun, units)
