"""What was known to be reserved when a time was billed: what is told once the books are closed for it is billed later.

Owns: which use was covered by what was reserved, and which invoices there were, as of a moment; and what is billed
otherwise since more was told. Not here: purchases (``ledger.use.purchases``), and how they are said (``focus_export``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from detente.case.case import Case
from detente.ledger.store.store import Session
from detente.ledger.use.late import sums_as_closed
from detente.ledger.use.line import LineSum
from detente.ledger.use.purchases import BookedPurchase, PurchaseInvoice, invoices, prepaid
from detente.values.micros import EPOCH, at_micros, micros

ToldPurchase = tuple[int, BookedPurchase, int]
"""Up to when the books were closed when it was told (0: they never were); what; how many: fewer than none are gone."""


def told_purchases(session: Session) -> Iterator[ToldPurchase]:
    """Every purchase on the books, and each that was taken back."""
    for offer, start, end, units, cost, count, since in session.all(
        'SELECT offer, start, "end", units, cost, count, COALESCE('
        "(SELECT MAX(as_of) FROM closings WHERE closings.batch < purchases.batch), 0) FROM purchases"
    ):
        yield int(since), BookedPurchase(str(offer), int(start), int(end), int(units), int(cost)), int(count)


class KnownPurchases:
    """What was known to be reserved, from moment to moment."""

    def __init__(self, case: Case, told: Iterable[ToldPurchase]) -> None:
        self._case = case
        known: Counter[BookedPurchase] = Counter()
        self._known = {0: Counter[BookedPurchase]()}
        for since, each, count in sorted(told):
            known[each] += count
            self._known[since] = +known
        self._since = sorted(self._known)
        self._times = {since: prepaid(case, found.elements()) for since, found in self._known.items()}

    def covers(self, each: LineSum, at: int) -> bool:
        """Whether use is of what is invoiced as a reservation, by what was known at a moment."""
        times = self._times[self._since[bisect_right(self._since, at) - 1]].get(each.of.offer.get("offer", ""), ())
        return each.of.kind != "egress" and any(start <= each.start < end for start, end in times)

    def invoiced(self, start: datetime, end: datetime) -> Iterator[tuple[datetime | None, PurchaseInvoice]]:
        """What is invoiced in a time, and what of before was told in it: then with when the books were closed up to."""
        for since, until in pairwise([*self._since, max(micros(end), self._since[-1])]):
            first, last = max(start, at_micros(since)), min(end, at_micros(until))
            for each in invoices(self._case, self._known[since].elements(), first, last):
                yield None, each
        for before, since in self._turns(start, end):
            now, was = self._known[since], self._known[before]
            for found, sign in ((now - was, 1), (was - now, -1)):
                for each in invoices(self._case, found.elements(), EPOCH, at_micros(since)):
                    yield at_micros(since), each._replace(listed=sign * each.listed, net=sign * each.net)

    def billed_anew(self, session: Session, start: datetime, end: datetime) -> Iterator[tuple[datetime, LineSum, int]]:
        """Use of a closed time of which it was told in this one that it is invoiced otherwise, and how much more."""
        for before, since in self._turns(start, end):
            for each in sums_as_closed(session, at_micros(since)):
                was, now = self.covers(each, before), self.covers(each, since)
                if each.start < since and was != now and each.known:
                    yield at_micros(since), each, each.net if was else -each.net

    def _turns(self, start: datetime, end: datetime) -> Iterator[tuple[int, int]]:
        return ((a, b) for a, b in pairwise(self._since) if micros(start) <= b < micros(end))
