"""Closing: what clauses come to is booked once, late records adjust the period that they belong to, by name."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import LedgerError
from detente.ledger.books.books import Books
from detente.ledger.books.closing import ClosedBooks, close
from detente.ledger.books.entry import LedgerEntry
from detente.ledger.books.statement import statement
from detente.ledger.store.store import Store
from detente.ledger.use.line import UseClass, UseLine
from detente.report.ledger.standing import closed_view
from detente.report.screen import Screen
from detente.values.micros import micros
from tests.builders import D, agreement, day, tokens, work
from tests.ledger.served import NOW, accounts, both, call, ingested, journal_of, served_case

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"}}
TENTH = (100_000, 0)
"""Tokens for 0.30 USD."""
FEE, OWED = "clause/north/north-deal/floor/shortfall-fee", "owed/north"
M = 1_000_000
"""A thousandth of a dollar, in billionths."""


@pytest.fixture
def case() -> Case:
    return served_case(FLOOR)


def closing(store: Store, case: Case, on: str) -> ClosedBooks:
    return close(Books(store, case), day(on), NOW)


def put(store: Store, case: Case, folder: Path, *records: bytes) -> None:
    ingested(store, case, journal_of(folder, records))


def entries(store: Store, account: str) -> list[LedgerEntry]:
    sql = "SELECT day, account, unit, amount, subject, adjusts FROM entries WHERE account = ? ORDER BY batch, n"
    with store.reading() as session:
        return [LedgerEntry(*row)._replace(amount=int(row[3])) for row in session.all(sql, (account,))]


@both
def test_a_shortfall_is_owed_once_its_window_has_ended(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH), call(2, "2026-02-01", TENTH))
    done = closing(store, case, "2026-02-01")
    assert done.unknown == ()
    # January drew 0.30 of 1: 0.70 is owed. February begins on the day: it has no part in what is closed.
    assert accounts(store) == {
        "use/north/north-api": 600 * M,
        FEE: 700 * M,
        OWED: -1300 * M,
        "drawn/north/north-deal/floor/spend": 300 * M,
        "counted/north/north-deal/floor/spend": -300 * M,
    }


@both
def test_closing_twice_changes_nothing(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, case, "2026-02-01")
    before = accounts(store)
    again = closing(store, case, "2026-02-01")
    assert (again.batch, again.entries, accounts(store)) == (0, (), before)


def test_what_is_booked_is_told_in_the_order_of_time(store: Store, tmp_path: Path) -> None:
    """Of twelve months, December does not stand behind January."""
    case = served_case(FLOOR, signed={"effective": "2025-07-01"})
    put(store, case, tmp_path / "j", call(1, "2025-07-15", TENTH))
    out = io.StringIO()
    closed_view(Screen(file=out, width=200), closing(store, case, "2026-07-01"), "2026-07-01", "USD")
    days = re.findall(r"^ +clause/\S+ +(\S+)", out.getvalue(), re.MULTILINE)
    assert len(days) == 12
    assert days == sorted(days)


@both
def test_what_accrued_is_reversed_by_what_is_owed(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, case, "2026-01-20")
    assert accounts(store)["accrued/north/north-deal/floor/floor"] == 700 * M
    assert FEE not in accounts(store)
    closing(store, case, "2026-07-01")
    # six months: 0.70 and five times 1; the clause ends then, and nothing accrues
    assert accounts(store)[FEE] == 5700 * M
    assert "accrued/north/north-deal/floor/floor" not in accounts(store)


def test_what_accrued_is_taken_back_where_its_window_ends_however_late_books_are_closed(
    store: Store, case: Case, tmp_path: Path
) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    for on in ("2026-01-20", "2026-04-11"):
        closing(store, case, on)
    # January accrued 0.70 and owes that at its end; April accrues 1; February and March are owed, and never accrued.
    found = entries(store, "accrued/north/north-deal/floor/floor")
    assert [(e.day, e.amount) for e in found] == [
        ("2026-01-19", 700 * M),
        ("2026-01-31", -700 * M),
        ("2026-04-10", 1000 * M),
    ]


def test_books_are_not_closed_for_a_day_that_is_to_come(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    with pytest.raises(LedgerError, match=r"2026-07-02 is still to come.* for 2026-07-01 or an earlier day"):
        closing(store, case, "2026-07-02")
    assert FEE not in accounts(store)
    closing(store, case, "2026-07-01")
    assert accounts(store)[FEE] == 5700 * M


def test_a_gateway_whose_clock_runs_ahead_is_closed_by_its_own_days(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-07-02", TENTH))
    closing(store, case, "2026-07-02")
    with pytest.raises(LedgerError, match="2026-07-03 is still to come"):
        closing(store, case, "2026-07-03")


def test_a_record_of_a_clock_far_ahead_closes_no_window_that_is_to_come(
    store: Store, case: Case, tmp_path: Path
) -> None:
    """It waits, told each time, and is on the books once its time has come; what stands behind it does not wait."""
    records = call(1, "2026-01-15", TENTH), call(2, "2027-01-15", TENTH), call(3, "2026-01-16", TENTH)
    folder = journal_of(tmp_path / "j", records)
    for calls in (2, 0):
        told = ingested(store, case, folder)
        assert (told.calls, told.whole) == (calls, False)
        (said,) = told.aside
        assert ": record 1: it is of 2027-01-15T00:00:00Z, more than a day from now (2026-07-01T00:00Z); see to" in said
    with pytest.raises(LedgerError, match="2026-12-01 is still to come"):
        closing(store, case, "2026-12-01")
    closing(store, case, "2026-07-01")
    assert accounts(store)["use/north/north-api"] == 600 * M
    told = ingested(store, case, folder, at=day("2027-01-14"))
    assert (told.calls, told.whole, accounts(store)["use/north/north-api"]) == (1, True, 900 * M)
    assert ingested(store, case, folder, at=day("2027-01-14")).records == 0
    assert ingested(store, case, folder, at=day("2026-01-14")).whole


def test_a_line_of_a_year_on_the_books_closes_none_of_it_ahead_of_time(store: Store, case: Case) -> None:
    year = micros(day("2026-01-01")), micros(day("2027-01-01"))
    Books(store, case).post(
        [UseLine(UseClass("use", {}, {"provider": "north"}), *year, listed=12 * M, net=12 * M)], NOW
    )
    with pytest.raises(LedgerError, match="2026-12-01 is still to come"):
        closing(store, case, "2026-12-01")


@both
def test_of_what_goes_on_after_the_day_the_part_before_it_counts(store: Store, case: Case) -> None:
    """1 USD from 31 January to 2 February, 0.20 less on its second day: January has 0.50, and February 0.30."""
    start, middle, end = (micros(day(on)) for on in ("2026-01-31", "2026-02-01", "2026-02-02"))
    of, off = UseClass("use", {}, {"provider": "north"}), (("less", middle, end, 200 * M),)
    Books(store, case).post([UseLine(of, start, end, listed=1000 * M, net=800 * M, off=off)], NOW)
    assert closing(store, case, "2026-02-01").batch
    assert accounts(store)[FEE] == 500 * M
    closing(store, case, "2026-03-01")
    assert [(each.day, each.amount // M) for each in entries(store, FEE)] == [("2026-01-31", 500), ("2026-02-28", 700)]
    for until, drawn in ((date(2026, 2, 1), ["0.5"]), (date(2026, 3, 1), ["0.5", "0.3"])):
        found = statement(Books(store, case), "north", date(2026, 1, 1), until)
        assert [each.standing.drawn for each in found.clauses if each.standing] == [*map(D, drawn)]


@both
def test_a_late_record_adjusts_the_closed_period_by_name(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, case, "2026-02-01")
    put(store, case, tmp_path / "k", call(2, "2026-01-31T23:59", TENTH), call(3, "2026-02-01", TENTH))
    used = entries(store, "use/north/north-api")
    assert [(e.day, e.amount, e.adjusts) for e in used] == [
        ("2026-01-15", 300 * M, ""),
        ("2026-02-01", 300 * M, ""),
        ("2026-02-01", 300 * M, "Jan 2026"),
    ]
    closing(store, case, "2026-02-01")
    assert [(e.day, e.amount, e.adjusts) for e in entries(store, FEE)] == [
        ("2026-01-31", 700 * M, ""),
        ("2026-02-01", -700 * M, "Jan 2026"),
        ("2026-02-01", 400 * M, "Jan 2026"),
    ]
    assert closing(store, case, "2026-02-01").entries == ()


def test_what_nothing_is_left_of_is_taken_back_as_an_adjustment_by_name(
    store: Store, case: Case, tmp_path: Path
) -> None:
    """A late Mtok of 3 USD meets January's floor of 1: its fee is taken back on the first day that is open."""
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, case, "2026-02-01")
    put(store, case, tmp_path / "k", call(2, "2026-01-20", (1_000_000, 0)))
    closing(store, case, "2026-03-01")
    assert [(e.day, e.amount, e.adjusts) for e in entries(store, FEE)] == [
        ("2026-01-31", 700 * M, ""),
        ("2026-02-01", -700 * M, "Jan 2026"),
        ("2026-02-28", 1000 * M, ""),
    ]


