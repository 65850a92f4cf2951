"""``detente journal``: what was served: each reply, where it ran, and why.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from pathlib import Path

import click

from detente.cli.command import command
from detente.cli.options import JSON, GivenPath


@command("detente journal journal --last 20")
@click.argument("folder", type=GivenPath(path_type=Path, exists=True, file_okay=False))
@click.option("--last", type=click.IntRange(1), metavar="N", help="Only the last N records of each worker.")
@JSON
def journal(folder: Path, last: int | None, as_json: bool) -> int:
    """Print the records of a journal's FOLDER: what each reply was, where it ran and why, and what it used.

    Exit code 0: every record was read; that a file ends in a torn one (its writer was killed) is said. 2: records are
    damaged or missing.
    """
    from detente.report.ledger.journal import records_view

    return records_view(folder, last, as_json, click.echo, lambda text: click.echo(text, err=True))
