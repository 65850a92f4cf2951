"""How far the books lag: each worker's records that are not on them, from the files and the marks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detente.ledger.journals import lag
from detente.ledger.journals.journal import Journal, files
from detente.ledger.journals.lag import JournalLag, folders_of, lags, read_up_to, said
from detente.ledger.store.store import Store
from tests.ledger.served import both, call, ingested, served_case, spread

CASE = served_case()
FIRST = datetime(2026, 1, 15, tzinfo=UTC)
EVERY = timedelta(minutes=7)


def behind(store: Store, folder: Path) -> tuple[JournalLag, ...]:
    with store.reading() as session:
        return lags([folder], read_up_to(session))


@both
def test_what_is_not_on_the_books_is_counted_by_worker_over_its_files(store: Store, tmp_path: Path) -> None:
    folder, records = tmp_path / "j", spread(40)
    workers = [Journal(folder, n, rotate_at=2048) for n in (0, 1)]
    for n, record in enumerate(records[:20]):
        workers[n % 2].append(record)
    assert behind(store, folder) == (
        JournalLag(f"{folder}/w0", 10, FIRST),
        JournalLag(f"{folder}/w1", 10, FIRST + EVERY),
    )
    ingested(store, CASE, folder)
    assert behind(store, folder) == (JournalLag(f"{folder}/w0", 0, None), JournalLag(f"{folder}/w1", 0, None))
    for record in records[20:]:
        workers[1].append(record)
    first, second = behind(store, folder)
    assert (first.records, second) == (0, JournalLag(f"{folder}/w1", 20, FIRST + 20 * EVERY))
    assert len(files(folder)) > 4, "over files that ended"
    ingested(store, CASE, folder)
    assert [each.records for each in behind(store, folder)] == [0, 0]
    with store.reading() as session:
        assert folders_of(read_up_to(session)) == [folder]
    for worker in workers:
        worker.close()


def test_it_is_told_for_how_long_the_first_has_waited() -> None:
    found = JournalLag("j/w0", 1, FIRST)
    assert [found.late(FIRST + timedelta(seconds=n)) for n in (0, 60, 61, -5)] == [False, False, True, False]
    assert (
        said(found, FIRST + timedelta(seconds=90))
        == "j/w0: 1 record of it is not on the books, the first of them for 90 s"
    )
    more = JournalLag("j/w0", 20_000, FIRST, exact=False)
    assert said(more, FIRST).startswith("j/w0: about 20,000 records of it are not on the books")
    assert JournalLag("j/w0", 0, None).seconds(FIRST) == 0


def test_of_very_many_the_number_is_estimated(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "MAX_COUNTED", 10)
    journal = Journal(tmp_path / "j", 0)
    for n in range(100, 200):
        journal.append(call(n))
    journal.close()
    assert behind(store, tmp_path / "j") == (
        JournalLag(f"{tmp_path}/j/w0", 100, FIRST + timedelta(hours=12), exact=False),
    )


def test_what_was_set_aside_is_no_lag(store: Store, tmp_path: Path) -> None:
    """A damaged record, and all behind it, is read again each time; that is told elsewhere."""
    journal = Journal(tmp_path / "j", 0)
    for n in range(5):
        journal.append(call(n))
    journal.close()
    (path,) = files(tmp_path / "j")
    whole = path.read_bytes()
    place = whole.index(b"req_2")
    path.write_bytes(whole[:place] + b"X" + whole[place + 1 :])
    assert len(ingested(store, CASE, tmp_path / "j").troubles) == 2
    assert behind(store, tmp_path / "j") == (JournalLag(f"{tmp_path}/j/w0", 0, None),)
