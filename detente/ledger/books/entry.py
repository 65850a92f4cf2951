"""Entries: balanced double entry, in whole billionths of the currency.

Owns: the accounts, and the entries that lines of use come to. Every batch adds up to nothing in each unit. Not here:
what clauses owe once a window has ended (``closing``), and writing them (``books``).

``use/PROVIDER/OFFER``
    use at list price: a cost
``off/PROVIDER/AGREEMENT/CLAUSE``
    what a price clause takes off it
``owed/PARTY``
    what we owe a party: negative, until it is paid
``clause/PARTY/AGREEMENT/CLAUSE/PART``
    what a clause charges (positive) or gives back (negative), once a window has ended
``rounding/PARTY/AGREEMENT``
    what rounding adds to the invoice of a month, where the agreement says how it is rounded
``accrued/PARTY/AGREEMENT/CLAUSE/ROLE`` and ``accruals/PARTY``
    the same of a window that still runs, as it would be if it ended now, and what stands against it
``drawn/PARTY/AGREEMENT/CLAUSE/METER`` and ``counted/PARTY/AGREEMENT/CLAUSE/METER``
    what counted towards a clause in a window, in the clause's own unit, and what stands against it: no money moves
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from detente.ledger.use.line import LineSum, UseClass
from detente.values.micros import at_micros, micros
from detente.values.period import later, midnight, named
from detente.values.quantity import Span

ClockOf = Callable[[str], tzinfo]
"""On whose clock a party's days begin."""
AgreementOf = Callable[[str, int], str]
"""The agreement in which a clause stood at a moment, by its id."""


class LedgerEntry(NamedTuple):
    """One side of a booking: on which day (of what is late: the first that is open), on which account, how much.

    Days are the party's, by the clock of its agreements.

    ``subject`` is what it is about, where a later entry may correct it: the clause, its window and its part.
    ``adjusts`` names the closed period that it belongs to, where it comes late.
    """

    day: str
    account: str
    unit: str
    amount: int
    subject: str = ""
    adjusts: str = ""


def of_use(
    sums: Iterable[LineSum], agreement_of: AgreementOf, clock_of: ClockOf, currency: str, closed: datetime | None
) -> Iterator[LedgerEntry]:
    """What lines of use come to: list price, what is taken off, and what is owed for them, day by day.

    ``agreement_of`` says in which agreement a price clause stood, ``clock_of`` when a party's days begin; the time that
    is still open begins with the day, of each clock, in which ``closed`` lies.
    """
    found: dict[tuple[str, str, str], int] = {}
    days: dict[tuple[int, int, tzinfo], tuple[str, str]] = {}
    sold: dict[str, tuple[str, str, str, tzinfo]] = {}
    opens: dict[tzinfo, int] = {}
    for each in sums:
        body, start, end = each.of.body, each.start, each.end
        known = sold.get(body)
        if known is None:
            use, off, owed = _accounts(each.of)
            known = sold[body] = use, off, owed, clock_of(owed.partition("/")[2])
        use, off, owed, zone = known
        when = days.get((start, end, zone))
        if when is None:
            if closed is not None and zone not in opens:
                opens[zone] = micros(midnight(closed, zone))
            late = start < opens.get(zone, start)
            when = days[start, end, zone] = booked_on(at_micros(start if late else each.booked_at), closed, zone)
        day, adjusts = when
        key = day, adjusts, use
        found[key] = found.get(key, 0) + each.listed
        key = day, adjusts, owed
        found[key] = found.get(key, 0) - each.net
        for (term, since, _), amount in each.off.items():
            key = day, adjusts, f"{off}/{agreement_of(term, since)}/{term}"
            found[key] = found.get(key, 0) - amount
    for (day, adjusts, account), amount in sorted(found.items()):
        if amount:
            yield LedgerEntry(day, account, currency, amount, "", adjusts)


def booked_on(at: datetime, closed: datetime | None, zone: tzinfo = UTC) -> tuple[str, str]:
    """The day on which something is booked that was at a moment, and the month that it adjusts, on a party's clock.

    Where the books are closed already it is booked on the first day that is open: what a statement said of a closed
    period stays true. Closed is what lies before the day of that clock in which ``closed`` does: books are closed for
    all at once, when the day has begun for everybody, and of a clock that is ahead some hours of it have gone by.
    """
    own = at.astimezone(zone)
    if closed is None or at >= midnight(closed, zone):
        return f"{own:%Y-%m-%d}", ""
    month = own.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return f"{closed.astimezone(zone):%Y-%m-%d}", named(month, later(month, Span(1, "month")))


def _accounts(of: UseClass) -> tuple[str, str, str]:
    """The accounts of a class's use, of what is taken off it (where agreement and clause follow), of what is owed."""
    provider = of.offer.get("provider", "unknown")
    name = of.offer.get("offer") or of.offer.get("product") or "unknown"
    return f"use/{provider}/{name}", f"off/{provider}", f"owed/{provider}"


def balanced(entries: Iterable[LedgerEntry]) -> bool:
    """Whether entries add up to nothing, in each unit."""
    found: dict[str, int] = {}
    for entry in entries:
        found[entry.unit] = found.get(entry.unit, 0) + entry.amount
    return not any(found.values())
