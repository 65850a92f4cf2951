"""The commands: parse, call, print.

Owns: the entry point and exit codes: 0 done or yes, 1 the answer is no and nothing else, 2 bad input, 3 not settled
in time, 70 a defect of the program, 130 stopped by Ctrl-C, 141 the reader of standard output went away. Not here: any
rule, and the standard streams (``streams``). Heavy imports wait for their command.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import traceback
from typing import NoReturn

import click

from detente.cli import streams
from detente.cli.command import ReaderGoneError, cli, text_of

__all__ = ["cli", "main"]

COLLECTING = (10_000, 10, 10)
"""New objects before Python looks for circles of them: what is imported and read is kept until a command ends, and with
Python's own 700 it goes over all of that again and again."""


def main(*, interruptible: bool = False) -> None:
    """Run a command; every expected failure is a message on standard error and exit code 2.

    ``interruptible``: Ctrl-C becomes a KeyboardInterrupt while the command runs, and nothing once it has.
    """
    gc.set_threshold(*COLLECTING)
    streams.prepare()
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
        if _is_of_an_interrupt(error):
            _stop()
        code = _defect(error)
    sys.exit(code)


def _defect(error: Exception) -> int:
    """Say that the program is at fault: not with Python's own exit code, 1, which here is an answer."""
    streams.abandon()
    if isinstance(error, MemoryError):
        click.echo("memory ran out; plan fewer or longer periods, or use a larger machine", err=True)
        return 70
    traceback.print_exception(error, file=sys.stderr)
    click.echo("this is a defect of detente and not of your files: please report it, with the lines above", err=True)
    return 70


def _code() -> int:
    """The exit code of the command that was typed."""
    from detente.errors import DetenteError, UnsettledError

    try:
        code = cli(standalone_mode=False)
        gone = streams.finish()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except UnsettledError as error:
        click.echo(str(error), err=True)
        return 3
    except DetenteError as error:
        click.echo(str(error), err=True)
        return 2
    except ReaderGoneError:
        streams.abandon()
        return 141
    except OSError as error:
        streams.abandon()
        click.echo(text_of(error), err=True)
        return 2
    return gone or (code if isinstance(code, int) else 0)


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
