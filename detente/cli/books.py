"""The commands of the ledger: ingest.

Owns: their arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from detente.cli.command import CASE, JSON, READING, SCENARIO, command, load

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
