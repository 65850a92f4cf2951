"""A posting: one line of what is owed, or given back, under a clause.

What only counts (drawn, carried, remaining) is no posting: see ``standing``. Not here: how an amount comes about
(``Term.settle``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from detente.values.period import End
from detente.values.quantity import Exact


@dataclass(frozen=True, slots=True)
class Posting:
    """Owed by us for one window (positive), or given to us (negative): money, a whole number of nano-units.

    ``part`` is the clause's own name for what it is for (``shortfall-fee``), for people alone: nothing turns on it.
    ``in_spend`` says that spend is counted after it (a discount), so that it is owed once, in spend.
    """

    term: str
    part: str
    window: int
    start: datetime
    end: End
    amount: Exact
    in_spend: bool = False
