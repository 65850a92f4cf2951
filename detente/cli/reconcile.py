"""``detente reconcile``: hold a provider's bill against the books.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from pathlib import Path

import click

from detente.cli.command import command, console, load
from detente.cli.options import CASE, JSON, LEDGER, READING, SCENARIO, GivenPath


@command("detente reconcile examples/enterprise bills/2026-03 --mapping aws.yaml --ledger ledger.db")
@CASE
@click.argument("bills", nargs=-1, required=True, type=GivenPath(path_type=Path, exists=True), metavar="BILL…")
@LEDGER
@click.option(
    "--mapping",
    type=GivenPath(path_type=Path, exists=True, dir_okay=False),
    required=True,
    metavar="FILE",
    help="FILE says what the rows of BILLs are, as for `ingest`.",
)
@READING
@SCENARIO
@JSON
def reconcile(
    case: Path,
    bills: tuple[Path, ...],
    ledger: str,
    mapping: Path,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """Hold BILLs of a provider against the books of CASE: differences by offer, day and cause, and what to claim.

    Exit code 0: they agree, but for rounding and time zones. 1: they differ. 2: some rows cannot be read or have no
    rule, or some use on the books is not known; all others are compared.
    """
    from detente.ledger.bills.bill_files import bills as files_of
    from detente.ledger.bills.bill_mapping import read_mapping
    from detente.ledger.bills.reconciling import reconcile as compare
    from detente.ledger.books.books import Books
    from detente.ledger.store.opening import open_store
    from detente.report.ledger.reconciled import reconciled_json, reconciled_view

    loaded = load(case, reading, scenario)
    read = read_mapping(mapping, loaded)
    with open_store(ledger) as store:
        found = compare(Books(store, loaded), read, files_of(bills))
    if as_json:
        click.echo(reconciled_json(found))
    else:
        reconciled_view(found, loaded.currency, console(), lambda text: click.echo(text, err=True))
    if found.aside or found.unmapped or found.unknown:
        return 2
    return 0 if found.agrees else 1
