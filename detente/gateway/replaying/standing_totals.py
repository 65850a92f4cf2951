"""Standings of totals that are kept in memory: where each clause stands, settled anew from time to time.

Owns: which standings a clause has at a moment. Not here: totals (``contract/metered/totals``), and what follows
(``admit``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from math import inf

from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.roles import CallLimit
from detente.contract.settled.settlement import Settlement
from detente.contract.settled.standing import Standing
from detente.contract.settling import settle_each, settled_with
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
        asking = [term for term in terms if isinstance(term, CallLimit)]
        read = {meter.measure for term in asking for meter in term.meters()}
        self._asking = settled_with(asking, read, terms)
        """Those that ask at each call what remains, and those by whose payments they do."""
        self._found: dict[tuple[str, datetime], tuple[Standing, ...]] = {}
        self._pace: dict[tuple[str, datetime, str], Fraction] = {}
        """The most that a token drew of each so far."""
        self.looks_in: float = 1 if self._asking else inf
        """After how many tokens that draw on them they are to be looked at again, whatever the time."""
        self.epoch = None if counted is not None else 0

    @property
    def asked(self) -> bool:
        """Whether any clause asks at each call what remains."""
        return bool(self._asking)

    def look(self, at: datetime, tokens: int = 0) -> None:
        """Settle what there is by now, after so many tokens more.

        What cannot be settled stands nowhere: the end of the replay says why.
        """
        found, before = settle_each(self._asking, self._totals, NOTHING_DECIDED, at), self._found
        self._found = {
            (term.id, term.validity.start): tuple(s for s in each.standings if s.start <= at < s.end)
            for term, each in zip(self._asking, found, strict=True)
            if isinstance(each, Settlement)
        }
        self.looks_in = min((self._lasts(of, before.get(of, ()), tokens) for of in self._found), default=inf)
        if self.epoch is not None:
            self.epoch += 1

    def _lasts(self, of: tuple[str, datetime], before: Sequence[Standing], tokens: int) -> float:
        """How many tokens use up a quarter of what remains of a clause, at the most that a token drew of it so far.

        At least one: a call later it is looked at again.
        """
        drawn = {(each.meter, each.window): each.drawn for each in before}
        found = inf
        for each in self._found[of]:
            key, left = (*of, each.meter), each.remaining
            more = each.drawn - drawn.get((each.meter, each.window), 0)
            self._pace[key] = max(self._pace.get(key, Fraction(0)), Fraction(more) / tokens if tokens else Fraction(0))
            if left is not None and left > 0:
                found = min(found, float(Fraction(left) / self._pace[key] / 4) if self._pace[key] else 1)
        return max(found, 1.0)

    def look_ahead(self, at: datetime) -> None:
        """Find the floors that will fall short at the present pace."""
        self.at_risk = at_risk(stands_by(self._terms, self._totals, at), self._terms)

    def short(self, caps: Sequence[CapTaker], need: TokenCounts) -> Shortage | None:
        """The budget that has no room for a call. Of clauses it is known where they stand (``of``)."""
        return None if self._counted is None else self._counted.short(caps, need)

    def of(self, term: str, since: datetime) -> Sequence[Standing]:
        """A clause's standing in each window that runs now."""
        return self._found.get((term, since), ())
