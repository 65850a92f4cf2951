"""Keys of run time in a store: made, changed, revoked; their hashes alone; whoever follows sees each change once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from detente.errors import LedgerError
from detente.ledger.store.key_store import KeyStore
from detente.ledger.store.store import Store
from detente.live.key import Key, hash_of, make
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
    (revoked,) = keys.all().made
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
    assert keys.since(-1) == (0, (), ())
    assert keys.since(0) is None
    keys.create(WRITTEN, AT)
    (found,) = seen(keys, 0, version=1)
    assert (found.id, found.within) == ("nb", "research")
    assert keys.since(1) is None
    keys.change("nb", {"within": None}, AT)
    (found,) = seen(keys, 1, version=2)
    assert found.within is None
    keys.revoke("nb", AT)
    assert keys.since(2) == (3, (), ())


def seen(keys: KeyStore, before: int, version: int) -> tuple[Key, ...]:
    found = keys.since(before)
    assert found is not None
    assert (found.version, found.unread) == (version, ())
    return found.keys


def test_the_key_itself_is_nowhere_in_the_store(store: Store) -> None:
    KeyStore(store).create(WRITTEN, AT)
    with store.reading() as session:
        kept = str(list(session.all("SELECT * FROM keys")))
    assert SECRET.rpartition("_")[2] not in kept
    assert hash_of(SECRET) in kept


NEWER = '{"id": "nb", "colour": 1}'


@pytest.mark.parametrize("body", [NEWER, "7", "", "[" * 9_999, '"\\ud800"'])
def test_a_key_that_cannot_be_read_hides_none_beside_it(store: Store, body: str) -> None:
    """Nothing was read of any key, so that no other was revoked any more."""
    keys = KeyStore(store)
    keys.create(WRITTEN | {"id": "a"}, AT)
    keys.create(WRITTEN | {"id": "z"}, AT)
    with store.writing() as session:
        session.run("INSERT INTO keys VALUES ('nb', ?, 0, 0, 0, 3)", (body,))
    keys.revoke("z", AT)
    (a,) = seen_beside(keys, "nb")
    assert a.id == "a"
    assert [made.key.id for made in keys.all().made] == ["a", "z"]
    with pytest.raises(LedgerError, match="key `nb` cannot be read by this program; revoke it, and make a new one"):
        keys.one("nb")
    keys.revoke("nb", AT)
    assert seen_beside(keys) == (a,)
    assert (keys.all().made[0].key, keys.all().unread) == (a, ()), "nor is it told of one that opens nothing anyway"
    with pytest.raises(LedgerError, match="`nb` was revoked on 2026"):
        keys.revoke("nb", AT)


def seen_beside(keys: KeyStore, *unread: str) -> tuple[Key, ...]:
    found = keys.since(-1)
    assert found is not None
    assert found.unread == unread
    return found.keys


@pytest.mark.parametrize("moment", [10**30, -(10**18)])
def test_a_key_of_a_moment_that_there_is_not_cannot_be_read(store: Store, moment: int) -> None:
    with store.writing() as session:
        session.run("INSERT INTO keys VALUES ('nb', ?, ?, 0, 0, 1)", (json.dumps(WRITTEN), str(moment)))
    assert KeyStore(store).unrevoked() == (1, (), ("nb",))
