"""A posting: one line of what is owed, or given back, under a clause.

What only counts (drawn, carried, remaining) is no posting: see ``standing``. Not here: how an amount comes about
(``Term.settle``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from detente.values.period import End
from detente.values.quantity import Exact


class PostingPart(StrEnum):
    """What a posting is for."""

    DISCOUNT = "discount"
    """Taken off list prices: spend is counted after it."""
    SHORTFALL_FEE = "shortfall-fee"
    MILESTONE_FEE = "milestone-fee"
    UNTAKEN = "untaken"
    REVENUE_SHARE = "revenue-share"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Posting:
    """Owed by us for one window (positive), or given to us (negative): money, a whole number of nano-units."""

    term: str
    part: PostingPart
    window: int
    start: datetime
    end: End
    amount: Exact
