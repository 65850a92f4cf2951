"""A watch on the books sees what is on them, also those of a backup that took the ledger's place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from detente.case.case import Case
from detente.gateway.deciding.standings import Standings
from detente.gateway.serving.beside.watch import BooksWatch
from tests.builders import D, day
from tests.gateway.http.peer import run
from tests.gateway.stage import Hands
from tests.ledger.books.test_stands import FLOOR, every_day
from tests.ledger.ledger_files import moved_away, put_back
from tests.ledger.served import fresh, ingested, journal_of, served_case

CASE: Case = served_case(FLOOR)


def drawn(standings: Standings) -> Decimal:
    assert standings.seen is not None
    (clause,) = standings.seen.clauses
    assert clause.standing is not None
    return clause.standing.drawn


def test_a_backup_with_as_many_batches_is_looked_at_at_once(tmp_path: Path) -> None:
    """10 days at 0.30 USD, and 20: each is one batch, and no time passes."""
    for name, days in (("now", 20), ("backup", 10)):
        (tmp_path / name).mkdir()
        with fresh(tmp_path / name) as store:
            ingested(store, CASE, journal_of(tmp_path / name / "j", every_day(days)))
    ledger, standings, found = tmp_path / "now" / "ledger.db", Standings(), list[Decimal]()

    async def main() -> None:
        watch = BooksWatch(str(ledger), tmp_path / "live", standings, Hands(day("2026-01-21")), print)
        watch.follow(CASE)
        await watch.look()
        found.append(drawn(standings))
        moved_away(ledger)
        put_back(tmp_path / "backup" / "ledger.db", ledger)
        for _ in range(2):
            await watch.look()
            found.append(drawn(standings))
        watch.close()

    run(main())
    assert found == [D(6), D(6), D(3)], "first it is told that another is there"
