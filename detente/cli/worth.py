"""The commands that say what something is worth: price, leverage.

Owns: their arguments and exit codes, and what is saved. Not here: any rule (``outcomes``), and words (``report``).
"""

from __future__ import annotations

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
from detente.cli.planning import gap_of, show_conflict, told

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.outcomes.leverage import Leverage
    from detente.outcomes.loss import Away
    from detente.outcomes.prices import ClausePrices
    from detente.outcomes.sweep import NumberSweep
    from detente.results.conflict import Conflict

OUT = click.option("--out", type=click.Path(path_type=Path), help="Save the answer into this folder, with a page.")
GAP = click.option(
    "--gap", default="0.1%", show_default=True, help="Plan to this gap first; prices are no surer than that."
)


@command("detente price examples/frontier-lab --reading letter --out out/prices")
@CASE
@READING
@SCENARIO
@WITH
@click.option("--of", "of", metavar="CLAUSE[.FIELD]", help="Sweep this number of a clause instead.")
@click.option("--from", "start", metavar="VALUE", help="With --of: its first value, as a case writes it.")
@click.option("--to", "end", metavar="VALUE", help="With --of: its last value.")
@click.option("--steps", type=click.IntRange(1, 200), help="With --of: steps from the first to the last; default: 10.")
@OUT
@TIME_LIMIT
@GAP
@JSON
def price(
    case: Path,
    reading: str | None,
    scenario: str | None,
    beside: tuple[Path, ...],
    of: str | None,
    start: str | None,
    end: str | None,
    steps: int | None,
    out: Path | None,
    time_limit: float | None,
    gap: str,
    as_json: bool,
) -> int:
    """What does each clause of CASE cost? What the plan would save without it, by planning again.

    With --of: what the plan costs as one number of a clause changes, and where that turns.

    Exit code 0: an answer; one that was stopped (time limit, Ctrl-C) says so. 1: no plan obeys every clause (the
    conflict is shown). 2: the case or an option has mistakes. 3: no plan was found in time. 130: stopped by Ctrl-C
    before there was a plan.
    """
    _must_go_together(of, start, end, steps)
    wanted = gap_of(gap)
    loaded = load(case, reading, scenario, beside)
    name = "prices" if of is None else "sweep"
    if out is not None:
        must_take_files(out, *(f"{name}.{kind}" for kind in ("json", "html", "parquet")))
    found = _found(loaded, of, start, end, steps, wanted, time_left(time_limit))
    from detente.results.conflict import Conflict

    if isinstance(found, Conflict):
        show_conflict(found, loaded.currency, as_json)
        return 1
    trouble = None if out is None else _saved(found, out)
    if as_json:
        click.echo(found.to_json())
    else:
        _view(found)
    return told(trouble)


@command("detente leverage examples/frontier-lab --reading letter --out out/leverage")
@CASE
@READING
@SCENARIO
@WITH
@click.option("--provider", "providers", multiple=True, metavar="NAME", help="Only of this provider. May be repeated.")
@click.option("--from", "start", metavar="DAY", help="It says so on this day, and is lost then; default: the first.")
@click.option("--notice", metavar="LENGTH", help="How long it still delivers after it said so: `3 months`.")
@click.option("--for", "lasting", metavar="LENGTH", help="For how long it is gone; default: for ever.")
@click.option(
    "--curves/--no-curves", default=True, help="Also plan at other prices, and split what all providers save."
)
@OUT
@TIME_LIMIT
@GAP
@JSON
def leverage(
    case: Path,
    reading: str | None,
    scenario: str | None,
    beside: tuple[Path, ...],
    providers: tuple[str, ...],
    start: str | None,
    notice: str | None,
    lasting: str | None,
    curves: bool,
    out: Path | None,
    time_limit: float | None,
    gap: str,
    as_json: bool,
) -> int:
    """Who needs whom more? For each provider of CASE: what losing it costs us, and what it would lose.

    Also what we would buy of it at other prices, and its fair part of what all providers save us.

    Exit code 0: an answer; one that was stopped (time limit, Ctrl-C) says so. 1: no plan obeys every clause (the
    conflict is shown). 2: the case or an option has mistakes. 3: no plan was found in time. 130: stopped by Ctrl-C
    before there was a plan.
    """
    from detente.outcomes.leveraging import leverage as find
    from detente.results.conflict import Conflict

    wanted = gap_of(gap)
    loaded = load(case, reading, scenario, beside)
    if out is not None:
        must_take_files(out, *(f"leverage.{kind}" for kind in ("json", "html", "parquet")))
    away = _away(loaded, start, notice, lasting)
    limit = time_left(time_limit)
    found = find(loaded, providers, away, curves=curves, gap=wanted, time_limit=limit, progress=progress())
    if isinstance(found, Conflict):
        show_conflict(found, loaded.currency, as_json)
        return 1
    trouble = None if out is None else _saved(found, out)
    if as_json:
        click.echo(found.to_json())
    else:
        _view(found)
    return told(trouble)


