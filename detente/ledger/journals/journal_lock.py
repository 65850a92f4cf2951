"""The lock of a worker's journal: held by who writes it, and by it others know that nobody does any more.

Owns: the file, what stands in it, and who is known to have ended. Not here: the journal's own files (``journal``).

A free lock says nothing of a copy of a folder, whose writer may live elsewhere, nor of one that another machine writes
over a network. So who takes a lock writes in it which file it is and since when this machine runs. One whose text says
something else is somebody's copy, or of before the machine was started anew: then only who writes that journal next, or
a person, knows that its writer has ended.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from detente.errors import JournalError

BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux says what no other machine and no other run of this one has; elsewhere nobody is known to have ended."""
TRIES, PAUSE = 10, 0.05
"""How often a lock is asked for that is held, and seconds between: who looks at one holds it for a moment."""


def lock_path(folder: Path, worker: int) -> Path:
    """Where the lock of a worker's journal is."""
    return folder / f"w{worker}.lock"


def locked(folder: Path, worker: int, tries: int = 1) -> int:
    """Take the lock; its descriptor. Raises JournalError where another holds it, and OSError."""
    lock = os.open(lock_path(folder, worker), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for left in reversed(range(tries)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if left:
                time.sleep(PAUSE)
                continue
            os.close(lock)
            what = f"another gateway writes the journal of worker {worker}; choose another folder, or stop it"
            raise JournalError(folder, what) from None
    with suppress(OSError):  # a full disk: then nobody is known to have ended
        os.ftruncate(lock, 0)
        os.pwrite(lock, _told(lock), 0)
    return lock


def goes_on_elsewhere(lock: int) -> None:
    """Its journal does not end where the lock is: its writer records in another folder from now on."""
    os.ftruncate(lock, 0)


def has_ended(folder: Path, worker: int) -> bool:
    """Whether it is certain that nobody writes a worker's journal, and that it ends in this folder."""
    try:
        lock = os.open(lock_path(folder, worker), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        told = _told(lock)
        return bool(told) and os.pread(lock, 1_000, 0) == told
    except OSError:
        return False
    finally:
        os.close(lock)


def _told(lock: int) -> bytes:
    """Which file it is, on which machine, since when; empty where that is not known."""
    try:
        boot = BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return b""
    found = os.fstat(lock)
    return f"{boot} {found.st_dev} {found.st_ino}\n".encode() if boot else b""
