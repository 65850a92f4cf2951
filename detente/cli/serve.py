"""``detente serve``: serve live calls: an OpenAI-compatible gateway.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detente.cli.command import command, tell_notes
from detente.cli.options import CASE, HOST, JSON, READING, SCENARIO, GivenPath, TimestampParam

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.gateway.deciding.policy import Policy
    from detente.live.deployment import AnyDeployment
    from detente.live.key import Key


AT = click.option("--at", type=TimestampParam(), metavar="MOMENT", help="Start the clock at this time instead of now.")


@command("detente serve examples/enterprise --sandbox")
@CASE
@READING
@SCENARIO
@click.option("--plan", type=GivenPath(path_type=Path), help="Follow this saved plan.")
@HOST
@click.option("--metrics", metavar="HOST:PORT", help="Serve /metrics there and nowhere else. Default: beside calls.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free port.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of worker processes.")
@click.option(
    "--journal",
    type=GivenPath(path_type=Path, file_okay=False),
    default=Path("journal"),
    show_default=True,
    help="The folder in which every reply is recorded.",
)
@click.option("--ledger", metavar="URL", help="Share caps and budgets, keep books of what is served. Default: none.")
@click.option("--traces", is_flag=True, help="Send OpenTelemetry traces where OTEL_EXPORTER_OTLP_ENDPOINT says.")
@click.option("--sandbox", is_flag=True, help="Simulate all providers on loopback, and make a key for each workload.")
@click.option("--certificate", type=GivenPath(path_type=Path, exists=True, dir_okay=False), help="PEM, for TLS.")
@click.option("--private-key", type=GivenPath(path_type=Path, exists=True, dir_okay=False), help="PEM, for TLS.")
@AT
@JSON
def serve(
    case: Path,
    reading: str | None,
    scenario: str | None,
    plan: Path | None,
    host: str,
    port: int,
    workers: int,
    journal: Path,
    ledger: str | None,
    traces: bool,
    sandbox: bool,
    certificate: Path | None,
    private_key: Path | None,
    metrics: str | None,
    at: datetime | None,
    as_json: bool,
) -> int:
    """Serve live calls of CASE: an OpenAI-compatible gateway over its deployments, under its clauses.

    Exit code 0: stopped, after the calls under way were answered. 2: the case has mistakes, or nothing can be served.
    """
    from contextlib import ExitStack

    from detente.gateway.deciding.source import PolicySource
    from detente.gateway.serving.clock import Clock
    from detente.gateway.serving.observing.call_trace import must_be_collectable
    from detente.gateway.serving.processes.supervisor import bound, run
    from detente.gateway.serving.settings import Settings

    if (certificate is None) != (private_key is None):
        raise click.ClickException("--certificate and --private-key go together; give both or neither")
    counting = 1 if ledger is not None else workers
    source = PolicySource(case, plan, reading, scenario, leasing=ledger is not None, workers=counting)
    clock = Clock(at)
    policy = source.read()
    tell_notes(policy.case)
    if ledger is not None:
        _must_open(ledger, policy.case)
    if traces:
        must_be_collectable()
    with ExitStack() as closing:
        played = closing.enter_context(_played(policy, clock.now())) if sandbox else None
        if played is not None:
            source = replace(source, redirect=played.redirect, keys=played.keys)
            policy = source.read()
        if not policy.keys and ledger is None:
            click.echo(
                "the case has no keys, so every call is refused; make one: detente keys new --workload …", err=True
            )
        listening = closing.enter_context(bound(host, port))
        address = _address(listening, tls=certificate is not None)
        apart = None
        if metrics is not None:
            where, _, number = metrics.rpartition(":")
            if not re.fullmatch("[0-9]{1,5}", number) or int(number) > 65535:
                raise click.ClickException(f"--metrics {metrics}: not an address; write for example 127.0.0.1:9100")
            apart = closing.enter_context(bound(where.strip("[]") or host, int(number)))
        settings = Settings(source, journal, clock, workers, certificate, private_key, apart, ledger, traces)

        def say(text: str) -> None:
            click.echo(text, err=True)

        run(settings, listening, policy, lambda: _ready(address, played, as_json), say)
    return 0


def _must_open(ledger: str, case: Case) -> None:
    """What is wrong with a ledger is said before anybody is served. Raises LedgerError."""
    from detente.ledger.books.books import must_be_of
    from detente.ledger.store.opening import open_store

    with open_store(ledger, make=True) as store:
        must_be_of(store, case)


@dataclass(frozen=True)
class _Played:
    """What the sandbox changes: where calls go, and who may call."""

    redirect: Callable[[Case], tuple[AnyDeployment, ...]]
    keys: tuple[Key, ...]
    secrets: dict[str, str]
    control: str


@contextmanager
def _played(policy: Policy, at: datetime) -> Iterator[_Played]:
    """The sandbox beside this process, and a key for each workload that can be called."""
    from detente.live.key import SECRET_BYTES, Key, hash_of, make
    from detente.sandbox import beside, environment, redirected

    held = {d.offer.id: d.units(at) for d in policy.deployed}
    units = {offer: count for offer, count in held.items() if count}
    with beside(policy.case.declared, units) as addresses:
        for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):  # real ones have no business here
            os.environ.pop(name, None)
        os.environ.update(environment())
        secrets, keys = {}, []
        for workload in policy.workloads:
            key_id = f"sandbox-{workload}"
            secrets[workload] = make(key_id, os.urandom(SECRET_BYTES))
            keys.append(Key(id=key_id, workload=workload, hash=hash_of(secrets[workload])))
        yield _Played(
            lambda case: redirected(case.declared.deployments, addresses), tuple(keys), secrets, addresses.control
        )


def _ready(address: str, played: _Played | None, as_json: bool) -> None:
    """Say where it serves."""
    if as_json:
        told: dict[str, Any] = {"address": address}
        if played is not None:
            told |= {"keys": played.secrets, "control": played.control}
        click.echo(json.dumps(told))
        sys.stdout.flush()
        return
    if played is not None:
        for workload, secret in played.secrets.items():
            click.echo(f"key of {workload}: {secret}", err=True)
        click.echo(f"the sandbox simulates all providers; control endpoint: {played.control}", err=True)
    click.echo(f"serving on {address}", err=True)


def _address(listening: Any, *, tls: bool) -> str:
    host, port = listening.getsockname()[:2]
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
