"""``detente close``: book what clauses owe and give, up to a day.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, console, load
from detente.cli.options import CASE, JSON, LEDGER, READING, SCENARIO, GivenPath, day_of

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.results.plan_rows import Purchase


@command("detente close examples/enterprise --ledger ledger.db --as-of 2026-07-01")
@CASE
@LEDGER
@click.option("--as-of", "day", metavar="DAY", required=True, help="The day up to which the books are closed.")
@click.option("--plan", type=GivenPath(path_type=Path), help="Also book what its reserved capacity cost and left idle.")
@READING
@SCENARIO
@JSON
def close(
    case: Path, ledger: str, day: str, plan: Path | None, reading: str | None, scenario: str | None, as_json: bool
) -> int:
    """Close the books of CASE up to a day: what clauses owe and give for windows that have ended, and what accrues.

    The day has begun once it has for every party, each on the clock of its agreements.

    Closing again changes nothing. What came late for a closed period is booked as an adjustment that names it. Exit
    code 0: closed. 2: what some clause comes to is not known; what all others come to is booked.
    """
    from detente.ledger.books.books import Books
    from detente.ledger.books.closing import close as closing
    from detente.ledger.store.opening import open_store
    from detente.report.ledger.standing import closed_json, closed_view

    found, on = load(case, reading, scenario), day_of(day).date()
    held = _held(plan, found) if plan is not None else ()
    with open_store(ledger) as store:
        books = Books(store, found)
        done = closing(books, books.begins(on), datetime.now(UTC), held)
    if as_json:
        click.echo(closed_json(done, str(on)))
    else:
        closed_view(console(), done, str(on), found.currency)
    return 2 if done.unknown else 0


def _held(folder: Path, case: Case) -> tuple[Purchase, ...]:
    """What a saved plan of this case buys. Raises PlanError where it is of another."""
    from detente.case.planned import must_hold
    from detente.results.plan import Plan

    plan = Plan.load(folder)
    must_hold(plan, case, str(folder))
    return plan.purchases
