"""``detente simulate``: what could go wrong? A plan in many random draws.

Owns: its arguments and exit codes, and what is saved. Not here: any rule (``outcomes``), and words (``report``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.answer import AnswerRequest, AnswerView, asked
from detente.cli.command import command, progress

if TYPE_CHECKING:
    from detente.outcomes.draws.crew import DrawMaker
    from detente.outcomes.draws.simulation import DispatchBy, Simulation


@command("detente simulate examples/frontier-lab --draws 200 --out out/simulation")
@asked
@click.option("--choice", metavar="NAME", help="Take this choice: the events after it are drawn too.")
@click.option("--draws", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="How many, in all.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draws.")
@click.option(
    "--dispatch",
    type=click.Choice(["cost", "live"]),
    default="cost",
    show_default=True,
    help="Dispatch work at the least cost, or as the gateway would send it (the case's `deployments:`).",
)
@click.option(
    "--on",
    type=click.Choice(["processes", "ray"]),
    default="processes",
    show_default=True,
    help="Make draws in processes of this machine, or on a Ray cluster.",
)
@click.option("--processes", type=click.IntRange(1, 1024), help="Make draws in so many; default: one a processor.")
def simulate(
    request: AnswerRequest,
    choice: str | None,
    draws: int,
    seed: int,
    dispatch: DispatchBy,
    on: DrawMaker,
    processes: int | None,
) -> int:
    """What could go wrong? The plan of CASE in many random draws of its `risks:`, with what it bought held as it is.

    A draw turns on the seed and its number alone. With --out, draws that are saved there are kept, and only those that
    are missing are made.

    Exit code 0: an answer; one that was stopped (time limit, Ctrl-C) says so. 1: no plan obeys every clause (the
    conflict is shown). 2: the case or an option has mistakes. 3: no plan was found in time. 130: stopped by Ctrl-C
    before there was a plan.
    """
    from detente.outcomes.draws.simulating import simulate as find
    from detente.report.outcomes.simulation import simulation_view
    from detente.report.pages.simulation_page import render_simulation

    case = request.loaded("simulation")
    found = find(
        case,
        choice,
        draws=draws,
        seed=seed,
        dispatch=dispatch,
        on=on,
        processes=processes,
        before=None if request.out is None else _before(request.out, seed, choice, dispatch),
        gap=request.least_gap,
        time_limit=request.seconds,
        progress=progress(),
    )
    return AnswerView(simulation_view, render_simulation).show(found, request, case.currency)


def _before(out: Path, seed: int, choice: str | None, dispatch: DispatchBy) -> Simulation | None:
    """What is saved in a folder. A file that is none, or is of other draws, is a mistake: it would be written over."""
    from detente.outcomes.draws.simulation import MAX_BYTES, Simulation
    from detente.values.file import read

    file = out / "simulation.json"
    if not file.exists():
        return None
    try:
        found = Simulation.from_json(read(file, MAX_BYTES))
    except ValueError:
        raise click.ClickException(f"--out: {file} is no simulation; name another folder, or move it away") from None
    if not found.of_the_same(found.hash, seed, choice, dispatch):
        held = f"holds draws of {_draws_of(found.seed, found.choice, found.dispatch)}"
        asked = _draws_of(seed, choice, dispatch)
        raise click.ClickException(f"--out: {file} {held}, and {asked} is asked for; name another folder")
    return found


def _draws_of(seed: int, choice: str | None, dispatch: DispatchBy) -> str:
    after = f" after `{choice}`" if choice else ""
    return f"seed {seed}{after}" + (" with live dispatch" if dispatch == "live" else "")
