"""``detente check``: can this be signed? Which clauses collide, and ways out.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detente.cli.command import command, console, load, must_take_files, notes_json, progress, time_left, told
from detente.cli.conflict import conflict_json
from detente.cli.deal import signed
from detente.cli.options import CASE, JSON, READING, SCENARIO, TIME_LIMIT, WITH, GivenPath

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.planner.check import Answer

CHECK_FILE = "check.json"


@command("detente check examples/frontier-lab --json")
@CASE
@READING
@SCENARIO
@WITH
@click.option("--sign", "deal", metavar="DEAL", help="Can this deal be signed? A scenario, its file, or an agreement.")
@click.option("--out", type=GivenPath(path_type=Path), help="Save the answer into this folder; --sign: with a page.")
@TIME_LIMIT
@JSON
def check(
    case: Path,
    reading: str | None,
    scenario: str | None,
    beside: tuple[Path, ...],
    deal: str | None,
    out: Path | None,
    time_limit: float | None,
    as_json: bool,
) -> int:
    """Can this be signed? Whether CASE is valid and its clauses can all be performed together.

    With --sign: what a deal collides with that CASE did not before, the ways out, and what signing changes; time limit
    and Ctrl-C keep what was found.

    Exit code 0: yes. 1: no, or it depends on the reading. 2: the case has mistakes. 3: not settled in time.
    130: stopped by Ctrl-C before anything was found.
    """
    if deal is not None:
        return signed(case, deal, reading, scenario, beside, out, time_limit, as_json)
    from detente.planner.check import check as ask

    if out is not None:
        must_take_files(out, CHECK_FILE)
    loaded = load(case, reading, scenario, beside)
    found, trouble = ask(loaded, reading, progress(), time_limit=time_left(time_limit)), None
    try:
        if out is not None:
            save_check(loaded, found, out)
    except OSError as error:
        trouble = error
    if as_json:
        click.echo(_check_json(loaded, found))
    else:
        from detente.report.plans.verdict import check_view

        check_view(loaded, found, console())
    return told(trouble) or (0 if found.answer == "yes" else 1)


def save_check(case: Case, found: Answer, folder: Path) -> None:
    """Save the answer, for `detente explain`. Raises OSError."""
    from detente.values.file import write

    write(folder / CHECK_FILE, f"{_check_json(case, found)}\n".encode())
    click.echo(f"wrote {folder / CHECK_FILE}", err=True)


def _check_json(case: Case, found: Answer) -> str:
    readings = [
        {"reading": name, "answer": "yes" if conflict is None else "no", **conflict_json(conflict)}
        for name, conflict in found.readings.items()
    ]
    about = {"format": "detente-check/1", "case": case.declared.name, "hash": case.hash, "currency": case.currency}
    whole: dict[str, Any] = {"answer": found.answer, **about, **conflict_json(found.conflict), "readings": readings}
    whole["folded"] = found.folded
    whole["notes"] = notes_json(case)
    return json.dumps(whole, indent=1)
