"""A ledger in PostgreSQL, where several machines write one.

Owns: how PostgreSQL is spoken to, and what its errors mean. Not here: what is stored (``tables``, ``books``).

Writers take one lock for as long as a transaction lasts, so that batches come one after the other, as in one file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from detente.errors import LedgerError, MissingExtraError
from detente.ledger.store.store import Session, Store, StoredRow, upsert

LOCK = 0x6465_7465_6E74_65
"""The number of the lock: any, as long as it is always the same."""


class _PostgresSession(Session):
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(_said_to(sql), values)

    def add(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        copied = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._connection.cursor() as cursor, cursor.copy(copied) as copy:
            for row in rows:
                copy.write_row(row)

    def put(self, table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        coming = f"coming_{table}"
        self.run(f"CREATE TEMP TABLE IF NOT EXISTS {coming} (LIKE {table}) ON COMMIT DELETE ROWS")
        self.add(coming, columns, rows)
        self.run(upsert(table, key, columns, f"SELECT {', '.join(columns)} FROM {coming}"))
        self.run(f"DELETE FROM {coming}")

    def all(self, sql: str, values: Sequence[Any] = ()) -> Iterator[StoredRow]:
        found: Iterator[StoredRow] = iter(self._connection.execute(_said_to(sql), values))
        return found

    def among(self, sql: str, these: Sequence[str | int], values: Sequence[Any] = ()) -> Iterator[StoredRow]:
        if not these:
            return iter(())
        kind = "text" if isinstance(these[0], str) else "bigint"
        return self.all(sql.format(these=f"(SELECT unnest(?::{kind}[]))"), (list(these), *values))

    def _listed(self, keys: Sequence[Sequence[str | int]]) -> tuple[str, Sequence[Any]]:
        kinds = ("text" if isinstance(value, str) else "bigint" for value in keys[0])
        columns = ", ".join(f"unnest(?::{kind}[]) AS k{place}" for place, kind in enumerate(kinds))
        return f"(SELECT {columns})", [list(column) for column in zip(*keys, strict=True)]


def _said_to(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


class PostgresStore(Store):
    """A database of a server. A connection that was lost is opened again for the next transaction."""

    types: ClassVar[dict[str, str]] = {"whole": "BIGINT", "big": "NUMERIC", "bytes": "BYTEA"}  # type: ignore[misc]

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise MissingExtraError("a ledger in PostgreSQL", "postgres") from None
        self._psycopg = psycopg
        try:
            parts = psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            raise LedgerError(_UNREADABLE) from None  # what it says of it may be a part of a password
        if any("@" in str(parts.get(name, "")) for name in ("host", "port", "dbname")):
            raise LedgerError(_UNREADABLE)
        self.url = _without_password(url)
        self._at = url
        self._connection: Any = None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view."""
        with self._transaction() as session:
            session.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction, once the writer before it is done."""
        with self._transaction() as session:
            session.run("SELECT pg_advisory_xact_lock(?)", (LOCK,))
            yield session

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._psycopg.connect(self._at, autocommit=True)
            with self._connection.transaction():
                yield _PostgresSession(self._connection)
        except self._psycopg.Error as error:
            said = str(error).strip().partition("\n")[0]
            raise LedgerError(f"{self.url}: {said}; nothing of this batch was written") from error

    def close(self) -> None:
        """Let go."""
        if self._connection is not None:
            self._connection.close()

    def _holds(self, session: Session, table: str) -> bool:
        # not `to_regclass`: it may remember from before the lock that there was none
        sql = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?"
        return session.one(sql, (table,)) is not None


_UNREADABLE = (
    "`postgresql://…`: not an address that PostgreSQL can read; write `postgresql://user@host/name`, and what is"
    " special in a user, a password or an option by its number: `@` as `%40`, `/` as `%2F`, `:` as `%3A`, `%` as `%25`"
)
_PASSWORDS = ("password", "sslpassword")


def _without_password(url: str) -> str:
    """An address as it may be shown, wherever it states a password (§14)."""
    scheme, _, rest = url.partition("://")
    named = re.match(r"([^@/]*)@", rest)  # as libpq reads it: with any `?` before the `@`
    user, place = (f"{named[1].partition(':')[0]}@", rest[named.end() :]) if named else ("", rest)
    place, _, options = place.partition("?")
    shown = [option for option in options.split("&") if option and option.partition("=")[0] not in _PASSWORDS]
    return f"{scheme}://{user}{place}" + (f"?{'&'.join(shown)}" if shown else "")
