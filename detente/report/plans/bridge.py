"""From the cost of one plan to that of another, cause by cause.

Owns: the causes and what each adds. Not here: the bill of one plan (``bill``), and drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from detente.report.plans.bill import MOVING, UNSERVED, ZERO, BillCause, posted
from detente.results.plan import Plan

COMPUTE = BillCause("compute-after-discounts", "compute, after discounts", "compute, after discounts", compute=True)
"""All that providers charge, with what is taken off it."""


def by_cause(plan: Plan) -> dict[BillCause, Decimal]:
    """Spend after discounts, then what clauses owe and give by what it is for, then what is not served, then moves."""
    found = {COMPUTE: sum((c.net for c in plan.charges), ZERO)}
    for (in_spend, part, _), amount in posted(plan).items():
        if not in_spend:
            cause = BillCause.of_part(part)
            found[cause] = found.get(cause, ZERO) + amount
    if plan.unserved_cost:
        found[UNSERVED] = plan.unserved_cost
    if plan.moving_cost:
        found[MOVING] = plan.moving_cost
    return found


@dataclass(frozen=True, slots=True)
class BridgeStep:
    """What one cause adds to the cost from one plan to another; ``before`` and ``after`` are its amounts in each."""

    cause: BillCause
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        """Positive where the second plan pays more."""
        return self.after - self.before


def bridge(first: Plan, second: Plan) -> Sequence[BridgeStep]:
    """From the cost of one plan to that of another, cause by cause; the changes add up to the difference exactly."""
    old, new = by_cause(first), by_cause(second)
    return [BridgeStep(c, old.get(c, ZERO), new.get(c, ZERO)) for c in dict.fromkeys([*old, *new])]
