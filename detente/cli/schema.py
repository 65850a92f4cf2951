"""``detente schema``: print the JSON Schema of a case, or of a saved plan.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json

import click

from detente.cli.command import command


@command("detente schema > detente.schema.json")
@click.option("--plan", "of_plan", is_flag=True, help="Of a saved plan, for programs that read it.")
@click.option("--json", "as_json", is_flag=True, help="Accepted as everywhere; the schema is always JSON.")
def schema(of_plan: bool, as_json: bool) -> None:
    """Print the JSON Schema of a case, for editors to complete and check; or of a saved plan."""
    from detente.case.schema import schema as case_schema
    from detente.results.plan import schema as plan_schema

    click.echo(json.dumps(plan_schema() if of_plan else case_schema(), indent=1))
