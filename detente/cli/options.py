"""Arguments and options that mean the same for every command.

Owns: their names, forms and words. Not here: any command, and what only one takes (its own file).
"""

from __future__ import annotations

from datetime import MAXYEAR, UTC, datetime
from math import isnan
from pathlib import Path
from typing import Any

import click

EARLIEST, LATEST = datetime.fromisoformat("1970-01-01T00:00Z"), datetime.fromisoformat("2200-01-01T00:00Z")
"""Where no first day of books is given, and no last."""


class GivenPath(click.Path):
    """A path that says something: an empty one, as of a variable that is not set, would be the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        if value == "":
            self.fail(
                "the path is empty (is a variable not set?); name one, or `.` for the working directory", param, ctx
            )
        return super().convert(value, param, ctx)


CASE = click.argument("case", type=GivenPath(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
READING = click.option(
    "--reading",
    multiple=True,
    metavar="[CLAUSE=]NAME",
    callback=lambda ctx, param, given: ",".join(given) or None,
    help="Use this reading of the disputed clauses, or of one clause. May be repeated.",
)
SCENARIO = click.option("--scenario", metavar="NAME", help="Use this scenario of the case; several: NAME,NAME.")
LEDGER = click.option(
    "--ledger",
    metavar="URL",
    default="ledger.db",
    show_default=True,
    help="The ledger: a path, sqlite:///PATH, or postgresql://….",
)
WITH = click.option(
    "--with",
    "beside",
    type=GivenPath(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Use the scenario in this file (a deal, an outcome). May be repeated.",
)
HOST = click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")


class SecondsParam(click.FloatRange):
    """More than no time, and a number: of ``nan`` nobody can say whether it has passed."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        found: float = super().convert(value, param, ctx)
        if isnan(found):
            self.fail(f"`{value}` is not a number of seconds; write for example 60", param, ctx)
        return found


TIME_LIMIT = click.option(
    "--time-limit", type=SecondsParam(min=0, min_open=True), metavar="SECONDS", help="Stop after this time."
)


class TimestampParam(click.ParamType[datetime]):
    """``2026-06-15T09:00Z``: a moment, in UTC where it names no zone."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        try:
            found = datetime.fromisoformat(str(value))
            found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"`{value}` is not a time; write for example 2026-06-15T09:00Z", param, ctx)
        if found.year == MAXYEAR:  # time goes on from there, and would come to its end
            self.fail(f"`{value}` is too late; write a year before {MAXYEAR}", param, ctx)
        return found


def day_of(given: str) -> datetime:
    """The day of ``--as-of``."""
    from detente.errors import FlawError
    from detente.values.period import day, moment

    try:
        return moment(day(given))
    except FlawError as error:
        raise click.ClickException(f"--as-of: {error.flaws[0].what}; {error.flaws[0].remedy}") from None


def gap_of(text: str) -> float:
    """A relative gap from its text: `0.1%`."""
    from detente.values.quantity import at_least_zero

    try:
        return float(at_least_zero(text))
    except ValueError as error:
        raise click.ClickException(f"--gap: {error}") from None
