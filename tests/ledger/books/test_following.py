"""Following: journals that grow are put on the books as they do, whatever happens to files and ledger meanwhile."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from threading import Event

import pytest

from detente.ledger.books.following import Following
from detente.ledger.books.ingest import Ingested
from detente.ledger.journals.journal import Journal
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from tests.builders import tokens
from tests.ledger.ledger_files import copied, moved_away, put_back
from tests.ledger.served import NOW, accounts, both, call, contents, fresh, ingested, journal_of, served_case, spread

CASE = served_case()
EACH = 10 * 3_000 + 5 * 3_000
"""Billionths of a USD of a call of 10 tokens of input and 5 of output, at 3 USD per Mtok: 0.000045 USD."""


def calls(store: Store) -> int:
    with store.reading() as session:
        return session.number("SELECT COUNT(*) FROM calls")


def following(store: Store, *journals: Path) -> tuple[Following, list[str]]:
    said: list[str] = []
    return Following(store.url, journals, said.append), said


def test_each_look_reads_what_is_new_and_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = Journal(folder, 0)
    with fresh(tmp_path) as store:
        follows, said = following(store, folder)
        assert follows.look(CASE, NOW).records == 0, "an empty folder is no mistake"
        for n in range(5):
            journal.append(call(n))
            found = follows.look(CASE, NOW)
            assert (found.records, found.calls) == (1, 1)
        assert follows.look(CASE, NOW).files == 0, "what has not changed is not opened"
        assert accounts(store) == {"use/north/north-api": 5 * EACH, "owed/north": -5 * EACH}
    journal.close()
    assert said == []


def test_what_is_followed_is_what_is_ingested_at_once(tmp_path: Path) -> None:
    """Over several workers and files that end while they are read: rotation at 2 kB, looks between appends."""
    records = spread(60)
    workers = [Journal(tmp_path / "journal", n, rotate_at=2048) for n in (0, 1)]
    with fresh(tmp_path) as store, open_store(str(tmp_path / "once.db"), make=True) as once:
        follows, said = following(store, tmp_path / "journal")
        for n, record in enumerate(records):
            workers[n % 2].append(record)
            if n % 7 == 0:
                follows.look(CASE, NOW)
        follows.look(CASE, NOW)
        ingested(once, CASE, tmp_path / "journal")
        assert len(list((tmp_path / "journal").glob("w0-*.journal"))) > 2
        assert contents(store) == contents(once)
    for worker in workers:
        worker.close()
    assert said == [], "no gap is told between the files of a worker"


def test_a_file_that_is_lost_between_two_others_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", 0, rotate_at=1024)
    with fresh(tmp_path) as store:
        follows, said = following(store, tmp_path / "journal")
        for n in range(4):
            journal.append(call(n))
        follows.look(CASE, NOW)
        for n in range(4, 12):
            journal.append(call(n))
        journal.close()
        mine = sorted((tmp_path / "journal").glob("w0-*.journal"))
        mine[-2].unlink()
        follows.look(CASE, NOW)
        follows.look(CASE, NOW)
    assert len(said) == 1
    assert "missing" in said[0]


def test_damage_is_told_once_and_what_stands_behind_it_is_read(tmp_path: Path) -> None:
    folder = journal_of(tmp_path / "journal", [call(n) for n in range(3)])
    file = next(folder.glob("*.journal"))
    whole = file.read_bytes()
    with fresh(tmp_path) as store:
        follows, said = following(store, folder)
        file.write_bytes(whole[:40] + b"\xff" + whole[41:])
        assert follows.look(CASE, NOW).calls == 2
        journal = Journal(folder, 1)
        journal.append(call(7))
        follows.look(CASE, NOW)
        os.utime(file, (1, 1))
        follows.look(CASE, NOW)
        assert len(said) == 1
        assert "damaged at byte 8" in said[0]
        file.write_bytes(whole)
        follows.look(CASE, NOW)
        assert calls(store) == 4, "a copy that is whole mends it"
        journal.close()


def test_a_ledger_that_is_moved_away_is_told_once_and_nothing_is_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", 0)
    with fresh(tmp_path) as store:
        follows, said = following(store, tmp_path / "journal")
        journal.append(call(0))
        follows.look(CASE, NOW)
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        if (tmp_path / name).exists():
            (tmp_path / name).rename(tmp_path / f"aside-{name}")
    for n in (1, 2):
        journal.append(call(n))
        follows.look(CASE, NOW)
    assert len(said) == 2, said
    assert "moved, deleted or replaced" in said[0]
    assert "there is no such ledger" in said[1], "none is made in its place: closings and bills would be gone unseen"
    for file in tmp_path.glob("aside-*"):
        file.rename(tmp_path / file.name.removeprefix("aside-"))
    follows.look(CASE, NOW)
    journal.close()
    assert said[2:] == ["journals are put on the books again"]
    with open_store(str(tmp_path / "ledger.db")) as store:
        assert calls(store) == 3


def test_a_backup_that_takes_the_ledgers_place_gets_what_it_lacks(tmp_path: Path) -> None:
    """Nothing is recorded any more, and the files that the ledger before had are as they were then."""
    ledger, journal = tmp_path / "ledger.db", Journal(tmp_path / "journal", 0)
    with fresh(tmp_path) as store:
        follows, said = following(store, tmp_path / "journal")
        journal.append(call(0))
        follows.look(CASE, NOW)
        backup = copied(ledger)
        journal.append(call(1))
        journal.close()
        assert follows.look(CASE, NOW).calls == 1
    moved_away(ledger)
    put_back(backup, ledger)
    assert [follows.look(CASE, NOW).calls for _ in range(3)] == [0, 1, 0]
    assert len(said) == 2
    assert said[1] == "journals are put on the books again"
    with open_store(str(ledger)) as store:
        assert accounts(store) == {"use/north/north-api": 2 * EACH, "owed/north": -2 * EACH}


def test_what_another_writes_into_a_ledger_that_was_replaced_is_not_lost(tmp_path: Path) -> None:
    """A store that is open refuses to write into a file that no name leads to any more."""
    with fresh(tmp_path) as store:
        for name in ("ledger.db", "ledger.db-wal"):
            (tmp_path / name).unlink()
        fresh(tmp_path).close()
        with pytest.raises(Exception, match="moved, deleted or replaced"), store.writing():
            pytest.fail("nobody would ever read it")


def test_a_case_of_another_currency_is_told_and_not_mixed_in(tmp_path: Path) -> None:
    folder = journal_of(tmp_path / "journal", [call(0)])
    price = {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}
    euros = served_case(offers=[tokens(party, 1) | {"price": price} for party in ("north", "south")], currency="EUR")
    with fresh(tmp_path) as store:
        ingested(store, CASE, folder)
        follows, said = following(store, folder)
        journal_of(folder, [call(1)], 1)
        follows.look(euros, NOW)
        assert calls(store) == 1
        assert "the ledger is in USD, and the case in EUR" in said[0]
        follows.look(CASE, NOW)
        assert calls(store) == 2


@both
def test_it_reads_once_more_when_it_is_told_to_stop(tmp_path: Path, store: Store) -> None:
    journal = Journal(tmp_path / "journal", 0)
    stop, heard = Event(), list[Ingested]()

    def hear(found: Ingested) -> None:
        heard.append(found)
        if not stop.is_set():
            journal.append(call(len(heard)))
            stop.set()

    follows, said = following(store, tmp_path / "journal")
    follows.run(lambda: CASE, lambda: NOW, stop, hear)
    assert [found.calls for found in heard] == [0, 1]
    assert calls(store) == 1
    assert said == []
    journal.close()


def test_two_that_follow_one_folder_take_turns(tmp_path: Path) -> None:
    folder = journal_of(tmp_path / "journal", [call(0)])
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    stop, said = Event(), list[str]()

    def say(text: str) -> None:
        said.append(text)
        os.close(held)  # the other one ends

    with fresh(tmp_path) as store:
        Following(store.url, [folder], say).run(lambda: CASE, lambda: NOW, stop, lambda found: stop.set())
        assert calls(store) == 1
    assert len(said) == 1
    assert "another process puts it on the books" in said[0]
