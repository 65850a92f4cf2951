"""What came late: what is closed stays closed, to the byte, and the next statement has it."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import LedgerError
from detente.ledger.bills.focus_export import FocusExport
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.ingest import Ingest, journals
from detente.ledger.books.statement import Statement, statement
from detente.ledger.proof.audit import audit
from detente.ledger.store.store import Store
from detente.ledger.store.tables import MIGRATIONS
from detente.report.ledger.statement import statement_view, statements_csv, statements_json
from detente.report.pages.statement_page import render_statements
from detente.report.screen import Screen
from detente.values.micros import at_micros
from detente.values.period import stretch
from tests.builders import day, tokens, work
from tests.ledger.served import NOW, accounts, both, call, contents, fresh, ingested, journal_of, served_case

FLOOR = {"kind": "minimum-commitment", "amount": "1 USD", "measure": "after-discounts"}
CLAUSES = (
    FLOOR | {"id": "floor", "windows": {"every": "month"}},
    FLOOR | {"id": "year", "amount": "9 USD", "windows": {"every": "year"}},
    FLOOR | {"id": "labelled", "windows": {"every": "month"}, "of": {"team": "vision"}},
    {"id": "off", "kind": "discount", "off": "10%"},
)
TENTH = (100_000, 0)
TENTHS = {3: Decimal("0.3"), 6: Decimal("0.6")}


def two_teams() -> Case:
    return served_case(*CLAUSES, workloads=[work(labels={"team": "vision"})])


def forms(found: Statement) -> str:
    """A statement as people, spreadsheets, programs and browsers get it."""
    shown = io.StringIO()
    statement_view(Screen(width=100, highlight=False, soft_wrap=False, file=shown), found)
    return shown.getvalue() + statements_csv([found]) + statements_json([found]) + render_statements([found], "case")


def of(store: Store, case: Case, window: str) -> Statement:
    return statement(Books(store, case), "north", *stretch(window))


def closing(store: Store, case: Case, on: str) -> None:
    close(Books(store, case), day(on), NOW)


def exported(store: Store, case: Case, found: Statement) -> int:
    """What the rows of a statement's time come to as FOCUS has them, in billionths."""
    rows = FocusExport(Books(store, case), found.start, found.end).rows()
    return int(sum(Decimal(row["EffectiveCost"]) for row in rows) * 10**9)


def drawn(found: Statement, term: str) -> Decimal:
    (stands,) = (c.standing for c in found.clauses if c.term == term)
    assert stands is not None
    return stands.drawn


@both
def test_a_late_record_counts_in_the_month_that_is_open(store: Store, tmp_path: Path) -> None:
    case = served_case(CLAUSES[0])
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-15", TENTH)]))
    closing(store, case, "2026-02-01")
    before = of(store, case, "2026-01")
    ingested(store, case, journal_of(tmp_path / "k", [call(2, "2026-01-20", TENTH), call(3, "2026-01-31", None)]))
    closing(store, case, "2026-03-01")
    january, both_months = of(store, case, "2026-01"), of(store, case, "2026-01-01")
    assert (drawn(before, "floor"), drawn(january, "floor"), before.unknown, january.unknown) == (
        TENTHS[3],
        TENTHS[3],
        0,
        0,
    )
    assert january == before
    assert both_months.closed == day("2026-01-02")
    february = statement(Books(store, case), "north", day("2026-01-01"), day("2026-03-01"))
    ((first, _),) = ([c.standing for c in february.clauses if c.term == "floor"],)
    assert first is not None
    assert (first.drawn, february.unknown) == (TENTHS[6], 1)  # by then it was on the books
    assert audit(Books(store, case)).faults == ()


