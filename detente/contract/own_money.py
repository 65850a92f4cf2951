"""The currency in which a clause is kept, where its rate changes in the clause's time.

Owns: what one of it costs in the case's currency, by the day. A clause that is kept so compares its own amounts with
what it counts, converted at the rate of its moment (``Meter``); what it owes for a window is converted once, at the
rate of the window's end (``Settlement.converted``). Not here: which clauses are kept so (``case.exchanging``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from detente.errors import SettleError
from detente.values.exchange_rate import RatesByDay
from detente.values.micros import micros
from detente.values.period import moment
from detente.values.quantity import plain


@dataclass(frozen=True, slots=True)
class OwnMoney:
    """A currency, and what one of it is in the case's, from each day of use on."""

    currency: str
    rates: RatesByDay
    into: str
    """The case's currency."""

    def rate(self, at: datetime) -> Fraction:
        """What one of it is at a moment. Raises SettleError where that is not stated."""
        found = self.rates.on(at)
        if found is None:
            raise SettleError(f"there is no rate of {self.currency} for {at:%Y-%m-%d}; state one from that day on")
        return Fraction(found)

    def at_end(self, end: datetime) -> Fraction:
        """What one of it is where a window ends: as that of its last day, on the window's clock. Raises SettleError."""
        return self.rate(moment((end - datetime.resolution).date()))

    def changes(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """When its rate changes inside of a time."""
        return (at for day, _ in self.rates.steps if day is not None and start < (at := moment(day)) < end)

    def pieces(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, int, int]]:
        """The times of a line in which one rate holds, and what that is of the line in this currency: part and whole.

        Of a line of 110 in the case's, half of it at 1.10: 5 parts of 11 are 50 in this.
        """
        for a, b in pairwise([start, *self.changes(start, end), end]):
            rate = self.rate(a)
            part, whole = (micros(b) - micros(a), micros(end) - micros(start)) if start < end else (1, 1)
            yield a, b, part * rate.denominator, whole * rate.numerator

    @property
    def told(self) -> str:
        """Its rates, for people: ``1.1, 1.2 from 2026-02-01 on``."""
        first, *later = self.rates.steps
        return f"{plain(first[1])}{''.join(f', {plain(rate)} from {day} on' for day, rate in later)}"
