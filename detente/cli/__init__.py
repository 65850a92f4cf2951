"""The commands: parse, call, print.

Owns: the entry point and exit codes (0 done or yes, 1 the answer is no, 2 bad input). Not here: any rule. Heavy imports
wait for their command.
"""

from __future__ import annotations

import os
import sys

import click

from detente.cli import live, planning, why  # their commands join the group
from detente.cli.command import LIVE, cli, text_of

__all__ = ["LIVE", "cli", "live", "main", "planning", "why"]


def main() -> None:
    """Run a command; every expected failure is a message on standard error and exit code 2."""
    from detente.errors import DetenteError

    try:
        code = cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except DetenteError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Ctrl-C while a compiled module loads comes wrapped
            click.echo("stopped", err=True)
            sys.exit(130)
        raise
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        click.echo(text_of(error), err=True)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)
