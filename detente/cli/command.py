"""What commands share: their group, what they load, and how output is divided.

Owns: one document on standard output, messages on standard error, an example in every help. Not here: any command,
and options (``options``).
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detente.cli.listing import COMMANDS
from detente.errors import (
    MAX_SHOWN,
    CaseError,
    DetenteError,
    MissingExtraError,
    Mistake,
    UnsettledError,
    cut,
    printable,
)
from detente.values.likeness import did_you_mean

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.results.plan import Plan

WIDTH = 100

STARTED = "detente.started"
"""Under what name a command's context keeps when it began."""

LATE = 0.25
"""Seconds by which a time limit may be passed without a word."""

BEGINS = ("--from", "--since", "--start", "--after", "--begin")
ENDS = ("--until", "--to", "--upto", "--end", "--before", "--as-of")
TIMES = ("--window", "--month", "--period", "--time")
"""Options that name when a time begins, when it ends, and all of it: in one command or another, or as people type."""


class ReaderGoneError(Exception):
    """Whoever read standard output went away, as ``| head`` does. No OSError: click would make it exit code 1."""


class CommandGroup(click.Group):
    """The group of all commands. Each is imported when it is asked for: it joins the group by that (``listing``)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them; None where there is none of that name."""
        if cmd_name in COMMANDS:
            import_module(f"detente.cli.{cmd_name}")
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed. Raises UsageError, with the nearest where there is none of that name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f"there is no command `{cut(printable(name))}`; {did_you_mean(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What each does, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])

    def every(self) -> dict[str, click.Command]:
        """All of them, imported."""
        found = {name: self.get_command(click.Context(self), name) for name in COMMANDS}
        return {name: command for name, command in found.items() if command is not None}

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments; ``--help`` prints."""
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError:
            raise ReaderGoneError from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGoneError from None


class _Exemplified(click.Command):
    """What ends with an example in its help."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as typed."""
        if self.example:
            with formatter.section("Example"):
                formatter.write_text(self.example)


class Subgroup(_Exemplified, click.Group):
    """A group of a few commands, with an example."""


class Command(_Exemplified):
    """A command whose help ends with an example, and whose mistakes are a document where one is asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read its arguments. One that it does not have and that names a time leads to those of its own that do."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if meant := self._meant(error.option_name):
                said = f"there is no option `{error.option_name}`; did you mean {meant}?"
                raise click.NoSuchOption(error.option_name, said, ctx=error.ctx) from None
            raise

    def _meant(self, option: str) -> str:
        """What of a time an option may be here that another command calls so; a whole time may be its two ends."""
        own = {name for option in self.params for name in option.opts}
        begins, ends, times = ([f"`{name}`" for name in names if name in own] for names in (BEGINS, ENDS, TIMES))
        if option in BEGINS:
            return " or ".join(begins + times)
        if option in ENDS:
            return " or ".join(ends + times)
        return (" or ".join(times) or " with ".join(begins + ends)) if option in TIMES else ""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. With ``--json``, what is wrong goes to standard output as well, before it is raised on."""
        ctx.meta[STARTED] = time.monotonic(), time.process_time()
        try:
            found = _with_extras(super().invoke, ctx)
            _tell_overrun(ctx.params.get("time_limit"))
            return found
        except (DetenteError, click.ClickException, OSError) as raised:
            error = raised.by_options(self._usage()) if isinstance(raised, CaseError) else raised
            if ctx.params.get("as_json") and not isinstance(error, BrokenPipeError):
                click.echo(mistakes_json(error))
            raise error from None

    def _usage(self) -> dict[str, str]:
        """Its options, by the names of the parameters that they give, and its arguments as its usage calls them."""
        named = [each.human_readable_name for each in self.params if isinstance(each, click.Argument)]
        arguments = {name.lower(): name for each in named for name in re.findall(r"[A-Z]+", each)}
        options = {each.name: each.opts[0] for each in self.params if isinstance(each, click.Option) and each.name}
        return arguments | options


def _with_extras(run: Callable[[click.Context], Any], ctx: click.Context) -> Any:
    """Run, and say which extra to install where a package of one is missing."""
    try:
        return run(ctx)
    except ImportError as error:
        raise MissingExtraError.of_live("live traffic", error) from error


def mistakes_json(error: Exception) -> str:
    """What is wrong, as one document on one line; or that time ended before there was an answer."""
    if isinstance(error, UnsettledError):
        return json.dumps({"status": "not-settled", "message": str(error)})
    nowhere: dict[str, Any] = {"file": None, "line": None, "column": None}
    if isinstance(error, CaseError):
        mistakes = [_placed(m) for m in error.mistakes[:MAX_SHOWN]]
    else:
        mistakes = [nowhere | {"what": text_of(error), "remedy": None}]
    more = max(0, len(error.mistakes) - MAX_SHOWN) if isinstance(error, CaseError) else 0
    unread = isinstance(error, CaseError) and not error.all_read
    rest = ({"more": more} if more else {}) | ({"all-read": False} if unread else {})
    return json.dumps({"status": "mistakes", "mistakes": mistakes} | rest)


def _placed(mistake: Mistake) -> dict[str, Any]:
    where = mistake.where
    place = {"file": where.file, "line": where.line or None, "column": where.column or None}
    return place | {"what": cut(mistake.what), "remedy": cut(mistake.remedy) or None}


def text_of(error: Exception) -> str:
    """What is wrong, in words."""
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    return error.format_message() if isinstance(error, click.ClickException) else str(error)


