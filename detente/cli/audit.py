"""The command `audit`.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from detente.cli.command import CASE, JSON, LEDGER, READING, SCENARIO, command, load


@command("detente audit examples/enterprise --ledger ledger.db --against checkpoints --key env:LEDGER_KEY")
@CASE
@LEDGER
@click.option("--request", "request_id", metavar="ID", help="Print the evidence for this call instead.")
@click.option("--sign", type=click.Path(path_type=Path), help="Append a signed checkpoint to this file.")
@click.option("--against", type=click.Path(path_type=Path), help="Verify against the checkpoints in this file.")
@click.option("--key", metavar="REF", help="Where the key of checkpoints is: env:NAME or file:PATH.")
@READING
@SCENARIO
@JSON
def audit(
    case: Path,
    ledger: str,
    request_id: str | None,
    sign: Path | None,
    against: Path | None,
    key: str | None,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """Was anything in the ledger of CASE altered, removed or inserted? Every row, every batch, and what follows.

    Exit code 0: all holds. 1: it does not; the first place where is named.
    """
    from detente.ledger.audit import audit as verify
    from detente.ledger.books import Books
    from detente.ledger.checkpoint import broken, key_of, now
    from detente.ledger.evidence import of_call
    from detente.ledger.opening import open_store
    from detente.report.audited import audited_json, audited_view

    if (sign is None and against is None) != (key is None):
        raise click.ClickException("--key goes with --sign or --against, and they with it; give both or neither")
    secret = key_of(key) if key is not None else b""
    loaded = load(case, reading, scenario)
    with open_store(ledger) as store:
        books = Books(store, loaded)
        if request_id is not None:
            evidence = of_call(books, request_id)
            click.echo(evidence.to_json())
            return 0 if evidence.holds else 1
        found, held = verify(books), list[str]()
        with store.reading() as session:
            if against is not None:
                held = broken(session, against, secret)
            line = now(session, datetime.now(UTC)).line(secret) if sign is not None else ""
    whole = not (found.faults or held)
    if sign is not None and whole:
        with sign.open("a", encoding="utf-8") as file:
            file.write(line)
    told = audited_json(found, held) if as_json else audited_view(found, held)
    click.echo(told)
    return 0 if whole else 1
