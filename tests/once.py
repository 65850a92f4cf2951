"""What is made once in a run of the tests: the process that asks first makes it, and the others read what it left.

Not here: what is made (a fixture of whoever needs it).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that ``make`` filled, now or before, in this process of the run or in another."""
    own = folders.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = shared / f"{name}.unfinished-{os.getpid()}"
            make(unfinished)
            unfinished.rename(folder)
    return folder
