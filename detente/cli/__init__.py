"""The commands: parse, call, print.

Owns: the entry point and exit codes (0 done or yes, 1 the answer is no, 2 bad input, 130 stopped by Ctrl-C). Not here:
any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

import click

from detente.cli import live, planning, why  # their commands join the group
from detente.cli.command import LIVE, cli, text_of

__all__ = ["LIVE", "cli", "live", "main", "planning", "why"]


def main(*, interruptible: bool = False) -> None:
    """Run a command; every expected failure is a message on standard error and exit code 2.

    ``interruptible``: Ctrl-C becomes a KeyboardInterrupt while the command runs, and nothing once it has.
    """
    try:
        try:
            if interruptible:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            code = _code()
        finally:
            if interruptible:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
    except (click.Abort, KeyboardInterrupt):
        _stop()
    except Exception as error:
        if not _is_of_an_interrupt(error):
            raise
        _stop()
    sys.exit(code)


def _code() -> int:
    """The exit code of the command that was typed."""
    from detente.errors import DetenteError

    try:
        code = cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except DetenteError as error:
        click.echo(str(error), err=True)
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        click.echo(text_of(error), err=True)
        return 2
    return code if isinstance(code, int) else 0


def _stop() -> NoReturn:
    """Leave at once: Python's own way out may wait, and ends by the signal where an ``exec`` was interrupted."""
    with contextlib.suppress(OSError):
        click.echo("stopped", err=True)
        sys.stdout.flush()
    os._exit(130)


def _is_of_an_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: while a compiled module loads it comes wrapped, or by name alone."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        if "KeyboardInterrupt" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return error is not None
