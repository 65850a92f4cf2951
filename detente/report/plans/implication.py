"""What a plan makes of each provider: the computed column beside the provider's own interest.

Owns: the figures and the sentence of the provider table. Not here: the interest (given in the case) and leverage,
which takes re-solves.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from detente.report.numerals import count, exact, listed, percent, plural, price, ticked
from detente.report.plans.digest import by_place
from detente.results.plan import Plan
from detente.results.plan_rows import ProviderRow
from detente.values.money import CENT, shown

SAME = Decimal("0.01")
"""Prices closer than this are called the same."""


IDLE = Decimal("0.001")
"""Idle capacity is spoken of where it takes at least this part of a provider's spend."""


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What a provider's work costs per unit after discounts, and the others' mean price, weighted by work."""

    unit: str
    price: Decimal
    others: Decimal | None

    @property
    def above(self) -> Decimal | None:
        """The part by which it is dearer than the others (negative: cheaper)."""
        return self.price / self.others - 1 if self.others else None


@dataclass(frozen=True, slots=True)
class Implication:
    """A provider in a plan: shares, prices, what depends on it, what must be kept alive and what stands idle."""

    row: ProviderRow
    prices: tuple[UnitPrice, ...]
    sole: tuple[str, ...]
    sentence: str


def implications(plan: Plan) -> list[Implication]:
    """One a provider, in the case's order."""
    homes: dict[str, set[str]] = {}
    for place, work, _ in by_place(plan):
        if work:
            homes.setdefault(place.workload, set()).add(place.provider)
    found = []
    for row in plan.providers:
        prices = tuple(_prices(plan, row))
        sole = tuple(w.workload for w in plan.workloads if homes.get(w.workload) == {row.provider})
        found.append(Implication(row, prices, sole, _sentence(plan, row, prices, sole)))
    return found


def _prices(plan: Plan, row: ProviderRow) -> list[UnitPrice]:
    found = []
    for unit, paid in row.effective_price.items():
        others = [p for p in plan.providers if p.provider != row.provider and p.work.get(unit)]
        work = sum((p.work[unit] for p in others), Decimal(0))
        total = sum((p.work[unit] * p.effective_price.get(unit, Decimal(0)) for p in others), Decimal(0))
        found.append(UnitPrice(unit, paid, total / work if work else None))
    return found


def _sentence(plan: Plan, row: ProviderRow, prices: tuple[UnitPrice, ...], sole: tuple[str, ...]) -> str:
    """Short: what it carries, at what price, what depends on it, and what that costs to keep."""
    if not any(row.work.values()):
        paid = f", but is paid {shown(row.spend, plan.currency)}" if row.spend else ""
        return f"Carries nothing in this plan{paid}."
    carries = listed([f"{percent(row.share_of_work.get(u, 0))} of {plural(u)}" for u in row.work])
    parts = [f"Carries {carries} for {percent(row.share_of_spend)} of spend"]
    parts += [_priced(p, plan.currency) for p in prices]
    if sole and len(sole) == len([w for w in plan.workloads if w.served]):
        parts.append("everything depends on it")
    elif sole:
        parts.append(f"{ticked(sole, 3)} {'runs' if len(sole) == 1 else 'run'} nowhere else")
    else:
        parts.append("nothing depends on it alone")
    parts.append(f"{count(row.deployments, 'deployment')} to maintain")
    if row.idle >= max(IDLE * row.spend, CENT):
        parts.append(f"{shown(row.idle, plan.currency)} is paid for idle capacity")
    return "; ".join(parts) + "."


def _priced(paid: UnitPrice, currency: str) -> str:
    text = f"{price(paid.price)} {currency} per {paid.unit}"
    if paid.above is None:
        return f"{text}, with no other provider to compare" if paid.others is None else text
    if abs(paid.above) < SAME:
        return f"{text}, as elsewhere"
    return f"{text}, {percent(abs(paid.above))} {'above' if paid.above > 0 else 'below'} the others"


def priced_exactly(paid: UnitPrice, currency: str) -> str:
    """For a tooltip: the price and the others' mean, every digit."""
    text = f"{exact(paid.price)} {currency} per {paid.unit}"
    return text if paid.others is None else f"{text}; others {price(paid.others)}"
