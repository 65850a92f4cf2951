"""Where budgets stand, for people and for programs.

Owns: how it is told. Not here: what it is (``ledger.caps.budget_stands``).
"""

from __future__ import annotations

from collections.abc import Sequence

from detente.ledger.caps.budget_stands import BudgetStands
from detente.report.layout import Row, table
from detente.report.screen import Screen
from detente.values.period import endless

HEADS = ("budget", "window", "allows", "used", "leased", "remaining")


def budgets_view(console: Screen, found: Sequence[BudgetStands]) -> None:
    """A line an amount of a budget, in the window that runs; nothing where there is none."""
    if found:
        table(console, "Budgets", HEADS, [_row(each) for each in found], right=(2, 3, 4, 5), most=len(found))


def _row(each: BudgetStands) -> Row:
    cap, allows = each.cap, each.allows
    whose = f" ({cap.of.whose})" if cap.of.whose else ""
    when = "now" if cap.comes_back else cap.when(allows).removeprefix("in ").removeprefix("from ")
    amounts = (cap.exact(amount) for amount in (each.booked, each.leased, each.remaining))
    return f"{cap.id}{whose}", when, cap.told(allows.limit), *amounts


def plain_budget(each: BudgetStands) -> dict[str, object]:
    """An amount of a budget as values of JSON."""
    cap, allows = each.cap, each.allows
    until = None if endless(allows.end) or cap.comes_back else allows.end.isoformat()
    amounts = {"allows": allows.limit, "used": each.booked, "leased": each.leased, "remaining": each.remaining}
    head = {"budget": cap.id, **cap.details, "from": allows.start.isoformat(), "until": until}
    return {**head, **{name: cap.exact(amount) for name, amount in amounts.items()}}
