"""A followed store: let go once anything fails, and opened again, whatever became of the ledger meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detente.errors import LedgerError
from detente.ledger.store.followed_store import FollowedStore
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from tests.ledger.ledger_files import copied, moved_away, put_back
from tests.ledger.served import both, fresh


class Follower:
    """Notes facts in a ledger, and remembers how many it noted since it was opened."""

    def __init__(self, url: str) -> None:
        self.store = FollowedStore(url, self.begun)
        self.since = 0

    def begun(self, store: Store) -> Store:
        self.since = 0
        return store

    def look(self) -> tuple[int, int]:
        """How many facts there are once one more was noted, and how many of them since it was opened."""
        with self.store.open() as store, store.writing() as session:
            self.since += 1
            there = session.number("SELECT COUNT(*) FROM facts")
            session.run(f"INSERT INTO facts VALUES ('n{there}', '')")
            return there + 1, self.since


def another(ledger: Path) -> Path:
    """One of its own, with nothing in it."""
    with open_store(str(ledger.with_name("other.db")), make=True):
        return ledger.with_name("other.db")


@pytest.mark.parametrize(
    ("back", "found"),
    [(moved_away, 3), (copied, 3), (another, 1)],
    ids=["the file itself", "a backup of two facts", "another ledger"],
)
def test_a_ledger_that_was_moved_away_is_followed_once_it_is_there(
    tmp_path: Path, back: Callable[[Path], Path], found: int
) -> None:
    ledger = tmp_path / "ledger.db"
    fresh(tmp_path).close()
    follower = Follower(str(ledger))
    assert [follower.look() for _ in range(2)] == [(1, 1), (2, 2)]
    other = back(ledger)
    if ledger.exists():
        moved_away(ledger)
    with pytest.raises(LedgerError, match="it was moved, deleted or replaced while it was in use"):
        follower.look()
    with pytest.raises(LedgerError, match="there is no such ledger"):
        follower.look()
    put_back(other, ledger)
    assert [follower.look() for _ in range(2)] == [(found, 1), (found + 1, 2)]
    follower.store.close()


def test_one_that_takes_the_ledgers_place_is_told_once_and_followed(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    fresh(tmp_path).close()
    follower = Follower(str(ledger))
    follower.look()
    backup = copied(ledger)
    follower.look()
    moved_away(ledger)
    put_back(backup, ledger)
    with pytest.raises(LedgerError, match="replaced"):
        follower.look()
    assert follower.look() == (2, 1)
    follower.store.close()


@both
def test_whatever_fails_lets_go(store: Store) -> None:
    follower = Follower(store.url)
    assert [follower.look()[1] for _ in range(2)] == [1, 2]
    for failure in (ValueError, KeyboardInterrupt):
        with pytest.raises(failure), follower.store.open():
            raise failure
        assert follower.look()[1] == 1
    follower.store.close()
    assert follower.look()[1] == 1
    follower.store.close()


def test_what_cannot_be_begun_with_is_let_go_too(tmp_path: Path) -> None:
    fresh(tmp_path).close()
    opened: list[Store] = []

    def begun(store: Store) -> Store:
        opened.append(store)
        if len(opened) == 1:
            raise LedgerError("it is of another case")
        return store

    followed = FollowedStore(str(tmp_path / "ledger.db"), begun)
    with pytest.raises(LedgerError, match="of another case"), followed.open():
        pytest.fail("nothing is given to work with")
    with pytest.raises(LedgerError, match="closed"), opened[0].reading():
        pass
    with followed.open() as store:
        assert store is opened[1]
    followed.close()
