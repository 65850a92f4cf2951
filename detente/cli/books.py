"""The commands of the ledger: ingest, close, standing, statement, audit.

Owns: their arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import CASE, JSON, READING, SCENARIO, command, console, load

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.results.plan_rows import Purchase

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
@click.option(
    "--mapping",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="JOURNALs are bills or exports of use (CSV, Parquet); FILE says what their rows are.",
)
@READING
@SCENARIO
@JSON
def ingest(
    case: Path,
    journals: tuple[Path, ...],
    ledger: str,
    mapping: Path | None,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """Put the records of JOURNALs (folders, or files of them) on the books of CASE, each once.

    With --mapping, the rows of a provider's bill: FOCUS, AWS cost and usage reports, Azure usage details, or any table.

    Run it as often as you like: what is on the books is not counted again. Exit code 0: all records are on the books.
    2: some are damaged, missing or unreadable; they are set aside with their place, and all others are on the books.
    """
    from detente.ledger.books import Books
    from detente.ledger.ingest import Ingest
    from detente.ledger.ingest import journals as files_of
    from detente.ledger.opening import open_store
    from detente.report.ingested import ingested_json, ingested_view

    found = load(case, reading, scenario)
    if mapping is not None:
        return _bills(found, journals, mapping, ledger, as_json=as_json)
    files = files_of(journals)
    with open_store(ledger, make=True) as store:
        told = Ingest(Books(store, found)).run(files, datetime.now(UTC))
    if as_json:
        click.echo(ingested_json(told))
    else:
        ingested_view(told, click.echo, lambda text: click.echo(text, err=True))
    return 0 if told.whole else 2


def _bills(case: Case, paths: tuple[Path, ...], mapping: Path, ledger: str, *, as_json: bool) -> int:
    """Rows of bills onto the books."""
    from detente.ledger.bill_ingest import BillIngest, bills
    from detente.ledger.bill_mapping import read_mapping
    from detente.ledger.books import Books
    from detente.ledger.opening import open_store
    from detente.report.ingested import billed_json, billed_view

    read = read_mapping(mapping, case)
    with open_store(ledger, make=True) as store:
        told = BillIngest(Books(store, case), read).run(bills(paths), datetime.now(UTC))
    if as_json:
        click.echo(billed_json(told))
    else:
        billed_view(told, case.currency, click.echo, lambda text: click.echo(text, err=True))
    return 0 if told.whole else 2


@command("detente close examples/enterprise --ledger ledger.db --as-of 2026-07-01")
@CASE
@LEDGER
@click.option("--as-of", "day", metavar="DAY", required=True, help="The day up to which the books are closed.")
@click.option(
    "--plan", type=click.Path(path_type=Path), help="Also book what its reserved capacity cost and left idle."
)
@READING
@SCENARIO
@JSON
def close(
    case: Path, ledger: str, day: str, plan: Path | None, reading: str | None, scenario: str | None, as_json: bool
) -> int:
    """Close the books of CASE up to a day: what clauses owe and give for windows that have ended, and what accrues.

    Closing again changes nothing. What came late for a closed period is booked as an adjustment that names it. Exit
    code 0: closed. 2: what some clause comes to is not known; what all others come to is booked.
    """
    from detente.ledger.books import Books
    from detente.ledger.closing import close as closing
    from detente.ledger.opening import open_store
    from detente.report.standing import closed_json, closed_view

    found, as_of = load(case, reading, scenario), _day(day)
    held = _held(plan, found) if plan is not None else ()
    with open_store(ledger) as store:
        done = closing(Books(store, found), as_of, datetime.now(UTC), held)
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


@command("detente statement examples/enterprise --ledger ledger.db --agreement aws-edp --window 2026-06")
@CASE
@LEDGER
@click.option("--agreement", metavar="ID", help="Only the party of this agreement. Default: all parties with entries.")
@click.option("--window", metavar="TIME", help="2026, 2026-Q1, 2026-01 or a day. Default: the month before this one.")
@click.option("--as-of", "day", metavar="DAY", help="End it before this day. Default: before today.")
@click.option("--csv", "as_csv", is_flag=True, help="Print its lines as CSV.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save it as an HTML page, too.")
@READING
@SCENARIO
@JSON
def statement(
    case: Path,
    ledger: str,
    agreement: str | None,
    window: str | None,
    day: str | None,
    as_csv: bool,
    out: Path | None,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """What is between us and each party of CASE in a time? What was owed before, each line since, and what is owed now.

    Exit code 0: shown.
    """
    from detente.ledger.books import Books
    from detente.ledger.opening import open_store
    from detente.ledger.statement import parties
    from detente.ledger.statement import statement as state
    from detente.report.statement import statement_view, statements_csv, statements_json

    if as_csv and as_json:
        raise click.ClickException("--csv and --json are two forms; give one of them")
    loaded = load(case, reading, scenario)
    party = None if agreement is None else _party(loaded, agreement)
    start, end = _window(window)
    end = _so_far(start, end, datetime.now(UTC)) if day is None else min(end, _day(day))
    if end <= start:
        raise click.ClickException(f"--as-of: the time begins on {start:%Y-%m-%d}; write a later day")
    with open_store(ledger) as store:
        books = Books(store, loaded)
        found = [state(books, each, start, end) for each in ([party] if party else parties(books))]
    if out is not None:
        from detente.report.statement_page import render_statements
        from detente.values.file import write

        write(out, render_statements(found, loaded.declared.title or loaded.declared.name).encode())
        click.echo(f"wrote {out}", err=True)
    if as_json:
        click.echo(statements_json(found))
    elif as_csv:
        click.echo(statements_csv(found), nl=False)
    else:
        for each in found:
            statement_view(console(), each)
    return 0


def _so_far(start: datetime, end: datetime, now: datetime) -> datetime:
    """The end of a time; of one that has not ended, the beginning of today: what is to come is on no statement."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return today if start < today < end else end


def _held(folder: Path, case: Case) -> tuple[Purchase, ...]:
    """What a saved plan of this case buys. Raises PlanError where it is of another."""
    from detente.results.plan import Plan

    plan = Plan.load(folder)
    plan.must_be_of(case.hash, str(folder))
    return plan.purchases


def _party(case: Case, agreement: str) -> str:
    """The party of an agreement."""
    from detente.errors import CaseError, Mistake, Where, did_you_mean

    found = {each.id: each.with_ for each in case.declared.agreements}
    if agreement not in found:
        hint = did_you_mean(agreement, found, "the case has no agreements: leave out `--agreement`")
        raise CaseError([Mistake(Where("--agreement"), f"there is no `{agreement}`", hint)])
    return found[agreement]


def _window(given: str | None) -> tuple[datetime, datetime]:
    from detente.errors import FlawError
    from detente.values.period import later, stretch
    from detente.values.quantity import Span

    if given is None:
        now = datetime.now(UTC)
        end = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return later(end, Span(1, "month"), -1), end
    try:
        return stretch(given)
    except FlawError as error:
        what = f"--window: {error.flaws[0].what}"
        raise click.ClickException(f"{what}; write for example `2026`, `2026-Q1`, `2026-01` or `2026-01-31`") from None


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
