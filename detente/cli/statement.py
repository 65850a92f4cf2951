"""The command `statement`.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, console, load
from detente.cli.options import CASE, JSON, LEDGER, READING, SCENARIO, GivenPath, day_of

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.contract.settled.standing import Standing


@command("detente statement examples/enterprise --ledger ledger.db --agreement aws-2026 --window 2026-06")
@CASE
@LEDGER
@click.option("--agreement", metavar="ID", help="Only the party of this agreement. Default: all parties with entries.")
@click.option("--window", metavar="TIME", help="2026, 2026-Q1, 2026-01 or a day. Default: the month before this one.")
@click.option("--as-of", "day", metavar="DAY", help="End it before this day. Default: before today.")
@click.option("--plan", type=GivenPath(path_type=Path), help="Show beside it what this saved plan draws.")
@click.option("--csv", "as_csv", is_flag=True, help="Print its lines as CSV.")
@click.option("--out", type=GivenPath(path_type=Path), metavar="FILE", help="Save it as an HTML page, too.")
@click.option("--pdf", type=GivenPath(path_type=Path), metavar="FILE", help="Save it as a PDF, too (needs an extra).")
@READING
@SCENARIO
@JSON
def statement(
    case: Path,
    ledger: str,
    agreement: str | None,
    window: str | None,
    day: str | None,
    plan: Path | None,
    as_csv: bool,
    out: Path | None,
    pdf: Path | None,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """What is between us and each party of CASE in a time? What was owed before, each line since, and what is owed now.

    Exit code 0: shown.
    """
    from detente.ledger.books.books import Books
    from detente.ledger.books.statement import parties
    from detente.ledger.books.statement import statement as state
    from detente.ledger.store.opening import open_store
    from detente.report.ledger.statement import statement_view, statements_csv, statements_json

    if as_csv and as_json:
        raise click.ClickException("--csv and --json are two forms; give one of them")
    if pdf is not None:
        from detente.report.pages.statement_pdf import must_be_there

        must_be_there()
    loaded = load(case, reading, scenario)
    party = None if agreement is None else _party(loaded, agreement)
    now, upto = datetime.now(UTC), None if day is None else day_of(day).date()
    _must_be_some_time(window, upto, now, _zones(loaded, party))  # a mistake is told before the ledger is opened
    planned = _planned(plan, loaded) if plan is not None else ()
    with open_store(ledger) as store:
        books = Books(store, loaded)
        now = books.come(now)
        each_party = [party] if party else parties(books)
        times = [(each, _days_begun(window, upto, now.astimezone(books.clock(each)))) for each in each_party]
        found = [state(books, each, *days, planned, now) for each, days in times]
    if out is not None:
        from detente.report.pages.statement_page import render_statements

        _save(out, render_statements(found, loaded.declared.display_name).encode())
    if pdf is not None:
        from detente.report.pages.statement_pdf import statements_pdf

        _save(pdf, statements_pdf(found, loaded.declared.display_name))
    if as_json:
        click.echo(statements_json(found))
    elif as_csv:
        click.echo(statements_csv(found), nl=False)
    else:
        for each in found:
            statement_view(console(), each)
    return 0


def _save(file: Path, content: bytes) -> None:
    from detente.values.file import write

    write(file, content)
    click.echo(f"wrote {file}", err=True)


def _planned(folder: Path, case: Case) -> tuple[Standing, ...]:
    """Where a saved plan of this case has its clauses. Raises PlanError where it is of another."""
    from detente.case.planned import must_hold
    from detente.results.plan import Plan

    plan = Plan.load(folder)
    must_hold(plan, case, str(folder))
    return plan.standings


def _zones(case: Case, party: str | None) -> list[tzinfo]:
    """The clocks of a party, or of all to whom anything may be owed: who has no agreement goes by UTC."""
    from detente.case.agreement import clocks

    found = clocks(case.declared.agreements)
    return [*dict.fromkeys((UTC, *found.values()))] if party is None else [found[party]]


def _must_be_some_time(window: str | None, upto: date | None, now: datetime, zones: Iterable[tzinfo]) -> None:
    """Raise where a statement would be of no time on any clock: for some hours, two clocks have two months."""
    wrong: list[click.ClickException] = []
    for zone in zones:
        try:
            _days(window, upto, now.astimezone(zone))
        except click.ClickException as error:
            wrong.append(error)
        else:
            return
    raise wrong[0]


def _days(window: str | None, upto: date | None, now: datetime) -> tuple[date, date]:
    """From which day a statement is, and up to which: of a time that runs, today, since none tells what is to come."""
    start, end = _window(window, now)
    today = now.date()
    end = min(end, upto) if upto is not None else today if start < today < end else end
    if end <= start:
        raise click.ClickException(_too_early(window, end, start))
    return start, max(min(end, today + timedelta(days=1)), start + timedelta(days=1))


def _days_begun(window: str | None, upto: date | None, now: datetime) -> tuple[date, date]:
    """The days of a statement to a party, by the party's clock.

    Of a time that is to come there, fees would be told as owed for use that is to come: that is refused.
    """
    start, end = _days(window, upto, now)
    if start > now.date():
        what = f"`--window {window}` is still to come, and a statement tells what was"
        raise click.ClickException(f"{what}; write a time that has begun (`--window {now:%Y-%m}`)")
    return start, end


def _too_early(window: str | None, upto: date, start: date) -> str:
    """What is said of an ``--as-of`` by which the time shown has not begun, with the month before that day."""
    month = f"{upto - timedelta(days=1):%Y-%m}"
    shown = f"`--window {window}`" if window else f"the month shown ({start:%Y-%m}, the month before this one)"
    return f"--as-of: {upto} is before all of {shown}; say `--window {month}`, or write a later day"


def _party(case: Case, agreement: str) -> str:
    """The party of an agreement."""
    from detente.errors import CaseError
    from detente.values.likeness import did_you_mean

    found = {each.id: each.with_ for each in case.declared.agreements}
    if agreement not in found:
        hint = did_you_mean(agreement, found, "the case has no agreements: leave out `--agreement`")
        raise CaseError.of_parameter("agreement", f"there is no `{agreement}`", hint)
    return found[agreement]


def _window(given: str | None, now: datetime) -> tuple[date, date]:
    """The days of ``--window``; the month before this one."""
    from detente.errors import FlawError
    from detente.values.period import later, moment, stretch
    from detente.values.quantity import Span

    if given is None:
        end = moment(now.date().replace(day=1))
        return later(end, Span(1, "month"), -1).date(), end.date()
    try:
        start, end = stretch(given)
        return start.date(), end.date()
    except FlawError as error:
        what = f"--window: {error.flaws[0].what}"
        raise click.ClickException(f"{what}; write for example `2026`, `2026-Q1`, `2026-01` or `2026-01-31`") from None
