"""A ledger on a real PostgreSQL: it goes away and comes back, and several write at once."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from detente.errors import LedgerError
from detente.ledger.books.books import Books
from detente.ledger.proof.audit import audit
from detente.ledger.store.opening import open_store
from tests.ledger.postgres_server import a_server, schema_of
from tests.ledger.served import contents, fresh, ingested, journal_of, served_case, spread

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"}}


def test_a_server_that_was_killed_and_came_back_loses_nothing(tmp_path: Path) -> None:
    case, records = served_case(FLOOR), spread(60)
    folder = journal_of(tmp_path / "j", records[:20])
    with a_server() as server, open_store(server.url, make=True) as store:
        ingested(store, case, folder, batch=7)
        server.stop(signal.SIGQUIT)  # at once, as a crash
        journal_of(folder, records[20:])
        with pytest.raises(LedgerError, match="nothing of this batch was written"):
            ingested(store, case, folder)
        with pytest.raises(LedgerError, match=r"postgresql://postgres@/postgres\?host"):
            open_store(server.url)
        server.start()
        assert ingested(store, case, folder, batch=7).calls == 40
        assert audit(Books(store, case)).faults == ()
        with fresh(tmp_path) as other:
            ingested(other, case, folder)
            assert contents(other) == contents(store)


def test_several_at_once_count_each_record_once(postgres: str, tmp_path: Path) -> None:
    url, case = schema_of(postgres, "several"), served_case(FLOOR)
    folder = journal_of(tmp_path / "j", spread(150))

    def run(_: int) -> int:
        with open_store(url, make=True) as store:
            return ingested(store, case, folder, batch=10).calls

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 150
    with open_store(url) as store:
        assert audit(Books(store, case)).faults == ()
        with store.reading() as session:
            assert session.number("SELECT COUNT(*) FROM calls") == 150
