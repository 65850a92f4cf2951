"""Standings of totals that are kept in memory: where each clause stands, settled anew from time to time.

Owns: which standings a clause has at a moment. Not here: totals (``contract/metered/totals``), and what follows
(``admit``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.meter import PAYMENTS
from detente.contract.metered.totals import Totals
from detente.contract.settled.settlement import Settlement
from detente.contract.settled.standing import Standing
from detente.contract.settling import settle_each
from detente.contract.term import Term
from detente.gateway.deciding.standings import Shortage, Standings
from detente.gateway.replaying.budget_count import BudgetCount
from detente.ledger.books.at_risk import at_risk
from detente.ledger.books.stands import stands_by
from detente.ledger.caps.cap import CapTaker
from detente.ledger.journals.record import TokenCounts


class TotalStandings(Standings):
    """Where clauses stand by some totals, as of the last look at them; and what is left of budgets, as of now.

    Parameters
    ----------
    counted
        What was used of budgets; None: they deny nothing.
    """

    def __init__(self, terms: Sequence[Term], totals: Totals, counted: BudgetCount | None = None) -> None:
        self._terms, self._totals, self._counted = terms, totals, counted
        asking = [term for term in terms if term.asks_standing]
        reads = any(meter.measure in PAYMENTS for term in asking for meter in term.meters())
        self._asking = [term for term in terms if term in asking or (reads and term.pays)]
        """Those that ask at each call what remains, and those by whose payments they do."""
        self._found: dict[tuple[str, datetime], tuple[Standing, ...]] = {}
        self.epoch = None if counted is not None else 0

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
        if self.epoch is not None:
            self.epoch += 1

    def look_ahead(self, at: datetime) -> None:
        """Find the floors that will fall short at the present pace."""
        self.at_risk = at_risk(stands_by(self._terms, self._totals, at), self._terms)

    def short(self, caps: Sequence[CapTaker], need: TokenCounts) -> Shortage | None:
        """The budget that has no room for a call. Of clauses it is known where they stand (``of``)."""
        return None if self._counted is None else self._counted.short(caps, need)

    def of(self, term: str, since: datetime) -> Sequence[Standing]:
        """A clause's standing in each window that runs now."""
        return self._found.get((term, since), ())