@click.group(cls=CommandGroup, context_settings={"max_content_width": WIDTH, "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="detente")
def cli() -> None:
    """Run AI workloads across rival clouds, under contract.

    Agreements are written as code, clause by clause, in a case: a folder of YAML. Détente tells whether a deal can be
    signed, plans what runs where at least cost, and serves live calls under the same clauses.

    Example: detente init my-case && detente plan my-case --out my-plan
    """


def command(example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of the group, with its example."""
    return cli.command(cls=Command, example=example)


def load(path: Path, reading: str | None, scenario: str | None, beside: Sequence[Path] = ()) -> Case:
    """The case of a command. Scenarios of files beside it come last.

    What of it is in force at no time of the horizon is noted on standard error: an old agreement is no mistake.
    """
    from detente.case.case import Case

    found = Case.load(path, beside, scenario).under(reading)
    tell_notes(found)
    return found


def tell_notes(case: Case) -> None:
    """Say on standard error what is no mistake of a case and may be one."""
    from detente.case.notes import notes

    for note in notes(case):
        click.echo(printable(f"note: {note.where}: {note.what}: {note.remedy}"), err=True)


def of_plan(
    path: Path, plan: Plan, beside: Sequence[Path], reading: str | None = None, scenario: str | None = None
) -> Case:
    """The case that a plan was made of, as far as the command line says nothing else.

    Raises PlanError where the plan is in a scenario that neither the case nor a file beside it has.
    """
    from detente.errors import PlanError, Where

    try:
        return load(path, reading or plan.reading, scenario or plan.scenario, beside)
    except CaseError as error:
        if scenario is None and any(mistake.where == Where.of_parameter("scenario") for mistake in error.mistakes):
            what = f"the plan is in the scenario `{plan.scenario}`, and the case has no such scenario"
            raise PlanError(f"{what}: name its file with `--with`, or plan again") from None
        raise


def notes_json(case: Case) -> list[dict[str, Any]]:
    """The notes of a case, for ``--json``."""
    from detente.case.notes import notes

    return [_placed(note) for note in notes(case)]


def must_take_files(folder: Path, *names: str, given: str = "--out") -> None:
    """Say at once, before anything is computed, that these files cannot be written into a folder, which may be new.

    ``given`` is the option, or the argument, that names the folder.
    """
    from detente.errors import Where

    there = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), Path())
    if not folder.is_absolute() and not _somewhere():
        what, remedy = f"`{folder}` cannot be resolved: the working directory was removed", "change to another one"
    elif not there.is_dir():
        what, remedy = f"`{there}` exists and is not a folder", "name another folder, or move it away"
    elif not os.access(there, os.W_OK | os.X_OK):
        what, remedy = f"no permission to write into `{there}`", "name another folder, or change its permissions"
    elif too_long := _too_long((*folder.parts, *names), there):
        what, remedy = f"the name `{too_long[:40]}…` is too long for a file", "name a shorter one"
    else:
        found = [file for name in names if os.path.lexists(file := folder / name)]
        bad = next((file for file in found if not _replaceable(file)), None)
        if bad is None:
            return
        what, remedy = f"`{bad}` exists and cannot be overwritten", "name another folder, or move it away"
    raise CaseError([Mistake(Where(given), what, remedy)])


def _too_long(names: Iterable[str], there: Path) -> str | None:
    """The first name that no file can have in a place."""
    try:
        most = os.pathconf(there, "PC_NAME_MAX")
    except (OSError, ValueError, AttributeError):  # not told by this system
        most = 255
    return next((name for name in names if len(os.fsencode(name)) > most), None)


def _somewhere() -> bool:
    """Whether the working directory is still there."""
    try:
        return bool(os.getcwd())
    except OSError:
        return False


def _replaceable(file: Path) -> bool:
    return not file.is_symlink() and file.is_file() and os.access(file, os.W_OK)


def console() -> Any:
    """Where people read."""
    from detente.report.screen import Screen

    width = min(WIDTH, Screen().width) if sys.stdout.isatty() else WIDTH
    return Screen(width=width, highlight=False, soft_wrap=False)


def time_left(limit: float | None) -> float | None:
    """Of a time limit (seconds), what is left since the command began: never nothing."""
    return None if limit is None else max(limit - spent()[0], 1e-9)


def spent() -> tuple[float, float]:
    """Seconds since the command began, and those of its processor among them."""
    now = time.monotonic(), time.process_time()
    began = click.get_current_context().meta.get(STARTED, now)
    return now[0] - began[0], now[1] - began[1]


def _tell_overrun(limit: float | None) -> None:
    """Say so where a command took longer than it should: what it cannot do without is not cut short."""
    took, worked = spent()
    if limit is None or took <= limit + LATE:
        return
    busy = f", {worked:.1f} s of them at work: other programs took the rest" if took > 2 * worked else ""
    what = "to read the case, to formulate it once and to bill, save and show the answer is not cut short"
    click.echo(f"note: took {took:.1f} s, with a time limit of {limit:g} s{busy}; {what}", err=True)


def progress() -> Callable[[str], None]:
    """What is being done, on standard error, where a person watches."""
    if not sys.stderr.isatty():
        return lambda text: None
    return lambda text: click.echo(f"… {text}", err=True)


def told(trouble: OSError | None) -> int:
    """The exit code, and what hindered the writing of a file."""
    if trouble is None:
        return 0
    click.echo(text_of(trouble), err=True)
    return 2
