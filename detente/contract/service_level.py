"""A service level: how available what a clause covers is to be, and what follows where it was less.

Not here: how available it was (``ledger.books.availability``), and what any clause gives back for it (``terms``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from detente.contract.reach.window import Calendar, Window


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Windows in which availability is measured, and what the clause makes of it in one of them, in words."""

    windows: Calendar
    follows: Callable[[Window, Decimal], str]
