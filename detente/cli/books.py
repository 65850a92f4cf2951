"""The commands of the ledger: ingest, close, standing.

Owns: their arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from detente.cli.command import CASE, JSON, READING, SCENARIO, command, console, load

LEDGER = click.option(
    "--ledger",
    metavar="URL",
    default="ledger.db",
    show_default=True,
    help="The ledger: a path, sqlite:///PATH, or postgresql://….",
)


@command("detente ingest examples/enterprise journal --ledger ledger.db")
@CASE
@click.argument("journals", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="JOURNAL…")
@LEDGER
@READING
@SCENARIO
@JSON
def ingest(
    case: Path, journals: tuple[Path, ...], ledger: str, reading: str | None, scenario: str | None, as_json: bool
) -> int:
    """Put the records of JOURNALs (folders, or files of them) on the books of CASE, each once.

    Run it as often as you like: what is on the books is not counted again. Exit code 0: all records are on the books.
    2: some are damaged, missing or unreadable; they are set aside with their place, and all others are on the books.
    """
    from detente.ledger.books import Books
    from detente.ledger.ingest import Ingest
    from detente.ledger.ingest import journals as files_of
    from detente.ledger.opening import open_store
    from detente.report.ingested import ingested_json, ingested_view

    found = load(case, reading, scenario)
    files = files_of(journals)
    with open_store(ledger, make=True) as store:
        told = Ingest(Books(store, found)).run(files, datetime.now(UTC))
    if as_json:
        click.echo(ingested_json(told))
    else:
        ingested_view(told, click.echo, lambda text: click.echo(text, err=True))
    return 0 if told.whole else 2


@command("detente close examples/enterprise --ledger ledger.db --as-of 2026-07-01")
@CASE
@LEDGER
@click.option("--as-of", "day", metavar="DAY", required=True, help="The day up to which the books are closed.")
@READING
@SCENARIO
@JSON
def close(case: Path, ledger: str, day: str, reading: str | None, scenario: str | None, as_json: bool) -> int:
    """Close the books of CASE up to a day: what clauses owe and give for windows that have ended, and what accrues.

    Closing again changes nothing. What came late for a closed period is booked as an adjustment that names it. Exit
    code 0: closed. 2: what some clause comes to is not known; what all others come to is booked.
    """
    from detente.ledger.books import Books
    from detente.ledger.closing import close as closing
    from detente.ledger.opening import open_store
    from detente.report.standing import closed_json, closed_view

    found, as_of = load(case, reading, scenario), _day(day)
    with open_store(ledger) as store:
        done = closing(Books(store, found), as_of, datetime.now(UTC))
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
    """Where do the clauses of CASE stand? What each window asks, has drawn and has left, and where it is heading.

    Exit code 0: shown. 2: where some clause stands is not known; all others are shown.
    """
    from detente.ledger.books import Books
    from detente.ledger.opening import open_store
    from detente.ledger.stands import stands
    from detente.report.standing import standing_json, standing_view

    loaded = load(case, reading, scenario)
    as_of = datetime.now(UTC) if day is None else _day(day)
    with open_store(ledger) as store:
        found = stands(Books(store, loaded), as_of, all_windows=all_windows)
    if as_json:
        click.echo(standing_json(loaded.declared.name, found, loaded.currency))
    else:
        standing_view(console(), loaded.declared.title or loaded.declared.name, found, loaded.currency)
    return 2 if any(each.standing is None for each in found.clauses) else 0


def _day(given: str) -> datetime:
    from detente.errors import FlawError
    from detente.values.period import day, moment

    try:
        return moment(day(given))
    except FlawError as error:
        raise click.ClickException(f"--as-of: {error.flaws[0].what}; {error.flaws[0].remedy}") from None
