"""The folder of one run of a gateway: what its processes share, and nobody needs after it.

Owns: that it is its user's alone, and that it goes: with the gateway; where that was killed, as the next one starts.
Not here: what is in it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "detente-"
HELD = "in-use"
"""A file in it, which the gateway and its workers hold locked for as long as any of them lives: the kernel knows."""


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for as long as this process lives, among the system's temporary files."""
    for left in _left():
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as made:
        folder = Path(made)
        held = os.open(folder / f"{HELD}.new", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            os.rename(folder / f"{HELD}.new", folder / HELD)  # nobody finds it before it is locked
            yield folder
        finally:
            os.close(held)


def _left() -> Iterator[Path]:
    """Folders of this user's whose gateway is gone."""
    with os.scandir(tempfile.gettempdir()) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(PREFIX) and _ours(entry)]
    for folder in found:
        with suppress(OSError):  # none of ours, in use, or cleared by another that starts
            held = os.open(folder / HELD, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield folder
            finally:
                os.close(held)


def _ours(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.getuid()
