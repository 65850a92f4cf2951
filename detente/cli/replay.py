"""``detente replay``: recorded calls as the gateway would decide on them.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from detente.cli.command import command, console
from detente.cli.options import CASE, JSON, READING, SCENARIO, GivenPath, TimestampParam

ROLES = "timestamp, input, output, cached, workload, key, calls"


def columns_of(stated: tuple[str, ...]) -> dict[str, str]:
    """``input=prompt`` as names of columns by role. Raises ClickException."""
    found = {}
    for each in stated:
        role, equals, name = each.partition("=")
        if not equals or not role or not name:
            raise click.ClickException(f"--column {each}: no role and name; write for example input=prompt_tokens")
        found[role.strip()] = name.strip()
    return found


@command("detente replay examples/enterprise day.csv --plan my-plan --workload assistant --starts 2026-03-02")
@CASE
@click.argument("trace", type=GivenPath(path_type=Path, exists=True, dir_okay=False), metavar="TRACE")
@click.option("--plan", type=GivenPath(path_type=Path), help="Follow this saved plan, and compare with it.")
@click.option("--workload", metavar="NAME", help="Whose calls they are, where TRACE has no column that says so.")
@click.option("--starts", type=TimestampParam(), metavar="MOMENT", help="Move the first call to this time.")
@click.option(
    "--until", type=TimestampParam(), metavar="MOMENT", help="Repeat TRACE until then, and settle as of then."
)
@click.option("--column", "stated", multiple=True, metavar="ROLE=NAME", help=f"Name a column of TRACE. Roles: {ROLES}.")
@click.option("--unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Of times that are numbers.")
@click.option("--ledger", metavar="URL", help="Calls may be made by the keys in this ledger, too.")
@READING
@SCENARIO
@JSON
def replay(
    case: Path,
    trace: Path,
    plan: Path | None,
    workload: str | None,
    starts: datetime | None,
    until: datetime | None,
    stated: tuple[str, ...],
    unit: str | None,
    ledger: str | None,
    reading: str | None,
    scenario: str | None,
    as_json: bool,
) -> int:
    """Replay the calls of TRACE (CSV or Parquet, a row a call) as the gateway of CASE would serve them.

    No provider is asked. Says where the calls go, what they cost, what is denied and where clauses and budgets stand;
    with a plan, beside its shares and beside routing by price alone. Exit code 0: every call was served. 1: some were
    not. 2: the case or TRACE has mistakes.
    """
    from detente.gateway.deciding.keyring import Keyring
    from detente.gateway.deciding.source import PolicySource
    from detente.gateway.replaying.replay import Replay
    from detente.gateway.replaying.traffic import TraceTraffic
    from detente.ledger.store.key_store import NO_KEYS, UNREADABLE, made_in
    from detente.report.live.replayed import replayed_json, replayed_view
    from detente.values.likeness import did_you_mean

    columns = columns_of(stated)
    policy = PolicySource(case, plan, reading, scenario).read()
    if workload is not None and workload not in policy.workloads:
        hint = did_you_mean(workload, policy.workloads)
        raise click.ClickException(f"--workload: there is no `{workload}` that can be called; {hint}")
    made = NO_KEYS if ledger is None else made_in(ledger)
    for name in made.unread:
        click.echo(f"key `{name}` opens nothing: it {UNREADABLE}", err=True)
    keys = Keyring(policy, made.keys)
    for name, why in keys.strangers.items():
        click.echo(f"key `{name}` opens nothing: {why}; see `detente keys change`", err=True)
    whose = {held.key.id: held.key.workload for held in keys}
    traffic = TraceTraffic(trace, policy.workloads, workload, columns, unit, starts, until, whose)
    found, by_price = Replay(policy, keys=keys).run(traffic.calls(), until), None
    if plan is not None:
        by_price = Replay(replace(policy, planned={}), steered=False, keys=keys).run(traffic.calls(), until)
    if as_json:
        click.echo(replayed_json(found, by_price, policy.currency))
    else:
        replayed_view(found, by_price, policy.currency, console())
    return 1 if found.refused else 0
