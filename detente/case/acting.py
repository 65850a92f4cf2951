"""The days on which something of a clause would happen, once it has ended: it does nothing then.

Not here: which end that is, of its own paper (``checks.clauses``) or of its last text (``outside``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from detente.contract.answer import each_placed
from detente.contract.term import Term
from detente.errors import KeyPath


def acting_after(term: Term, end: datetime, closes: datetime) -> Iterator[tuple[KeyPath, date]]:
    """Those of a bound clause from its end on, until the horizon closes, each with its place in the clause.

    Raises TypeError where its kind answers with something else than days in their places.
    """
    instead = 'each day with its place: `(("due",), self.due)`'
    for path, on in each_placed(term, "acting_days", term.acting_days(), date, instead):
        if end <= term.begin(on) < closes:
            yield path, on
