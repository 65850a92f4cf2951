"""``detente calendar``: what falls on which day.

Owns: its arguments and exit codes, and what is saved. Not here: which days there are (``case.agenda``), and words and
forms (``report.agenda``).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, console, load, must_take_files, told
from detente.cli.options import CASE, JSON, READING, SCENARIO, WITH, GivenPath
from detente.errors import FlawError

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.report.agenda import CaseAgenda

FILES = ("calendar.json", "calendar.ics", "calendar.html")


@command("detente calendar examples/frontier-lab --from 2026-01-01 --until 2027-01-01 --out out/calendar")
@CASE
@READING
@SCENARIO
@WITH
@click.option("--from", "start", metavar="DAY", help="The first day; default: the horizon's first.")
@click.option("--until", "end", metavar="DAY", help="The day after the last; default: the horizon's end.")
@click.option(
    "--out", type=GivenPath(path_type=Path), help="Save it into this folder: calendar.ics, a page and the JSON."
)
@JSON
def calendar(
    case: Path,
    reading: str | None,
    scenario: str | None,
    beside: tuple[Path, ...],
    start: str | None,
    end: str | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """What falls on which day? Every deadline, notice, milestone, window, renewal and obligation of CASE, in order.

    Exit code 0: the list, which may be empty. 2: the case or an option has mistakes.
    """
    loaded = load(case, reading, scenario, beside)
    found = _agenda(loaded, _day(start, "--from"), _day(end, "--until"))
    if out is not None:
        must_take_files(out, *FILES)
    trouble = None if out is None else _saved(found, out)
    if as_json:
        click.echo(found.to_json())
    else:
        from detente.report.agenda import agenda_view

        agenda_view(found, console())
    return told(trouble)


def _agenda(case: Case, start: date | None, end: date | None) -> CaseAgenda:
    """The lines between two days. Raises CaseError where a clause is not read."""
    from detente.case.agenda import agenda
    from detente.report.agenda import CaseAgenda

    head = case.declared
    since, until = start or head.horizon.start, end or head.horizon.end
    if until <= since:
        raise click.ClickException(f"--until: {until} is not after {since}, the first day; write a later day")
    lines = agenda(case, since, until)
    return CaseAgenda(head.name, head.display_name, case.reading, case.scenario, since, until, lines)


def _day(given: str | None, option: str) -> date | None:
    from detente.values.period import day

    try:
        return None if given is None else day(given)
    except FlawError as error:
        raise click.ClickException(f"{option}: {error.flaws[0].what}; {error.flaws[0].remedy}") from None


def _saved(found: CaseAgenda, out: Path) -> OSError | None:
    """Save it. What hinders that is returned: the list is shown all the same."""
    from detente.report.agenda import render_agenda, to_ics
    from detente.values.file import write

    try:
        for name, text in zip(FILES, (f"{found.to_json()}\n", to_ics(found), render_agenda(found)), strict=True):
            write(out / name, text.encode())
            click.echo(f"wrote {out / name}", err=True)
    except OSError as error:
        return error
    return None
