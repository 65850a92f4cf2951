"""Keys that are made while gateways run: kept in a ledger's store, each as a case would write it, with its hash alone.

Owns: making, changing, revoking and reading them. Not here: the form of a key (``live/key``), whether it fits a case
(``case/made_keys``), and letting callers in (the gateway's ``serving/door``).

Rows are never deleted, so that a revoked name is not given again, and the highest ``version`` grows with each change:
whoever follows asks for that alone. Each change is a batch of the chain, too, so that no key is made or changed in
another way without being noticed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from detente.errors import LedgerError
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Session, Store
from detente.ledger.store.tables import CHAINED
from detente.live.key import Key
from detente.values.micros import at_micros, micros

KEY_COLUMNS = CHAINED["key_changes"]
WrittenKey = Mapping[str, Any]
"""A key as a case writes it."""
UNREADABLE = "cannot be read by this program; revoke it, and make a new one"
"""Of a key: a newer program wrote it, or nobody's."""


class MadeKey(NamedTuple):
    """A key that was made, as it is now."""

    key: Key
    written: WrittenKey
    made: datetime
    changed: datetime
    revoked: datetime | None

    def state(self, at: datetime) -> str:
        """``active``, ``revoked`` or ``expired``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.key.expires is not None and at >= self.key.expires else "active"


class KeptKeys(NamedTuple):
    """The keys of a store as they are at a version: one that cannot be read opens nothing, and hides none beside it.

    ``unread``: the names of those, which are not revoked.
    """

    version: int
    made: tuple[MadeKey, ...]
    unread: tuple[str, ...]

    @property
    def keys(self) -> tuple[Key, ...]:
        """What those say that can be read."""
        return tuple(each.key for each in self.made)


NO_KEYS = KeptKeys(0, (), ())
"""Those of no ledger."""


class KeyStore:
    """The keys in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, written: WrittenKey, at: datetime) -> MadeKey:
        """Keep a new key. Raises LedgerError where there is, or was, one of its name."""
        name = str(written["id"])
        with self._store.writing() as session:
            if _row(session, name) is not None:
                raise LedgerError(f"there is a key `{name}`, or was one; choose another name")
            row = name, json.dumps(written), micros(at), micros(at), 0
            _keep(session, (*row, _next(session)), at)
            return _read(row)

    def change(self, name: str, changes: WrittenKey, at: datetime) -> MadeKey:
        """Write other values; None takes one out. Raises LedgerError where there is no such key, or it is revoked."""
        with self._store.writing() as session:
            before = self._active(session, name)
            written = {key: value for key, value in {**before.written, **changes}.items() if value is not None}
            row = name, json.dumps(written), micros(before.made), micros(at), 0
            _keep(session, (*row, _next(session)), at)
            return _read(row)

    def revoke(self, name: str, at: datetime) -> None:
        """Let a key open nothing any more, for good, also one that this program cannot read.

        Raises LedgerError where there is no such key, or it is revoked.
        """
        with self._store.writing() as session:
            _, body, made, *_ = self._unrevoked(session, name)
            _keep(session, (name, body, made, micros(at), micros(at), _next(session)), at)

    def one(self, name: str) -> MadeKey:
        """A key that is not revoked. Raises LedgerError."""
        with self._store.reading() as session:
            return self._active(session, name)

    def all(self) -> KeptKeys:
        """All of them, in the order of their names."""
        with self._store.reading() as session:
            return _kept(session)

    def unrevoked(self) -> KeptKeys:
        """Those that are not revoked."""
        with self._store.reading() as session:
            return _kept(session, "WHERE revoked = 0")

    def since(self, version: int) -> KeptKeys | None:
        """Those that are not revoked, where any was made, changed or revoked after a version."""
        with self._store.reading() as session:
            return _kept(session, "WHERE revoked = 0") if _version(session) != version else None

    def _active(self, session: Session, name: str) -> MadeKey:
        return _read(self._unrevoked(session, name))

    def _unrevoked(self, session: Session, name: str) -> tuple[Any, ...]:
        """The row of a key, whatever it says."""
        row = _row(session, name)
        if row is None:
            raise LedgerError(f"there is no key `{name}` in {self._store.url}; see `detente keys list`")
        if row[4]:
            raise LedgerError(
                f"`{name}` was revoked on {at_micros(int(row[4])):%Y-%m-%d %H:%M} UTC, for good; make a new key"
            )
        return row


def made_in(url: str) -> KeptKeys:
    """The keys in a ledger that are not revoked. Raises LedgerError."""
    with open_store(url) as store:
        return KeyStore(store).unrevoked()


def _kept(session: Session, which: str = "") -> KeptKeys:
    made, unread = [], []
    for row in list(session.all(f"SELECT id, body, made, changed, revoked FROM keys {which} ORDER BY id")):
        try:
            made.append(_read(row))
        except LedgerError:
            if not row[4]:
                unread.append(str(row[0]))
    return KeptKeys(_version(session), tuple(made), tuple(unread))


def _version(session: Session) -> int:
    return session.number("SELECT MAX(version) FROM keys")


def _keep(session: Session, row: tuple[Any, ...], at: datetime) -> None:
    """Write a key as it is from now on, and into the chain that it is so."""
    session.append(("keys", f"{at:%Y-%m-%dT%H:%M:%SZ}", ""), {"key_changes": [row]})
    session.put("keys", ("id",), KEY_COLUMNS, [row])


def changed_keys(session: Session) -> dict[str, tuple[Any, ...]]:
    """Each key as the last batch that changed it has it: what ``keys`` should say."""
    rows = session.all(f"SELECT {', '.join(KEY_COLUMNS)} FROM key_changes ORDER BY batch, n")
    return {str(row[0]): tuple(row) for row in rows}


def _row(session: Session, name: str) -> tuple[Any, ...] | None:
    return session.one("SELECT id, body, made, changed, revoked FROM keys WHERE id = ?", (name,))


def _next(session: Session) -> int:
    return _version(session) + 1


def _read(row: tuple[Any, ...]) -> MadeKey:
    name, body, made, changed, revoked = row
    try:
        written = json.loads(body)
        key = Key.model_validate(written, by_alias=True, by_name=False)
        when = at_micros(int(made)), at_micros(int(changed)), at_micros(int(revoked)) if revoked else None
    except (ValueError, OverflowError, RecursionError):  # of pydantic, too
        raise LedgerError(f"key `{name}` {UNREADABLE}") from None
    return MadeKey(key, written, *when)