def test_books_are_not_closed_for_an_earlier_day(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, case, "2026-03-01")
    with pytest.raises(LedgerError, match="closed up to 2026-03-01, and not only to 2026-02-01"):
        closing(store, case, "2026-02-01")


def test_use_after_the_day_is_no_part_of_what_is_closed(store: Store, case: Case, tmp_path: Path) -> None:
    late, early = (call(n, when, TENTH) for n, when in ((1, "2026-01-15"), (2, "2026-01-25")))
    put(store, case, tmp_path / "j", late, early)
    closing(store, case, "2026-01-20")
    assert accounts(store)["drawn/north/north-deal/floor/spend"] == 300 * M


def test_a_clause_that_is_not_known_is_told_and_the_others_are_booked(store: Store, tmp_path: Path) -> None:
    cap = {
        "id": "cap",
        "kind": "spending-cap",
        "amount": "1 USD",
        "of": {"team": "sales"},
        "windows": {"every": "month"},
    }
    case = served_case(FLOOR, cap, workloads=[work(labels={"team": "sales"})])
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    done = closing(store, case, "2026-02-01")
    ((term, why),) = done.unknown
    assert done.unmetered == 0
    assert (term, "lacks the label `team`" in why) == ("cap", True)
    assert accounts(store)[FEE] == 700 * M


