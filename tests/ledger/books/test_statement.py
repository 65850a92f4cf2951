"""Statements: worked by hand, they add up, and what they said of closed books stays true."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import FlawError, LedgerError
from detente.ledger.bills.focus_export import FocusExport
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.stands import stands
from detente.ledger.books.statement import Statement, parties, statement
from detente.ledger.store.store import Store
from detente.report.ledger.standing import standing_rows
from detente.report.ledger.statement import notes_of, statement_view, statements_csv, statements_json
from detente.report.pages.statement_page import render_statements
from detente.report.screen import Screen
from detente.values.period import moment, named, stretch
from tests.builders import D, day, tokens
from tests.ledger.bills.bill_files import OTHER, bill, mapped, read, row
from tests.ledger.served import NOW, both, call, fresh, ingested, journal_of, served_case
from tests.report.read_page import Page

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "1 USD", "windows": {"every": "month"}}
FLOOR |= {"measure": "after-discounts"}
OFF = {"id": "off", "kind": "discount", "off": "10%"}
TENTH = (100_000, 0)
M = 1_000_000
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def case() -> Case:
    return served_case(FLOOR, OFF)


def put(store: Store, case: Case, folder: Path, *records: bytes) -> None:
    ingested(store, case, journal_of(folder, records))


def of(store: Store, case: Case, window: str, party: str = "north") -> Statement:
    return statement(Books(store, case), party, *stretch(window))


def lines(found: Statement) -> list[tuple[Any, ...]]:
    return [(line.kind, " ".join(line.what), line.adjusts, line.amount) for line in found.lines]


def closing(store: Store, case: Case, on: str) -> None:
    close(Books(store, case), day(on), NOW)


def test_what_is_planned_and_what_is_carried_stand_beside_what_was_drawn(tmp_path: Path) -> None:
    """New York's January has 1.62 of 1, and carries 0.50 on; the plan has 0.9 in February, and its March is cut."""
    zone = {"zone": "America/New_York"}
    horizon = {"start": "2026-01-01", "end": "2026-07-01", "every": "month"} | zone
    case = served_case(FLOOR | {"carry-over": "50%"}, OFF, signed=zone, horizon=horizon)
    with fresh(tmp_path) as store:
        put(store, case, tmp_path / "j", *(call(n, "2026-01-15", (100_000, 0)) for n in range(6)))
        closing(store, case, "2026-04-02")
        whole = statement(Books(store, case), "north", *stretch("2026"))
        floors = [c.standing for c in whole.past if c.standing is not None and c.standing.term == "floor"]
        plan = [replace(floors[1], drawn=D("0.9")), replace(floors[2], end=day("2026-03-15"))]
        found = statement(Books(store, case), "north", day("2026-01-01"), day("2026-04-02"), plan)
    rows = [row for row in standing_rows(found.clauses, "USD", found.planned) if row[0] == "floor (floor)"]
    assert [(row[2], row[3], row[5], row[7]) for row in rows[:3]] == [
        ("1.00 USD", "1.62 USD", "ended; 0.50 USD carried on", "–"),
        ("1.00 USD; 0.50 USD carried in", "0.00 USD", "ended", "0.90 USD"),
        ("1.00 USD", "0.00 USD", "ended", "–"),
    ]
    assert not any("clock" in each for each in notes_of(found)), "its days begin where those of its windows do"
    page = render_statements([found], "c")
    assert "Planned by its end" in page
    assert (page.count("planned: 0.90 USD"), page.count('class="planned"')) == (2, 2), (
        "a wide picture, and a narrow one"
    )
    told = [c["planned"] for c in json.loads(statements_json([found]))["statements"][0]["clauses"]]
    assert told.count("0.9") == 1


