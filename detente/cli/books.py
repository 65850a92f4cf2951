"""The commands of books as they stand: close, standing.

Owns: their arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import CASE, JSON, LEDGER, READING, SCENARIO, command, console, day_of, load

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.results.plan_rows import Purchase


@command("detente close examples/enterprise --ledger ledger.db --as-of 2026-07-01")
@CASE
@LEDGER
@click.option("--as-of", "day", metavar="DAY", required=True, help="The day up to which the books are closed.")
@click.option(
    "--plan", type=click.Path(path_type=Path), help="Also book what its reserved capacity cost and left idle."
)
@READING
@SCENARIO
@JSON
def close(
    case: Path, ledger: str, day: str, plan: Path | None, reading: str | None, scenario: str | None, as_json: bool
) -> int:
    """Close the books of CASE up to a day: what clauses owe and give for windows that have ended, and what accrues.

    Closing again changes nothing. What came late for a closed period is booked as an adjustment that names it. Exit
    code 0: closed. 2: what some clause comes to is not known; what all others come to is booked.
    """
    from detente.ledger.books import Books
    from detente.ledger.closing import close as closing
    from detente.ledger.opening import open_store
    from detente.report.standing import closed_json, closed_view

    found, as_of = load(case, reading, scenario), day_of(day)
    held = _held(plan, found) if plan is not None else ()
    with open_store(ledger) as store:
        done = closing(Books(store, found), as_of, datetime.now(UTC), held)
    if as_json:
        click.echo(closed_json(done, f"{as_of:%Y-%m-%d}"))
    else:
        closed_view(console(), done, f"{as_of:%Y-%m-%d}", found.currency)
    return 2 if done.unknown else 0


@command("detente standing examples/enterprise --ledger ledger.db")
@CASE
@LEDGER
@click.option("--as-of", "day", metavar="DAY", help="Count use before this day. Default: all use up to now.")
@click.option("--all", "all_windows", is_flag=True, help="Also show windows that have ended.")
@READING
@SCENARIO
@JSON
def standing(
    case: Path,
    ledger: str,
    day: str | None,
    all_windows: bool,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """Where do the clauses and budgets of CASE stand? What each asks, has drawn and has left, and where it is heading.

    Exit code 0: shown. 2: where some clause stands is not known; all others are shown.
    """
    from detente.ledger.books import Books
    from detente.ledger.budget_stands import budgets_stand
    from detente.ledger.lag import folders_of, lags, read_up_to, said
    from detente.ledger.opening import open_store
    from detente.ledger.stands import stands
    from detente.report.budgets import budgets_view
    from detente.report.layout import say
    from detente.report.standing import standing_json, standing_view

    loaded = load(case, reading, scenario)
    now = datetime.now(UTC)
    as_of = now if day is None else day_of(day)
    with open_store(ledger) as store:
        found = stands(Books(store, loaded), as_of, all_windows=all_windows)
        budgets = budgets_stand(store, loaded, as_of)
        with store.reading() as session:
            marks = read_up_to(session)
    behind = lags(folders_of(marks), marks)
    if as_json:
        click.echo(standing_json(loaded.declared.name, found, loaded.currency, budgets, behind))
    else:
        standing_view(console(), loaded.declared.title or loaded.declared.name, found, loaded.currency)
        budgets_view(console(), budgets)
        for lag in (each for each in behind if each.late(now)):
            say(console(), said(lag, now), style="bold")
    return 2 if any(each.standing is None for each in found.clauses) else 0


def _held(folder: Path, case: Case) -> tuple[Purchase, ...]:
    """What a saved plan of this case buys. Raises PlanError where it is of another."""
    from detente.results.plan import Plan

    plan = Plan.load(folder)
    plan.must_be_of(case.hash, str(folder))
    return plan.purchases
