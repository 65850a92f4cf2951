"""A file on disk: read within a bound, and written whole or not at all.

Owns: which files may be read (regular ones: a pipe or a device could block or go on for ever), and how a file is
replaced, so that whoever looks sees the old one or the new one. Not here: what stands in a file, and the journal,
which is appended to (``ledger/journals/journal``).
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, TextIO

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.detente-tmp")

FileState = tuple[int, int] | None
"""When a file was changed, and its size; None: there is none."""
_NOTED: ContextVar[dict[Path, FileState] | None] = ContextVar("noted", default=None)


def state_of(path: Path) -> FileState:
    """What tells that a file was changed. Of a folder it is only told that it is there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (0, 0) if stat.S_ISDIR(found.st_mode) else (found.st_mtime_ns, found.st_size)


@contextmanager
def noted() -> Iterator[dict[Path, FileState]]:
    """All files that are opened meanwhile, also those that could not be, each as it was before it was read."""
    found: dict[Path, FileState] = {}
    before = _NOTED.set(found)
    try:
        yield found
    finally:
        _NOTED.reset(before)


def _note(path: Path) -> None:
    if (found := _NOTED.get()) is not None and path not in found:
        found[path] = state_of(path)


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading. Raises OSError, also where the path names anything else."""
    _note(path)
    _must_be_regular(os.stat(path), path)  # before it is opened: opening a device may already do something
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _must_be_regular(os.fstat(fd), path)  # and again: it may have been replaced in between
    except BaseException:
        os.close(fd)
        raise
    return os.fdopen(fd, "rb")


def read(path: Path, most: int) -> bytes:
    """The bytes of a regular file. Raises OSError, also where there are more than ``most``."""
    with opened(path) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // 2**20} MiB", str(path))
    return found


def leads_out(folder: Path, path: Path) -> tuple[str, str] | None:
    """What is wrong with where a path leads once every symbolic link in it is followed, and the remedy.

    None where it stays in a folder. Raises OSError.
    """
    _note(path)
    try:
        if path.resolve().is_relative_to(folder.resolve()):
            return None
    except RuntimeError:  # of a circle, before Python 3.13
        return "its symbolic links lead in a circle", "put the file itself in its place"
    return "leads out of the case's folder", "copy the file into it"


def write(path: Path, content: bytes) -> None:
    """Replace a file, or make it, with its folder. Raises OSError that names it; then nothing has changed."""
    write_with(path, content, {})


def write_with(path: Path, content: bytes, made_of_it: Mapping[Path, bytes | None]) -> None:
    """Replace a file and those in its folder that are made of it (None: there is none any more).

    Two files cannot be replaced at one moment. So what was made of the old file goes first and what is made of the
    new one comes last: at no moment does one stand beside another's. Raises OSError that names the file; where it
    cannot be written whole (a full disk, say), nothing has changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for file in (path, *made_of_it):
        must_be_replaceable(file)
    with ExitStack() as drafted:
        texts = {path: content, **made_of_it}
        drafts = {file: drafted.enter_context(_draft(file, text)) for file, text in texts.items() if text is not None}
        for file in made_of_it:
            file.unlink(missing_ok=True)
        for file, draft in drafts.items():  # the main one first
            os.replace(draft, file)
            _keep(path.parent)


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file to write line by line, however long: once it is written whole it takes the place of the old one.

    Raises OSError that names it; then, and where anything else is raised, nothing has changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    must_be_replaceable(path)
    with _draft(path, b"") as draft:
        try:
            with draft.open("w", encoding="utf-8", newline="") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
            _keep(path.parent)
        except OSError as error:
            if error.filename not in (None, str(draft), draft):
                raise
            raise OSError(error.errno, error.strerror, str(path)) from None


def must_be_replaceable(path: Path) -> None:
    """Raise OSError where what is there is no regular file: a link, say, whose target is somebody else's."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "it is a symbolic link, which is not written through", str(path))
    _must_be_regular(found, path)


def _must_be_regular(found: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, and not a file", str(path))


@contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    """The new content on disk, in a file beside the one that it will replace, with its permissions.

    Its writer holds a lock on it, by which others know that it lives. On leaving it is taken away.
    """
    _clear(path.parent)
    with ExitStack() as opened_draft:
        try:
            draft, fd = _locked(path)
            opened_draft.callback(os.close, fd)
            opened_draft.callback(draft.unlink, missing_ok=True)
            with suppress(FileNotFoundError):
                os.fchmod(fd, stat.S_IMODE(os.stat(path).st_mode))
            with os.fdopen(fd, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(fd)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None
        yield draft


def _locked(path: Path) -> tuple[Path, int]:
    """A new file beside another, open and locked, where its file system knows locks."""
    while True:
        draft = path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.detente-tmp")
        fd = os.open(draft, _NEW, 0o666)
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return draft, fd
        os.close(fd)  # another took it for one that was left, in the moment before it was locked


def _clear(folder: Path) -> None:
    """Take away what a writer left that was killed before it could do so: a draft on which nobody has a lock."""
    with suppress(OSError), os.scandir(folder) as entries:
        left = [Path(e) for e in entries if _DRAFT.fullmatch(e.name) and e.is_file(follow_symlinks=False)]
        for draft in left:
            with suppress(OSError), opened(draft) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.unlink()


def _keep(folder: Path) -> None:
    """Make the names in a folder survive the machine, where its file system can."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
