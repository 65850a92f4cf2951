"""An amount with its error bar, as people read it.

Owns: when either tells something. Not here: how an amount is estimated (``outcomes.estimate``).
"""

from __future__ import annotations

from decimal import Decimal

from detente.outcomes.estimate import Estimate
from detente.values.money import CENT, shown

TELLING = Decimal("0.005")
"""A part of a price from which on its error bar is told."""


def told(found: Estimate, currency: str) -> str:
    """A price: ``1.20 M USD``; ``under 330 k USD`` where its error bar is larger; ``nothing``."""
    if found.limit < CENT:
        return "nothing"
    return f"under {shown(found.limit, currency)}" if found.vague else shown(found.amount, currency)


def bar(found: Estimate, currency: str) -> str:
    """Its error bar, where it tells something that the price does not: ``± 12.0 M USD``."""
    return f"± {shown(found.bar, currency)}" if not found.vague and telling(found.bar, found.amount) else ""


def telling(error: Decimal, amount: Decimal) -> bool:
    """Whether what an amount may be off by tells something that the amount does not."""
    return error > max(CENT, TELLING * abs(amount))
