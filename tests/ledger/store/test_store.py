"""Stores: what is no ledger, what is newer, what cannot be written: a clear error, and nothing lost."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from detente.errors import LedgerError
from detente.ledger.store.opening import open_store
from detente.ledger.store.postgres import PostgresStore
from detente.ledger.store.sqlite import SqliteStore
from detente.ledger.store.store import Store, big
from detente.ledger.store.tables import LATEST, MIGRATIONS
from tests.ledger.served import both, call, contents, ingested, journal_of, served_case


def rows(store: Store, sql: str) -> list[tuple[object, ...]]:
    with store.reading() as session:
        return [tuple(row) for row in session.all(sql)]


def test_a_path_and_a_url_name_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("ledger.db", make=True).close()
    for url in ("sqlite:///ledger.db", f"sqlite:///{tmp_path}/ledger.db", str(tmp_path / "ledger.db")):
        with open_store(url) as store:
            assert rows(store, "SELECT COUNT(*) FROM batches") == [(0,)]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    open_store(str(tmp_path / "ledger.db"), make=True).close()
    assert stat.S_IMODE((tmp_path / "ledger.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("gone.db", "there is no such ledger; `detente ingest CASE JOURNAL --ledger"),
        ("", "the path of the ledger is empty; write one"),
        ("folder", "names a folder, and a ledger is a file"),
        ("mysql://host/name", "not the address of a ledger; write a path, `sqlite:///ledger.db`"),
        ("sqlite://ledger.db", "not the address of a ledger"),
        ("text.db", "file is not a database; the file is no ledger; name another"),
        ("other.db", "holds no ledger"),
    ],
)
def test_what_is_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, what: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("text.db").write_text("not a database, and long enough to see that it is none" * 40, encoding="utf-8")
    other = sqlite3.connect("other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(LedgerError) as caught:
        open_store(url)
    assert what in str(caught.value)


def test_a_file_that_may_only_be_read_is_told_with_a_way_to_read_it(tmp_path: Path) -> None:
    with SqliteStore("ledger.db", tmp_path / "ledger.db", make=True) as store:
        store.prepare(make=True)
        with store.reading() as session:
            session.run("PRAGMA query_only = 1")
        told = pytest.raises(LedgerError, match=r"readonly database; it cannot be written, .* or copy it")
        with told, store.writing() as session:
            session.run("DELETE FROM facts")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://host/name", "postgresql://host/name"),
        ("postgresql://me:secret@host/name", "postgresql://me@host/name"),
        ("postgresql://me:sec%40ret@/name?host=/run&port=1", "postgresql://me@/name?host=/run&port=1"),
        ("postgresql://me:p?password=secret@host/name", "postgresql://me@host/name"),
        ("postgresql://me@host/name?password=secret", "postgresql://me@host/name"),
        ("postgres:///name?host=/run&password=se@cret&options=-c%20a", "postgres:///name?host=/run&options=-c%20a"),
        ("postgresql://host/name?sslpassword=secret&sslkey=k", "postgresql://host/name?sslkey=k"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert PostgresStore(url).url == shown


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/name",
        "postgresql://me:p%ss-secret@host/name",
        "postgresql://me:p secret@host/name",
        "postgresql://me:p@ss:secret@host/name",
        "postgresql://me:p/secret@host/name",
    ],
)
def test_no_password_is_told_where_an_address_cannot_be_read(url: str) -> None:
    with pytest.raises(LedgerError, match=r"`(postgresql|mysql)://…`: not (an|the) address") as told:
        open_store(url)
    assert "secret" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "ledger.db"), make=True) as store, store.writing() as session:
        session.run("UPDATE ledger_schema SET version = ?", (LATEST + 1,))
    for make in (False, True):
        with pytest.raises(LedgerError, match=f"version {LATEST + 1}, and this program knows versions up to {LATEST}"):
            open_store(str(tmp_path / "ledger.db"), make=make)


@pytest.mark.parametrize("version", range(LATEST))
def test_every_earlier_schema_is_brought_to_this_one(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.db"
    with open_store(str(tmp_path / "new.db"), make=True) as new:
        wanted = rows(new, "SELECT name, sql FROM sqlite_master ORDER BY name")
    old = sqlite3.connect(path)
    if version:
        old.execute("CREATE TABLE ledger_schema (version INTEGER NOT NULL)")
        old.execute("INSERT INTO ledger_schema VALUES (?)", (version,))
    for statements in MIGRATIONS[:version]:
        for statement in statements:
            old.execute(statement.format_map(SqliteStore.types))
    old.commit()
    old.close()
    with open_store(str(path), make=True) as store:
        assert rows(store, "SELECT name, sql FROM sqlite_master ORDER BY name") == wanted
        assert rows(store, "SELECT version FROM ledger_schema") == [(LATEST,)]


@both
@pytest.mark.parametrize("amount", [0, -1, 2**63 - 1, 2**63, -(2**63), 10**30, -(10**30) - 1])
def test_whole_numbers_of_any_size_come_back(store: Store, amount: int) -> None:
    with store.writing() as session:
        values = (1, 0, "2026-01-01", "a", "USD", big(amount), "", "", b"")
        session.run(f"INSERT INTO entries VALUES ({', '.join('?' * 9)})", values)
    with store.reading() as session:
        assert session.number("SELECT amount FROM entries") == amount


@both
def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.writing() as session:
            session.run("INSERT INTO facts VALUES ('a', 'b')")
            session.run("INSERT INTO nosuch VALUES (1)")

    with pytest.raises(LedgerError, match=r"no such table|does not exist"):
        fail()
    assert rows(store, "SELECT * FROM facts") == []


def test_whoever_waits_too_long_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with open_store(str(path), make=True) as one, one.writing():
        other = SqliteStore("ledger.db", path, make=False, wait=0)
        with (
            pytest.raises(LedgerError, match=r"ledger.db: database is locked; another process writes"),
            other.writing(),
        ):
            pass
        with other.reading() as session:  # whoever reads does not wait
            assert session.number("SELECT COUNT(*) FROM batches") == 0
        other.close()


def test_a_full_disk_is_told_and_nothing_of_the_batch_is_written(store: Store, tmp_path: Path) -> None:
    case = served_case()
    ingested(store, case, journal_of(tmp_path / "a", [call(1)]))
    before = contents(store)
    with store.reading() as session:
        pages = session.number("PRAGMA page_count")
        session.one(f"PRAGMA max_page_count = {pages}")
    many = journal_of(tmp_path / "b", [call(n) for n in range(2, 400)])
    with pytest.raises(LedgerError, match="is full; there is no room left on its disk"):
        ingested(store, case, many)
    assert contents(store) == before
    with store.reading() as session:
        session.one("PRAGMA max_page_count = 1000000")
    assert ingested(store, case, many).calls == 398


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    open_store(str(path), make=True).close()
    path.chmod(0o400)
    with open_store(str(path), make=True) as store, pytest.raises(LedgerError, match="cannot be written"):
        ingested(store, served_case(), journal_of(tmp_path / "j", [call(1)]))


def test_a_connection_of_the_same_process_loses_no_lock_to_one_that_is_opened_beside_it(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.db")
    count = "from sys import argv\nfrom detente.ledger.store.opening import open_store\nopen_store(argv[1]).close()"
    with open_store(path, make=True) as store:
        open_store(path, make=True).close()
        with store.writing() as session:
            session.run("INSERT INTO facts (name, value) VALUES ('last', '1')")
        subprocess.run([sys.executable, "-c", count, path], check=True)  # the last to close takes the log away
        with store.writing() as session:
            session.run("INSERT INTO facts (name, value) VALUES ('more', '2')")
        with open_store(path) as other:
            assert rows(other, "SELECT COUNT(*) FROM facts") == [(2,)]


@both
def test_rows_are_found_by_several_keys_at_once(store: Store) -> None:
    kept = [("b", 1, "x"), ("b", 2, "é'\""), ("c", 1, "")]
    with store.writing() as session:
        session.add("totals", ("meter", '"window"', "lacks", "amount", "parts"), [
            (*key, 7, str(at)) for at, key in enumerate(kept)
        ])  # fmt: skip
    key = ("meter", '"window"', "lacks")
    with store.reading() as session:
        for asked in ([], kept[1:2], [*kept, ("c", 2, ""), ("c", 1, "x")]):
            found = session.keyed('meter, "window", lacks, amount, parts', "totals", key, asked)
            wanted = [(*row, 7, str(at)) for at, row in enumerate(kept) if row in asked]
            assert sorted((m, int(w), t, int(a), p) for m, w, t, a, p in found) == wanted
