"""The commands that plan: init, schema, check, plan, report.

Owns: their arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detente.cli.command import (
    CASE,
    JSON,
    READING,
    SCENARIO,
    TIME_LIMIT,
    WITH,
    command,
    console,
    load,
    must_take_files,
    notes_json,
    of_plan,
    progress,
    text_of,
    time_left,
)
from detente.cli.conflict import conflict_json
from detente.cli.deal import signed

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.planner.check import Answer
    from detente.results.conflict import Conflict
    from detente.results.plan import Plan


SAVING = 2.0
"""Seconds kept for the saving of a plan, with what it has to load first."""


# -- commands -------------------------------------------------------------------------------------------------------
@command("detente init my-case")
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a small commented case into FOLDER, with the schema for your editor."""
    from importlib.resources import files

    from detente.case.schema import schema as case_schema
    from detente.values.file import write

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.ClickException(f"{folder} exists and is not empty: choose another folder")
    write(folder / "detente.schema.json", f"{json.dumps(case_schema(), indent=1)}\n".encode())
    write(folder / "case.yaml", files("detente").joinpath("starter", "case.yaml").read_bytes())
    click.echo(f"{folder}/case.yaml is a small case with comments; next: detente check {folder}", err=True)


@command("detente schema > detente.schema.json")
@click.option("--plan", "of_plan", is_flag=True, help="Of a saved plan, for programs that read it.")
@click.option("--json", "as_json", is_flag=True, help="Accepted as everywhere; the schema is always JSON.")
def schema(of_plan: bool, as_json: bool) -> None:
    """Print the JSON Schema of a case, for editors to complete and check; or of a saved plan."""
    from detente.case.schema import schema as case_schema
    from detente.results.plan import schema as plan_schema

    click.echo(json.dumps(plan_schema() if of_plan else case_schema(), indent=1))


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
        from detente.report.verdict import check_view

        check_view(loaded, found, console())
    return 0 if found.answer == "yes" else 1


@command("detente plan examples/frontier-lab --reading letter --out out/letter")
@CASE
@READING
@SCENARIO
@WITH
@click.option("--out", type=click.Path(path_type=Path), help="Save the plan into this folder.")
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
        left = max(left - SAVING, 1e-9)
    found = find(loaded, gap=gap_of(gap), time_limit=left, progress=progress())
    from detente.results.conflict import Conflict

    if isinstance(found, Conflict):
        show_conflict(found, loaded.currency, as_json)
        return 1
    from detente.planner.solving.interrupt import held

    with held():
        trouble = None if out is None else _saved(found, out)
        if as_json:
            click.echo(found.to_json())
        else:
            from detente.report.terminal import plan_view

            plan_view(found, console())
        return told(trouble)


@command("detente report out/letter out/spirit --out report.html")
@click.argument("plans", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--case", "of_case", type=click.Path(path_type=Path), help="Their case: say whether it can be signed.")
@WITH
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="The file to write.")
@JSON
def report(
    plans: tuple[Path, ...], of_case: Path | None, beside: tuple[Path, ...], out: Path | None, as_json: bool
) -> int:
    """Write one self-contained HTML page of saved PLANS; several (one a reading, say) are compared.

    With --case the page begins with the answer of `check`: which clauses collide, and what each way out costs; --with
    names the files of scenarios that the plans are in.
    """
    from detente.report.html import render
    from detente.report.terminal import compare_view, plan_view
    from detente.results.plan import Plan
    from detente.values.file import write

    target = out or (plans[0] if plans[0].is_dir() else plans[0].parent) / "report.html"
    if out is not None:
        must_take_files(target.parent, target.name)
    loaded = [Plan.load(path) for path in plans]
    found = None if of_case is None else _asked(of_case, beside, dict(zip(map(str, plans), loaded, strict=True)))
    page, trouble = render(loaded, found), None
    try:
        write(target, page.encode())
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


def _asked(folder: Path, beside: Sequence[Path], plans: dict[str, Plan]) -> Answer:
    """The answer of ``check`` to the case of all these plans, in the scenario of the first. Raises PlanError."""
    from detente.planner.check import check as ask

    for name, found in plans.items():
        found.must_be_of(of_plan(folder, found, beside).hash, name)
    return ask(of_plan(folder, next(iter(plans.values())), beside), None, progress())


# -- what they share ---------------------------------------------------------------------------------------------
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


def told(trouble: OSError | None) -> int:
    """The exit code, and what hindered the writing of a file."""
    if trouble is None:
        return 0
    click.echo(text_of(trouble), err=True)
    return 2


def gap_of(text: str) -> float:
    """A relative gap from its text: `0.1%`."""
    from detente.values.quantity import at_least_zero

    try:
        return float(at_least_zero(text))
    except ValueError as error:
        raise click.ClickException(f"--gap: {error}") from None


def show_conflict(found: Conflict, currency: str, as_json: bool) -> None:
    """A conflict in place of what was asked for."""
    if as_json:
        click.echo(json.dumps({"status": "conflict", **conflict_json(found)}, indent=1))
        return
    from detente.report.terminal import conflict_view

    conflict_view(found, currency, console())


def _check_json(case: Case, found: Any) -> str:
    readings = [
        {"reading": name, "answer": "yes" if conflict is None else "no", **conflict_json(conflict)}
        for name, conflict in found.readings.items()
    ]
    whole = {"answer": found.answer, "case": case.declared.name, **conflict_json(found.conflict), "readings": readings}
    whole["folded"] = found.folded
    whole["notes"] = notes_json(case)
    return json.dumps(whole, indent=1)
