"""A posting: one line of what is owed or drawn, and the clause it cites.

Owns: postings, and the standing of a clause (what is drawn, reserved, remaining). Not here: how they come about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from detente.values.period import End
from detente.values.quantity import Exact


@dataclass(frozen=True, slots=True)
class Posting:
    """One line. ``amount`` is money, a whole number of nano-units; what we owe is positive, what we are given negative.

    ``owed`` is False where the line only counts (a drawdown, a balance carried over): it moves no money.
    """

    term: str
    part: str
    window: int
    start: datetime
    end: End
    amount: Exact
    owed: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a clause stands at a moment: what is drawn and reserved of its amount, and what remains."""

    drawn: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    remaining: Decimal | None = None
