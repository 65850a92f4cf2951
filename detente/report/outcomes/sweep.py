"""The sweep of one number of a clause, in words and on a terminal.

Owns: the words around kinks and break-even values, and the table. Not here: finding them (``outcomes.worth``), and
the page (``prices_page``).
"""

from __future__ import annotations

from decimal import Decimal

from rich.console import Console

from detente.outcomes.worth.kinks import Kink
from detente.outcomes.worth.sweep import NumberSweep
from detente.report.layout import Row, say, table, title
from detente.report.numerals import price
from detente.report.outcomes.prices import stopped
from detente.values.money import CENT, shown

MAX_POINTS = 60


def sweep_view(found: NumberSweep, console: Console) -> None:
    """The cost at each value, and where it turns."""
    title(console, found.title, found.reading, found.scenario)
    for sentence in swept(found):
        say(console, sentence)
    before = None
    rows: list[Row] = []
    for point in found.points:
        cost = point.cost
        more = "" if cost is None or before is None else _signed(cost.amount - before)
        kink = next((k for k in found.kinks if k.number == point.number), None)
        rows.append(
            [point.value, "no plan" if cost is None else shown(cost.amount, digits=5), more, _turns(kink, found)]
        )
        before = None if cost is None else cost.amount
    heads = [f"{found.term}.{found.field}", f"cost, {found.currency}", "more", ""]
    table(console, "Cost at each value", heads, rows, right=(0, 1, 2), most=MAX_POINTS, what="value")
    if found.status != "complete":
        say(console, stopped(found.status, 0, "value"), style="bold")


def swept(found: NumberSweep) -> list[str]:
    """Where the number begins to cost something, and where its agreement costs more than it saves."""
    sentences = []
    if found.stated is not None:
        sentences.append(f"The case states {found.stated}.")
    if found.begins is not None and found.without is not None:
        alone = shown(found.without.amount, found.currency)
        sentences.append(
            f"Without `{found.term}` the plan costs {alone}; the clause changes that from {found.begins} on."
        )
    if found.even is not None and found.unsigned is not None:
        alone = shown(found.unsigned.amount, found.currency)
        sentences.append(f"Without all of `{found.agreement}` it costs {alone}: {_even(found)}.")
    return sentences


def _even(found: NumberSweep) -> str:
    """At which value the agreement costs more than it saves, and on which side of it."""
    costs = [p.cost.amount for p in found.points if p.cost is not None]
    side = "above" if costs[-1] > costs[0] else "below"
    return f"{side} {found.even} the agreement costs more than it saves"


def _turns(kink: Kink | None, found: NumberSweep) -> str:
    if kink is None:
        return ""
    about = "" if kink.exact else "about here, "
    unit = {"": "unit", "of 1": "100%"}.get(found.unit, found.unit)
    return f"{about}from {price(kink.before)} to {price(kink.after)} {found.currency} per {unit}"


def _signed(change: Decimal) -> str:
    if abs(change) < CENT:
        return "–"
    return f"{'+' if change > 0 else '−'}{shown(abs(change))}"
