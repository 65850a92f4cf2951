"""``detente explain``: why? Of a plan, or of a live call.

Owns: its arguments and exit codes. Not here: the reasons (``report/plans/explanation``), figures of saved answers
(``figure``) and live calls (``live_call``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import takewhile
from os.path import exists
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, load, notes_json, of_plan, progress
from detente.cli.figure import figure_asked
from detente.cli.live_call import CHAT, LiveCall, call_asked
from detente.cli.options import CASE, JSON, READING, SCENARIO, WITH, GivenPath, TimestampParam

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.report.plans.explanation import Explanation
    from detente.results.conflict import Conflict
    from detente.results.plan import Plan

MAX_BYTES = 64 * 1024 * 1024


@command("detente explain examples/frontier-lab agent-runtime@azure --reading letter")
@CASE
@click.argument("rest", nargs=-1, metavar="[PLAN]... [SUBJECT]")
@READING
@SCENARIO
@WITH
@click.option("--plan", "saved", type=GivenPath(path_type=Path), help="Explain this saved plan, not a new one.")
@click.option(
    "--request",
    type=GivenPath(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Explain where a live call goes; FILE holds its body.",
)
@click.option("--workload", metavar="NAME", help="With --request: the calling workload.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="With --request: a label of the call.")
@click.option("--key", metavar="NAME", help="With --request: the key that is presented, by its name.")
@click.option("--ledger", metavar="URL", help="With --request: where floors, caps, budgets and keys stand.")
@click.option("--path", help=f"With --request: the path of the call; default: {CHAT}.")
@click.option("--at", type=TimestampParam(), metavar="MOMENT", help="With --request: time of the call; default: now.")
@JSON
def explain(
    case: Path,
    rest: tuple[str, ...],
    reading: str | None,
    scenario: str | None,
    beside: tuple[Path, ...],
    saved: Path | None,
    request: Path | None,
    workload: str | None,
    labels: tuple[str, ...],
    path: str | None,
    at: datetime | None,
    key: str | None,
    ledger: str | None,
    as_json: bool,
) -> int:
    """Explain a decision. SUBJECT is a workload, a clause, or WORKLOAD@PROVIDER (or @OFFER): why it runs there, or not.

    Or a number: price:CLAUSE, agreement:NAME, deal:NAME, leverage:PROVIDER, outcome:NAME. The case is then planned once
    more, without the clause, the agreement or the provider, with the deal signed, or in the outcome: what costs more,
    which work moves, and which clauses bind then.

    CASE may be a saved plan, or a saved answer of `price`, `leverage`, `compare`, `simulate` or `check --sign` (--out):
    SUBJECT is then the address of a figure on its page, such as clauses/eu-data/price: what it is, its formula, and
    what goes into it. Without SUBJECT all its figures are listed. Of several saved plans, what stands between
    them is asked as well: detente explain out/letter out/spirit bridge/spirit/cost.

    With --request FILE: which deployments may serve a live call, in which order they are asked, and why not the others.
    Exit code 1: no deployment may serve the call, or there is no plan. 2: the case or the call has mistakes.
    130: stopped by Ctrl-C.
    """
    live: dict[str, object] = {
        "--workload": workload,
        "--label": labels,
        "--path": path,
        "--at": at,
        "--key": key,
        "--ledger": ledger,
    }
    if is_answer(case):
        held = {"--reading": reading, "--scenario": scenario, "--with": beside, "--plan": saved, "--request": request}
        others = [Path(name) for name in takewhile(_saved, rest)]
        return figure_asked([case, *others], _one(rest[len(others) :]) or "", held | live, as_json=as_json)
    subject = _one(rest)
    if (request is None) == (subject is None):
        if request is None:
            load(case, reading, scenario, beside)  # what is wrong with CASE is told first
        raise click.ClickException("give either a SUBJECT or --request FILE")
    if request is not None:
        from detente.gateway.deciding.source import PolicySource

        call = LiveCall(
            _body(request), CHAT if path is None else path, at or datetime.now(UTC), workload, labels, key, ledger
        )
        return call_asked(call, PolicySource(case, saved, reading, scenario, beside), as_json=as_json)
    alone = [name for name, given in live.items() if given not in (None, ())]
    if alone:
        raise click.ClickException(f"only with --request FILE: {', '.join(alone)}; add it, or leave them out")
    from detente.case.planned import must_hold
    from detente.planner.solve import plan as find
    from detente.report.plans.explanation import explain as why
    from detente.results.plan import Plan

    found: Plan | Conflict | None
    if saved is not None:
        found = Plan.load(saved)
        loaded = of_plan(case, found, beside, reading, scenario)
        must_hold(found, loaded, str(saved))
    else:
        loaded = load(case, reading, scenario, beside)
        found = find(loaded, progress=progress())
    assert subject is not None
    answer = _number(loaded, found, subject) or why(loaded, found, subject)
    told = answer.as_json() | {"notes": notes_json(loaded)}
    click.echo(json.dumps(told, indent=1) if as_json else str(answer))
    return 0 if isinstance(found, Plan) else 1


def is_answer(path: Path) -> bool:
    """Whether a path names saved answers; looked into where it may name one."""
    if path.suffix != ".json" and not (path.is_dir() and any(path.glob("*.json"))):
        return False
    from detente.report.figures.addressed import saved_answers

    return bool(saved_answers(path))


def _saved(name: str) -> bool:
    """Whether an argument names saved answers, and is no address."""
    return exists(name) and is_answer(Path(name))


def _one(given: Sequence[str]) -> str | None:
    """The SUBJECT. Raises ClickException where there are several."""
    if len(given) > 1:
        remedy = "give one SUBJECT, after all PLANs; a PLAN is a folder or file that `detente plan --out` wrote"
        raise click.ClickException(f"`{given[0]}` is no saved plan, and `{given[1]}` follows it: {remedy}")
    return given[0] if given else None


def _number(case: Case, found: Plan | Conflict, subject: str) -> Explanation | None:
    """Why a price, a provider's leverage or an outcome is what it is; None where the subject is no such number."""
    from detente.outcomes.counterpart import Counterpart
    from detente.planner.solve import plan as find
    from detente.report.plans.difference import why_different
    from detente.results.conflict import Conflict

    other = Counterpart.of(case, subject)
    if other is None or isinstance(found, Conflict):
        return None
    second = find(other.case, progress=progress())
    if isinstance(second, Conflict) and other.waived:
        second = find(other.case.under(without=other.waived), progress=progress())
    return why_different(subject, other, found, second)


def _body(file: Path) -> bytes:
    """The body of a call: of a file, or of standard input (`-`). Raises OSError."""
    from detente.values.file import read

    return sys.stdin.buffer.read(MAX_BYTES) if str(file) == "-" else read(file, MAX_BYTES)
