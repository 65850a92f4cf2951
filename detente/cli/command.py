"""What commands share: their group, arguments that mean the same everywhere, and how output is divided.

Owns: one document on standard output, messages on standard error, an example in every help. Not here: any command.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from detente.case import Case

WIDTH = 100


class Command(click.Command):
    """A command whose help ends with an example."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as typed."""
        if self.example:
            with formatter.section("Example"):
                formatter.write_text(self.example)


@click.group(context_settings={"max_content_width": WIDTH, "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="detente")
def cli() -> None:
    """Run AI workloads across rival clouds, under contract.

    Agreements are written as code, clause by clause, in a case: a folder of YAML. Détente tells whether a deal can be
    signed, and plans what runs where at least cost.

    Example: detente init my-case && detente plan my-case --out my-plan
    """


def command(example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of the group, with its example."""
    return cli.command(cls=Command, example=example)


CASE = click.argument("case", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
READING = click.option("--reading", metavar="NAME", help="The reading of disputed clauses.")
SCENARIO = click.option("--scenario", metavar="NAME", help="A scenario of the case.")


def load(path: Path, reading: str | None, scenario: str | None) -> Case:
    """The case of a command."""
    from detente.case import Case

    return Case.load(path).under(reading=reading, scenario=scenario)


def console() -> Any:
    """Where people read."""
    from rich.console import Console

    width = min(WIDTH, Console().width) if sys.stdout.isatty() else WIDTH
    return Console(width=width, highlight=False, soft_wrap=False)