def test_use_of_unknown_amount_before_the_day_is_told(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", None), call(2, "2026-02-01", None))
    assert [closing(store, case, on).unmetered for on in ("2026-02-01", "2026-02-02")] == [1, 2]


@both
def test_discounts_are_booked_with_use_and_never_again(store: Store, tmp_path: Path) -> None:
    off = {"id": "off", "kind": "discount", "off": "10%"}
    credit = {"id": "gift", "kind": "credit", "amount": "0.10 USD"}
    case = served_case(off, credit)
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, case, "2026-07-01")
    found: dict[str, Any] = accounts(store)
    assert found["off/north/north-deal/off"] == -30 * M
    assert sum(amount for account, amount in found.items() if account.startswith("clause/")) == -100 * M
    assert found["owed/north"] == -(270 - 100) * M


def test_an_amended_clause_is_two_and_only_the_new_one_is_booked_anew(store: Store, tmp_path: Path) -> None:
    more = FLOOR | {"amount": "2 USD", "takes-over": "new-window"}
    amendment = agreement(more, id="more", amends="north-deal", effective="2026-02-01")
    old = served_case(FLOOR)
    put(store, old, tmp_path / "j", call(1, "2026-01-15", TENTH), call(2, "2026-02-15", TENTH))
    closing(store, old, "2026-03-01")
    assert accounts(store)[FEE] == 1400 * M
    new = served_case(FLOOR, also=[amendment])
    closing(store, new, "2026-03-01")
    # February is the new text's: its fee of 0.70 is reversed, and 1.70 are owed under the amendment
    assert (accounts(store)[FEE], accounts(store)["clause/north/more/floor/shortfall-fee"]) == (700 * M, 1700 * M)


