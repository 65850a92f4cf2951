"""Use that bills and served calls both tell: said in whichever order they come, and nothing said where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.ledger.store.store import Store
from detente.ledger.use.twice import days_of_bills, days_of_no_bill, days_over
from detente.report.ledger.ingested import billed_view, ingested_view
from detente.values.micros import DAY, micros
from tests.builders import Data, day
from tests.ledger.bills.bill_files import INPUT, OTHER, bill, mapped, read, row
from tests.ledger.served import both, call, ingested, journal_of, served_case

SOUTH: Data = INPUT | {"where": {"ServiceName": "south"}, "offer": "south-api"}
DAYS = "2026-01-14T00:00:00Z,2026-01-17T00:00:00Z"


def bill_of(folder: Path) -> Path:
    """A row of the hour in which a call was served, one of three days, one of the day after; two of nothing else."""
    rows = [row("m in", "3", 1), row("m in", "3", 2, when=DAYS), row("south", "3", 1), row("Storage", "3")]
    return bill(folder / "b.csv", [*rows, row("m in", "3", 1, when="2026-01-16T00:00:00Z,2026-01-16T01:00:00Z")])


@both
def test_rows_of_what_was_served_that_day_are_told(store: Store, tmp_path: Path) -> None:
    case, said = served_case(), list[str]()
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-15T12:30")]))
    mapping, file = mapped(tmp_path, INPUT, SOUTH, OTHER), bill_of(tmp_path)
    told = read(store, case, mapping, file, batch=2)
    assert (told.added, told.twice, told.first_twice, told.whole) == (5, 2, f"{file}:2", True)
    billed_view(told, "USD", said.append, said.append)
    assert f"2 rows, the first at {file}:2, of offers and days of which the books hold calls" in said[0]
    again = read(store, case, mapping, file)
    assert (again.again, again.twice) == (5, 0)


@both
def test_calls_of_what_a_bill_tells_are_told(store: Store, tmp_path: Path) -> None:
    case, said = served_case(), list[str]()
    read(store, case, mapped(tmp_path, INPUT, OTHER), bill(tmp_path / "b.csv", [row("m in", "3", 1, when=DAYS)]))
    calls = [call(n, f"2026-01-{14 + n}T00:00") for n in range(4)]
    told = ingested(store, case, journal_of(tmp_path / "j", calls))
    assert (told.calls, told.twice, told.whole) == (4, 3, True)
    ingested_view(told, said.append, said.append)
    assert said[1].startswith("3 calls of offers and days of which the books hold rows of bills, too: if that is the")


def test_a_ledger_of_bills_alone_and_one_of_calls_alone_say_nothing(store: Store, tmp_path: Path) -> None:
    case, mapping = served_case(), mapped(tmp_path, INPUT, SOUTH, OTHER)
    assert read(store, case, mapping, bill_of(tmp_path)).twice == 0
    more = bill(tmp_path / "c.csv", [row("m in", "4", 7), row("m in", "4", "")])
    assert (read(store, case, mapping, more).added, read(store, case, mapping, more).twice) == (2, 0)
    with store.reading() as session:
        assert days_of_no_bill(session) == set()
        first = micros(day("2026-01-14")) // DAY
        assert days_of_bills(session) == {
            *(("north-api", first + n) for n in range(3)), ("south-api", first + 1),
        }  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "days"), [(0, 0, 1), (0, 1, 1), (0, DAY, 1), (0, DAY + 1, 2), (5, 2 * DAY, 2)]
)
def test_days_of_a_time(start: int, end: int, days: int) -> None:
    assert len(days_over(start, end)) == days
