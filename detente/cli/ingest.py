"""``detente ingest``: journals, or rows of bills, are put on the books.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, load
from detente.cli.options import CASE, JSON, LEDGER, READING, SCENARIO, GivenPath, TimestampParam

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.gateway.serving.clock import Clock
    from detente.ledger.books.ingest import Ingested


@command("detente ingest examples/enterprise journal --ledger ledger.db")
@CASE
@click.argument("journals", nargs=-1, required=True, type=GivenPath(path_type=Path, exists=True), metavar="JOURNAL…")
@LEDGER
@click.option(
    "--mapping",
    type=GivenPath(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="JOURNALs are bills or exports of use (CSV, Parquet); FILE says what their rows are.",
)
@click.option("--follow", is_flag=True, help="Go on, about once a second, until stopped.")
@click.option(
    "--at",
    type=TimestampParam(),
    metavar="MOMENT",
    help="Take this for now: use of more than a day later is set aside. For journals of `serve --at`.",
)
@READING
@SCENARIO
@JSON
def ingest(
    case: Path,
    journals: tuple[Path, ...],
    ledger: str,
    mapping: Path | None,
    follow: bool,
    at: datetime | None,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """Put the records of JOURNALs (folders, or files of them) on the books of CASE, each once.

    With --mapping, the rows of a provider's bill: FOCUS, AWS cost and usage reports, Azure usage details, or any table.

    Run it as often as you like: what is on the books is not counted again. Exit code 0: all records are on the books.
    2: some are damaged, missing or unreadable; they are set aside with their place, and all others are on the books.

    `detente serve --ledger` does so by itself for its own journal, and needs no --follow beside it.
    """
    from detente.gateway.serving.clock import Clock
    from detente.ledger.books.books import Books
    from detente.ledger.books.giving_back import give_back
    from detente.ledger.books.ingest import Ingest
    from detente.ledger.books.ingest import journals as files_of
    from detente.ledger.store.opening import open_store

    found, clock = load(case, reading, scenario), Clock(at)
    if mapping is not None:
        if follow:
            raise click.ClickException("--follow is for journals, which grow; give a new bill when there is one")
        return _bills(found, journals, mapping, ledger, clock.now(), as_json=as_json)
    if follow:
        return _followed(found, journals, ledger, clock, as_json=as_json)
    files = files_of(journals)
    with open_store(ledger, make=True) as store:
        reads = Ingest(Books(store, found))
        told = reads.run(files, clock.now())
        told.freed = give_back(reads, files, clock.now())
    _tell(told, _warn, as_json=as_json)
    return 0 if told.whole else 2


def _warn(text: str) -> None:
    click.echo(text, err=True)


def _tell(told: Ingested, warn: Callable[[str], None], *, as_json: bool) -> None:
    from detente.report.ledger.ingested import ingested_json, ingested_view

    if as_json:
        click.echo(ingested_json(told))
    else:
        ingested_view(told, click.echo, warn)


def _followed(case: Case, journals: tuple[Path, ...], ledger: str, clock: Clock, *, as_json: bool) -> int:
    """Go on until SIGTERM or Ctrl-C; each time that brought something is told, with ``--json`` as a line of its own."""
    import signal
    import threading

    from detente.ledger.books.following import Following
    from detente.ledger.store.opening import open_store

    open_store(ledger, make=True).close()  # what is wrong with it is said before anything is awaited
    stop, whole = threading.Event(), True
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())

    def hear(told: Ingested) -> None:
        nonlocal whole
        whole = whole and told.whole
        if told.records or told.freed:
            _tell(told, lambda text: None, as_json=as_json)  # what is wrong is said once, below
            sys.stdout.flush()

    Following(ledger, journals, _warn).run(lambda: case, clock.now, stop, hear)
    return 0 if whole else 2


def _bills(case: Case, paths: tuple[Path, ...], mapping: Path, ledger: str, at: datetime, *, as_json: bool) -> int:
    """Rows of bills onto the books."""
    from detente.ledger.bills.bill_files import bills
    from detente.ledger.bills.bill_ingest import BillIngest
    from detente.ledger.bills.bill_mapping import read_mapping
    from detente.ledger.books.books import Books
    from detente.ledger.store.opening import open_store
    from detente.report.ledger.ingested import billed_json, billed_view

    read = read_mapping(mapping, case)
    with open_store(ledger, make=True) as store:
        told = BillIngest(Books(store, case), read).run(bills(paths), at)
    if as_json:
        click.echo(billed_json(told))
    else:
        billed_view(told, case.currency, click.echo, lambda text: click.echo(text, err=True))
    return 0 if told.whole else 2