def _away(case: Case, start: str | None, notice: str | None, lasting: str | None) -> Away:
    """When a provider is gone: from a day, after its notice, for a time or for ever."""
    from detente.outcomes.loss import Away
    from detente.values.period import day, later, moment
    from detente.values.quantity import Span

    name = "--from"
    try:
        known = moment(case.declared.horizon.start if start is None else day(start))
        name = "--notice"
        begin = known if notice is None else later(known, Span.parse(notice))
        name = "--for"
        return Away(begin, None if lasting is None else later(begin, Span.parse(lasting)), known)
    except ValueError as error:
        raise click.ClickException(f"{name}: {error}") from None


def _must_go_together(of: str | None, start: str | None, end: str | None, steps: int | None) -> None:
    stated = {"--from": start, "--to": end, "--steps": steps}
    alone = [name for name, given in stated.items() if given is not None]
    if of is None and alone:
        raise click.ClickException(f"only with --of CLAUSE.FIELD: {', '.join(alone)}; add it, or leave them out")
    missing = [name for name in ("--from", "--to") if stated[name] is None]
    if of is not None and missing:
        raise click.ClickException(f"with --of, say {' and '.join(missing)} too: values as the case writes them")


def _found(
    case: Case,
    of: str | None,
    start: str | None,
    end: str | None,
    steps: int | None,
    gap: float,
    time_limit: float | None,
) -> ClausePrices | NumberSweep | Conflict:
    from detente.outcomes.pricing import price as find
    from detente.outcomes.sweep import STEPS, sweep

    if of is None:
        return find(case, gap=gap, time_limit=time_limit, progress=progress())
    assert start is not None
    assert end is not None
    return sweep(case, of, start, end, steps=steps or STEPS, gap=gap, time_limit=time_limit, progress=progress())


def _view(found: ClausePrices | NumberSweep | Leverage) -> None:
    from detente.outcomes.leverage import Leverage
    from detente.outcomes.prices import ClausePrices
    from detente.report.leverage import leverage_view
    from detente.report.prices import prices_view
    from detente.report.sweep import sweep_view

    if isinstance(found, ClausePrices):
        prices_view(found, console())
    elif isinstance(found, Leverage):
        leverage_view(found, console())
    else:
        sweep_view(found, console())


def _saved(found: ClausePrices | NumberSweep | Leverage, out: Path) -> OSError | None:
    """Save it, with its page. What hinders that is returned: the answer is shown all the same."""
    from detente.outcomes.leverage import Leverage
    from detente.outcomes.sweep import NumberSweep
    from detente.report.leverage_page import render_leverage
    from detente.report.prices_page import render_prices, render_sweep
    from detente.values.file import write

    try:
        for file in found.save(out):
            click.echo(f"wrote {file}", err=True)
        if isinstance(found, NumberSweep):
            page, text = out / "sweep.html", render_sweep(found)
        elif isinstance(found, Leverage):
            page, text = out / "leverage.html", render_leverage(found)
        else:
            page, text = out / "prices.html", render_prices(found)
        write(page, text.encode())
        click.echo(f"wrote {page}: open it in a browser", err=True)
    except OSError as error:
        return error
    return None
