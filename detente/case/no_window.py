"""Days on which a clause is in force and that lie in none of its windows, so that it does nothing on them.

Not here: windows that never come, which are mistakes (``checks.windows``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from detente.case.case import Case
from detente.case.whole_clauses import whole_clauses
from detente.contract.term import Term
from detente.errors import Mistake
from detente.values.period import endless


def in_no_window(case: Case) -> Iterator[tuple[Term, Mistake]]:
    """Clauses whose first window starts after their first day in force, or whose ramp is through before a stated end.

    Only of days in the horizon; of one text, once for each time.
    """
    for term, where in whole_clauses(case):
        for start, end, remedy in dict.fromkeys(_without(case, term)):
            days = _days(start, end, term.validity.zone)
            what = f"`{term.id}` is in force {days}, and in none of its windows then: nothing counts"
            yield term, Mistake(where, what, remedy)


def _without(case: Case, term: Term) -> Iterator[tuple[datetime, datetime, str]]:
    """The times before the first window and after the last, as far as the horizon sees them, each with a remedy."""
    horizon, validity = case.declared.horizon, term.validity
    for stated in term.found_windows:
        first, last = term.calendar(stated.every).whole
        before = "if it is to count then, let its windows start earlier (`starts`)"
        after = "if it is to count then, write more parts of the `ramp`, or a clause of its own"
        for start, end, remedy in ((validity.start, first, before), (last, validity.end, after)):
            if max(start, horizon.opens) < min(end, horizon.closes) and not endless(end):
                yield start, end, remedy


def _days(start: datetime, end: datetime, clock: tzinfo) -> str:
    """From the first to the last, both in, on a clock."""
    first, last = start.astimezone(clock).date(), (end - timedelta.resolution).astimezone(clock).date()
    return f"on {first}" if first == last else f"from {first} to {last}"
