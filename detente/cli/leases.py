"""``detente leases``: who holds leases of caps, and that one of them has ended, which a person knows.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from detente.cli.command import command, console, load
from detente.cli.options import CASE, JSON, LEDGER


@command("detente leases examples/enterprise --ledger ledger.db")
@CASE
@LEDGER
@click.option("--ended", multiple=True, metavar="HOLDER", help="It runs no more, and no more of its journal will come.")
@JSON
def leases(case: Path, ledger: str, ended: tuple[str, ...], as_json: bool) -> int:
    """Which workers hold leases of the caps and budgets of CASE, and what of each? For a machine that is gone.

    With --ended, what that worker had leased and not used, by the books, is free: ingest first what there is of its
    journal. Use that is in a lost journal alone counts nowhere from then on.

    Exit code 0: shown, or done. 1: some --ended holds no leases.
    """
    from detente.ledger.books.books import must_be_of
    from detente.ledger.caps.holdings import holdings
    from detente.ledger.caps.leasing import Leasing
    from detente.ledger.store.opening import open_store
    from detente.report.ledger.holdings import holdings_view, plain_holding

    found, now = load(case, None, None), datetime.now(UTC)
    with open_store(ledger) as store:
        must_be_of(store, found)
        there = holdings(store, found, now)
        strange = sorted({*ended} - {each.holder for each in there})
        if not strange:
            Leasing(store).bury(ended)
    for name in strange:
        click.echo(f"`{name}` holds no leases: nothing is changed; `detente leases` shows who does", err=True)
    if as_json:
        click.echo(json.dumps({"ended": [] if strange else sorted({*ended}), "leases": [*map(plain_holding, there)]}))
    elif ended and not strange:
        click.echo(f"ended: {', '.join(sorted({*ended}))}; what was leased and is not used, by the books, is free")
    elif not ended:
        holdings_view(console(), there)
    return 1 if strange else 0
