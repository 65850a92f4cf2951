"""Whether a case can be signed, as a person reads it in a terminal.

Owns: the words of ``detente check``. Not here: the answer (``planner.check``), and a conflict's own view
(``conflict_view``).
"""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from detente.case.case import Case
from detente.planner.check import Answer
from detente.report.numerals import count

HEADLINES = {"yes": "Yes", "no": "No", "depends": "It depends on the reading"}


def check_view(case: Case, found: Answer, console: Console) -> None:
    """The answer first; then, for each reading that has a conflict, who collides and the ways out."""
    title = case.declared.display_name
    console.print(Text(f"{HEADLINES[found.answer]} · {title}"))
    if found.answer == "yes":
        (choice, *_) = case.choices_beside(next(iter(found.readings)))
        clauses = {term.id for term in case.under(reading=choice).terms}
        in_force = len(clauses - {each.term.id for each in case.outside})
        console.print(
            Text(_performed(in_force, none="No clause is in force." if clauses else "The case has no clauses."))
        )
        if in_force and any(workload.value is not None for workload in case.workloads):
            console.print(Text("Run `detente plan` to see how much demand is served."))
    for reading, conflict in found.readings.items():
        if conflict is not None:
            from detente.report.plans.conflict_view import conflict_view

            console.print()
            conflict_view(conflict, case.currency, console)
        elif found.answer == "depends":
            console.print(Text(f"Under the reading `{reading}` every clause can be performed."))
    if found.folded:
        more = f"{count(found.folded, 'more combination')} of readings"
        console.print(Text(f"{more} differ in clauses whose reading changes nothing, and are not shown."))


def _performed(clauses: int, none: str) -> str:
    """How many clauses can be performed."""
    if not clauses:
        return none
    which = "The one clause can be performed" if clauses == 1 else f"All {clauses} clauses can be performed together"
    return f"{which}, without any shortfall fee."
