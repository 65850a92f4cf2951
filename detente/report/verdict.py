"""Whether a case can be signed, as a person reads it in a terminal.

Owns: the words of ``detente check``, and of a conflict. Not here: the answer (``planner.check``).
"""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from detente.case import Case
from detente.money import shown
from detente.plan import Conflict
from detente.planner.check import Answer


def check_view(case: Case, found: Answer, console: Console) -> None:
    """The answer first; then, for each reading that has a conflict, who collides and the ways out."""
    title = case.declared.title or case.declared.name
    _line(console, f"{_headline(found)} · {title}")
    if found.answer == "yes":
        clauses = len({t.id for t in case.under(reading=next(iter(found.readings))).terms})
        _line(console, f"All {clauses} clauses can be performed together, without any shortfall fee.")
    for reading, conflict in found.readings.items():
        if len(found.readings) > 1 or reading:
            word = "yes" if conflict is None else "no"
            console.print()
            _line(console, f"Under the reading `{reading}`: {word}.")
        if conflict is not None:
            conflict_view(conflict, case.currency, console)


def conflict_view(found: Conflict, currency: str, console: Console) -> None:
    """The clauses that collide, each with its text; what else plays a part; the ways out, cheapest first."""
    if found.clauses:
        plural = "s cannot be performed together" if len(found.clauses) > 1 else " cannot be performed"
        _line(console, f"{len(found.clauses)} clause{plural}; without any one of them the rest could be:")
    else:
        _line(console, "No clause is to blame: demand and capacity alone do not fit.")
    for clause in found.clauses:
        _line(console, f"- {clause.term} ({clause.agreement}): {clause.sentence}", 2)
        if clause.text:
            _line(console, f"“{clause.text}”", 4)
    for fact in found.facts:
        _line(console, f"- {fact}", 2)
    if found.relaxations:
        _line(console, "Ways out, cheapest first:")
    for number, way in enumerate(found.relaxations, 1):
        cost = "" if way.cost is None else f"; the plan then costs {shown(way.cost, currency)}"
        _line(console, f"{number}. {way.term}: {way.sentence}{cost}", 2)


def _headline(found: Answer) -> str:
    return {"yes": "Yes", "no": "No", "depends": "It depends on the reading"}[found.answer]


def _line(console: Console, text: str, indent: int = 0) -> None:
    """Wrapped, with a hanging indent; no markup is read from a case's own words."""
    console.print(Padding(Text(text), (0, 0, 0, indent), expand=False))
