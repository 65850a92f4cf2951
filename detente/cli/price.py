"""``detente price``: what each clause costs.

Owns: its arguments and exit codes, and what is saved. Not here: any rule (``outcomes``), and words (``report``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from detente.cli.answer import AnswerRequest, AnswerView, asked
from detente.cli.command import command, progress

if TYPE_CHECKING:
    from detente.case.case import Case


@command("detente price examples/frontier-lab --reading letter --out out/prices")
@asked
@click.option("--of", "of", metavar="CLAUSE[.FIELD]", help="Sweep this number of a clause instead.")
@click.option("--from", "start", metavar="VALUE", help="With --of: its first value, as a case writes it.")
@click.option("--to", "end", metavar="VALUE", help="With --of: its last value.")
@click.option("--steps", type=click.IntRange(1, 200), help="With --of: steps from the first to the last; default: 10.")
def price(
    request: AnswerRequest,
    of: str | None,
    start: str | None,
    end: str | None,
    steps: int | None,
) -> int:
    """What does each clause of CASE cost? What the plan would save without it, by planning again.

    With --of: what the plan costs as one number of a clause changes, and where that turns.

    Exit code 0: an answer; one that was stopped (time limit, Ctrl-C) says so. 1: no plan obeys every clause (the
    conflict is shown). 2: the case or an option has mistakes. 3: no plan was found in time. 130: stopped by Ctrl-C
    before there was a plan.
    """
    _must_go_together(of, start, end, steps)
    case = request.loaded("prices" if of is None else "sweep")
    if of is not None:
        return _swept(request, case, of, start, end, steps)
    from detente.outcomes.worth.pricing import price as find
    from detente.report.outcomes.prices import prices_view
    from detente.report.pages.prices_page import render_prices

    found = find(case, gap=request.least_gap, time_limit=request.seconds, progress=progress())
    return AnswerView(prices_view, render_prices).show(found, request, case.currency)


def _must_go_together(of: str | None, start: str | None, end: str | None, steps: int | None) -> None:
    stated = {"--from": start, "--to": end, "--steps": steps}
    alone = [name for name, given in stated.items() if given is not None]
    if of is None and alone:
        raise click.ClickException(f"only with --of CLAUSE.FIELD: {', '.join(alone)}; add it, or leave them out")
    missing = [name for name in ("--from", "--to") if stated[name] is None]
    if of is not None and missing:
        raise click.ClickException(f"with --of, say {' and '.join(missing)} too: values as the case writes them")


def _swept(request: AnswerRequest, case: Case, of: str, start: str | None, end: str | None, steps: int | None) -> int:
    from detente.outcomes.worth.sweep import STEPS, sweep
    from detente.report.outcomes.sweep import sweep_view
    from detente.report.pages.prices_page import render_sweep

    assert start is not None
    assert end is not None
    gap, limit, steps = request.least_gap, request.seconds, steps or STEPS
    found = sweep(case, of, start, end, steps=steps, gap=gap, time_limit=limit, progress=progress())
    return AnswerView(sweep_view, render_sweep).show(found, request, case.currency)
