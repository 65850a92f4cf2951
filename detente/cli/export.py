"""``detente export``: write the books as a FOCUS file.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, load
from detente.cli.options import CASE, EARLIEST, JSON, LATEST, LEDGER, READING, SCENARIO, GivenPath, TimestampParam

if TYPE_CHECKING:
    from detente.ledger.bills.focus_commitments import FocusCommitments


@command("detente export examples/enterprise --ledger ledger.db --from 2026-03-01 --until 2026-04-01 --out march.csv")
@CASE
@LEDGER
@click.option("--from", "start", type=TimestampParam(), metavar="DAY", help="The first day. Default: all.")
@click.option("--until", "end", type=TimestampParam(), metavar="DAY", help="The day after the last. Default: all.")
@click.option(
    "--dataset",
    type=click.Choice(["cost-and-usage", "contract-commitment"]),
    default="cost-and-usage",
    show_default=True,
    help="What to write: charges, or commitments with where they stand.",
)
@click.option("--out", type=GivenPath(path_type=Path, dir_okay=False), required=True, help="The file to write (CSV).")
@READING
@SCENARIO
@JSON
def export(
    case: Path,
    ledger: str,
    start: datetime | None,
    end: datetime | None,
    dataset: str,
    out: Path,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """Write the books of CASE as a FOCUS file: charges (Cost and Usage, 1.2) or commitments (Contract Commitment, 1.4).

    Of commitments, every window is a row, as it stands before --until, by default now.

    Exit code 0: all of it. 2: use is left out whose amount or price is not known: it is no row, and never zero.
    """
    from detente.ledger.bills.focus_commitments import FocusCommitments
    from detente.ledger.bills.focus_export import FocusExport
    from detente.ledger.books.books import Books
    from detente.ledger.store.opening import open_store

    since, until = start or EARLIEST, end or LATEST
    if until <= since:
        what = f"--until: {until:%Y-%m-%d} is not after {since:%Y-%m-%d}, the first day"
        raise click.ClickException(f"{what}; write a later day")
    found = load(case, reading, scenario)
    with open_store(ledger) as store:
        books = Books(store, found)
        if dataset == "contract-commitment":
            return _commitments(FocusCommitments(books, min(until, datetime.now(UTC))), out, as_json=as_json)
        export = FocusExport(books, since, until)
        rows, unknown = export.save(out), export.unknown
    if as_json:
        click.echo(json.dumps({"status": "incomplete" if unknown else "whole", "rows": rows, "unknown": unknown}))
        return 2 if unknown else 0
    click.echo(f"wrote {out}: {rows:,} row{'s' * (rows != 1)}")
    if unknown:
        what = f"{unknown:,} use{'s' * (unknown != 1)} whose amount or price is not known"
        remedy = "`detente audit --from DAY --until DAY` has each, with the reason"
        click.echo(f"left out: {what}; {remedy}", err=True)
    return 2 if unknown else 0


def _commitments(export: FocusCommitments, out: Path, *, as_json: bool) -> int:
    """Of clauses that cannot be settled, nothing is written."""
    rows, unknown = export.save(out), export.unknown
    if as_json:
        told = [{"clause": term, "why": why} for term, why in unknown]
        click.echo(json.dumps({"status": "incomplete" if unknown else "whole", "rows": rows, "unknown": told}))
        return 2 if unknown else 0
    click.echo(f"wrote {out}: {rows:,} row{'s' * (rows != 1)}")
    for term, why in unknown:
        click.echo(f"left out: `{term}`: {why}", err=True)
    return 2 if unknown else 0
