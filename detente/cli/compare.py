"""``detente compare``: which way out is best? Choices and outcomes side by side.

Owns: its arguments and exit codes, and what is saved. Not here: any rule (``outcomes``), and words (``report``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import click

from detente.cli.answer import AnswerRequest, AnswerView, asked
from detente.cli.command import command, progress
from detente.errors import FlawError

if TYPE_CHECKING:
    from detente.outcomes.choices.comparison import Comparison


@command("detente compare examples/frontier-lab --out out/compare")
@asked
@click.option("--level", default="95%", show_default=True, help="Of the tail: the mean of the dearest 5% at 95%.")
@click.option(
    "--weight", default="0%", show_default=True, help="What the tail counts beside the mean; 0%: the mean alone."
)
def compare(
    request: AnswerRequest,
    level: str,
    weight: str,
) -> int:
    """Which way out is best? Every choice of CASE with every outcome of its uncertain events, side by side.

    Exit code 0: all outcomes have a plan; plans that were stopped (time limit, Ctrl-C) say so. 1: some outcome has no
    plan that obeys every clause. 2: the case or an option has mistakes. 3: some outcome was not planned in time. 130:
    the same, stopped by Ctrl-C.
    """
    from detente.outcomes.choices.comparing import compare as find
    from detente.report.outcomes.outcomes import comparison_view
    from detente.report.pages.outcomes_page import render_comparison

    tail, counts = level_of(level), share_of(weight, "--weight")
    case, gap = request.loaded("comparison"), request.least_gap
    found = find(case, level=tail, weight=counts, gap=gap, time_limit=request.seconds, progress=progress())
    return AnswerView(comparison_view, render_comparison).show(found, request, case.currency) or _answer(found)


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
