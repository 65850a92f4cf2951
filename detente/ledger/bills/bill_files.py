"""The files of a command that reads bills: those that are named, and those of folders, each content once.

Owns: which of them are copies of one another, packed or not. Not here: rows (``bill_rows``).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from detente.values.sheet import MAX_UNPACKED

PIECE = 2**20


def bills(paths: Iterable[Path]) -> list[Path]:
    """Files, and those of folders, in the order of their names."""
    found: list[Path] = []
    for path in paths:
        found += sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return found


@dataclass
class BillCopies:
    """What a command was given twice, and counts once.

    ``files`` hold the same, to the byte, as one before them, which stands beside each: they are not read. ``rows`` are
    of lines that an earlier file has, too (``bill_rows``); ``first`` is the place of the first, and of that line.
    ``likely`` are files without such ids, with how many rows each, each of them like one of an earlier file: whether
    they are copies nobody can tell, and they count.
    """

    files: list[tuple[Path, Path]] = field(default_factory=list)
    rows: int = 0
    first: tuple[str, str] | None = None
    likely: list[tuple[Path, int]] = field(default_factory=list)

    def add(self, other: BillCopies) -> None:
        """With those of another file."""
        self.files, self.likely = self.files + other.files, self.likely + other.likely
        self.rows, self.first = self.rows + other.rows, self.first or other.first


def apart(files: Sequence[Path]) -> tuple[list[Path], BillCopies]:
    """The files to read, each content once, and their copies. Of one that cannot be read, reading it says why."""
    if len(files) < 2:
        return [*files], BillCopies()
    first: dict[bytes, Path] = {}
    read, copies = list[Path](), BillCopies()
    for file in files:
        content = _content(file)
        if content is not None and first.setdefault(content, file) is not file:
            copies.files.append((file, first[content]))
        else:
            read.append(file)
    return read, copies


def _content(file: Path) -> bytes | None:
    """What a file holds, in short; of a packed one, what is in it."""
    found = blake2b(digest_size=32)
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            size = 0
            while piece := stream.read(PIECE):
                size += len(piece)
                if size > MAX_UNPACKED:
                    return None
                found.update(piece)
    except (OSError, EOFError, zlib.error):
        return None
    return found.digest()
