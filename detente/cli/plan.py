"""``detente plan``: what runs where, what to commit to, at least cost.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from detente.cli.command import command, console, load, must_take_files, progress, spent, time_left, told
from detente.cli.conflict import show_conflict
from detente.cli.options import CASE, JSON, READING, SCENARIO, TIME_LIMIT, WITH, GivenPath, gap_of
from detente.errors import UnexplainedError

if TYPE_CHECKING:
    from detente.results.conflict import Conflict
    from detente.results.plan import Plan


LOADING, A_ROW, SAVING = 0.4, 1e-5, 2.0
"""Seconds of a processor kept for the saving of a plan: with what it has to load first, for each row that it may have,
and at most."""


@command("detente plan examples/frontier-lab --reading letter --out out/letter")
@CASE
@READING
@SCENARIO
@WITH
@click.option("--out", type=GivenPath(path_type=Path), help="Save the plan into this folder.")
@TIME_LIMIT
@click.option("--gap", default="0.01%", show_default=True, help="Stop when cost and lower bound are this close.")
@JSON
def plan(
    case: Path,
    reading: str | None,
    scenario: str | None,
    beside: tuple[Path, ...],
    out: Path | None,
    time_limit: float | None,
    gap: str,
    as_json: bool,
) -> int:
    """Plan what runs where and what to commit to, at least cost under every clause of CASE.

    Exit code 0: a plan. 1: no plan obeys every clause (the conflict is shown). 2: the case has mistakes. 3: neither was
    found in time. 130: stopped by Ctrl-C; if a plan was found, it is saved and shown (exit code 0).
    """
    from detente.planner.solve import plan as find

    loaded = load(case, reading, scenario, beside)
    if out is not None:
        must_take_files(out, "plan.json", "allocations.parquet")
    left = time_left(time_limit)
    if left is not None and out is not None:
        places = len(loaded.offers) * (len(loaded.workloads) + 1)
        left = before_saving(left, *spent(), rows=places * len(loaded.periods))
    found: Plan | Conflict
    fault = None
    try:
        found = find(loaded, gap=gap_of(gap), time_limit=left, progress=progress())
    except UnexplainedError as error:  # the plan is saved and shown, and then the fault is told
        found, fault = cast("Plan", error.plan), error.__cause__
    from detente.results.conflict import Conflict

    if isinstance(found, Conflict):
        show_conflict(found, loaded.currency, as_json)
        return 1
    from detente.planner.solving.interrupt import interrupts_noted

    with interrupts_noted():
        trouble = None if out is None else _saved(found, out)
        if as_json:
            click.echo(found.to_json())
        else:
            from detente.report.plans.terminal import plan_view

            plan_view(found, console())
        if fault is not None:
            raise fault
        return told(trouble)


def _saved(found: Plan, out: Path) -> OSError | None:
    """Save a plan. What hinders that is returned: the plan is shown all the same, and then the trouble."""
    try:
        for file in found.save(out):
            click.echo(f"wrote {file}", err=True)
    except OSError as error:
        return error
    if not (out / "allocations.parquet").exists():
        click.echo("allocations.parquet was not written: pip install 'detente[parquet]'", err=True)
    return None


def before_saving(left: float, took: float, worked: float, rows: int) -> float:
    """Of the seconds that are left, those in which a plan of at most so many rows is sought: at least half of them.

    Where other work has the processor (all before ``took`` longer than it ``worked``), saving takes longer, too.
    """
    shared = max(1.0, took / max(worked, 1e-3))
    return max(left - min(LOADING + A_ROW * rows, SAVING) * shared, left / 2)
