"""A ledger in one file: SQLite, with a write-ahead log, so that whoever reads does not stop whoever writes.

Owns: how SQLite is opened, and what its errors mean. Not here: what is stored (``tables``, ``books``).

``synchronous=NORMAL``: what was committed survives ``kill -9``; where a machine loses its power, the last batches may
be gone, whole, and with them their marks in the journals: the next ingest reads them again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from detente.errors import LedgerError
from detente.ledger.store.store import Session, Store, StoredRow, upsert, values_of

_JSON = msgspec.json.Encoder().encode
WAIT = 60.0
"""Seconds that a writer waits for the one before it."""


class _SqliteSession(Session):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(sql, values)

    def add(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) {values_of(columns)}", rows)

    def put(self, table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(upsert(table, key, columns, values_of(columns)), rows)

    def all(self, sql: str, values: Sequence[Any] = ()) -> Iterator[StoredRow]:
        return self._connection.execute(sql, values)

    def among(self, sql: str, these: Sequence[str | int], values: Sequence[Any] = ()) -> Iterator[StoredRow]:
        listed = _JSON(these).decode()
        return self._connection.execute(sql.format(these="(SELECT value FROM json_each(?))"), (listed, *values))

    def _listed(self, keys: Sequence[Sequence[str | int]]) -> tuple[str, Sequence[Any]]:
        columns = ", ".join(f"json_extract(value, '$[{place}]') AS k{place}" for place in range(len(keys[0])))
        return f"(SELECT {columns} FROM json_each(?))", [_JSON(keys).decode()]


class SqliteStore(Store):
    """A file; made with the rights of its owner alone, as journals are."""

    types: ClassVar[dict[str, str]] = {"whole": "INTEGER", "big": "", "bytes": "BLOB"}  # type: ignore[misc]

    def __init__(self, url: str, path: Path, *, make: bool, wait: float = WAIT) -> None:
        self.url, self._path = url, path
        if not make and not path.exists():
            raise LedgerError(f"{url}: there is no such ledger; `detente ingest CASE JOURNAL --ledger {url}` makes one")
        with self._told():
            if make and not path.exists():
                _made(path)
            # `mode=rw`: one that vanishes between these lines is not made anew by SQLite
            address = f"{path.absolute().as_uri()}?mode=rw"
            self._connection = sqlite3.connect(address, timeout=wait, isolation_level=None, uri=True)
            try:
                self._set_up()
                self._identity = _identity(path)
            except BaseException:
                self._connection.close()
                raise

    def _set_up(self) -> None:
        if self._connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal" and os.access(self._path, os.W_OK):
            self._connection.execute("PRAGMA journal_mode = WAL")
        for pragma in ("synchronous = NORMAL", "cache_size = -65536", "temp_store = MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view."""
        with self._told(), self._there(), self._transaction("BEGIN"):
            yield _SqliteSession(self._connection)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction, once the writer before it is done."""
        with self._told(), self._there(), self._transaction("BEGIN IMMEDIATE"):
            yield _SqliteSession(self._connection)

    @contextmanager
    def _there(self) -> Iterator[None]:
        """What is written into a file that was moved or deleted would be lost to whoever opens it by its name."""
        if _identity(self._path) != self._identity:
            what = f"{self.url}: it was moved, deleted or replaced while it was in use"
            raise LedgerError(f"{what}; put it back with its log; what is there instead is used from the next try on")
        yield

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of SQLite and of the file, in words."""
        try:
            yield
        except sqlite3.Error as error:
            raise LedgerError(f"{self.url}: {_said(error)}") from error
        except OSError as error:
            if error.filename != str(self._path) and error.filename != self._path:
                raise
            raise LedgerError(f"{self.url}: {error.strerror}; name another file, or see to its folder") from error

    def close(self) -> None:
        """Let go."""
        self._connection.close()

    def _holds(self, session: Session, table: str) -> bool:
        return session.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)) is not None


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names; None where it names none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _made(path: Path) -> None:
    """Make the file, where nobody else does.

    One that is there is never opened here: whoever closes any descriptor of a file lets go of all locks that his
    process has on it, and with them of those of a connection that is open; the next process to close the database
    would then take its log away. Nor is one made beside the log of a ledger that was moved: SQLite would empty the log,
    and what was committed last would be lost to the ledger when it comes back.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and _identity(path) is None:  # in this order: who makes one makes its log later
        what = f"{path}: its log `{log.name}` is there, and the ledger itself is not"
        raise LedgerError(f"{what}; put the ledger back beside it, or move the log away too to start anew")
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


_REMEDIES = (
    ("locked", "another process writes to it and has not let go; stop it, or try again"),
    (
        "readonly",
        "it cannot be written, nor a log beside it; see to the rights of file and folder, or copy it",
    ),
    ("full", "there is no room left on its disk; nothing of this batch was written: make room, and try again"),
    ("not a database", "the file is no ledger; name another"),
    (
        "malformed",
        "the file is damaged, or the log beside it is that of another; move both away, and put a copy there, or ingest"
        " the journals into a new one",
    ),
    ("disk I/O", "see to its disk; if file and log were moved apart, stop all that use it, and put both back"),
    ("unable to open", "it cannot be opened; see to the folder and its rights"),
)


def _said(error: sqlite3.Error) -> str:
    text = str(error)
    return f"{text}; {next((remedy for sign, remedy in _REMEDIES if sign in text), 'nothing was changed')}"
