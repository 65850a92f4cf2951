"""``detente check``: can this be signed? Which clauses collide, and ways out.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detente.cli.command import command, console, load, notes_json, progress, time_left
from detente.cli.conflict import conflict_json
from detente.cli.deal import signed
from detente.cli.options import CASE, JSON, READING, SCENARIO, TIME_LIMIT, WITH

if TYPE_CHECKING:
    from detente.case.case import Case


@command("detente check examples/frontier-lab --json")
@CASE
@READING
@SCENARIO
@WITH
@click.option("--sign", "deal", metavar="DEAL", help="Can this deal be signed? A scenario, its file, or an agreement.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="With --sign: save the answer into this folder, with a page."
)
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
    if out is not None:
        raise click.ClickException("only with --sign DEAL: --out; add it, or leave it out")
    from detente.planner.check import check as ask

    loaded = load(case, reading, scenario, beside)
    found = ask(loaded, reading, progress(), time_limit=time_left(time_limit))
    if as_json:
        click.echo(_check_json(loaded, found))
    else:
        from detente.report.plans.verdict import check_view

        check_view(loaded, found, console())
    return 0 if found.answer == "yes" else 1


def _check_json(case: Case, found: Any) -> str:
    readings = [
        {"reading": name, "answer": "yes" if conflict is None else "no", **conflict_json(conflict)}
        for name, conflict in found.readings.items()
    ]
    whole = {"answer": found.answer, "case": case.declared.name, **conflict_json(found.conflict), "readings": readings}
    whole["folded"] = found.folded
    whole["notes"] = notes_json(case)
    return json.dumps(whole, indent=1)
