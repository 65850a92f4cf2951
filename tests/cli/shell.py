"""Commands as a shell runs them: each in a process of its own, with streams, a folder and an exit code of its own.

The processes are forked from one that has imported the program, since importing takes most of a small command's time.
What depends on how a process begins (signals in the middle of an import, encodings, closed streams) starts a real one
(``test_streams``), and so do gateways as their users start them (``tests/end_to_end``).
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
IMPORTED = [
    "detente.cli.calendar",
    "detente.cli.serve",
    "detente.case.case",
    "detente.gateway.deciding.source",
    "detente.outcomes.choices.comparing",
    "detente.planner.check",
    "detente.planner.conflict",
    "detente.planner.solve",
    "detente.report.pages.plans_page",
    "detente.report.plans.terminal",
]
"""What commands import when they need it."""
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(IMPORTED)


def environment(**more: str) -> dict[str, str]:
    """Of a real process."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **more}


First = Callable[[], object]
"""What is done in the process before the command; it is pickled."""


def detente(
    *arguments: object, cwd: Path | None = None, more: Mapping[str, str] = {}, first: First | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command, with ``more`` in its environment; whatever happens, no traceback."""
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        process = started(words, cwd or Path.cwd(), Path(folder), more, first)
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, PATIENCE)
        out, err = ((Path(folder) / name).read_bytes().decode() for name in ("out", "err"))
    assert "Traceback" not in err + out, err
    return subprocess.CompletedProcess(words, process.exitcode, out, err)


def started(
    words: Sequence[str], cwd: Path, streams: Path, more: Mapping[str, str], first: First | None = None
) -> BaseProcess:
    """A command that runs, at the head of a session of its own; it prints into files ``out`` and ``err`` of a folder.

    ``more`` is in its environment.
    """
    for name in ("out", "err"):
        (streams / name).touch()
    process = _PROCESSES.Process(target=_command, args=(list(words), cwd, streams, dict(more), first))
    process.start()
    return process


def _command(words: list[str], cwd: Path, streams: Path, more: dict[str, str], first: First | None) -> None:
    """In the process: what a shell sets up before a command."""
    import sys

    os.setsid()
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(streams / name, os.O_WRONLY), number)
    os.environ.update(environment(**more))
    os.chdir(cwd)
    if first is not None:
        first()
    sys.argv = ["detente", *words]

    from detente.__main__ import main

    main()
