"""The journal: one append-only file a worker, in which every reply is recorded before its last byte is sent (§12).

Owns: files, rotation, and cutting a torn tail when a file is opened again. One ``write`` a record: what was written
survives ``kill -9``; ``sync`` makes it survive the machine. Not here: the bytes of a file (``frames``), and what a
record says (``record``).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from detente.errors import JournalError
from detente.ledger.journals.frames import MAGIC, MAX_FRAME, NUMBERS, JournalFrame, frame, frames, whole
from detente.ledger.journals.journal_lock import TRIES, goes_on_elsewhere, lock_path, locked

ROTATE_AT = 64 * 1024 * 1024
REPLICA = "replica"
"""The file that holds the name of who writes a folder."""
_NAME = re.compile(r"^w(\d+)-(\d{8})\.journal$")


def prepare(folder: Path) -> None:
    """Make a journal's folder if it is not there. Raises JournalError where it cannot be made, or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        why = "" if os.access(folder, os.W_OK | os.X_OK) else "files cannot be made in it"
    except FileExistsError:
        why = "it is not a folder"
    except OSError as error:
        why = f"the folder cannot be made ({error.strerror or error})"
    if why:
        raise JournalError(folder, f"no journal can be written there, for {why}; choose another folder")


class Journal:
    """Appends records. One instance a worker and folder: a lock keeps others out.

    Parameters
    ----------
    folder
        Where the files are; made if it is not there.
    worker
        The worker's number: each writes files of its own.
    rotate_at
        A file that has grown past so many bytes is followed by a new one.

    Raises
    ------
    JournalError
        Where the folder cannot be made, another process writes this worker's journal, or a file of it is damaged
        before its end.
    """

    def __init__(self, folder: Path, worker: int = 0, rotate_at: int = ROTATE_AT) -> None:
        self.folder, self.worker, self.rotate_at = folder, worker, rotate_at
        prepare(folder)
        self._fds: list[int] = []
        """Open files: records go to the last one; the ones before it are full, and wait for ``sync``."""
        self.appended = 0
        """How many records were appended: a mark for ``sync``."""
        self._synced = 0
        self._syncing = Lock()
        self._lock = locked(folder, worker, TRIES)
        self._sequence = 0
        """The number of the next record."""
        try:
            mine = self._mine()
            self._next = _number(mine[-1])[1] if mine else 0
            self._fds.append(self._resume(mine[-1]) if mine else self._begin())
        except BaseException:
            os.close(self._lock)
            raise

    # -- files -----------------------------------------------------------------------------------------------
    @property
    def _lock_path(self) -> Path:
        return lock_path(self.folder, self.worker)

    def _mine(self) -> list[Path]:
        return of_worker(self.folder, self.worker)

    def _begin(self) -> int:
        """Begin the next file. One that cannot be begun is not left behind."""
        path = self.folder / f"w{self.worker}-{self._next + 1:08}.journal"
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if os.write(fd, MAGIC) != len(MAGIC):
                raise OSError(f"{path}: it could not be begun")
            self._opened(path, fd, len(MAGIC))
        except BaseException:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        self._next += 1
        return fd

    def _opened(self, path: Path, fd: int, size: int) -> None:
        """Note which file records go to, for ``astray``: one value, as another thread reads it.

        Its size first: seen beside the file before, it is too small, and so says nothing.
        """
        self._size = size
        self._open = path, _identity(os.fstat(fd))

    def _resume(self, path: Path) -> int:
        """Open the last file again: a torn tail is set aside in a file of its own, so that nothing is lost."""
        try:
            end, last, torn = whole(path)
        except JournalError as error:
            what = f"move it out of {self.folder}, to a folder of its own, and start again"
            then = "`detente journal` of that folder prints what is before the damage"
            raise JournalError(path, f"{error.why}; {what}; {then}") from None
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        if torn is not None:
            _set_aside(path.with_suffix(f".torn-{torn.offset}"), path, torn.offset)
            os.ftruncate(fd, end)
        if end == 0:
            os.write(fd, MAGIC)
            end = len(MAGIC)
        self._opened(path, fd, end)
        self._sequence = _after(last if last is not None else self._last_before(path))
        return fd

    def _last_before(self, path: Path) -> int | None:
        """The number of the last record that a file before this one holds; None where there is none."""
        for earlier in reversed(self._mine()):
            if _number(earlier) < _number(path):
                numbers = [item.number for item in frames(earlier) if isinstance(item, JournalFrame)]
                if numbers:
                    return numbers[-1]
        return None

    def astray(self) -> Path | None:
        """The path that no longer names what was written, if any: moved, removed, or the file cut short.

        Blocks; may be called beside one thread that appends. Raises OSError where that cannot be seen.
        """
        file, identity = self._open
        size = self._size  # before the file is looked at, which only grows
        if not _names(file, identity, size):
            return file
        if not _names(self._lock_path, _identity(os.fstat(self._lock))):
            return self._lock_path
        return None

    @property
    def cut_short(self) -> bool:
        """Whether the open file holds less than was written to it: somebody truncated it, as log rotation may."""
        return os.fstat(self._fds[-1]).st_size < self._size

    def again(self) -> Path:
        """Make the folder and the lock again, and begin the next file; returns it. On the thread that appends.

        Raises OSError, and JournalError where another gateway writes there by now: then all is as before.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = _names(self._lock_path, _identity(os.fstat(self._lock)))
        lock = self._lock if kept else locked(self.folder, self.worker)
        try:
            if not kept:
                goes_on_elsewhere(self._lock)
            self._next = max([self._next, *(_number(f)[1] for f in self._mine())])
            self._fds.append(self._begin())
        except BaseException:
            if not kept:
                os.close(lock)
            raise
        if not kept:
            os.close(self._lock)
            self._lock = lock
        return self._open[0]

    # -- writing ---------------------------------------------------------------------------------------------
    def append(self, payload: bytes) -> None:
        """Write one record. Raises OSError where it cannot be written whole; the file then ends before it."""
        record = frame(self._sequence, payload)
        if self._size >= self.rotate_at:
            self._rotate()
        try:
            written = os.write(self._fds[-1], record)
        except InterruptedError:
            written = 0
        if written != len(record):
            os.ftruncate(self._fds[-1], self._size)
            raise OSError(f"{self.folder}: only {written} of {len(record)} bytes of a record could be written")
        self._size += written
        self._sequence = (self._sequence + 1) % NUMBERS
        self.appended += 1

    def _rotate(self) -> None:
        """Begin the next file. The full one is forced to disk by the next ``sync``, away from whoever appends."""
        self._fds.append(self._begin())

    def sync(self, mark: int | None = None) -> None:
        """Make records survive the machine: all that were appended before, or the first ``mark`` of them.

        When it returns they are on disk, whoever put them there: any number of threads may call it, beside one that
        appends. Blocks. Raises OSError; the records are then as good as not written, and the next call tries again.
        """
        wanted = self.appended if mark is None else mark
        with self._syncing:
            if self._synced >= wanted:
                return
            # In this order: a record that is counted here is in a file that is listed here, or was synced and closed.
            reached = self.appended
            fds = list(self._fds)
            for fd in fds:
                os.fdatasync(fd)
            self._synced = reached
            for full in fds[:-1]:
                self._fds.remove(full)
                os.close(full)

    def probe(self) -> None:
        """Write as much as a record may have, force it to disk, and take it away again. Blocks. Raises OSError.

        In a file of its own, which may meet an append on another thread, and as far from its beginning as the next
        record would be: limits on a file's size, quotas and broken disks are met as a record would meet them.
        """
        path, left, at = self.folder / f"w{self.worker}.probe", MAX_FRAME, self._size
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            while left:
                written = os.pwrite(fd, bytes(left), at)
                left, at = left - written, at + written
            os.fdatasync(fd)
        finally:
            os.close(fd)
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Sync and let go."""
        if not self._fds:
            return
        try:
            self.sync()
        finally:
            while self._fds:
                os.close(self._fds.pop())
            os.close(self._lock)


