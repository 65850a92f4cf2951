"""How finely a ledger sums up use by time: by the hour, or by less where days of a clock begin within one (India's).

Owns: the step that clocks ask for, and the one that a ledger has, which is noted with its first use and stays: sums
that are there tell no finer times apart. Not here: the sums (``line``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from math import gcd

from detente.case.agreement import clocks
from detente.case.case import Case
from detente.errors import LedgerError
from detente.ledger.store.store import Session
from detente.values.micros import HOUR, MICRO

MONTH = timedelta(days=30)


def summing_clocks(case: Case) -> set[tzinfo]:
    """The clocks by which a case's days begin: those of its agreements."""
    return {*clocks(case.declared.agreements).values(), *(term.validity.zone for term in case.signed)}


def summing_step(case: Case) -> int:
    """The step of a case's clocks, over its horizon."""
    return step_of(summing_clocks(case), case.declared.horizon.opens, case.declared.horizon.closes)


def step_of(zones: Iterable[tzinfo], start: datetime, end: datetime) -> int:
    """The longest step, in microseconds, with which days of all clocks begin: 30 minutes in Kolkata, 15 in Kathmandu.

    Clocks are looked at in each month of a time and of the year from its start: in summer Lord Howe's days begin with
    an hour, and in winter within one.
    """
    months = max(12, (end - start) // MONTH + 1)
    moments = [start.astimezone(UTC) + n * MONTH for n in range(months)]
    offsets = (at.astimezone(zone).utcoffset() or timedelta(0) for zone in set(zones) - {UTC} for at in moments)
    return gcd(HOUR, *(offset // MICRO for offset in offsets))


def sum_step(session: Session) -> int:
    """The step of a ledger, in microseconds. Raises LedgerError where what is noted is none: somebody changed it."""
    found = session.one("SELECT value FROM facts WHERE name = 'step'")
    if found is None:
        return HOUR
    text = str(found[0])
    if not text.isdecimal() or not int(text) or HOUR % int(text):
        what = f"the ledger says that its use is summed by `{text}` microseconds, which is no part of an hour"
        raise LedgerError(f"{what}: it was changed; restore it, or make a ledger anew of the same journals and bills")
    return int(text)


def noted_step(session: Session, wanted: int) -> int:
    """The step of a ledger to which use is added; one without use takes on a finer one that is wanted."""
    found = sum_step(session)
    if wanted % found and session.one("SELECT 1 FROM facts WHERE name = 'last'") is None:
        session.run(
            "INSERT INTO facts (name, value) VALUES ('step', ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (str(wanted),),
        )
        return wanted
    return found
