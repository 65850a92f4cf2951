"""How available providers were, for people and for programs: a line a clause and window, and what to write.

Not here: how it is counted (``ledger.books.availability``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from detente.contract.reminder import last_day
from detente.ledger.books.availability import RecordedAvailability
from detente.report.layout import Row, say, table, title
from detente.report.screen import Screen
from detente.values.period import named
from detente.values.quantity import in_percent

HEADS = ("clause", "window", "asked", "failed", "availability", "which gives")


def availability_view(console: Screen, name: str, found: Sequence[RecordedAvailability]) -> None:
    """A line each; then what to write into the case, for those windows that have it."""
    title(console, f"{name}: how available providers were, as recorded", None, None)
    if not found:
        say(console, "no attempt was recorded that a service-level clause of the case covers")
        return
    table(console, "Availability", HEADS, [_row(each) for each in found], right=(2, 3, 4), most=len(found))
    say(console, "To settle by it, once a window has ended, write under the clause's `measured`:")
    for each in found:
        if each.availability is not None:
            say(console, f"  - {written(each)}   # {each.term}")
    for each in found:
        if each.unknown:
            what = f"{each.unknown:,} attempts in {named(each.start, each.end)} lack a label that it turns on"
            say(console, f"`{each.term}`: {what}, and are not counted", style="bold")


def written(each: RecordedAvailability) -> str:
    """As it stands in a case."""
    return f"{{ on: {last_day(each.end)}, availability: {_percent(each)} }}"


def availability_json(name: str, found: Sequence[RecordedAvailability]) -> str:
    """One document."""
    rows = [
        {
            "clause": each.term, "start": each.start.isoformat(), "end": each.end.isoformat(), "asked": each.asked,
            "failed": each.failed, "unknown": each.unknown,
            "availability": None if each.availability is None else str(each.availability), "says": each.says,
        }
        for each in found
    ]  # fmt: skip
    return json.dumps({"case": name, "availability": rows}, indent=1)


def _row(each: RecordedAvailability) -> Row:
    when = named(each.start, each.end)
    return each.term, when, f"{each.asked:,}", f"{each.failed:,}", _percent(each), each.says


def _percent(each: RecordedAvailability) -> str:
    return "–" if each.availability is None else in_percent(each.availability)
