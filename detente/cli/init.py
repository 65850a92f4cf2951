"""``detente init``: write a small case with comments, to begin with.

Owns: its arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from detente.cli.command import command, must_take_files
from detente.cli.options import GivenPath


@command("detente init my-case")
@click.argument("folder", type=GivenPath(path_type=Path))
def init(folder: Path) -> None:
    """Write a small commented case into FOLDER, with the schema for your editor."""
    from importlib.resources import files

    from detente.case.schema import schema as case_schema
    from detente.values.file import write

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.ClickException(f"{folder} exists and is not empty: choose another folder")
    must_take_files(folder, "detente.schema.json", "case.yaml", given="FOLDER")
    write(folder / "detente.schema.json", f"{json.dumps(case_schema(), indent=1)}\n".encode())
    write(folder / "case.yaml", files("detente").joinpath("starter", "case.yaml").read_bytes())
    click.echo(f"{folder}/case.yaml is a small case with comments; next: detente check {folder}", err=True)