@pytest.mark.parametrize(
    ("then", "fees", "accrued", "gone"),
    [
        # 0.30 of 1 in January; February owes 1 whole, and its 2 whole where 2 are asked from then on
        ({"also": [agreement(FLOOR | {"amount": "2 USD", "takes-over": "new-window"}, id="more", amends="north-deal",
                             effective="2026-02-01")]}, {"north-deal/floor": 700, "more/floor": 2000}, [2000], []),
        ({"signed": {"effective": "2025-12-01", "ends": "2026-07-01"}}, {"north-deal/floor": 2700}, [1000], []),
        ({"terms": [FLOOR | {"id": "least"}]}, {"north-deal/least": 1700}, [1000], [("north-deal", "floor")]),
        ({"terms": []}, {}, [], [("north-deal", "floor")]),
    ],
    ids=["an-amendment-of-another-day", "an-agreement-of-another-day", "another-id", "taken-out"],
)  # fmt: skip
def test_what_is_booked_of_a_text_that_the_case_has_no_more_is_taken_back(
    store: Store,
    tmp_path: Path,
    then: dict[str, Any],
    fees: dict[str, int],
    accrued: list[int],
    gone: list[tuple[str, str]],
) -> None:
    """It was charged again by its other day or id, and the old fee and accrual stayed."""
    text = FLOOR | {"amount": "2 USD", "takes-over": "new-window"}
    amendment = agreement(text, id="more", amends="north-deal", effective="2026-03-01")
    first = served_case(FLOOR, also=[amendment] if "also" in then else [])
    put(store, first, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, first, "2026-03-10")
    assert accounts(store)[FEE] == 1700 * M
    case = served_case(*then.get("terms", [FLOOR]), **{key: then[key] for key in then if key != "terms"})
    done = closing(store, case, "2026-03-10")
    found = accounts(store)
    clauses = {name.split("/", 2)[2]: amount for name, amount in found.items() if name.startswith("clause/")}
    assert clauses == {f"{of}/shortfall-fee": amount * M for of, amount in fees.items()}
    assert found[OWED] == -(300 + sum(fees.values())) * M
    assert [amount // M for account, amount in found.items() if account.startswith("accrued/")] == accrued
    assert list(done.gone) == gone
    out = io.StringIO()
    closed_view(Screen(file=out, width=200), done, "2026-03-10", "USD")
    assert ("`north-deal` has no `floor` any more: what was booked of it is taken back" in out.getvalue()) == (
        gone != []
    )
    assert closing(store, case, "2026-03-10").entries == ()


def test_what_is_booked_of_a_clause_that_is_not_known_stays(store: Store, tmp_path: Path) -> None:
    """Of a text of another day, too: nobody knows what stands in its place."""
    case = served_case(FLOOR)
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, case, "2026-02-01")
    sales = FLOOR | {"of": {"team": "sales"}}
    unknown = served_case(sales, workloads=[work(labels={"team": "sales"})], signed={"effective": "2025-12-01"})
    done = closing(store, unknown, "2026-02-01")
    assert (done.entries, [term for term, _ in done.unknown], done.gone) == ((), ["floor"], ())


def test_a_discount_is_booked_under_the_agreement_that_it_stood_in(store: Store, tmp_path: Path) -> None:
    off = {"id": "off", "kind": "discount", "off": "10%"}
    amendment = agreement(off | {"off": "20%"}, id="more", amends="north-deal", effective="2026-02-01")
    case = served_case(off, also=[amendment])
    put(store, case, tmp_path / "j", call(1, "2026-01-31T23:59", TENTH), call(2, "2026-02-01", TENTH))
    assert accounts(store)["off/north/north-deal/off"] == -30 * M
    assert accounts(store)["off/north/more/off"] == -60 * M


def test_another_price_of_another_day_leaves_what_is_booked(store: Store, case: Case, tmp_path: Path) -> None:
    """Lines are rated once, at the prices of their day as the case then said."""
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    dearer = served_case(FLOOR, offers=[tokens("north", 4), tokens("south", 2)])
    put(store, dearer, tmp_path / "k", call(2, "2026-01-15", TENTH))
    assert accounts(store)["use/north/north-api"] == 700 * M