def test_what_is_counted_is_told_with_the_name_of_its_unit(tmp_path: Path) -> None:
    """Six calls of 0.1 Mtok against 5 Mtok."""
    asked = {"id": "floor", "kind": "minimum-commitment", "amount": "5 Mtok", "windows": {"every": "month"}}
    case = served_case(asked | {"shortfall": {"price": "1 USD per Mtok"}}, OFF)
    with fresh(tmp_path) as store:
        put(store, case, tmp_path / "j", *(call(n, "2026-01-15", TENTH) for n in range(6)))
        found = stands(Books(store, case), moment(day("2026-01-20")), headings=False)
    rows = [row for row in standing_rows(found.clauses, "USD") if row[0] == "floor (floor)"]
    assert [(row[2], row[3], row[4]) for row in rows] == [("5.00 Mtok", "0.60 Mtok", "4.40 Mtok")]


@both
def test_each_month_goes_on_from_the_one_before(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", *(call(n, f"2026-0{n}-15", TENTH) for n in (1, 2)))
    closing(store, case, "2026-03-01")
    january, february = of(store, case, "2026-01"), of(store, case, "2026-02")
    each = [
        ("use", "north-api", "", 300 * M),
        ("off", "north-deal off", "", -30 * M),
        ("clause", "north-deal floor shortfall-fee", "", 730 * M),  # 1 less 0.27
    ]
    assert (january.opening, lines(january), january.closing) == (0, each, 1000 * M)
    assert (february.opening, lines(february), february.closing) == (1000 * M, each, 2000 * M)
    assert (january.settled, of(store, case, "2026-03").settled) == (True, False)
    ((stands,),) = ([c.standing for c in january.clauses if c.term == "floor"],)
    assert stands is not None
    assert (stands.drawn, stands.ended) == (january.clauses[0].standing.drawn, True)  # type: ignore[union-attr]


@both
def test_what_is_priced_in_another_currency_is_told_in_both(store: Store, tmp_path: Path) -> None:
    """100,000 tokens at 3 EUR per Mtok, 0.30 EUR: at 1.10 in January 0.33 USD, and at 1.20 in February 0.36."""
    rate = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    euro = tokens("north", 3) | {"price": {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}}
    case = served_case(offers=[euro, tokens("south", 2)], exchange=[{"rate": rate, "day": "use"}])
    put(store, case, tmp_path / "j", *(call(n, f"2026-0{n}-15", TENTH) for n in (1, 2)))
    found = of(store, case, "2026")
    assert lines(found) == [("use", "north-api", "", 690 * M)]
    assert [(s.offer, s.currency, s.stated, s.listed) for s in found.stated] == [("north-api", "EUR", 600 * M, 690 * M)]
    told = json.loads(statements_json([found]))["statements"][0]["stated"]
    assert told == [{"offer": "north-api", "currency": "EUR", "stated": "0.6", "listed": "0.69"}]
    assert "0.6 EUR" in render_statements([found], "case")
    rows = list(FocusExport(Books(store, case), *stretch("2026-02")).rows())
    columns = ("BillingCurrency", "BilledCost", "PricingCurrency", "PricingCurrencyEffectiveCost")
    assert [tuple(row[name] for name in columns) for row in rows] == [("USD", "0.36", "EUR", "0.3")]


def test_use_of_unknown_amount_is_told_to_whom_it_may_be_owed(store: Store, case: Case, tmp_path: Path) -> None:
    south = {"deployment": "south-live", "offer": "south-api", "provider": "south"}
    lost = [call(1, "2026-01-15", None), call(2, "2026-01-16", None, **south), call(3, "2026-02-01", None, **south)]
    put(store, case, tmp_path / "j", *lost, call(4, "2026-01-17", offer="gone", provider=None))
    told = [of(store, case, "2026-01", party).unknown for party in ("north", "south", "self")]
    assert told == [2, 2, 3]


def test_a_statement_of_closed_books_stays_true_and_the_next_adjusts_it(
    store: Store, case: Case, tmp_path: Path
) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    closing(store, case, "2026-02-01")
    before = of(store, case, "2026-01")
    put(store, case, tmp_path / "k", call(2, "2026-01-20", TENTH))
    closing(store, case, "2026-03-01")
    after = of(store, case, "2026-01")
    assert (after.opening, after.lines, after.closing) == (before.opening, before.lines, before.closing)
    assert lines(of(store, case, "2026-02")) == [
        ("clause", "north-deal floor shortfall-fee", "", 1000 * M),
        ("use", "north-api", "Jan 2026", 300 * M),
        ("off", "north-deal off", "Jan 2026", -30 * M),
        ("clause", "north-deal floor shortfall-fee", "Jan 2026", -270 * M),
    ]


def test_a_party_has_its_own(store: Store, case: Case, tmp_path: Path) -> None:
    south = {"deployment": "south-live", "offer": "south-api", "provider": "south"}
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH), call(2, "2026-01-15", TENTH, **south))
    assert parties(Books(store, case)) == ["north", "south"]
    assert lines(of(store, case, "2026-01", "south")) == [("use", "south-api", "", 200 * M)]
    assert of(store, case, "2026-01", "south").clauses == ()


