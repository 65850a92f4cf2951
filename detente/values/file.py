"""A file on disk: read within a bound, and written whole or not at all.

Owns: which files may be read (regular ones: a pipe or a device could block or go on for ever), and how a file is
replaced, so that whoever looks sees the old one or the new one. Not here: what stands in a file, and the journal,
which is appended to (``ledger/journals/journal``).
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading. Raises OSError, also where the path names anything else."""
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
    drafts: dict[Path, Path] = {}
    try:
        for file, text in {path: content, **made_of_it}.items():
            if text is not None:
                drafts[file] = _drafted(file, text)
        for file in made_of_it:
            file.unlink(missing_ok=True)
        for file in list(drafts):  # the main one first
            os.replace(drafts[file], file)
            del drafts[file]
            _keep(path.parent)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file to write line by line, however long: once it is written whole it takes the place of the old one.

    Raises OSError that names it; then, and where anything else is raised, nothing has changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    must_be_replaceable(path)
    draft = _drafted(path, b"")
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
    finally:
        draft.unlink(missing_ok=True)


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


def _drafted(path: Path, content: bytes) -> Path:
    """The new content on disk, in a file beside the one that it will replace, with its permissions."""
    draft = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.tmp")
    try:
        fd = os.open(draft, _NEW, 0o666)
        with os.fdopen(fd, "wb") as file:
            with suppress(FileNotFoundError):
                os.fchmod(fd, stat.S_IMODE(os.stat(path).st_mode))
            file.write(content)
            file.flush()
            os.fsync(fd)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _keep(folder: Path) -> None:
    """Make the names in a folder survive the machine, where its file system can."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