def test_books_that_are_closed_again_on_the_same_day_accrue_from_there_on(store: Store, tmp_path: Path) -> None:
    case = served_case(CLAUSES[1])  # 9 USD a year: 0.3 drawn, and 8.7 accrue; later 0.6 and 8.4
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-15", TENTH)]))
    closing(store, case, "2026-02-01")
    before = of(store, case, "2026-01")
    ingested(store, case, journal_of(tmp_path / "k", [call(2, "2026-01-20", TENTH)]))
    closing(store, case, "2026-02-01")
    assert (of(store, case, "2026-01").accruing, before.accruing) == (8_700_000_000, 8_700_000_000)
    assert of(store, case, "2026-02").accruing == 8_400_000_000


Late = tuple[int, int, tuple[int, int] | None, str]
late = st.tuples(
    st.integers(1, 12), st.integers(1, 60), st.none() | st.just(TENTH), st.sampled_from(["begun", "complete"])
)


@settings(deadline=None, max_examples=8, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(early=st.lists(late, max_size=6), late=st.lists(late, min_size=1, max_size=6), days=st.data())
def test_a_statement_of_a_closed_month_is_the_same_to_the_byte_whatever_comes_late(
    early: Sequence[Late], late: Sequence[Late], days: st.DataObject
) -> None:
    case = two_teams()
    with tempfile.TemporaryDirectory() as place, fresh(Path(place)) as store:
        ingested(store, case, journal_of(Path(place, "j"), [call(0, "2026-01-15", TENTH), *map(record, early)]))
        closing(store, case, "2026-02-01")
        told = [forms(of(store, case, window)) for window in ("2026-01", "2026-01-20")]
        for n, on in enumerate(days.draw(st.permutations(["2026-02-01", "2026-02-01", "2026-03-01"]).map(sorted))):
            ingested(store, case, journal_of(Path(place, f"k{n}"), list(map(record, late[n::3]))))
            closing(store, case, on)
            assert [forms(of(store, case, window)) for window in ("2026-01", "2026-01-20")] == told
            months = [of(store, case, window) for window in ("2026-01", "2026-02", "2026-03")]
            assert [exported(store, case, m) for m in months] == [m.closing - m.opening for m in months]
        assert audit(Books(store, case)).faults == ()


def record(found: Late) -> bytes:
    """A call, its beginning, or one of a stream that began; some lack the label that a clause asks for."""
    number, on, used, outcome = found
    labels: dict[str, Any] = {} if number % 3 == 0 else {"team": "vision"}
    at = f"2026-{1 + on // 32:02}-{1 + on % 28:02}"
    return call(number, at, None if outcome == "begun" else used, outcome=outcome, labels=labels)


@both
def test_a_ledger_of_a_version_before_finds_what_came_late(store: Store, tmp_path: Path) -> None:
    case = served_case(*CLAUSES[:2])
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-15", TENTH)]))
    closing(store, case, "2026-02-01")
    late = [call(n, "2026-01-20", TENTH) for n in (2, 3)]
    ingested(store, case, journal_of(tmp_path / "k", [*late, call(4, "2026-02-02", TENTH)]))
    closing(store, case, "2026-03-01")
    ingested(store, case, journal_of(tmp_path / "l", [call(5, "2026-02-20", TENTH)]))
    noted = late_lines(store)
    assert [closed for *_, closed in noted] == [day("2026-02-01"), day("2026-02-01"), day("2026-03-01")]
    with store.writing() as session:
        session.run("DROP TABLE late")
        for statement in MIGRATIONS[3]:
            session.run(statement.format_map(store.types))
    assert late_lines(store) == noted


def late_lines(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as session:
        rows = session.all("SELECT batch, n, closed FROM late ORDER BY batch, n")
        return [(batch, n, at_micros(int(closed))) for batch, n, closed in rows]


def test_a_note_that_was_removed_is_found(store: Store, tmp_path: Path) -> None:
    case = served_case(CLAUSES[0])
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-15", TENTH)]))
    closing(store, case, "2026-02-01")
    ingested(store, case, journal_of(tmp_path / "k", [call(2, "2026-01-20", TENTH)]))
    with store.writing() as session:
        session.run("DELETE FROM late")
    (fault,) = audit(Books(store, case)).faults
    assert str(fault) == "batch 3, late, row 0: whether it came late is not what the closings say"


@both
def test_late_use_is_told_as_it_is_priced_where_it_is_booked(store: Store, tmp_path: Path) -> None:
    """0.30 EUR in January at 1.10, 0.33 USD; the same late, on the books in February, at the rate of its own day."""
    rate = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    euro = tokens("north", 3) | {"price": {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}}
    case = served_case(offers=[euro, tokens("south", 2)], exchange=[{"rate": rate, "day": "use"}])

    def told(start: str, end: str) -> list[tuple[int, int]]:
        found = statement(Books(store, case), "north", day(start), day(end))
        assert sum(each.listed for each in found.stated) == sum(line.amount for line in found.lines)
        return [(each.stated // 10**7, each.listed // 10**7) for each in found.stated]

    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-15", TENTH), call(2, "2026-02-15", TENTH)]))
    closing(store, case, "2026-02-01")
    ingested(store, case, journal_of(tmp_path / "k", [call(3, "2026-01-20", TENTH)]))
    for _ in ("while February is open", "once it is closed"):
        assert told("2026-01-01", "2026-02-01") == [(30, 33)]
        assert told("2026-02-01", "2026-03-01") == [(60, 36 + 33)]
        assert told("2026-01-01", "2026-03-01") == [(90, 33 + 33 + 36)]
        closing(store, case, "2026-03-01")


# -- clocks that step back ---------------------------------------------------------------------------------------------
@both
def test_a_clock_that_steps_back_loses_nothing_and_doubles_nothing(store: Store, tmp_path: Path) -> None:
    """Of the gateway (12:10, then 11:00), and of who ingests (two days earlier): the books are those of any order."""
    case = two_teams()
    times = [f"2026-01-15T{at}" for at in ("12:00", "12:10", "11:00", "11:05", "12:05")]
    records = [call(n, at, TENTH) for n, at in enumerate(times)]
    for worker, (some, at) in enumerate(((records[:3], NOW), (records[3:], NOW - timedelta(days=2)))):
        found = Ingest(Books(store, case), 2).run(journals([journal_of(tmp_path / str(worker), some, worker)]), at)
        assert (found.calls, found.whole) == (len(some), True)
        assert not Ingest(Books(store, case), 2).run(journals([tmp_path / str(worker)]), at - timedelta(days=1)).calls
    with fresh(tmp_path) as other:
        ingested(other, case, journal_of(tmp_path / "sorted", [records[n] for n in (2, 3, 0, 4, 1)], 2))
        assert contents(store) == contents(other)
    assert audit(Books(store, case)).faults == ()


def test_books_that_were_closed_stay_so_when_the_clock_steps_back(store: Store, tmp_path: Path) -> None:
    """What came before a day is counted on it, whatever the clock says now; and a day that it has not reached waits."""
    case = two_teams()
    ingested(store, case, journal_of(tmp_path / "a", [call(0, "2026-01-15T12:00", TENTH)]))
    close(Books(store, case), day("2026-02-01"), day("2026-02-02"))
    before = accounts(store)
    with pytest.raises(LedgerError, match="2026-03-01 is still to come"):
        close(Books(store, case), day("2026-03-01"), day("2026-01-20"))
    with pytest.raises(LedgerError, match="the books are closed up to 2026-02-01"):
        close(Books(store, case), day("2026-01-16"), day("2026-01-20"))
    assert accounts(store) == before
    late = journal_of(tmp_path / "b", [call(1, "2026-01-15T11:00", TENTH)], 1)
    Ingest(Books(store, case)).run(journals([late]), day("2026-01-10"))
    assert [line.adjusts for line in of(store, case, "2026-02").lines] == ["Jan 2026", "Jan 2026"]
    assert audit(Books(store, case)).faults == ()
