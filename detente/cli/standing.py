"""``detente standing``: where the clauses stand, and where they are heading.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from detente.cli.command import command, console, load
from detente.cli.options import CASE, JSON, LEDGER, READING, SCENARIO, day_of


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
    from detente.ledger.books.books import Books
    from detente.ledger.books.stands import stands
    from detente.ledger.caps.budget_stands import budgets_stand
    from detente.ledger.journals.lag import folders_of, lags, read_up_to, said
    from detente.ledger.store.opening import open_store
    from detente.report.layout import say
    from detente.report.ledger.budgets import budgets_view
    from detente.report.ledger.standing import standing_json, standing_view

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
        standing_view(console(), loaded.declared.display_name, found, loaded.currency)
        budgets_view(console(), budgets)
        for lag in (each for each in behind if each.late(now)):
            say(console(), said(lag, now), style="bold")
    return 2 if any(each.standing is None for each in found.clauses) else 0
