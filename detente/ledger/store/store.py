"""A store: the database that holds a ledger.

Owns: what is asked of any database (``Store``, ``Session``), adding a batch to the chain, and its schema's version. Not
here: the databases (``sqlite``, ``postgres``), which one a URL names (``opening``), the tables (``tables``), what is
written (``books``).

One transaction at a time writes: whoever comes second waits, so that a batch sees all batches before it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from detente.errors import LedgerError
from detente.ledger.store.chain import GENESIS, hash_of, mark
from detente.ledger.store.tables import CHAINED, KEYS_CHAINED, LATEST, MIGRATIONS
from detente.values.micros import at_micros

StoredRow = tuple[Any, ...]
MAX_WHOLE = 2**63 - 1


def big(amount: int) -> int | str:
    """A whole number of any size as all databases hold it: what is more than 64 bits long, as text."""
    return amount if -MAX_WHOLE <= amount <= MAX_WHOLE else str(amount)


def bigs(work: int, taken: int, listed: int, net: int, revenue: int) -> tuple[int | str, ...]:
    """The same of the five of a line: hardly ever is one of them less than nothing, or more than 64 bits long."""
    amounts = work, taken, listed, net, revenue
    return amounts if 0 <= work | taken | listed | net | revenue <= MAX_WHOLE else tuple(map(big, amounts))


def plain_value(value: Any) -> Any:
    """A value of any database as it was written."""
    if isinstance(value, Decimal):
        return big(int(value))
    return bytes(value) if isinstance(value, memoryview) else value


class Session(ABC):
    """A transaction: statements with ``?`` for each value, and ``{these}`` for those of a list."""

    @abstractmethod
    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """One statement."""

    @abstractmethod
    def add(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Rows more of a table, none of which is there."""

    @abstractmethod
    def put(self, table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Rows of a table, which take the place of those of their key; what they state beside the key is all of it."""

    @abstractmethod
    def all(self, sql: str, values: Sequence[Any] = ()) -> Iterator[StoredRow]:
        """The rows of a query, as they come."""

    @abstractmethod
    def among(self, sql: str, these: Sequence[str | int], values: Sequence[Any] = ()) -> Iterator[StoredRow]:
        """The rows of a query whose ``{these}`` are those of a list; ``values`` stand for what comes after them."""

    def keyed(
        self,
        columns: str,
        table: str,
        key: Sequence[str],
        keys: Sequence[Sequence[str | int]],
        *,
        onwards: bool = False,
        which: str = "",
    ) -> Iterator[StoredRow]:
        """Those rows of a table whose key is one of these, by one statement; ``onwards``: or more in its last part.

        ``which`` is a condition more: that of an index of some rows alone.
        """
        if not keys:
            return iter(())
        listed, values = self._listed(keys)
        signs = [*["="] * (len(key) - 1), ">=" if onwards else "="]
        matched = " AND ".join(
            f"{table}.{name} {sign} listed.k{place}" for place, (name, sign) in enumerate(zip(key, signs, strict=True))
        )
        matched += f" AND {which}" if which else ""
        return self.all(f"SELECT {columns} FROM {listed} AS listed CROSS JOIN {table} WHERE {matched}", values)

    @abstractmethod
    def _listed(self, keys: Sequence[Sequence[str | int]]) -> tuple[str, Sequence[Any]]:
        """Keys as a table of columns ``k0``, ``k1``, …, and the values that stand for it."""

    def one(self, sql: str, values: Sequence[Any] = ()) -> StoredRow | None:
        """The first row of a query; None where there is none."""
        return next(iter(list(self.all(sql, values))), None)

    def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """The whole number that a query comes to; 0 for none."""
        found = self.one(sql, values)
        return int(found[0]) if found is not None and found[0] is not None else 0

    def append(self, said: Sequence[str], tables: Mapping[str, Sequence[Sequence[Any]]]) -> int:
        """Add a batch to the chain; returns its number.

        ``said``: its kind, when it was written, and by which case (its hash; nothing: by none). ``tables``: the rows of
        each table, in the order of its columns, each amount as it is stored.
        """
        last = self.one("SELECT batch, hash FROM batches ORDER BY batch DESC LIMIT 1")
        number, before = (1, GENESIS) if last is None else (int(last[0]) + 1, str(last[1]))
        marks: list[bytes] = []
        for table, columns in CHAINED.items():
            marked = [(number, n, *row, mark(table, number, n, row)) for n, row in enumerate(tables.get(table, ()))]
            marks += [row[-1] for row in marked]
            if marked:
                self.add(table, ("batch", "n", *columns, "mark"), marked)
        counts = {table: len(rows) for table, rows in tables.items() if rows}
        told = hash_of((number, *said), counts, before, marks)
        self.run(
            'INSERT INTO batches (batch, kind, at, "case", counts, before, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
            (number, *said, json.dumps(counts), before, told),
        )
        return number


def upsert(table: str, key: Sequence[str], columns: Sequence[str], source: str) -> str:
    """The statement that puts rows of a source into a table."""
    taken = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    into = f"INSERT INTO {table} ({', '.join(columns)}) {source} ON CONFLICT ({', '.join(key)})"
    return f"{into} DO UPDATE SET {taken}"


def values_of(columns: Sequence[str]) -> str:
    """A row's values, as a statement takes them."""
    return f"VALUES ({', '.join('?' * len(columns))})"


class Store(ABC):
    """A database. Use it in one thread; each process opens its own."""

    url: str
    types: dict[str, str]

    @abstractmethod
    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view. Raises LedgerError where the database cannot be read."""
        raise NotImplementedError

    @abstractmethod
    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction: all of it, or nothing where anything raises. Raises LedgerError as ``reading``."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Let go."""

    @abstractmethod
    def _holds(self, session: Session, table: str) -> bool:
        """Whether there is such a table."""

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self, *, make: bool) -> None:
        """Bring the tables to this version. Raises LedgerError where there are none and none shall be made.

        So it does where the ledger is of a newer version: this program may not know what its rows mean.
        """
        with self.reading() as session:
            version = self._version(session)
        if version == 0 and not make:
            what = f"{self.url}: holds no ledger"
            raise LedgerError(f"{what}; `detente ingest CASE JOURNAL --ledger {self.url}` makes one")
        if version < LATEST:
            with self.writing() as session:
                self._migrate(session)

    def _version(self, session: Session) -> int:
        if not self._holds(session, "ledger_schema"):
            return 0
        found = session.number("SELECT version FROM ledger_schema")
        if found > LATEST:
            what = f"{self.url}: a ledger of version {found}, and this program knows versions up to {LATEST}"
            raise LedgerError(f"{what}; use the newer program that made it")
        return found

    def _migrate(self, session: Session) -> None:
        version = self._version(session)
        if version == 0:
            session.run("CREATE TABLE ledger_schema (version INTEGER NOT NULL)")
            session.run("INSERT INTO ledger_schema VALUES (0)")
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                session.run(statement.format_map(self.types))
        if 0 < version < KEYS_CHAINED:
            self._chain_keys(session)
        session.run("UPDATE ledger_schema SET version = ?", (LATEST,))

    @staticmethod
    def _chain_keys(session: Session) -> None:
        """Let the chain hold the keys that were made before it did, as one batch of the moment of the last of them."""
        columns = CHAINED["key_changes"]
        rows = list(session.all(f"SELECT {', '.join(columns)} FROM keys ORDER BY version"))
        if rows:
            changed = max(int(row[columns.index("changed")]) for row in rows)
            session.append(("keys", f"{at_micros(changed):%Y-%m-%dT%H:%M:%SZ}", ""), {"key_changes": rows})