# -- files of a folder ----------------------------------------------------------------------------------------------
def files(folder: Path) -> list[Path]:
    """The files of a folder, those of each worker in order."""
    return sorted((f for f in folder.iterdir() if _NAME.match(f.name)), key=_number)


def of_worker(folder: Path, worker: int) -> list[Path]:
    """The files of one worker, in order."""
    return [file for file in files(folder) if _number(file)[0] == worker]


def workers_of(paths: Iterable[Path]) -> list[tuple[Path, int]]:
    """The folders and workers of which all files are among some paths."""
    given = {path.resolve() for path in paths}
    found = {(path.parent, _number(path)[0]) for path in given if _NAME.match(path.name)}
    return sorted(each for each in found if given.issuperset(of_worker(*each)))


def replica_of(folder: Path) -> str:
    """The name of whoever writes a folder, made at random once: two machines may have folders of one name.

    Raises OSError where it can be neither read nor made.
    """
    path = folder / REPLICA
    if not path.exists():
        made = folder / f"replica.{os.urandom(8).hex()}"
        made.write_text(os.urandom(8).hex(), encoding="ascii")
        with contextlib.suppress(FileExistsError):  # another worker was first
            os.link(made, path)
        made.unlink()
    return path.read_text(encoding="ascii").strip()


def _after(number: int | None) -> int:
    """The sequence number after another; 0 where there is none."""
    return 0 if number is None else (number + 1) % NUMBERS


def _set_aside(path: Path, file: Path, offset: int) -> None:
    """Write a file's torn part, for the owner's eyes as the journal is, and never over an earlier one."""
    taken = [path, *(path.with_name(f"{path.name}-{again}") for again in range(2, 1000))]
    path = next((free for free in taken if not free.exists()), path)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as aside, file.open("rb") as torn:
        torn.seek(offset)
        shutil.copyfileobj(torn, aside)
        aside.flush()
        os.fdatasync(fd)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _names(path: Path, identity: tuple[int, int], size: int = 0) -> bool:
    """Whether a path names this very file, with no less in it than was written."""
    try:
        found = path.stat()
        return _identity(found) == identity and found.st_size >= size
    except (FileNotFoundError, NotADirectoryError):
        return False


def _number(file: Path) -> tuple[int, int]:
    match = _NAME.match(file.name)
    assert match is not None
    return int(match[1]), int(match[2])
