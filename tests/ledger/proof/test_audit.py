"""Audit: whatever is altered, removed or inserted is found, at its row; a rewritten chain by a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CredentialError, LedgerError
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.proof.audit import Audited, audit
from detente.ledger.proof.checkpoint import MIN_KEY, broken, key_of, now
from detente.ledger.store.chain import hash_of, mark
from detente.ledger.store.key_store import KeyStore
from detente.ledger.store.store import Store
from detente.ledger.store.tables import CHAINED
from detente.live.key import hash_of as hash_of_key
from detente.live.key import make
from detente.results.plan_rows import Purchase
from tests.builders import D, day
from tests.ledger.served import NOW, both, call, ingested, journal_of, served_case, spread

TERMS = (
    {"id": "floor", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"},
     "measure": "after-discounts"},
    {"id": "off", "kind": "discount", "off": "10%"},
)  # fmt: skip
HELD = Purchase("north-gpus", "north", day("2026-01-01"), day("2026-02-01"), 1, D(744), D(744), True)
KEY = b"a key that nobody can guess"
KEY_OF_RUN_TIME = {"id": "nb", "workload": "chat", "hash": hash_of_key(make("nb", bytes(32)))}


@pytest.fixture
def case() -> Case:
    return served_case(*TERMS)


@pytest.fixture
def booked(store: Store, case: Case, tmp_path: Path) -> Store:
    """A ledger of several batches, with rows in every table."""
    records = [*spread(8), call(90, used=None), call(91, outcome="begun"), b"{"]
    ingested(store, case, journal_of(tmp_path / "j", records), batch=4)
    close(Books(store, case), day("2026-02-01"), NOW, [HELD])
    KeyStore(store).create(KEY_OF_RUN_TIME, NOW)
    ingested(store, case, journal_of(tmp_path / "j", [call(91), call(92, "2026-01-20")]))
    assert audited(store, case).faults == ()
    return store


def audited(store: Store, case: Case) -> Audited:
    return audit(Books(store, case))


def change(store: Store, sql: str, *values: Any) -> None:
    with store.writing() as session:
        session.run(sql, values)


def row_of(store: Store, table: str) -> tuple[int, int]:
    """Some row of a table that is not the last of its batch, where there is one."""
    with store.reading() as session:
        return min((int(b), int(n)) for b, n in session.all(f"SELECT batch, n FROM {table}"))


ALTERED = {
    "routes": "body = body || ' '",
    "classes": "body = body || ' '",
    "calls": "outcome = 'cut'",
    "lines": "listed = listed + 1",
    "entries": "amount = amount + 1",
    "asides": "why = 'nothing'",
    "closings": "as_of = as_of + 1",
    "purchases": "units = units + 1",
    "reads": "last = last + 1",
    "key_changes": "body = body || ' '",
}


def test_every_table_of_the_chain_is_tried() -> None:
    assert set(ALTERED) == set(CHAINED)


@both
@pytest.mark.parametrize("table", CHAINED)
def test_an_altered_row_is_found(booked: Store, case: Case, table: str) -> None:
    batch, n = row_of(booked, table)
    change(booked, f"UPDATE {table} SET {ALTERED[table]} WHERE batch = ? AND n = ?", batch, n)
    (fault,) = audited(booked, case).faults
    assert (fault.batch, fault.table, fault.n) == (batch, table, n)
    assert "altered" in fault.what


@both
@pytest.mark.parametrize("table", CHAINED)
def test_a_missing_row_is_found(booked: Store, case: Case, table: str) -> None:
    batch, n = row_of(booked, table)
    change(booked, f"DELETE FROM {table} WHERE batch = ? AND n = ?", batch, n)
    fault = audited(booked, case).faults[0]
    assert (fault.batch, fault.table, fault.n, fault.what.startswith("missing")) == (batch, table, n, True)


@both
@pytest.mark.parametrize("at", ["last", "beyond"])
def test_an_inserted_row_is_found(booked: Store, case: Case, at: str) -> None:
    with booked.reading() as session:
        last = session.number("SELECT MAX(batch) FROM batches") + 1
        n = session.number("SELECT COUNT(*) FROM entries WHERE batch = 1")
    values = ("2026-01-01", "owed/north", "USD", -1, "", "")
    batch, n = (1, n) if at == "last" else (last, 0)
    sql = f"INSERT INTO entries VALUES ({', '.join('?' * 9)})"
    change(booked, sql, batch, n, *values, mark("entries", batch, n, values))
    (fault,) = audited(booked, case).faults
    assert (fault.batch, fault.table, "inserted" in fault.what) == (batch, "entries", True)


@both
@pytest.mark.parametrize("fact", ["first", "last"])
def test_when_use_began_and_ended_is_that_of_the_lines(booked: Store, case: Case, fact: str) -> None:
    """By these it is known what came after a day: whoever changes them changes where clauses stand."""
    change(booked, f"UPDATE facts SET value = '1' WHERE name = '{fact}'")
    (fault,) = audited(booked, case).faults
    assert (fault.table, fault.what) == ("facts", f"`{fact}`: it is not the {fact} use of the lines")


def test_the_currency_is_that_of_the_entries(booked: Store, case: Case) -> None:
    change(booked, "UPDATE facts SET value = 'EUR' WHERE name = 'currency'")
    (fault,) = audited(booked, case).faults
    assert str(fault) == "facts: `currency`: it is not that of the entries"


def test_the_name_is_that_of_the_case_that_wrote_it(booked: Store, case: Case) -> None:
    change(booked, "UPDATE facts SET value = 'another' WHERE name = 'case'")
    (fault,) = audited(booked, case).faults
    assert str(fault) == "facts: `case` or `currency`: not that of this case, which wrote batches of it"


def test_a_ledger_of_another_case_is_not_said_to_hold(booked: Store) -> None:
    """By another case's clauses nothing could be missed: of none of its totals there is one on the books."""
    with pytest.raises(LedgerError, match=r"the ledger is of the case `test`, and this is `other`; keep a ledger"):
        audited(booked, served_case(*TERMS, name="other"))
    assert audited(booked, served_case(TERMS[0])).faults == ()  # amended, it is the same case
    change(booked, "UPDATE facts SET value = 'EUR' WHERE name = 'currency'")
    with pytest.raises(LedgerError, match="the ledger is in EUR, and the case in USD; keep a ledger"):
        audited(booked, served_case(TERMS[0]))


