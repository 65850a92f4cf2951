"""Reserved capacity on the books: what is used is charged to use, the rest to nobody; together they are its cost."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.stands import stands
from detente.ledger.books.statement import statement
from detente.ledger.proof.audit import audit
from detente.ledger.store.store import Store
from detente.ledger.use.line import UseClass, UseLine
from detente.planner.solve import plan
from detente.report.ledger.statement import notes_of
from detente.results.plan import Plan
from detente.results.plan_rows import Purchase
from detente.values.micros import micros
from tests.builders import D, Data, day, gpus, work
from tests.gateway.stage import deployment
from tests.ledger.served import NOW, accounts, both, call, fresh, ingested, journal_of, served_case

M = 1_000_000
RATED = work() | {"runs-on": {"models": ["m"], "accelerators": {"H100": "8 Mtok per GPU-hour"}}}
FLOOR = {
    "id": "at-any-time",
    "kind": "minimum-commitment",
    "amount": "2 GPU",
    "shortfall": {"price": "1 USD per GPU-hour"},
}
ON = {"deployment": "gpu-live", "offer": "north-gpus"}


def a_case(price: object = 2, *terms: Data, **more: Any) -> Case:
    offers = [gpus("north", price, buy="reserved", term="6 months", unit=2)]
    live = [deployment("gpu-live", "north-gpus", "http://localhost:9", model="m")]
    return served_case(*terms, offers=offers, workloads=[RATED], deployments=live, **more)


HELD = (Purchase("north-gpus", "north", day("2026-01-01"), day("2026-07-01"), 1, D(4344), D(17376), True),)
"""One unit of two GPUs for 181 days: 4,344 hours at 4 USD."""


def closing(store: Store, case: Case, on: str, held: tuple[Purchase, ...] = HELD) -> Any:
    return close(Books(store, case), day(on), max(NOW, day(on)), held)


@both
def test_use_and_what_stood_idle_come_to_what_is_paid(store: Store, tmp_path: Path) -> None:
    case = a_case()
    # 4 Mtok are half a GPU-hour: 1 USD of the 4 that the hour costs
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-01T05:30", (4 * M, 0), **ON)]))
    closing(store, case, "2026-01-03")
    assert accounts(store) == {"use/north/north-gpus": 48 * 4000 * M, "owed/north": -48 * 4000 * M}
    with store.reading() as session:
        kinds = (
            "SELECT listed, taken FROM lines JOIN classes ON lines.class = classes.class WHERE start >= ? AND start < ?"
        )
        hour = (day("2026-01-01T05:00").timestamp(), day("2026-01-01T06:00").timestamp())
        rows = sorted((int(a), int(b)) for a, b in session.all(kinds, [int(at) * M for at in hour]))
    assert rows == [(1000 * M, 500 * M), (3000 * M, 1500 * M)]


def test_closing_again_books_nothing_and_later_only_what_came_since(store: Store, tmp_path: Path) -> None:
    case = a_case()
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-01T05:30", (4 * M, 0), **ON)]))
    for on, hours in (("2026-01-03", 48), ("2026-01-03", 48), ("2026-01-04", 72), ("2026-09-01", 4344)):
        closing(store, case, on)
        assert accounts(store)["owed/north"] == -hours * 4000 * M
    assert audit(Books(store, case)).faults == ()


def test_use_that_comes_late_takes_from_what_was_booked_as_idle(store: Store, tmp_path: Path) -> None:
    case = a_case()
    closing(store, case, "2026-01-03")
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-01T05:30", (4 * M, 0), **ON)]))
    assert accounts(store)["owed/north"] == -(48 * 4 + 1) * 1000 * M
    closing(store, case, "2026-01-03")
    assert accounts(store)["owed/north"] == -48 * 4000 * M
    assert closing(store, case, "2026-01-03").batch == 0
    assert audit(Books(store, case)).faults == ()


def test_a_price_that_rose_changes_nothing_of_what_is_paid(store: Store, tmp_path: Path) -> None:
    """Use is listed at the price of its day, 20 USD; the reservation was made at 2."""
    case = a_case({"2026-01-01": "2 USD per GPU-hour", "2026-01-02": "20 USD per GPU-hour"})
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-02T05:30", (4 * M, 0), **ON)]))
    closing(store, case, "2026-01-03")
    assert accounts(store)["owed/north"] == -48 * 4000 * M


def test_capacity_at_any_time_is_what_is_held_used_or_not(store: Store, tmp_path: Path) -> None:
    case = a_case(2, FLOOR)
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-01T05:30", (4 * M, 0), **ON)]))
    closing(store, case, "2026-01-02")
    assert not [account for account in accounts(store) if account.startswith("clause/")]
    drawn = accounts(store)["drawn/north/north-deal/at-any-time/spend"]
    assert drawn == 24 * 2 * 1000 * M


@pytest.mark.parametrize("begins", ["2026-01-01T00:00", "2026-01-01T18:30"])  # a day of UTC, and one of India
def test_a_row_for_a_day_is_even_over_its_hours(begins: str, store: Store) -> None:
    """Half of two GPUs for a day, 24 GPU-hours at 2 USD: 24 more stood idle, and all 48 count."""
    case = a_case(2, FLOOR | {"amount": "100 GPU-hour", "windows": {"every": "term"}})
    start, offer = day(begins), case.offer_facts["north-gpus"]
    of = UseClass("use", case.workloads[0].facts, offer)
    end = start + timedelta(days=1)
    row = UseLine(of, micros(start), micros(end), taken=24_000 * M, listed=48_000 * M, net=48_000 * M)
    Books(store, case).post([row], NOW)
    held = Purchase("north-gpus", "north", start, end, 1, D(24), D(96), True)
    closing(store, case, "2026-01-03", (held,))
    assert accounts(store)["owed/north"] == -96_000 * M
    counted = sum(n for at, n in accounts(store).items() if at.startswith("drawn/"))
    assert counted == 48_000 * M


@pytest.mark.parametrize(
    ("listed", "off"), [(0, 0), (120_000, 12_000), (108_000, 0), (200_000, 0), (200_000, 20_000), (60_000, 0)]
)
def test_use_stated_at_any_price_and_what_is_idle_are_what_is_paid(listed: int, off: int, store: Store) -> None:
    """100 GPUs for 72 hours at 50 USD, 10% off: 324,000 are paid, 16,000 less than the floor.

    All are used. Of a day's 120,000 a bill states nothing, the list, the net, or an on-demand price.
    """
    terms: list[Data] = [
        {"id": "ten", "kind": "discount", "of": {"buy": "reserved"}, "off": "10%"},
        {"id": "floor", "kind": "minimum-commitment", "measure": "after-discounts", "amount": "340 k USD"},
    ]
    case = a_case(50, *terms, signed={"ends": "2026-01-04"})
    of, rows = UseClass("use", case.workloads[0].facts, case.offer_facts["north-gpus"]), []
    for n in range(3):
        start, end = (micros(day("2026-01-01") + timedelta(days=n + more)) for more in (0, 1))
        taken_off = (("ten", start, end, off * 1000 * M),) if off else ()
        net = (listed - off) * 1000 * M
        rows.append(UseLine(of, start, end, taken=2_400_000 * M, listed=listed * 1000 * M, net=net, off=taken_off))
    Books(store, case).post(rows, NOW)
    held = (Purchase("north-gpus", "north", day("2026-01-01"), day("2026-01-04"), 50, D(72), D(360_000), True),)
    closing(store, case, "2026-01-04", held)
    booked = accounts(store)
    assert booked["clause/north/north-deal/floor/shortfall-fee"] == 16_000_000 * M
    assert booked["use/north/north-gpus"] == 360_000_000 * M
    assert booked["owed/north"] == -(324_000 + 16_000) * 1000 * M
    assert closing(store, case, "2026-01-04", held).batch == 0
    assert audit(Books(store, case)).faults == ()


def test_a_plan_that_is_served_as_planned_closes_at_its_own_bill(store: Store, tmp_path: Path) -> None:
    """Its reserved GPUs, all of them, whatever of them was used: within a cent."""
    case = a_case(months=6)
    found = plan(case)
    assert isinstance(found, Plan)
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-01T05:30", (4 * M, 0), **ON)]))
    closing(store, case, "2026-07-01", found.purchases)
    assert abs(-accounts(store)["owed/north"] - int(found.bill * 10**9)) < 10 * M


@pytest.mark.parametrize(
    ("price", "february", "march"),
    [
        ("260 USD per unit-month", 2600, 2600),  # one flat instalment each month, of 28 days and of 31
        ("260 USD per unit per 730 hours", "2393.424657534", "2649.863013699"),  # 672 and 744 hours of 2600 / 730
        ("0.50 USD per unit-hour", 3360, 3720),
    ],
)
def test_a_price_a_month_is_what_it_says_in_plan_bill_and_ledger(
    price: str, february: object, march: object, tmp_path: Path
) -> None:
    """Ten units for February and March, of which a part is used in one hour of February."""
    units: Data = {
        "id": "units", "kind": "provisioned", "provider": "north", "region": "dublin", "model": "m", "minimum": 10,
        "throughput": "1 Mtok per minute", "price": price, "term": "2 months", "starts": ["2026-02-01"],
    }  # fmt: skip
    asked = {"rate": {"2026-01-01": "0 Mtok per day", "2026-02-01": "14400 Mtok per day"}}
    live = [deployment("units-live", "units", "http://localhost:9")]
    case = served_case(offers=[units], workloads=[work(demand=asked)], deployments=live, months=3)
    whole = D(str(february)) + D(str(march))
    found = plan(case)
    assert isinstance(found, Plan)
    assert abs(found.bill - whole) < D("0.000001")
    with fresh(tmp_path) as store:
        on = {"deployment": "units-live", "offer": "units"}
        ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-02-02T05:30", (4 * M, 0), **on)]))
        for until, owed in (("2026-03-01", D(str(february))), ("2026-04-01", whole)):
            closing(store, case, until, found.purchases)
            assert abs(-accounts(store)["owed/north"] - int(owed * 10**9)) < M, until


def test_a_month_that_is_cut_costs_its_days(tmp_path: Path) -> None:
    """From 15 February to 15 March: one instalment of 260, half a month of it, 14 of 28 days, before March."""
    units: Data = {
        "id": "units", "kind": "provisioned", "provider": "north", "region": "dublin", "model": "m",
        "throughput": "1 Mtok per minute", "price": "260 USD per unit-month", "term": "1 month",
        "starts": ["2026-02-15"],
    }  # fmt: skip
    asked = {
        "rate": {"2026-01-01": "0 Mtok per day", "2026-02-15": "1440 Mtok per day", "2026-03-15": "0 Mtok per day"}
    }
    live = [deployment("units-live", "units", "http://localhost:9")]
    days = {"start": "2026-02-01", "end": "2026-04-01", "every": "day"}
    case = served_case(offers=[units], workloads=[work(demand=asked)], deployments=live, horizon=days)
    found = plan(case)
    assert isinstance(found, Plan)
    assert abs(found.bill - 260) < D("0.000001")
    with fresh(tmp_path) as store:
        for until, owed in (("2026-03-01", 130), ("2026-04-01", 260)):
            closing(store, case, until, found.purchases)
            assert abs(-accounts(store)["owed/north"] - owed * 10**9) < M, until


@pytest.mark.parametrize("held", [(), tuple(p for p in HELD if not p.reserved)])
def test_nothing_is_held_that_nobody_bought(store: Store, held: tuple[Purchase, ...]) -> None:
    assert closing(store, a_case(), "2026-01-03", held).entries == ()
    assert accounts(store) == {}


@pytest.mark.parametrize("listed", [{"2026-01-01": 2}, {"2026-01-01": 2, "2026-01-02": 5}])
def test_a_clause_on_work_counts_what_was_paid_for_it_whatever_is_listed_by_then(
    store: Store, tmp_path: Path, listed: Data
) -> None:
    """Half a GPU-hour on 3 January of what was reserved at 2 USD: 1 USD is counted, and given back by half."""
    prices = {on: f"{amount} USD per GPU-hour" for on, amount in listed.items()}
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "9 USD", "measure": "after-discounts"}
    floor |= {"of": {"team": "sales"}, "shortfall": {"fee": "10%"}}
    credit: Data = {"id": "half", "kind": "credit", "rate": "50%", "of": {"team": "sales"}}
    sales = RATED | {"labels": {"team": "sales"}}
    offers = [gpus("north", 2, buy="reserved", term="6 months", unit=2) | {"price": prices}]
    live = [deployment("gpu-live", "north-gpus", "http://localhost:9", model="m")]
    case = served_case(floor, credit, offers=offers, workloads=[sales], deployments=live)
    served = call(1, "2026-01-03T05:30", (4 * M, 0), **ON).replace(b'"labels":{}', b'"labels":{"team":"sales"}')
    ingested(store, case, journal_of(tmp_path / "j", [served]))
    closing(store, case, "2026-01-05")
    found = {each.term: each.standing for each in stands(Books(store, case), day("2026-01-05")).clauses}
    assert {term: each.drawn for term, each in found.items() if each} == {"floor": 1, "half": D("0.5")}
    assert accounts(store)["use/north/north-gpus"] == 96 * 4000 * M
    assert audit(Books(store, case)).faults == ()
    closing(store, case, "2026-01-05")
    assert accounts(store)["use/north/north-gpus"] == 96 * 4000 * M


def test_until_books_are_closed_with_what_is_reserved_it_is_told_that_what_was_paid_is_not_on_them(
    store: Store, tmp_path: Path
) -> None:
    case = a_case()
    books, whole = Books(store, case), (date(2026, 1, 1), date(2026, 1, 3))
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-01T05:30", (4 * M, 0), **ON)]))
    assert stands(books, day("2026-01-01")).unpaid == (), "it was not used before"
    lacking = {(): "is not on the books yet", HELD: "was not on the books when they were closed"}
    for held, when in lacking.items():
        told = f"what was paid for `north-gpus` {when}: calls there count at the price of their day"
        found = statement(books, "north", *whole)
        assert (stands(books, day("2026-01-03")).unpaid, found.unpaid) == (("north-gpus",), ("north-gpus",))
        assert any(told in note for note in notes_of(found))
        closing(store, case, "2026-01-03", held)
    assert stands(books, day("2026-01-03")).unpaid == ()
    assert statement(books, "north", *whole) == found, "what was told once it was closed is on the next"
    assert statement(books, "north", date(2026, 1, 3), date(2026, 1, 4)).unpaid == ()
    ingested(store, case, journal_of(tmp_path / "k", [call(2, "2026-01-04", (4 * M, 0), **ON)], worker=1))
    assert stands(books, day("2026-01-05")).unpaid == ("north-gpus",), "what came since"
