"""``detente sandbox``: simulate every provider of a case on loopback.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from detente.cli.command import command
from detente.cli.options import CASE, HOST, JSON


@command("detente sandbox examples/enterprise --port 9000")
@CASE
@HOST
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the control endpoint; providers use the ports after it. 0: any free ports.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random choices.")
@JSON
def sandbox(case: Path, host: str, port: int, seed: int, as_json: bool) -> int:
    """Simulate every provider of CASE on loopback: their real protocols, and faults on demand. Stop with Ctrl-C."""
    from detente.case.case import Case
    from detente.sandbox import Addresses, run

    loaded = Case.load(case)

    def ready(addresses: Addresses) -> None:
        if as_json:
            click.echo(json.dumps(addresses.to_json()))
            sys.stdout.flush()
            return
        click.echo(f"control: {addresses.control}", err=True)
        for name, address in addresses.deployments.items():
            click.echo(f"{name}: {address}", err=True)

    run(loaded.declared, host=host, port=port, seed=seed, epoch=datetime.now(UTC).timestamp(), ready=ready)
    return 0
