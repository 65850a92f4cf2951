"""What a presented key brings to a decision, beside the labels that it stands for.

Owns: the value alone. It is compared by identity, so that a decision is remembered by it at no cost. Not here: keys
(``key``), and what a key means for a call (the gateway's ``deciding``).
"""

from __future__ import annotations

from dataclasses import dataclass

from detente.live.budget import BudgetAmounts


@dataclass(frozen=True, eq=False, slots=True)
class Presented:
    """Whose key it is, the budget that its calls count towards, its own, and the models that it may ask for."""

    id: str
    within: str | None = None
    budget: BudgetAmounts | None = None
    models: frozenset[str] | None = None
