"""A sandbox beside the process that uses it: in a process of its own, which ends with it.

Owns: starting it, hearing where it answers, and its end. Not here: what it answers (``server``).
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from detente.sandbox.addresses import Addresses
from detente.sandbox.server import SandboxError, run

if TYPE_CHECKING:
    from detente.case.declared import Declared


@contextmanager
def beside(declared: Declared, units: Mapping[str, int] | None = None) -> Iterator[Addresses]:
    """Play a case on free ports of loopback while the context lasts.

    To be entered before this process has threads: it forks. Raises SandboxError where it cannot be started.
    """
    hear, tell = os.pipe()
    watched, alive = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear)
        os.close(alive)
        _play(declared, units, tell, watched)
    os.close(tell)
    os.close(watched)
    try:
        with os.fdopen(hear, "rb") as heard:
            said = json.loads(heard.readline() or b"{}")
        if "control" not in said:
            raise SandboxError(said.get("error", "the sandbox ended before it answered"))
        yield Addresses.from_json(said)
    finally:
        os.close(alive)  # which ends it
        with suppress(ChildProcessError):  # a supervisor of workers has seen it end before
            os.waitpid(child, 0)


def _play(declared: Declared, units: Mapping[str, int] | None, tell: int, watched: int) -> NoReturn:
    """The child: it leaves the terminal's signals to the parent, and ends when the parent does, however that ends."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_end_with, args=(watched,), daemon=True).start()

        def ready(addresses: Addresses) -> None:
            os.write(tell, json.dumps(addresses.to_json()).encode() + b"\n")
            os.close(tell)

        try:
            run(declared, units=units, ready=ready)
            code = 0
        except SandboxError as error:
            os.write(tell, json.dumps({"error": str(error)}).encode() + b"\n")
    finally:
        os._exit(code)


def _end_with(watched: int) -> None:
    """Wait until the parent's end of a pipe closes: it has ended, or wants this to."""
    os.read(watched, 1)
    os._exit(0)
