"""``detente explain``: why? Of a plan, or of a live call.

Owns: its arguments and exit codes. Not here: the reasons (``report/explanation``, ``gateway/deciding/decision``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detente.cli.command import command, console, load, notes_json, of_plan, progress
from detente.cli.figure import figure_asked
from detente.cli.options import CASE, JSON, READING, SCENARIO, WITH, TimestampParam

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.gateway.deciding.keyring import HeldKey, Keyring
    from detente.gateway.deciding.standings import Standings
    from detente.report.explanation import Explanation
    from detente.results.conflict import Conflict
    from detente.results.plan import Plan

CHAT = "/v1/chat/completions"
MAX_BYTES = 64 * 1024 * 1024


@command("detente explain examples/frontier-lab agent-runtime@azure --reading letter")
@CASE
@click.argument("subject", required=False)
@READING
@SCENARIO
@WITH
@click.option("--plan", "saved", type=click.Path(path_type=Path), help="Explain this saved plan, not a new one.")
@click.option(
    "--request",
    type=click.Path(path_type=Path, allow_dash=True),
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
    subject: str | None,
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

    CASE may be a saved answer of `price`, `leverage`, `compare`, `simulate` or `check --sign` (--out): SUBJECT is then
    the address of a figure on its page, such as clauses/eu-data/price: what it is, its formula, and what goes into it.
    Without SUBJECT all its figures are listed.

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
    if answers := saved_answers(case):
        held = {"--reading": reading, "--scenario": scenario, "--with": beside, "--plan": saved, "--request": request}
        return figure_asked(answers, subject or "", held | live, as_json=as_json)
    if (request is None) == (subject is None):
        raise click.ClickException("give either a SUBJECT or --request FILE")
    if request is not None:
        body = _body(request)
        at = at or datetime.now(UTC)
        path = CHAT if path is None else path
        return _live(case, saved, beside, reading, scenario, body, workload, labels, path, at, key, ledger, as_json)
    alone = [name for name, given in live.items() if given not in (None, ())]
    if alone:
        raise click.ClickException(f"only with --request FILE: {', '.join(alone)}; add it, or leave them out")
    from detente.planner.solve import plan as find
    from detente.report.explanation import explain as why
    from detente.results.plan import Plan

    found: Plan | Conflict | None
    if saved is not None:
        found = Plan.load(saved)
        loaded = of_plan(case, found, beside, reading, scenario)
        found.must_be_of(loaded.hash, str(saved))
    else:
        loaded = load(case, reading, scenario, beside)
        found = find(loaded, progress=progress())
    assert subject is not None
    answer = _number(loaded, found, subject) or why(loaded, found, subject)
    told = answer.as_json() | {"notes": notes_json(loaded)}
    click.echo(json.dumps(told, indent=1) if as_json else str(answer))
    return 0 if isinstance(found, Plan) else 1


def saved_answers(path: Path) -> list[Path]:
    """Those that a path names; looked for where it may name one."""
    if path.suffix != ".json" and not (path.is_dir() and any(path.glob("*.json"))):
        return []
    from detente.report.figures.asking import saved_answers as find

    return find(path)


def _number(case: Case, found: Plan | Conflict, subject: str) -> Explanation | None:
    """Why a price, a provider's leverage or an outcome is what it is; None where the subject is no such number."""
    from detente.outcomes.counterpart import Counterpart
    from detente.planner.solve import plan as find
    from detente.report.difference import why_different
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


def _by(ledger: str | None, case: Case, at: datetime) -> Standings:
    """Where clauses and budgets of a case stand by a ledger. Raises LedgerError."""
    from detente.gateway.deciding.standings import Standings

    if ledger is None:
        return Standings()
    from detente.gateway.replaying.budget_count import BudgetCount
    from detente.gateway.replaying.standing_totals import TotalStandings
    from detente.ledger.books import Books
    from detente.ledger.budget_stands import budgets_stand
    from detente.ledger.opening import open_store

    with open_store(ledger) as store:
        books = Books(store, case)
        with store.reading() as session:
            books.must_match(session)
            totals = books.as_of(session, at)
        found = TotalStandings(case.signed, totals, BudgetCount.of(budgets_stand(store, case, at)))
    found.look(at)
    found.look_ahead(at)
    return found


def _held(keys: Keyring, key: str, at: datetime) -> HeldKey:
    """The key of a name. Raises ClickException where it opens nothing at a moment."""
    from detente.errors import did_you_mean

    found = {held.key.id: held for held in keys}
    if key not in found:
        why = keys.strangers.get(key) or f"there is no such key; {did_you_mean(key, found, 'the case has none')}"
        raise click.ClickException(f"--key {key}: {why}")
    expires = found[key].key.expires
    if expires is not None and expires <= at:
        raise click.ClickException(f"--key {key}: it expired on {expires:%Y-%m-%d %H:%M} UTC; make a new one")
    return found[key]


def _live(
    case: Path,
    plan: Path | None,
    beside: Sequence[Path],
    reading: str | None,
    scenario: str | None,
    body: bytes,
    name: str | None,
    stated: tuple[str, ...],
    path: str,
    at: datetime,
    key: str | None,
    ledger: str | None,
    as_json: bool,
) -> int:
    """A live call's decision, by the same rules as live traffic, with every deployment well and idle."""
    from detente.errors import did_you_mean
    from detente.gateway.deciding.decision import Rejection, decide, read
    from detente.gateway.deciding.keyring import Keyring
    from detente.gateway.deciding.load import Load
    from detente.gateway.deciding.moment import Moment
    from detente.gateway.deciding.source import PolicySource
    from detente.gateway.surfaces import SURFACES
    from detente.gateway.surfaces.addresses import as_if_fetched
    from detente.ledger.key_store import made_in
    from detente.live.request import LabelError, labels_of, narrowed
    from detente.report.decision import decision_json, decision_view, served

    policy = PolicySource(case, plan, reading, scenario, tuple(beside)).read()
    keys = Keyring(policy, () if ledger is None else made_in(ledger))
    held = None if key is None else _held(keys, key, at)
    if held is not None and name not in (None, held.key.workload):
        raise click.ClickException(f"--workload: the key `{key}` stands for `{held.key.workload}`; leave it out")
    name = name if held is None else held.key.workload
    workload = policy.workloads.get(name or "")
    if workload is None:
        hint = did_you_mean(name or "", policy.workloads)
        raise click.ClickException(f"--workload: there is no `{name}`; {hint}" if name else f"say --workload; {hint}")
    surface = SURFACES.get(path.encode())
    if surface is None:
        raise click.ClickException(f"--path: {did_you_mean(path, [p.decode() for p in SURFACES])}")
    try:
        given = labels_of(",".join(stated)) if stated else {}
        own, presented = (workload.labels, None) if held is None else (held.labels, held.presented)
        labels = narrowed(own, given, keys.labels)
        lenient = frozenset(policy.serving.lenient) if held is None else held.lenient
        asked = read(surface, body, workload.id, lenient)
        moment, load = Moment(policy, at, _by(ledger, policy.case, at)), Load()
        load.limits(policy, at)
        load.enter(moment.period)
        decision = decide(moment, load, surface, asked, workload, labels, 0.0, presented)
        asked = as_if_fetched(asked, policy.serving.fetch)
    except LabelError as error:
        raise click.ClickException(f"--label: {error}") from None
    except Rejection as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(decision_json(decision, asked, at), indent=1))
    else:
        decision_view(decision, asked, at, console())
    return 0 if served(decision, asked) else 1
