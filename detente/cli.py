"""The commands: parse, call, print.

Owns: arguments, exit codes (0 done or yes, 1 the answer is no, 2 bad input), and which stream gets what: one
document on standard output, messages on standard error. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from detente.case import Case
    from detente.plan import Conflict, Plan

WIDTH = 100


class Command(click.Command):
    """A command whose help ends with an example."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as typed."""
        if self.example:
            with formatter.section("Example"):
                formatter.write_text(self.example)


@click.group(context_settings={"max_content_width": WIDTH, "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="detente")
def cli() -> None:
    """Run AI workloads across rival clouds, under contract.

    Agreements are written as code, clause by clause, in a case: a folder of YAML. Détente tells whether a deal can be
    signed, and plans what runs where at least cost.

    Example: detente init my-case && detente plan my-case --out my-plan
    """


def _command(example: str) -> Callable[[Callable[..., Any]], click.Command]:
    return cli.command(cls=Command, example=example)


CASE = click.argument("case", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
READING = click.option("--reading", metavar="NAME", help="The reading of disputed clauses.")
SCENARIO = click.option("--scenario", metavar="NAME", help="A scenario of the case.")


def main() -> None:
    """Run a command; every expected failure is a message on standard error and exit code 2."""
    from detente.errors import DetenteError

    try:
        code = cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except DetenteError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except ImportError as error:  # Ctrl-C while a compiled module loads comes wrapped
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        click.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        click.echo(f"{error.filename or 'output'}: {error.strerror}", err=True)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


# -- commands -------------------------------------------------------------------------------------------------------
@_command("detente init my-case")
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a small commented case into FOLDER, with the schema for your editor."""
    from importlib.resources import files

    from detente.declared import schema as case_schema

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.ClickException(f"{folder} exists and is not empty: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    text = files("detente").joinpath("starter", "case.yaml").read_text(encoding="utf-8")
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    (folder / "detente.schema.json").write_text(json.dumps(case_schema(), indent=1) + "\n", encoding="utf-8")
    click.echo(f"{folder}/case.yaml is a small case with comments; next: detente check {folder}", err=True)


@_command("detente schema > detente.schema.json")
@click.option("--json", "as_json", is_flag=True, help="Accepted for uniformity: the schema is JSON in any case.")
def schema(as_json: bool) -> None:
    """Print the JSON Schema of a case, for editors to complete and check."""
    from detente.declared import schema as case_schema

    click.echo(json.dumps(case_schema(), indent=1))


@_command("detente check examples/frontier-lab --json")
@CASE
@READING
@SCENARIO
@JSON
def check(case: Path, reading: str | None, scenario: str | None, as_json: bool) -> int:
    """Can this be signed? Whether CASE is valid and its clauses can all be performed together.

    Exit code 0: yes. 1: no, or it depends on the reading. 2: the case has mistakes.
    """
    from detente.planner.check import check as ask

    loaded = _load(case, reading, scenario)
    found = ask(loaded, reading, _progress(as_json))
    if as_json:
        click.echo(_check_json(loaded, found))
    else:
        from detente.report.verdict import check_view

        check_view(loaded, found, _console())
    return 0 if found.answer == "yes" else 1


@_command("detente plan examples/frontier-lab --reading letter --out out/letter")
@CASE
@READING
@SCENARIO
@click.option("--out", type=click.Path(path_type=Path), help="Save the plan into this folder.")
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop then.")
@click.option("--gap", default="0.01%", show_default=True, help="Stop at this distance between cost and bound.")
@JSON
def plan(
    case: Path,
    reading: str | None,
    scenario: str | None,
    out: Path | None,
    time_limit: float | None,
    gap: str,
    as_json: bool,
) -> int:
    """Plan what runs where and what to commit to, at least cost under every clause of CASE.

    Exit code 0: a plan. 1: no plan obeys every clause (the conflict is shown), or none was found in time. 2: the case
    has mistakes.
    """
    loaded = _load(case, reading, scenario)
    found = _solve(loaded, _gap(gap), time_limit, as_json)
    if found is None:
        return 1
    from detente.plan import Conflict

    if isinstance(found, Conflict):
        _show_conflict(found, loaded.currency, as_json)
        return 1
    if out is not None:
        for file in found.save(out):
            click.echo(f"wrote {file}", err=True)
        if not (out / "allocations.parquet").exists():
            click.echo("allocations.parquet was not written: pip install 'detente[parquet]'", err=True)
    if as_json:
        click.echo(found.to_json())
    else:
        from detente.report.terminal import plan_view

        plan_view(found, _console())
    return 0


@_command("detente explain examples/frontier-lab agent-runtime@azure --reading letter")
@CASE
@click.argument("subject")
@READING
@SCENARIO
@click.option("--plan", "saved", type=click.Path(path_type=Path), help="Explain this saved plan, not a new one.")
@JSON
def explain(
    case: Path, subject: str, reading: str | None, scenario: str | None, saved: Path | None, as_json: bool
) -> int:
    """Say why: SUBJECT is a workload, a clause, or WORKLOAD@PROVIDER (or @OFFER): why there, or why not."""
    from detente.plan import Plan
    from detente.report.explanation import explain as why

    found: Plan | Conflict | None
    if saved is not None:
        found = Plan.load(saved)
        loaded = _load(case, reading or found.reading, scenario or found.scenario)
        found.must_be_of(loaded.hash, str(saved))
    else:
        loaded = _load(case, reading, scenario)
        found = _solve(loaded, 1e-4, None, as_json)
    if found is None:
        return 1
    answer = why(loaded, found, subject)
    click.echo(json.dumps(answer.as_json(), indent=1) if as_json else str(answer))
    return 0


@_command("detente report out/letter out/spirit --out report.html")
@click.argument("plans", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="The file to write.")
@JSON
def report(plans: tuple[Path, ...], out: Path | None, as_json: bool) -> int:
    """Write one self-contained HTML page of saved PLANS; several (one a reading, say) are compared."""
    from detente.plan import Plan
    from detente.report.html import render
    from detente.report.terminal import compare_view, plan_view

    loaded = [Plan.load(path) for path in plans]
    target = out or (plans[0] if plans[0].is_dir() else plans[0].parent) / "report.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(loaded), encoding="utf-8")
    if as_json:
        click.echo(json.dumps({"report": str(target), "plans": [p.hash for p in loaded]}))
    else:
        if len(loaded) > 1:
            compare_view(loaded, _console())
        else:
            plan_view(loaded[0], _console())
        click.echo(f"wrote {target}: open it in a browser", err=True)
    return 0


# -- shared by commands ---------------------------------------------------------------------------------------------
def _load(path: Path, reading: str | None, scenario: str | None) -> Case:
    from detente.case import Case

    return Case.load(path).under(reading=reading, scenario=scenario)


def _solve(case: Case, gap: float, time_limit: float | None, as_json: bool) -> Plan | Conflict | None:
    from detente.errors import NoPlanError
    from detente.planner.solve import plan as find

    try:
        return find(case, gap=gap, time_limit=time_limit, progress=_progress(as_json))
    except NoPlanError as error:
        if as_json:
            click.echo(json.dumps({"status": "no-plan", "message": str(error)}))
        click.echo(str(error), err=True)
        return None


def _gap(text: str) -> float:
    from detente.quantity import at_least_zero

    try:
        return float(at_least_zero(text))
    except ValueError as error:
        raise click.ClickException(f"--gap: {error}") from None


def _progress(as_json: bool) -> Callable[[str], None]:
    """What is being done, on standard error, where a person watches."""
    if not sys.stderr.isatty():
        return lambda text: None
    return lambda text: click.echo(f"… {text}", err=True)


def _console() -> Any:
    from rich.console import Console

    width = min(WIDTH, Console().width) if sys.stdout.isatty() else WIDTH
    return Console(width=width, highlight=False, soft_wrap=False)


def _show_conflict(found: Conflict, currency: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"status": "conflict", **_conflict_json(found)}, indent=1))
        return
    from detente.report.terminal import conflict_view

    conflict_view(found, currency, _console())


def _conflict_json(found: Conflict | None) -> dict[str, Any]:
    if found is None:
        return {"conflict": [], "facts": [], "relaxation": []}
    return {
        "conflict": [
            {"term": c.term, "agreement": c.agreement, "text": c.text, "sentence": c.sentence} for c in found.clauses
        ],
        "facts": list(found.facts),
        "relaxation": [
            {
                "term": r.term,
                "amount": str(r.amount),
                "unit": r.unit,
                "sentence": r.sentence,
                "cost": None if r.cost is None else str(r.cost),
            }
            for r in found.relaxations
        ],
    }


def _check_json(case: Case, found: Any) -> str:
    readings = [
        {"reading": name, "answer": "yes" if conflict is None else "no", **_conflict_json(conflict)}
        for name, conflict in found.readings.items()
    ]
    whole = {"answer": found.answer, "case": case.declared.name, **_conflict_json(found.conflict), "readings": readings}
    return json.dumps(whole, indent=1)
