"""The command that compares outcomes: compare.

Owns: its arguments and exit codes, and what is saved. Not here: any rule (``outcomes``), and words (``report``).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

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
    progress,
    time_left,
)
from detente.cli.planning import gap_of, told
from detente.errors import FlawError

if TYPE_CHECKING:
    from detente.outcomes.comparison import Comparison


@command("detente compare examples/frontier-lab --out out/compare")
@CASE
@READING
@SCENARIO
@WITH
@click.option("--level", default="95%", show_default=True, help="Of the tail: the mean of the dearest 5% at 95%.")
@click.option(
    "--weight", default="0%", show_default=True, help="What the tail counts beside the mean; 0%: the mean alone."
)
@click.option("--out", type=click.Path(path_type=Path), help="Save the answer into this folder, with a page.")
@TIME_LIMIT
@click.option("--gap", default="0.1%", show_default=True, help="Plan each outcome to this gap.")
@JSON
def compare(
    case: Path,
    reading: str | None,
    scenario: str | None,
    beside: tuple[Path, ...],
    level: str,
    weight: str,
    out: Path | None,
    time_limit: float | None,
    gap: str,
    as_json: bool,
) -> int:
    """Which way out is best? Every choice of CASE with every outcome of its uncertain events, side by side.

    Exit code 0: all outcomes have a plan; plans that were stopped (time limit, Ctrl-C) say so. 1: some outcome has no
    plan that obeys every clause. 2: the case or an option has mistakes. 3: some outcome was not planned in time. 130:
    the same, stopped by Ctrl-C.
    """
    from detente.outcomes.comparing import compare as find

    wanted, tail, counts = gap_of(gap), level_of(level), share_of(weight, "--weight")
    loaded = load(case, reading, scenario, beside)
    if out is not None:
        must_take_files(out, "comparison.json", "comparison.html")
    found = find(loaded, level=tail, weight=counts, gap=wanted, time_limit=time_left(time_limit), progress=progress())
    trouble = None if out is None else _saved(found, out)
    if as_json:
        click.echo(found.to_json())
    else:
        from detente.report.outcomes import comparison_view

        comparison_view(found, console())
    return told(trouble) or _answer(found)


def _answer(found: Comparison) -> int:
    """The exit code. What is missing is shown as such."""
    if any(column.planned and column.cost is None for column in found.outcomes):
        return 1
    if all(column.planned for column in found.outcomes):
        return 0
    return 130 if found.status == "interrupted" else 3


def level_of(text: str) -> Decimal:
    """A level such as ``95%``, below 100%."""
    level = share_of(text, "--level")
    if level >= 1:
        raise click.ClickException("--level: of 100% nothing is left to take the mean of; write for example 95%")
    return level


def share_of(text: str, option: str) -> Decimal:
    """A percentage from 0% to 100%."""
    from detente.values.quantity import share

    try:
        return share(text)
    except FlawError as error:
        raise click.ClickException(f"{option}: {error.flaws[0].what}; {error.flaws[0].remedy}") from None


def _saved(found: Comparison, out: Path) -> OSError | None:
    """Save it, with its page. What hinders that is returned: the answer is shown all the same."""
    from detente.report.outcomes_page import render_comparison
    from detente.values.file import write

    try:
        document, page = found.save(out), out / "comparison.html"
        write(page, render_comparison(found).encode())
        click.echo(f"wrote {document}", err=True)
        click.echo(f"wrote {page}: open it in a browser", err=True)
    except OSError as error:
        return error
    return None
