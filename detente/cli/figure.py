"""``detente explain`` of a saved answer: what a figure is, and how it comes about.

Owns: which saved answers are asked, what is printed, and the exit code. Not here: figures and their words
(``report.figures``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click


def figure_asked(paths: Sequence[Path], address: str, others: Mapping[str, object], *, as_json: bool) -> int:
    """Show a figure of a saved answer or of several plans, or those whose addresses begin so. Exit code 0.

    Raises ClickException for options that say nothing of a saved answer, CaseError where there is no such figure.
    """
    from detente.report.figures.addressed import (
        figure_explained,
        figure_json,
        saved_answers,
        saved_figures,
        side_by_side,
    )
    from detente.report.plans.explanation import Explanation

    stated = [name for name, given in others.items() if given]
    if stated:
        raise click.ClickException(f"`{paths[0]}` is a saved answer, not a case: leave out {', '.join(stated)}")
    several = len(paths) > 1
    answers = [side_by_side(paths)] if several else [saved_figures(file) for file in saved_answers(paths[0])]
    found = figure_explained(answers, address)
    if isinstance(found, Explanation):
        click.echo(json.dumps(found.as_json(), indent=1) if as_json else str(found))
        return 0
    if as_json:
        click.echo(json.dumps({"figures": [figure_json(each) for each in found]}, indent=1))
        return 0
    for each in found:
        click.echo(f"{each.address}: {each.rounded} – {each.says}")
    return 0
