"""When a reservation is invoiced: whole when it begins, or in equal instalments, before or after each month.

Not here: which clauses count by it (``contract/metered/counting_moment``), and what is paid for a unit (``offer``).
"""

from __future__ import annotations

from datetime import datetime
from itertools import count, takewhile
from typing import Literal

from detente.values.period import later
from detente.values.quantity import Span

Invoiced = Literal["upfront", "monthly", "in-arrears"]
"""``upfront``: all of it on its first day; ``monthly``: an instalment when each month of it begins; ``in-arrears``:
when each ends."""

MONTH = Span(1, "month")


def instalments(how: Invoiced, start: datetime, end: datetime) -> list[datetime]:
    """When each of the equal instalments of a reservation is invoiced."""
    if how == "upfront":
        return [start]
    begins = list(takewhile(lambda at: at < end, (later(start, MONTH, n) for n in count())))
    return begins if how == "monthly" else [*begins[1:], end]
