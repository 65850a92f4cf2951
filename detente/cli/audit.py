"""The command `audit`.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, load
from detente.cli.options import CASE, EARLIEST, JSON, LATEST, LEDGER, READING, SCENARIO, GivenPath, TimestampParam

if TYPE_CHECKING:
    from detente.ledger.books.books import Books


@command("detente audit examples/enterprise --ledger ledger.db --against checkpoints --key env:LEDGER_KEY")
@CASE
@LEDGER
@click.option("--request", "request_id", metavar="ID", help="Print the evidence for this call instead.")
@click.option("--workload", metavar="ID", help="Print the evidence for this workload instead.")
@click.option("--clause", metavar="ID", help="Print the evidence for this clause instead.")
@click.option("--from", "start", type=TimestampParam(), metavar="DAY", help="Print the evidence from this day on.")
@click.option("--until", "end", type=TimestampParam(), metavar="DAY", help="Print the evidence until before this day.")
@click.option("--out", type=GivenPath(path_type=Path, dir_okay=False), metavar="FILE", help="Save the evidence there.")
@click.option("--sign", type=GivenPath(path_type=Path), help="Append a signed checkpoint to this file.")
@click.option("--against", type=GivenPath(path_type=Path), help="Verify against the checkpoints in this file.")
@click.option("--key", metavar="REF", help="Where the key of checkpoints is: env:NAME or file:PATH.")
@READING
@SCENARIO
@JSON
def audit(
    case: Path,
    ledger: str,
    request_id: str | None,
    workload: str | None,
    clause: str | None,
    start: datetime | None,
    end: datetime | None,
    out: Path | None,
    sign: Path | None,
    against: Path | None,
    key: str | None,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """Was anything in the ledger of CASE altered, removed or inserted? Every row, every batch, and what follows.

    With --request, --workload, --clause, --from or --until: the evidence for these together, as one JSON document: use,
    decisions with those rejected and why, clauses with their source, prices, postings, and the proof that it stands.

    Exit code 0: all holds. 1: it does not; the first place where is named.
    """
    from detente.ledger.books.books import Books
    from detente.ledger.proof.audit import audit as verify
    from detente.ledger.proof.checkpoint import broken, key_of, now
    from detente.ledger.store.opening import open_store
    from detente.report.ledger.audited import audited_json, audited_view

    part = _Part(workload, clause, start, end)
    _must_fit(part, request_id, out, sign or against, key)
    secret = key_of(key) if key is not None else b""
    loaded = load(case, reading, scenario)
    with open_store(ledger) as store:
        books = Books(store, loaded)
        if request_id is not None or part.asked:
            with _into(out) as write:
                holds = part.write(books, write) if request_id is None else _call(books, request_id, write)
            return 0 if holds else 1
        found, held = verify(books), list[str]()
        with store.reading() as session:
            for checkpoints in _kept(against, sign):
                held += broken(session, checkpoints, secret)
            line = now(session, datetime.now(UTC)).line(secret) if sign is not None else ""
    whole = not (found.faults or held)
    if sign is not None and whole:
        with sign.open("a", encoding="utf-8") as file:
            file.write(line)
    told = audited_json(found, held) if as_json else audited_view(found, held)
    click.echo(told)
    return 0 if whole else 1


def _kept(against: Path | None, sign: Path | None) -> list[Path]:
    """The files of checkpoints to hold the ledger against: one that is signed goes on from those before it."""
    begun = sign if sign is not None and sign.exists() and sign.stat().st_size else None
    return list(dict.fromkeys(file for file in (against, begun) if file is not None))


@dataclass(frozen=True)
class _Part:
    """The part of the books that evidence is asked of."""

    workload: str | None
    clause: str | None
    start: datetime | None
    end: datetime | None

    @property
    def asked(self) -> bool:
        return any(each is not None for each in (self.workload, self.clause, self.start, self.end))

    def write(self, books: Books, write: Callable[[str], object]) -> bool:
        """Up to now at most: windows that are to come are nobody's evidence."""
        from detente.ledger.proof.dossier import Dossier, DossierScope
        from detente.report.ledger.dossier import write_dossier

        since, until = self.start or EARLIEST, min(self.end or LATEST, datetime.now(UTC))
        if until <= since:
            what = f"--from: {since:%Y-%m-%d} is not before {until:%Y-%m-%d}, where it ends"
            raise click.ClickException(f"{what}; write an earlier day")
        with books.store.reading() as session:
            dossier = Dossier(books, session, DossierScope(since, until, self.workload, self.clause))
            write_dossier(dossier, write)
        return dossier.holds


def _must_fit(part: _Part, request: str | None, out: Path | None, signed: Path | None, key: str | None) -> None:
    """Say which options do not go together."""
    wrong = ""
    if (signed is None) != (key is None):
        wrong = "--key goes with --sign or --against, and they with it; give both or neither"
    elif request is not None and part.asked:
        wrong = "--request is of one call; give it, or what asks for more of them"
    elif signed is not None and (request is not None or part.asked):
        wrong = "--sign and --against are of the whole ledger; leave out what asks for a part of it"
    elif out is not None and request is None and not part.asked:
        wrong = "--out saves evidence; say of what: --request, --workload, --clause, --from or --until"
    if wrong:
        raise click.ClickException(wrong)


@contextmanager
def _into(out: Path | None) -> Iterator[Callable[[str], object]]:
    """What writes into a file, whole or not at all, or to standard output."""
    from detente.values.file import whole_file

    if out is None:
        yield lambda text: click.echo(text, nl=False)
        return
    with whole_file(out) as file:
        yield file.write
    click.echo(f"wrote {out}", err=True)


def _call(books: Books, request: str, write: Callable[[str], object]) -> bool:
    from detente.ledger.proof.evidence import of_call

    evidence = of_call(books, request)
    write(f"{evidence.to_json()}\n")
    return evidence.holds
