"""Days of a statement begin on the clock of the party's agreements: New York's are hours later than UTC's. By hand."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.contract.metered.counting_moment import by_invoice
from detente.errors import LedgerError
from detente.ledger.bills.focus_export import FocusExport
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.idle import idle_lines
from detente.ledger.books.pace import UseRhythm
from detente.ledger.books.stands import stands
from detente.ledger.books.statement import Statement, statement
from detente.ledger.proof.audit import audit
from detente.ledger.store.store import Store
from detente.ledger.use.line import UseClass, UseLine
from detente.ledger.use.purchases import BookedPurchase, invoices
from detente.report.ledger.statement import notes_of, statements_json
from detente.report.pages.statement_page import render_statements
from detente.results.plan_rows import Purchase
from detente.values.micros import at_micros, micros
from detente.values.period import moment
from detente.values.zone import zone_of
from tests.builders import D, agreement, compute, day, gpus, tokens, work
from tests.ledger.served import NOW, accounts, both, call, ingested, journal_of, served_case

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"}}
TENTH = (100_000, 0)
"""Tokens of 0.30 USD."""
NEW_YORK, M = "America/New_York", 1_000_000


def case_in(zone: str, *terms: Any, **more: Any) -> Case:
    head = {"start": "2026-01-01", "end": "2027-01-01", "every": "month", "zone": zone}
    return served_case(*(terms or (FLOOR,)), signed={"zone": zone} | more.pop("signed", {}), horizon=head, **more)


def put(store: Store, case: Case, folder: Path, *at: str) -> None:
    ingested(store, case, journal_of(folder, [call(n, when, TENTH) for n, when in enumerate(at)]))


def of(books: Books, since: str, until: str) -> Statement:
    return statement(books, "north", date.fromisoformat(since), date.fromisoformat(until))


def lines(found: Statement) -> list[tuple[str, str, int]]:
    return [(line.kind, line.adjusts, line.amount // M) for line in found.lines]


@both
@pytest.mark.parametrize(
    ("zone", "last", "first", "month", "after"),
    [
        (NEW_YORK, "2026-02-01T04:30", "2026-02-01T05:00", "2026-01-01", "2026-02-01"),
        (NEW_YORK, "2026-04-01T03:30", "2026-04-01T04:00", "2026-03-01", "2026-04-01"),  # the clock was put forward
        ("Europe/Berlin", "2026-01-31T22:30", "2026-01-31T23:00", "2026-01-01", "2026-02-01"),
        ("Asia/Kolkata", "2026-01-31T18:29", "2026-01-31T18:30", "2026-01-01", "2026-02-01"),
    ],
)
def test_the_last_hours_of_a_month_are_its_own(
    store: Store, tmp_path: Path, zone: str, last: str, first: str, month: str, after: str
) -> None:
    case = case_in(zone)
    put(store, case, tmp_path / "j", last, first)
    books = Books(store, case)
    on = date.fromisoformat(after)
    close(books, books.begins(on), NOW)
    found = of(books, month, after)
    assert (found.settled, lines(found)) == (True, [("use", "", 300), ("clause", "", 700)])
    assert found.start == moment(date.fromisoformat(month), zone_of(zone))
    (floor,) = [each.standing for each in found.clauses if each.standing is not None]
    assert (floor.start, floor.end, floor.drawn) == (found.start, found.end, D("0.3"))
    going_on = statement(books, "north", on, date(2026, 12, 1))
    assert (going_on.opening, lines(going_on)) == (found.closing, [("use", "", 300)])
    # what comes late is of the next statement, and names the month of that clock
    ingested(store, case, journal_of(tmp_path / "late", [call(9, last, TENTH)], worker=1))
    assert of(books, month, after).lines == found.lines
    assert ("use", f"{date.fromisoformat(month):%b %Y}", 300) in lines(statement(books, "north", on, date(2026, 12, 1)))
    assert audit(books).faults == ()


def test_a_day_is_closed_once_it_has_begun_for_everybody(store: Store, tmp_path: Path) -> None:
    case = case_in(NEW_YORK)
    put(store, case, tmp_path / "j", "2026-01-15")
    books = Books(store, case)
    assert books.begins(date(2026, 2, 1)) == datetime(2026, 2, 1, 5, tzinfo=UTC)
    assert Books(store, case_in("Asia/Tokyo")).begins(date(2026, 2, 1)) == day("2026-02-01")
    with pytest.raises(LedgerError, match=r"2026-02-01 is still to come.*for 2026-01-31 or an earlier day"):
        close(books, books.begins(date(2026, 2, 1)), datetime(2026, 2, 1, 3, tzinfo=UTC))


@both
@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC"])
def test_what_accrues_is_of_the_day_before_its_partys_own_begins(store: Store, tmp_path: Path, zone: str) -> None:
    """A quarter's floor of 1 USD, 0.30 in April, beside New York: as of 1 May 0.70 accrue, and all of it on 30 April.

    The use of 00:10 on 1 May there was before the moment of closing, in April of nobody.
    """
    floor = FLOOR | {"windows": {"every": "quarter", "starts": "2026-01-01"}}
    case = case_in(zone, floor, also=[agreement(FLOOR | {"id": "other"}, id="second", party="south", zone=NEW_YORK)])
    begun = moment(date(2026, 5, 1), zone_of(zone)).astimezone(UTC)
    put(store, case, tmp_path / "j", "2026-04-02", f"{begun + timedelta(minutes=10):%Y-%m-%dT%H:%M}")
    books = Books(store, case)
    for on in (date(2026, 4, 1), date(2026, 5, 1)):
        close(books, books.begins(on), NOW)
    april = of(books, "2026-04-01", "2026-05-01")
    assert (april.settled, april.accruing // M, lines(april)) == (True, 700, [("use", "", 300)])
    (standing,) = [each.standing for each in april.clauses if each.standing is not None]
    assert standing.accruing == D("0.7")
    # what comes late for that day is of a day that is open, and adjusts nothing
    ingested(store, case, journal_of(tmp_path / "k", [call(9, f"{begun:%Y-%m-%dT%H:%M}", TENTH)], worker=1))
    may = of(books, "2026-05-01", "2026-06-01")
    assert (may.accruing // M, lines(may)) == (700, [("use", "", 600)])
    close(books, books.begins(date(2026, 5, 2)), NOW)
    assert of(books, "2026-04-01", "2026-05-01") == april
    assert of(books, "2026-05-01", "2026-06-01").accruing // M == 100


def test_a_party_of_two_clocks_has_days_of_utc_and_is_told(store: Store, tmp_path: Path) -> None:
    other = agreement({**FLOOR, "id": "other", "windows": {"every": "month", "cut": "prorate"}}, id="second")
    case = case_in(NEW_YORK, also=[other])
    put(store, case, tmp_path / "j", "2026-02-01T04:30")
    books = Books(store, case)
    close(books, books.begins(date(2026, 3, 1)), NOW)
    found = of(books, "2026-02-01", "2026-03-01")
    assert (found.start, lines(found)[0]) == (day("2026-02-01"), ("use", "", 300))
    told = "agreements with north go by several clocks, and days here by that of UTC; use and fees of the last hours of"
    assert [note for note in notes_of(found) if note.startswith(told) and NEW_YORK in note]


@pytest.mark.parametrize(
    ("zone", "last", "first", "minutes"),
    [
        ("Asia/Kathmandu", "2026-01-31T18:14", "2026-01-31T18:15", 15),
        ("America/St_Johns", "2026-02-01T03:29", "2026-02-01T03:30", 30),
        ("Australia/Lord_Howe", "2026-01-31T12:59", "2026-01-31T13:00", 30),
        ("Australia/Lord_Howe", "2026-04-30T13:29", "2026-04-30T13:30", 30),  # half an hour less far ahead
    ],
)
def test_windows_that_begin_within_an_hour_divide_it(
    store: Store, tmp_path: Path, zone: str, last: str, first: str, minutes: int
) -> None:
    """0.30 USD in the last minute of a month, and 0.60 in the first of the next; a row of FOCUS is for a step."""
    case = case_in(zone, FLOOR | {"measure": "list"})
    put(store, case, tmp_path / "j", last, first, first)
    books = Books(store, case)
    found = stands(books, NOW, all_windows=True).clauses
    drawn = [each.standing.drawn for each in found if each.standing is not None and each.standing.drawn]
    assert drawn == [D("0.3"), D("0.6")]
    rows = list(FocusExport(books, day("2026-01-01"), day("2026-07-01")).rows())
    assert {(r["ChargePeriodStart"], r["ChargePeriodEnd"]) for r in rows} == {
        (f"{at:%Y-%m-%dT%H:%M}:00Z", f"{at + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}:00Z")
        for n, told in enumerate((last, first))
        for at in [datetime.fromisoformat(first) - timedelta(minutes=minutes) * (1 - n)]
    }
    assert audit(books).faults == ()


def test_a_ledger_by_the_hour_has_no_days_that_begin_within_one(store: Store, tmp_path: Path) -> None:
    put(store, case_in(NEW_YORK), tmp_path / "j", "2026-01-15")
    told = (
        "its use is summed by 60 minutes, and days begin within them on the clock of Asia/Kolkata; "
        "make a ledger anew of the same journals and bills, or leave the `zone` as it was"
    )
    with pytest.raises(LedgerError, match=f"{re.escape(told)}$"):
        put(store, case_in("Asia/Kolkata"), tmp_path / "k", "2026-01-16")


def test_a_ledger_by_the_half_hour_stays_so(store: Store, tmp_path: Path) -> None:
    """It may be of clocks that begin days with an hour again, and of Lord Howe's; of Kathmandu's it is not."""
    for zone in ("Asia/Kolkata", "UTC", "Australia/Lord_Howe"):
        case = case_in(zone)
        put(store, case, tmp_path / zone.replace("/", "-"), "2026-01-31T18:29", "2026-01-31T18:30")
        assert audit(Books(store, case)).faults == ()
    with pytest.raises(LedgerError, match=r"summed by 30 minutes, .* of Asia/Kathmandu; "):
        stands(Books(store, case_in("Asia/Kathmandu")), NOW)


def test_what_stood_idle_is_told_by_the_half_hour_in_which_it_did(store: Store, tmp_path: Path) -> None:
    """Reserved from midnight in Kolkata for two hours of 10 USD: four halves of 5; the use of the second is charged 5.

    Used before it began, at 18:29, is not of it.
    """
    offers = [tokens("north", 3), tokens("south", 2), gpus("north", 10, buy="reserved", term="1 month")]
    case = case_in("Asia/Kolkata", offers=offers, workloads=[work(), compute()])
    start = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
    held = Purchase("north-gpus", "north", start, start + timedelta(hours=2), 1, D(2), D(20), True)
    books = Books(store, case)
    of_gpus = UseClass("use", {"workload": "train"}, case.offer_facts["north-gpus"])
    for minutes in (-1, 31):
        at = micros(start + timedelta(minutes=minutes))
        books.post([UseLine(of_gpus, at, at, taken=4_000 * M, listed=5_000 * M, net=5_000 * M)], NOW)
    with store.reading() as session:
        found = [
            (at_micros(line.start) - start, line.net // M)
            for line in idle_lines(session, books, [held], NOW)
            if line.net
        ]
    assert found == [(timedelta(minutes=30 * n), 5_000) for n in (0, 2, 3)]


def test_it_says_whose_clock_it_goes_by(store: Store, tmp_path: Path) -> None:
    case = case_in(NEW_YORK)
    put(store, case, tmp_path / "j", "2026-01-15")
    found = of(Books(store, case), "2026-01-01", "2026-02-01")
    (told,) = json.loads(statements_json([found]))["statements"]
    assert (told["from"], told["until"], told["zone"]) == ("2026-01-01", "2026-02-01", NEW_YORK)
    assert f"Days begin on the clock of {NEW_YORK}." in render_statements([found], "case")


def test_a_day_of_another_clock_is_booked_where_most_of_it_lies(store: Store) -> None:
    """A bill tells the first of February, by UTC, as one row: nineteen of its hours are of February in New York."""
    case, start = case_in(NEW_YORK), micros(day("2026-02-01"))
    books = Books(store, case)
    of_north = UseClass("use", {"workload": "chat"}, case.offer_facts["north-api"])
    books.post([UseLine(of_north, start, micros(day("2026-02-02")), listed=M, net=M)], NOW)
    assert [len(of(books, *each).lines) for each in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01"))] == [
        0,
        1,
    ]


def test_invoices_are_rounded_by_the_months_of_their_party(store: Store, tmp_path: Path) -> None:
    """0.301 and 0.302 in New York's January, and 0.302 in its February: 0.603 is 0.60, and 0.302 is 0.30."""
    case = case_in(NEW_YORK, FLOOR | {"amount": "0 USD"}, signed={"rounding": {"per": "invoice"}})
    used = [("2026-01-15", 301), ("2026-02-01T04:30", 302), ("2026-02-01T05:30", 302)]
    put_in = [call(n, at, (count * 1000 // 3 + (count * 1000 % 3 > 0), 0)) for n, (at, count) in enumerate(used)]
    ingested(store, case, journal_of(tmp_path / "j", put_in))
    books = Books(store, case)
    close(books, books.begins(date(2026, 3, 1)), NOW)
    for since, until in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01")):
        found = of(books, since, until)
        assert sum(line.amount for line in found.lines) == {"2026-01-01": 600, "2026-02-01": 300}[since] * M
    assert accounts(store)["rounding/north/north-deal"] < 0


def test_a_month_in_which_the_clock_is_put_forward_is_an_hour_shorter() -> None:
    """From 28 March to 2 April in Berlin there are 119 hours, and 95 of them are of March."""
    berlin = zone_of("Europe/Berlin")
    start, end = (datetime(2026, *each, tzinfo=berlin) for each in ((3, 28), (4, 2)))
    hour = 3_600_000_000
    assert [(part // hour, whole // hour) for _, part, whole in by_invoice(start, end)] == [(95, 119), (24, 119)]


def test_where_a_window_is_heading_goes_by_its_own_days(store: Store, tmp_path: Path) -> None:
    """0.30 USD a day at noon; at 22:00 on Friday the 30th in New York, two hours and Saturday are left of January."""
    case = case_in(NEW_YORK)
    put(store, case, tmp_path / "j", *(f"2026-01-{n:02}T17:00" for n in range(1, 31)))
    (found,) = stands(Books(store, case), datetime(2026, 1, 31, 3, tzinfo=UTC)).clauses
    assert found.heading is not None
    # 9.00 by now, a Friday's two hours of 24, and a Saturday: 0.30 a day, each of them
    assert found.heading.drawn == D("9.325")
    days = {date(2026, 1, n): 300 for n in range(1, 31)}
    late = datetime(2026, 1, 30, 22, tzinfo=zone_of(NEW_YORK))
    rhythm = UseRhythm.of(days, 1000, late)
    assert rhythm is not None
    assert (rhythm.n, rhythm.variance) == (29, 0), "today is no whole day"


def test_a_day_of_utc_in_which_a_month_of_new_york_ends_counts_in_both(store: Store) -> None:
    """0.24 USD on the first of February by UTC: its first 5 hours are January's in New York, where 0.95 is missing."""
    books, since = Books(store, case_in(NEW_YORK)), micros(day("2026-02-01"))
    use = UseClass("use", {}, {"provider": "north"})
    books.post([UseLine(use, since, since + 24 * 3600 * M, listed=240 * M, net=240 * M)], NOW)
    close(books, moment(date(2026, 2, 1), zone_of(NEW_YORK)), NOW)
    assert accounts(store)["clause/north/north-deal/floor/shortfall-fee"] == 950 * M


@pytest.mark.parametrize(
    ("zone", "at", "month"),
    [
        (NEW_YORK, "2026-02-10", 3),
        (NEW_YORK, "2026-02-01T04:59", 2),  # of January there
        ("Europe/Berlin", "2026-01-31T23:30", 3),  # of February there
        ("UTC", "2026-02-10", 3),
    ],
)
def test_what_counts_when_it_is_invoiced_is_invoiced_by_the_months_of_its_agreement(
    store: Store, tmp_path: Path, zone: str, at: str, month: int
) -> None:
    case = case_in(zone, FLOOR | {"moment": "invoice"})
    put(store, case, tmp_path / "j", at)
    found = stands(Books(store, case), day("2026-05-01"), all_windows=True).clauses
    drawn = {each.standing.start.month: each.standing.drawn for each in found if each.standing is not None}
    assert {n: amount for n, amount in drawn.items() if amount} == {month: D("0.3")}


MONTHLY = gpus("north", 1, buy="reserved", term="2 months") | {"price": "700 USD per unit-month"}
"""At 700 USD a month, whatever its length."""


@pytest.mark.parametrize(
    ("zone", "since", "until", "invoiced", "days"),
    [
        ("Europe/Berlin", (2026, 3, 1), (2026, 5, 1), "in-arrears", [(2026, 4, 1), (2026, 5, 1)]),
        ("Europe/Berlin", (2026, 3, 1), (2026, 5, 1), "monthly", [(2026, 3, 1), (2026, 4, 1)]),
        (NEW_YORK, (2026, 10, 1), (2026, 12, 1), "in-arrears", [(2026, 11, 1), (2026, 12, 1)]),
    ],
)
def test_a_reservation_over_a_change_of_clocks_is_invoiced_and_booked_by_the_months_of_its_plan(
    store: Store, zone: str, since: tuple[int, int, int], until: tuple[int, int, int], invoiced: str, days: list[Any]
) -> None:
    """Two instalments of 700, and 1,400 on the books: a saved plan tells moments by how far they are from UTC."""
    offers = [tokens("north", 3), tokens("south", 2), MONTHLY | {"invoiced": invoiced}]
    case = case_in(zone, offers=offers, workloads=[work(), compute()])
    start, end = (moment(date(*each), zone_of(zone)) for each in (since, until))
    as_saved = [datetime.fromisoformat(each.isoformat()) for each in (start, end)]
    held = Purchase("north-gpus", "north", as_saved[0], as_saved[1], 1, D(1_464), D(1_400), True)
    bought = [BookedPurchase.of(held)]
    found = invoices(case, bought, day("2026-01-01"), day("2027-01-01"))
    wanted = [(moment(date(*each), zone_of(zone)).astimezone(UTC), 700_000 * M) for each in days]
    assert [(invoice.at, invoice.listed) for invoice in found] == wanted
    close(Books(store, case), end, end, [held])
    booked = accounts(store)["use/north/north-gpus"]
    assert abs(booked - 1_400_000 * M) < 2_000  # an hour's part is rounded to a billionth