@both
def test_a_row_with_a_new_mark_is_found_by_its_batch(booked: Store, case: Case) -> None:
    values = forged(booked)
    (fault,) = audited(booked, case).faults
    assert (fault.batch, fault.table, "together with their marks" in fault.what) == (values, "", True)


def forged(store: Store) -> int:
    """Alter an entry, and give it the mark that it should have."""
    columns = ", ".join(CHAINED["entries"])
    with store.writing() as session:
        batch, n, *values = session.one(f"SELECT batch, n, {columns} FROM entries WHERE account = 'owed/north'") or ()
        values[3] = int(values[3]) + 1
        sql = "UPDATE entries SET amount = ?, mark = ? WHERE batch = ? AND n = ?"
        session.run(sql, (values[3], mark("entries", batch, n, values), batch, n))
    return int(batch)


def rewritten(store: Store) -> None:
    """Make every hash anew, as whoever rewrites a whole chain does."""
    with store.writing() as session:
        before = "0" * 64
        for number, kind, at, case in list(session.all('SELECT batch, kind, at, "case" FROM batches ORDER BY batch')):
            marks: list[bytes] = []
            counts: dict[str, int] = {}
            for table in CHAINED:
                sql = f"SELECT mark FROM {table} WHERE batch = ? ORDER BY n"
                rows = [bytes(m) for (m,) in session.all(sql, (number,))]
                marks += rows
                counts |= {table: len(rows)} if rows else {}
            told = hash_of((number, kind, at, case), counts, before, marks)
            session.run("UPDATE batches SET before = ?, hash = ? WHERE batch = ?", (before, told, number))
            before = told


