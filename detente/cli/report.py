"""``detente report``: write one HTML page of saved plans, side by side.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.check import CHECK_FILE, save_check
from detente.cli.command import command, console, must_take_files, of_plan, progress, told
from detente.cli.options import JSON, WITH, GivenPath

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.results.plan import Plan


@command("detente report out/letter out/spirit --out report.html")
@click.argument("plans", nargs=-1, required=True, type=GivenPath(path_type=Path))
@click.option("--case", "of_case", type=GivenPath(path_type=Path), help="Their case: say whether it can be signed.")
@WITH
@click.option("--out", type=GivenPath(path_type=Path, dir_okay=False), default=None, help="The file to write.")
@JSON
def report(
    plans: tuple[Path, ...], of_case: Path | None, beside: tuple[Path, ...], out: Path | None, as_json: bool
) -> int:
    """Write one self-contained HTML page of saved PLANS; several (one a reading, say) are compared.

    With --case the page begins with the answer of `check`: which clauses collide, and what each way out costs; it is
    saved beside the page as check.json. --with names the files of scenarios that the plans are in.
    """
    from detente.planner.check import check as ask
    from detente.report.pages.plans_page import render
    from detente.report.plans.terminal import compare_view, plan_view
    from detente.results.plan import Plan
    from detente.values.file import write

    target = out or (plans[0] if plans[0].is_dir() else plans[0].parent) / "report.html"
    if out is not None:
        must_take_files(target.parent, target.name, *([] if of_case is None else [CHECK_FILE]))
    loaded = [Plan.load(path) for path in plans]
    case = None if of_case is None else _case_of(of_case, beside, dict(zip(map(str, plans), loaded, strict=True)))
    found = None if case is None else ask(case, None, progress())
    page, trouble = render(loaded, found), None
    try:
        write(target, page.encode())
        if case is not None and found is not None:
            save_check(case, found, target.parent)
    except OSError as error:
        if as_json:
            raise
        trouble = error
    if as_json:
        click.echo(json.dumps({"report": str(target), "plans": [p.hash for p in loaded]}))
        return 0
    if len(loaded) > 1:
        compare_view(loaded, console())
    else:
        plan_view(loaded[0], console())
    if trouble is None:
        click.echo(f"wrote {target}: open it in a browser", err=True)
    return told(trouble)


def _case_of(folder: Path, beside: Sequence[Path], plans: dict[str, Plan]) -> Case:
    """The case of all these plans, in the scenario of the first. Raises PlanError."""
    from detente.case.planned import must_hold

    for name, found in plans.items():
        must_hold(found, of_plan(folder, found, beside), name)
    return of_plan(folder, next(iter(plans.values())), beside)