def test_what_was_changed_does_not_add_up(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    with store.writing() as session:
        session.run("UPDATE entries SET amount = amount + 1 WHERE account = 'owed/north'")
    with pytest.raises(LedgerError, match="owed to `north` is not what its lines come to; `detente audit` finds"):
        of(store, case, "2026-01")


@both
def test_the_three_forms_say_the_same(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", call(1, "2026-01-15", (1, 0)), call(2, "2026-01-16", None))
    found = of(store, case, "2026-01")
    rows = list(csv.DictReader(io.StringIO(statements_csv([found]))))
    (told,) = json.loads(statements_json([found]))["statements"]
    assert [(row["section"], row["amount"]) for row in rows] == [
        ("opening", "0"), ("use", "0.000003"), ("off", "-0.0000003"), ("closing", "0.0000027"),
    ]  # fmt: skip
    assert [line["amount"] for line in told["lines"]] == [row["amount"] for row in rows[1:-1]]
    assert (told["opening"], told["closing"], told["unknown"], told["settled"]) == ("0", "0.0000027", 1, False)
    shown = io.StringIO()
    statement_view(Screen(width=100, highlight=False, soft_wrap=False, file=shown), found)
    for text in ("Statement of north, Jan 2026", "0.0000027", "north-deal off", "were never closed", "1 use of"):
        assert text in shown.getvalue()


def test_the_page_says_the_same_and_draws_floors(store: Store, case: Case, tmp_path: Path) -> None:
    put(store, case, tmp_path / "j", *(call(n, f"2026-0{n}-15", TENTH) for n in (1, 2)), call(3, used=None))
    closing(store, case, "2026-03-01")
    found = of(store, case, "2026-02")
    page = Page(render_statements([found], "A <case>"))
    assert (page.mistakes, page.tags.get("script")) == ([], None)
    assert all(link.startswith(("#", "data:text/csv")) for link in page.links)
    lead = "2 USD are owed to north at the end, 1 USD of it for Feb 2026."
    for text in ("A <case>", "0.73", lead, "1 use of unknown"):
        assert text in page.text
    drawn = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert drawn == ["floor: what was drawn against its floor, window by window"] * 2
    assert Page(render_statements([], "none")).mistakes == []


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to print with")
def test_each_party_is_printed_on_pages_of_its_own(store: Store, case: Case, tmp_path: Path) -> None:
    south = {"deployment": "south-live", "offer": "south-api", "provider": "south"}
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH), call(2, "2026-01-15", TENTH, **south))
    page, printed = tmp_path / "statement.html", tmp_path / "statement.pdf"
    found = [of(store, case, "2026-01", party) for party in ("north", "south")]
    page.write_text(render_statements(found, "case"), encoding="utf-8")
    asked = ["--headless", "--no-sandbox", "--no-pdf-header-footer", f"--print-to-pdf={printed}", str(page)]
    subprocess.run([str(CHROMIUM), *asked], check=True, capture_output=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed.read_bytes())) == 2


@pytest.mark.parametrize(
    ("text", "told"), [("2026", "2026"), ("2026-Q2", "2026 Q2"), ("2026-12", "Dec 2026"), ("2028-02-29", "2028-02-29")]
)
def test_times_are_named_as_they_are_written(text: str, told: str) -> None:
    assert named(*stretch(text)) == told