@both
def test_a_rewritten_chain_does_not_hold_against_a_checkpoint(booked: Store, case: Case, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints"
    with booked.reading() as session:
        file.write_text(now(session, NOW).line(KEY), encoding="utf-8")
        assert broken(session, file, KEY) == []
        assert "not signed by this key" in broken(session, file, b"another key, as long as it is")[0]
    rewritten(booked)
    with booked.reading() as session:
        assert broken(session, file, KEY) == []  # the same rows make the same hashes
    forged(booked)
    rewritten(booked)
    assert [fault.batch for fault in audited(booked, case).faults] == []
    with booked.reading() as session:
        assert "has another hash now" in broken(session, file, KEY)[0]


def test_a_checkpoint_that_was_altered_does_not_hold(booked: Store, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints"
    with booked.reading() as session:
        stated = json.loads(now(session, NOW).line(KEY))
        file.write_text(json.dumps(stated | {"batch": 1}) + "\n", encoding="utf-8")
        assert "not signed by this key, or altered" in broken(session, file, KEY)[0]
        for text in ("", "{}\n", "\xff\n", '{"batch": "1", "hash": "", "at": "", "signature": ""}\n'):
            file.write_text(text, encoding="utf-8")
            with pytest.raises(LedgerError, match="name a file of signed checkpoints"):
                broken(session, file, KEY)


@both
def test_a_batch_that_is_gone_is_found(booked: Store, case: Case) -> None:
    for table in ("batches", *CHAINED):
        change(booked, f"DELETE FROM {table} WHERE batch = 2")
    faults = [str(fault) for fault in audited(booked, case).faults]
    assert faults[0] == "batch 2: missing: batch 3 comes after batch 1"


def test_the_last_batch_that_is_gone_is_found_by_a_checkpoint(booked: Store, case: Case, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints"
    with booked.reading() as session:
        file.write_text(now(session, NOW).line(KEY), encoding="utf-8")
        last = session.number("SELECT MAX(batch) FROM batches")
    for table in ("batches", *CHAINED):
        change(booked, f"DELETE FROM {table} WHERE batch = ?", last)
    with booked.reading() as session:
        assert "is missing from the ledger" in broken(session, file, KEY)[0]
    assert any(fault.table == "sums" for fault in audited(booked, case).faults)


@both
@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("UPDATE sums SET net = net + 1 WHERE count > 0", "sums"),
        ("DELETE FROM sums WHERE count > 0", "sums"),
        ("UPDATE totals SET amount = amount + 1", "totals"),
        ("DELETE FROM totals", "totals"),
        ("UPDATE sums SET tokens = 'x'", "sums"),
        ("UPDATE sums SET off = 'x'", "sums"),
        ("UPDATE sums SET class = 99 WHERE class = 1", "sums"),
        ("UPDATE totals SET lacks = 'x' WHERE meter = (SELECT MIN(meter) FROM totals)", "totals"),
        ("UPDATE totals SET parts = 'x'", "totals"),
        ("DELETE FROM facts WHERE name = 'first'", "facts"),
        ("UPDATE batches SET counts = 'x' WHERE batch = 2", ""),
    ],
)
def test_sums_and_totals_follow_from_the_rows(booked: Store, case: Case, sql: str, table: str) -> None:
    change(booked, sql)
    assert table in {fault.table for fault in audited(booked, case).faults}


@both
def test_a_ledger_that_is_emptied_is_told(booked: Store, case: Case) -> None:
    for table in ("batches", *CHAINED):
        change(booked, f"DELETE FROM {table}")
    assert audited(booked, case).faults


def test_a_row_without_a_number_is_told(booked: Store, case: Case) -> None:
    change(booked, "UPDATE entries SET n = 'x' WHERE batch = 1 AND n = 0")
    assert any("numbered 'x'" in fault.what for fault in audited(booked, case).faults)


def test_a_key_is_referred_to_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    monkeypatch.setenv("LEDGER_KEY", KEY.decode())
    monkeypatch.setenv("SHORT", "secret")
    assert key_of(f"file:{file}") == key_of("env:LEDGER_KEY") == KEY
    for reference in ("secret", "env:", "env:NOT_SET", "env:SHORT", f"file:{tmp_path}/gone"):
        with pytest.raises(CredentialError) as caught:
            key_of(reference)
        assert "secret" not in str(caught.value)
    assert len(KEY) > MIN_KEY
