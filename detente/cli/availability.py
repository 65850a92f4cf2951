"""The command that counts how available providers were: availability.

Owns: its arguments and exit codes. Not here: counting (``ledger.books.availability``) and words
(``report.ledger.availability``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, console, load
from detente.cli.options import CASE, JSON, READING, SCENARIO, GivenPath

if TYPE_CHECKING:
    from detente.ledger.journals.journal_reading import Trouble
    from detente.ledger.journals.record import Record


@command("detente availability examples/enterprise journal")
@CASE
@click.argument("journals", nargs=-1, required=True, type=GivenPath(path_type=Path, exists=True), metavar="JOURNAL…")
@READING
@SCENARIO
@JSON
def availability(
    case: Path, journals: tuple[Path, ...], reading: str | None, scenario: str | None, as_json: bool
) -> int:
    """How available were the providers of CASE, by what the gateway recorded? For clauses that give something back.

    Each attempt counts: one that the provider failed (an error of its own, no reply in time, no connection, a reply
    that broke off) against all. Prints what to write under `measured` of each service-credit clause.

    Exit code 0: counted. 2: the case has mistakes, or records are damaged or missing; the rest is counted.
    """
    from detente.ledger.books.availability import availability as counted
    from detente.ledger.journals.journal_reading import Trouble
    from detente.report.ledger.availability import availability_json, availability_view

    loaded, damaged = load(case, reading, scenario), []

    def whole() -> Iterator[Record]:
        for item in _records(journals):
            if isinstance(item, Trouble):
                click.echo(item, err=True)
                damaged.extend([] if item.torn else [item])
            else:
                yield item

    found = counted(loaded, whole())
    name = loaded.declared.display_name
    if as_json:
        click.echo(availability_json(loaded.declared.name, found))
    else:
        availability_view(console(), name, found)
    return 2 if damaged else 0


def _records(paths: tuple[Path, ...]) -> Iterator[Record | Trouble]:
    """Of each worker, in the order in which it wrote them. Raises JournalError where a path holds no journal."""
    from detente.ledger.books.ingest import journals
    from detente.ledger.journals.journal_reading import records, worker_of
    from detente.ledger.journals.record import ended

    found = journals(paths)
    for worker in dict.fromkeys(map(worker_of, found)):
        yield from ended(records(file for file in found if worker_of(file) == worker))
