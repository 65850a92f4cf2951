"""Keys of run time in a store: made, changed, revoked; their hashes alone; whoever follows sees each change once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from detente.errors import LedgerError
from detente.ledger.store.key_store import KeyStore
from detente.ledger.store.store import Store
from detente.live.key import hash_of, make
from tests.builders import Data

BOTH = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET = make("nb", bytes(32))
WRITTEN: Data = {
    "id": "nb",
    "workload": "chat",
    "hash": hash_of(SECRET),
    "labels": {"team": "a"},
    "expires": "2026-04-01",
    "within": "research",
    "budget": {"every": "day", "money": "5 USD"},
}


@BOTH
def test_a_key_is_made_changed_and_revoked(store: Store) -> None:
    keys = KeyStore(store)
    made = keys.create(WRITTEN, AT)
    assert (made.key.id, made.key.labels, made.key.within, made.made) == ("nb", {"team": "a"}, "research", AT)
    assert [made.state(AT + timedelta(days=days)) for days in (21, 22)] == ["active", "expired"]
    later = AT + timedelta(hours=1)
    changed = keys.change("nb", {"within": None, "expires": "2026-05-01", "labels": {"team": "b"}}, later)
    assert changed == keys.one("nb")
    assert (changed.key.within, changed.key.labels, changed.key.hash) == (None, {"team": "b"}, made.key.hash)
    assert (changed.made, changed.changed, changed.revoked) == (AT, later, None)
    keys.revoke("nb", later)
    (revoked,) = keys.all()
    assert (revoked.state(AT), revoked.revoked) == ("revoked", later)
    told = "`nb` was revoked on 2026-03-10 13:00 UTC, for good; make a new key"
    with pytest.raises(LedgerError, match=told):
        keys.revoke("nb", later)
    with pytest.raises(LedgerError, match=told):
        keys.change("nb", {}, later)
    with pytest.raises(LedgerError, match=told):
        keys.one("nb")
    with pytest.raises(LedgerError, match="there is a key `nb`, or was one"):
        keys.create(WRITTEN, later)
    with pytest.raises(LedgerError, match="there is no key `other`"):
        keys.revoke("other", later)


@BOTH
def test_whoever_follows_sees_each_change_once(store: Store) -> None:
    keys = KeyStore(store)
    version, found = keys.since(-1)
    assert (version, found) == (0, ())
    assert keys.since(version) == (0, None)
    keys.create(WRITTEN, AT)
    version, found = keys.since(version)
    assert found is not None
    assert [key.id for key in found] == ["nb"]
    assert keys.since(version) == (version, None)
    keys.change("nb", {"within": None}, AT)
    version, found = keys.since(version)
    assert found is not None
    assert found[0].within is None
    keys.revoke("nb", AT)
    assert keys.since(version) == (version + 1, ())


def test_the_key_itself_is_nowhere_in_the_store(store: Store) -> None:
    KeyStore(store).create(WRITTEN, AT)
    with store.reading() as session:
        kept = str(list(session.all("SELECT * FROM keys")))
    assert SECRET.rpartition("_")[2] not in kept
    assert hash_of(SECRET) in kept


def test_a_key_of_another_program_is_told(store: Store) -> None:
    with store.writing() as session:
        session.run('INSERT INTO keys VALUES (\'nb\', \'{"id": "nb", "colour": 1}\', 0, 0, 0, 1)')
    keys = KeyStore(store)
    for reads in (keys.all, lambda: keys.one("nb"), lambda: keys.since(-1)):
        with pytest.raises(LedgerError, match="key `nb` cannot be read by this program; revoke it"):
            reads()
    keys.create(WRITTEN | {"id": "other"}, AT)
    keys.revoke("nb", AT)
    assert [made.key.id for made in keys.all()] == ["other"]
    with pytest.raises(LedgerError, match="`nb` was revoked on 2026"):
        keys.revoke("nb", AT)
