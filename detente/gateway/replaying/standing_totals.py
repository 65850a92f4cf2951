"""Standings of totals that are kept in memory: where each clause stands, settled anew from time to time.

Owns: which standings a clause has at a moment. Not here: totals (``contract.totals``), and what follows (``admit``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.meter import PAYMENTS
from detente.contract.settlement import Settlement
from detente.contract.settling import settle_each
from detente.contract.standing import Standing
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.gateway.deciding.standings import Standings
from detente.ledger.at_risk import at_risk
from detente.ledger.stands import stands_by


class TotalStandings(Standings):
    """Where clauses stand by some totals, as of the last look at them."""

    def __init__(self, terms: Sequence[Term], totals: Totals) -> None:
        self._terms, self._totals = terms, totals
        asking = [term for term in terms if term.asks_standing]
        reads = any(meter.measure in PAYMENTS for term in asking for meter in term.meters())
        self._asking = [term for term in terms if term in asking or (reads and term.pays)]
        """Those that ask at each call what remains, and those by whose payments they do."""
        self._found: dict[tuple[str, datetime], tuple[Standing, ...]] = {}

    @property
    def asked(self) -> bool:
        """Whether any clause asks at each call what remains."""
        return bool(self._asking)

    def look(self, at: datetime) -> None:
        """Settle what there is by now. What cannot be settled stands nowhere: the end of the replay says why."""
        found = settle_each(self._asking, self._totals, NOTHING_DECIDED, at)
        self._found = {
            (term.id, term.validity.start): tuple(s for s in each.standings if s.start <= at < s.end)
            for term, each in zip(self._asking, found, strict=True)
            if isinstance(each, Settlement)
        }

    def look_ahead(self, at: datetime) -> None:
        """Find the floors that will fall short at the present pace."""
        self.at_risk = at_risk(stands_by(self._terms, self._totals, at), self._terms)

    def of(self, term: str, since: datetime) -> Sequence[Standing]:
        """A clause's standing in each window that runs now."""
        return self._found.get((term, since), ())
