"""The base of clauses that take a part off list prices: what each took off is posted month by month.

Owns: ``PriceClause``: its meter and its postings. Not here: the part (``PriceChange.takes_off``), how several combine
(``combining``), and any one of them (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.rated.shared_units import by_workload
from detente.contract.reach.window import Every
from detente.contract.roles import PriceChange
from detente.contract.settled.settlement import Settlement, rounded_on, settled
from detente.contract.term import Term
from detente.errors import Flaw

OF_PRICES: Mapping[str, str] = {
    "measure": "it changes list prices, as the agreement's `combine` says where several clauses do",
    "moment": "a price is that of the time of use",
    "counts": "it has no amount that a class could count towards; leave use out with `except`",
}
"""Why a clause about prices has no such switch."""


class PriceClause(Term, PriceChange):
    """What is covered costs less than its list price while the clause is in force."""

    theirs: ClassVar[bool] = True
    fixed = OF_PRICES

    @property
    def given(self) -> Meter:
        """What it took off, by the month of its text's time in force."""
        months = replace(self.calendar(Every(every="month")), first=self.validity.first.astimezone(self.validity.zone))
        return self.meter("given", "off", months)

    def meters(self) -> tuple[Meter, ...]:
        """What it took off."""
        return (self.given,)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What was taken off in each month; of all months together, exactly what was taken off each line of use."""
        meter = self.given
        months = list(meter.begun(as_of))
        given = rounded_on(totals.total(meter, window) for window, _ in months)
        return Settlement.of(
            settled(meter, window, self.kind, self.kind, ended=ended, amount=None, drawn=off, owed=-off)
            for (window, ended), off in zip(months, given, strict=True)
        )

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """One by workload on what workloads share."""
        yield from by_workload(self.kind, self.covered, case)
