"""Whatever of a ledger is edited, taken out or put in: audit names it, or it is working state, for a stated reason."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from detente.case.case import Case
from detente.errors import LedgerError
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.caps.leases import LeaseClaim
from detente.ledger.caps.leasing import CapClaim, CapWindow, Leasing
from detente.ledger.proof.audit import audit
from detente.ledger.store.key_store import KeyStore
from detente.ledger.store.opening import open_store
from detente.ledger.store.tables import CHAINED
from detente.live.budget_name import BudgetName
from detente.live.budget_window import WallWindows
from tests.builders import day
from tests.ledger.proof.test_audit import HELD, KEY_OF_RUN_TIME, TERMS, change, rewritten
from tests.ledger.served import NOW, call, fresh, ingested, journal_of, served_case, spread

MONTHS = BudgetName("team", "tokens", WallWindows("month", "UTC", None))
CAP = CapWindow(MONTHS.text, MONTHS.windows.at(day("2026-01-15")).index)  # type: ignore[union-attr]
TRUSTED = "what the replica itself says of it, anew with each claim"
WORKING = {
    "holders.place, worker, beat": f"whose journal it writes: {TRUSTED}",
    "leases.granted, held, free, lacks": f"what it goes by: {TRUSTED}",
    "holders +": "a replica that holds nothing: the others lease less ahead of need",
    "meters.told": "for people: nobody reads it",
    "warnings.cap, window, percent": "whether the operator was told that a budget is nearly used up",
    "warnings -": "it is told once more",
    "warnings +": "it is not told",
}
"""What audit does not name, as ``TABLE.COLUMNS``, ``TABLE -`` (a row less) and ``TABLE +`` (one more), each with why.

None of it says what is owed or was used: what a cap lets through by an edit of it is on the books as it is used.
"""


def test_all_that_is_edited_is_named_or_is_working_state(tmp_path: Path) -> None:
    case = served_case(*TERMS)
    booked(tmp_path, case)
    tried = dict(edits(tmp_path / "ledger.db"))
    quiet = {name for name, edit in tried.items() if not named(tmp_path, case, edit)}
    assert quiet == {each for key in WORKING for each in said(key)}
    assert {f"{table} -" for table in CHAINED} <= tried.keys() - quiet


def said(key: str) -> list[str]:
    """The edits that a line of the list is of."""
    table, _, columns = key.partition(".")
    return [f"{table}.{column}" for column in columns.split(", ")] if columns else [key]


def booked(folder: Path, case: Case) -> None:
    """A ledger with rows in every table: two replicas that hold a budget (one has ended), use, a closing, a key."""
    with fresh(folder) as store:
        leasing = Leasing(store)
        for holder, worker in (("a", 0), ("b", 1)):
            leasing.open(holder, "host", worker)
            claim = CapClaim(LeaseClaim(0, need=30), 100)
            leasing.renew(holder, 1, {CAP: claim})
        budgets = (MONTHS.text,)
        calls = [call(n, id=f"req_{h}0000000{n}", budgets=budgets) for n, h in enumerate("aab", 1)]
        records = [*spread(8), *calls, call(90, used=None), call(91, outcome="begun"), b"{"]
        ingested(store, case, journal_of(folder / "j", records), batch=6)
        leasing.close("b", 2, {CAP: LeaseClaim(30, held=5)})
        with store.writing() as session:
            session.run("INSERT INTO warnings VALUES (?, ?, 80)", CAP)
        close(Books(store, case), day("2026-02-01"), NOW, [HELD])
        ingested(store, case, journal_of(folder / "j", [call(92, "2026-01-20")]))
        KeyStore(store).create(KEY_OF_RUN_TIME, NOW)
        assert audit(Books(store, case)).faults == ()


def test_keys_and_marks_of_before_are_taken_over(tmp_path: Path) -> None:
    """As version 9 left them: in no batch. The keys become one batch, and the journal is read once more."""
    case, journal = served_case(*TERMS), tmp_path / "j"
    booked(tmp_path, case)
    with open_store(str(tmp_path / "ledger.db")) as store:
        for sql in ("DELETE FROM reads", "DELETE FROM key_changes", "DELETE FROM batches WHERE kind = 'keys'"):
            change(store, sql)
        change(store, "UPDATE batches SET counts = json_remove(counts, '$.reads')")
        rewritten(store)
        for table in ("reads", "key_changes"):
            change(store, f"DROP TABLE {table}")
        change(store, "DELETE FROM facts WHERE name = 'case'")
        change(store, "DROP INDEX leases_lacking")
        change(store, "ALTER TABLE leases DROP COLUMN lacks")
        change(store, "UPDATE ledger_schema SET version = 9")
    with open_store(str(tmp_path / "ledger.db")) as store:
        assert KeyStore(store).one("nb").made == NOW
        told = ingested(store, case, journal)
        assert (told.calls, told.again) == (0, 14)  # 8 and 3, one of unknown use, one that began, and a later one
        assert ingested(store, case, journal).records == 0
        assert audit(Books(store, case)).faults == ()


def edits(ledger: Path) -> Iterator[tuple[str, str]]:
    """For each table and column one edit; for each table a row less, and one more: as statements."""
    with sqlite3.connect(ledger) as there:
        tables = [name for (name,) in there.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in sorted(tables):
            columns = [(row[1], row[2]) for row in there.execute(f"PRAGMA table_info({table})")]
            row = there.execute(f"SELECT MIN(rowid) FROM {table}").fetchone()[0]
            assert row is not None, f"{table} has no row to edit"
            for column, kind in columns:
                other = (
                    "x'00'"
                    if kind == "BLOB"
                    else f"\"{column}\" || 'x'"
                    if kind == "TEXT"
                    else f'CASE "{column}" WHEN 1 THEN 0 ELSE "{column}" + 7 END'
                )
                yield f"{table}.{column}", f'UPDATE {table} SET "{column}" = {other} WHERE rowid = {row}'
            yield f"{table} -", f"DELETE FROM {table} WHERE rowid = {row}"
            more = ", ".join(
                f"'new' || \"{n}\"" if k == "TEXT" else f'"{n}" + 77' if k == "INTEGER" else f'"{n}"'
                for n, k in columns
            )
            yield f"{table} +", f"INSERT INTO {table} SELECT {more} FROM {table} WHERE rowid = {row}"


def named(folder: Path, case: Case, edit: str) -> bool:
    """Whether audit names what an edit did to a copy of a ledger, or the ledger is refused for it."""
    copy = folder / "edited.db"
    shutil.copy(folder / "ledger.db", copy)
    with sqlite3.connect(copy, isolation_level=None) as there:
        assert there.execute(edit).rowcount == 1, edit
    there.close()
    try:
        with open_store(str(copy)) as store:
            return audit(Books(store, case)).faults != ()
    except LedgerError:
        return True
