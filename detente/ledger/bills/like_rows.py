"""Rows of the files of one command: how many like one came before, and which are copies of one line of the provider's.

Owns: remembering both in a file of its own, so that memory does not grow with them. Not here: what rows are known by
(``bill_rows``), and which files there are (``bill_files``).
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class Like(NamedTuple):
    """Which of its like a row is: the first is 1; and whether the first is in an earlier file."""

    number: int
    elsewhere: bool = False


class LikeRows:
    """The rows of all files of a command so far, each by the mark of what it is known by."""

    def __init__(self) -> None:
        self._found = sqlite3.connect("")
        likes = "mark BLOB PRIMARY KEY, count INTEGER, file INTEGER"
        self._found.execute(f"CREATE TABLE likes ({likes}) WITHOUT ROWID")
        self._found.execute("CREATE TABLE lines (mark BLOB PRIMARY KEY, file INTEGER, row INTEGER) WITHOUT ROWID")
        self._files: list[str] = []

    def begin(self, file: str) -> None:
        """From now on rows are of this file."""
        self._files.append(file)

    def count(self, mark: bytes) -> Like:
        """A row that counts."""
        new = "INSERT INTO likes VALUES (?, 1, ?) ON CONFLICT (mark) DO NOTHING"
        if self._found.execute(new, (mark, len(self._files))).rowcount:
            return Like(1)
        self._found.execute("UPDATE likes SET count = count + 1 WHERE mark = ?", (mark,))
        count, file = self._found.execute("SELECT count, file FROM likes WHERE mark = ?", (mark,)).fetchone()
        return Like(count, file < len(self._files))

    def copied(self, mark: bytes, row: int) -> str | None:
        """Where an earlier file has the same line; None where none has it. One file may have it in several rows."""
        new = "INSERT INTO lines VALUES (?, ?, ?) ON CONFLICT (mark) DO NOTHING"
        if self._found.execute(new, (mark, len(self._files), row)).rowcount:
            return None
        file, first = self._found.execute("SELECT file, row FROM lines WHERE mark = ?", (mark,)).fetchone()
        return None if file == len(self._files) else f"{self._files[file - 1]}:{first}"

    def close(self) -> None:
        """Let go."""
        self._found.close()
