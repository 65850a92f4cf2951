"""A bill beside the books, for people and for programs.

Owns: how it is told. Not here: comparing them (``ledger.bills.reconciling``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich.console import Console

from detente.errors import MAX_SHOWN, printable
from detente.ledger.bills.bill_difference import Difference
from detente.ledger.bills.reconciling import Reconciled
from detente.report.layout import say, table
from detente.report.ledger.copies import copies_json, copies_view
from detente.report.ledger.journal import Print
from detente.report.numerals import count
from detente.values.money import of_nanos
from detente.values.quantity import plain

MAX_DAYS = 3


def reconciled_view(found: Reconciled, currency: str, console: Console, warn: Print) -> None:
    """For people: what differs by offer and cause, and what to claim."""
    for said in found.aside[:MAX_SHOWN]:
        warn(printable(said))
    if len(found.aside) > MAX_SHOWN:
        warn(f"and {len(found.aside) - MAX_SHOWN:,} more")
    if found.unmapped:
        warn(f"not compared: {count(found.unmapped, 'row')} with no rule; add a rule, or one with `skip: true`")
    if found.unknown:
        warn(f"in no sum: {count(found.unknown, 'use')} of unknown amount or price on the books")
    copies_view(found.copies, warn, warn)
    if not found.rows:
        say(console, "nothing was compared")
        return
    first, last = found.days
    days = first if first == last else f"{first} to {last}"
    if found.beyond and not found.zones:
        what = f"{_cents(found.beyond, currency)} on the books of other days of the same months"
        warn(f"not compared: {what}, since the bill has rows of {days} alone")
    on = "on " if first == last else ""
    say(console, f"{on}{days}: billed {_cents(found.billed, currency)}, on the books {_cents(found.booked, currency)}")
    if found.of_bills:
        rows = count(found.of_bills, "row")
        verb = "is" if found.of_bills == 1 else "are"
        say(console, f"{rows} on the books came from bills and {verb} left out: a bill is held against what was served")
    say(console, "they agree" if found.agrees else _more(found.billed - found.booked, currency))
    differ = [[offer, cause, _days(each), _signed(_sum(each), currency)] for offer, cause, each in _grouped(found)]
    table(console, "What differs", ["offer", "cause", "days", "billed − booked"], differ, right=(3,), most=40)
    for offer, ahead in found.zones.items():
        say(
            console,
            f"{offer}: the bill counts days {ahead:+g} hours from the mapping's zone; correct its `zone:`",
            indent=2,
        )
    claims = [[c.offer, c.day, c.cause, _cents(c.amount, currency)] for c in found.claims]
    table(console, "To claim", ["offer", "day", "for", "amount"], claims, right=(3,), most=40)
    if claims:
        say(console, f"{_cents(_sum(found.claims), currency)} in all", indent=2)


def _more(nanos: int, currency: str) -> str:
    if not nanos:
        return "they differ, but the differences cancel out"
    return f"billed {_cents(abs(nanos), currency)} {'more' if nanos > 0 else 'less'} than is on the books"


def _grouped(found: Reconciled) -> Iterable[tuple[str, str, list[Difference]]]:
    by: dict[tuple[str, str], list[Difference]] = {}
    for each in found.differences:
        by.setdefault((each.offer, each.cause), []).append(each)
    return [(offer, cause, each) for (offer, cause), each in sorted(by.items())]


def _days(each: list[Difference]) -> str:
    days = [one.day for one in each]
    more = f" and {len(days) - MAX_DAYS} more" if len(days) > MAX_DAYS else ""
    return ", ".join(days[:MAX_DAYS]) + more


def _sum(each: Iterable[Difference]) -> int:
    return sum(one.amount for one in each)


def _cents(nanos: int, currency: str) -> str:
    return f"{of_nanos(nanos):,.2f} {currency}"


def _signed(nanos: int, currency: str) -> str:
    return ("+" if nanos > 0 else "−" if nanos < 0 else "") + _cents(abs(nanos), currency)


def reconciled_json(found: Reconciled) -> str:
    """The same as one document, with every difference to the billionth."""
    told = {
        "status": "incomplete" if found.aside or found.unmapped or found.unknown else "whole",
        "agrees": found.agrees,
        "billed": plain(of_nanos(found.billed)),
        "booked": plain(of_nanos(found.booked)),
        "claim": plain(of_nanos(_sum(found.claims))),
        "differences": [
            {"offer": d.offer, "day": d.day, "cause": d.cause, "amount": plain(of_nanos(d.amount))}
            for d in found.differences
        ],
        "zones": found.zones,
        "from": found.days[0],
        "to": found.days[1],
        "beyond": plain(of_nanos(found.beyond)),
        "rows": found.rows,
        "of-bills": found.of_bills,
        "aside": found.aside[:MAX_SHOWN],
        "bad": len(found.aside),
        "unmapped": found.unmapped,
        "unknown": found.unknown,
    }
    return json.dumps(told | copies_json(found.copies))
