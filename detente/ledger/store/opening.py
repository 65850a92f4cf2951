"""Opening a ledger by its URL.

Owns: which database a URL names, and bringing it to this version. Not here: the databases (``sqlite``, ``postgres``).
"""

from __future__ import annotations

from pathlib import Path

from detente.errors import LedgerError
from detente.ledger.store.postgres import PostgresStore
from detente.ledger.store.sqlite import SqliteStore
from detente.ledger.store.store import Store


def open_store(url: str, *, make: bool = False) -> Store:
    """The store of a URL: ``sqlite:///ledger.db`` or a plain path, ``postgresql://…``.

    ``make`` makes the tables where there are none. Raises LedgerError, and MissingExtraError.
    """
    found = _of(url, make=make)
    try:
        found.prepare(make=make)
    except BaseException:
        found.close()
        raise
    return found


def _of(url: str, *, make: bool) -> Store:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _sqlite(url, url, make=make)
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return _sqlite(url, rest[1:], make=make)
    if scheme in ("postgresql", "postgres"):
        return PostgresStore(url)
    remedy = "write a path, `sqlite:///ledger.db` (four slashes for an absolute path), or `postgresql://user@host/name`"
    raise LedgerError(f"`{scheme}://…`: not the address of a ledger; {remedy}")  # it may state a password


def _sqlite(url: str, path: str, *, make: bool) -> Store:
    if not path:
        raise LedgerError("the path of the ledger is empty; write one, for example `ledger.db`")
    if path.endswith("/") or Path(path).is_dir():
        raise LedgerError(f"`{url}`: names a folder, and a ledger is a file; write for example `sqlite:///ledger.db`")
    return SqliteStore(url, Path(path), make=make)
