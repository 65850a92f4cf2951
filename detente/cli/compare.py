"""``detente compare``: which way out is best? Choices and outcomes side by side.

Owns: its arguments and exit codes, and what is saved. Not here: any rule (``outcomes``), and words (``report``).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.answer import GAP, OUT, AnswerView, must_take
from detente.cli.command import command, load, progress, time_left
from detente.cli.options import CASE, JSON, READING, SCENARIO, TIME_LIMIT, WITH, gap_of
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
@OUT
@TIME_LIMIT
@GAP
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
    from detente.report.outcomes import comparison_view
    from detente.report.outcomes_page import render_comparison

    wanted, tail, counts = gap_of(gap), level_of(level), share_of(weight, "--weight")
    loaded = load(case, reading, scenario, beside)
    must_take(out, "comparison")
    found = find(loaded, level=tail, weight=counts, gap=wanted, time_limit=time_left(time_limit), progress=progress())
    return AnswerView(comparison_view, render_comparison).show(found, out, as_json=as_json) or _answer(found)


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
