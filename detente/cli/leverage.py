"""``detente leverage``: who needs whom more? What losing a provider costs.

Owns: its arguments and exit codes, and what is saved. Not here: any rule (``outcomes``), and words (``report``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from detente.cli.answer import AnswerRequest, AnswerView, asked
from detente.cli.command import command, progress

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.outcomes.leverage.loss import Away


@command("detente leverage examples/frontier-lab --reading letter --out out/leverage")
@asked
@click.option("--provider", "providers", multiple=True, metavar="NAME", help="Only of this provider. May be repeated.")
@click.option("--from", "away", metavar="DAY", help="It says so on this day, and is lost then; default: the first.")
@click.option("--notice", metavar="LENGTH", help="How long it still delivers after it said so: `3 months`.")
@click.option("--for", "lasting", metavar="LENGTH", help="For how long it is gone; default: for ever.")
@click.option(
    "--curves/--no-curves", default=True, help="Also plan at other prices, and split what all providers save."
)
def leverage(
    request: AnswerRequest,
    providers: tuple[str, ...],
    away: str | None,
    notice: str | None,
    lasting: str | None,
    curves: bool,
) -> int:
    """Who needs whom more? For each provider of CASE: what losing it costs us, and what it would lose.

    Also what we would buy of it at other prices, and its fair part of what all providers save us.

    Exit code 0: an answer; one that was stopped (time limit, Ctrl-C) says so. 1: no plan obeys every clause (the
    conflict is shown). 2: the case or an option has mistakes. 3: no plan was found in time. 130: stopped by Ctrl-C
    before there was a plan.
    """
    from detente.outcomes.leverage.leveraging import leverage as find
    from detente.report.outcomes.leverage import leverage_view
    from detente.report.pages.leverage_page import render_leverage

    case = request.loaded("leverage")
    gone, limit = _away(case, away, notice, lasting), request.seconds
    found = find(case, providers, gone, curves=curves, gap=request.least_gap, time_limit=limit, progress=progress())
    return AnswerView(leverage_view, render_leverage).show(found, request, case.currency)


def _away(case: Case, start: str | None, notice: str | None, lasting: str | None) -> Away:
    """When a provider is gone: from a day, after its notice, for a time or for ever."""
    from detente.outcomes.leverage.loss import Away
    from detente.values.period import day, later, moment
    from detente.values.quantity import Span
    from detente.values.zone import zone_of

    name = "--from"
    try:
        horizon = case.declared.horizon
        known = moment(horizon.start if start is None else day(start), zone_of(horizon.zone))
        name = "--notice"
        begin = known if notice is None else later(known, Span.parse(notice))
        name = "--for"
        return Away(begin, None if lasting is None else later(begin, Span.parse(lasting)), known)
    except ValueError as error:
        raise click.ClickException(f"{name}: {error}") from None