@pytest.mark.parametrize("text", ["2026-Q5", "26", "2026-13", "2026-02-30", "January"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(FlawError):
        stretch(text)


@pytest.mark.parametrize(("zone", "hours"), [("UTC", [408, 336]), ("America/New_York", [413, 331])])
def test_a_row_of_two_months_is_on_the_statement_of_each(zone: str, hours: list[int], tmp_path: Path) -> None:
    """1 USD an hour from the middle of January to the middle of February: 744, of which each month has its own."""
    case = served_case(OFF, signed={"zone": zone})
    some = [row("Storage", 744, when="2026-01-15T00:00:00Z,2026-02-15T00:00:00Z")]
    with fresh(tmp_path) as store:
        read(store, case, mapped(tmp_path, OTHER), bill(tmp_path / "b.csv", some))
        found = [of(store, case, window).lines for window in ("2026-01", "2026-02", "2026-03")]
        rows = FocusExport(Books(store, case), day("2026-01-01"), day("2026-02-01")).rows()
        billed = [row["BilledCost"] for row in rows]
    assert [[line.amount // 10**9 for line in each] for each in found] == [[hours[0]], [hours[1]], []]
    assert zone != "UTC" or billed == ["408.0"]


def test_use_over_a_midnight_says_how_much_of_it_clauses_count_on_the_other_side(tmp_path: Path) -> None:
    """Days of UTC at 240 USD in January, 480 else, on New York's clock: the first five hours are of the day before.

    Of 1 January 50 USD are December's, of 1 February 100 are January's: 31 x 240 - 50 + 100 = 7,490 are drawn.
    """
    prorated = FLOOR | {"windows": {"every": "month", "cut": "prorate"}}
    case = served_case(prorated, OFF, signed={"zone": "America/New_York"})
    days = [day("2025-12-31") + timedelta(n) for n in range(33)]
    rule = OTHER | {"discount": "off"}
    some = [
        row(
            "Storage",
            (cost := 240 if each.month == 1 else 480) * 9 / 10,
            listed=cost,
            when=f"{each:%FT%TZ},{each + timedelta(1):%FT%TZ}",
        )
        for each in days
    ]
    with fresh(tmp_path) as store:
        read(store, case, mapped(tmp_path, rule), bill(tmp_path / "b.csv", some))
        found = of(store, case, "2026-01")
        (floor,) = (
            c.standing for c in found.clauses if c.term == "floor" and c.standing and c.standing.start == found.start
        )
        closing(store, case, "2026-02-01")
        assert of(store, case, "2026-01").over == found.over, "and it stays so"
    used = sum(line.amount for line in found.lines if line.kind in ("use", "off"))
    assert (used, floor.drawn) == (31 * 216 * 10**9, D("6741"))
    assert [(o.inside, o.midnight.day, o.listed, o.net) for o in found.over] == [
        (True, 1, -50 * 10**9, -45 * 10**9), (False, 1, 100 * 10**9, 90 * 10**9)
    ]  # fmt: skip
    assert used + sum(each.net for each in found.over) == 6741 * 10**9
    (page,) = [said for said in [render_statements([found], "x")] if "Use over its first or last midnight" in said]
    assert "−50" in page or "-50" in page
    assert json.loads(statements_json([found]))["statements"][0]["over-midnight"][0]["net"] == "-45"


def test_a_window_that_ends_with_a_day_that_goes_on_runs_still(store: Store, case: Case, tmp_path: Path) -> None:
    """At noon on 31 January: as of midnight its floor was told as ended, and 0.73 as owed."""
    put(store, case, tmp_path / "j", call(1, "2026-01-15", TENTH))
    books, (since, until) = Books(store, case), stretch("2026-01")
    for now, ended in ((moment(until) - timedelta(hours=12), False), (None, True)):
        floor = statement(books, "north", since, until, (), now).clauses[0].standing
        assert floor is not None
        accruing, owed = sorted((D("0.73"), D(0)), reverse=not ended)
        assert (floor.term, floor.ended, floor.accruing, floor.owed) == ("floor", ended, accruing, owed)
