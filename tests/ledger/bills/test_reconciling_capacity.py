"""Reserved capacity on a bill: its hours beside what was used and what stood idle, its invoices beside ours; by hand.

North's machine of two GPUs is reserved at 4 USD an hour. In the tests of invoices ten GPUs are, for 2026: 87,600 USD.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.ledger.bills.bill_ingest import BillIngest
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.bills.focus_export import FocusExport
from detente.ledger.bills.reconciling import Reconciled, reconcile
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.store.store import Store
from detente.results.plan_rows import Purchase
from tests.builders import Data, day
from tests.ledger.bills.bill_files import OTHER, bill, mapped, row
from tests.ledger.bills.test_reconciling import USD, billed, said
from tests.ledger.books.test_idle import HELD, ON, a_case
from tests.ledger.served import NOW, call, contents, ingested, journal_of
from tests.ledger.use.test_purchases import HELD as TEN
from tests.terms.test_moment import year

HOURS: Data = {"where": {"ServiceName": "p5"}, "offer": "north-gpus", "hours": True}
INVOICE: Data = {"where": {"ServiceName": "reserved"}, "offer": "north-gpus", "invoice": True}
TURNING = {"2026-01-01": "2 USD per GPU-hour", "2026-01-02": "3 USD per GPU-hour"}
LATER_OFF: Data = {"id": "off", "kind": "discount", "off": "25%", "from": "2026-01-02"}
M = 1_000_000


def held(store: Store, case: Case, folder: Path, rows: list[str], *rules: Data) -> Reconciled:
    mapping = read_mapping(mapped(folder, *rules), case)
    return reconcile(Books(store, case), mapping, [bill(folder / "bill.csv", rows)])


# -- hours -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def reserved(store: Store, tmp_path: Path) -> Case:
    """Half of a GPU-hour was used on the first of January; the first two days are closed: 96 USD each."""
    case = a_case()
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-01T05:30", (4 * M, 0), **ON)]))
    close(Books(store, case), day("2026-01-03"), NOW, HELD)
    return case


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ((48, "96.00"), []),
        ((48, "100.00"), [("01-02", "price", 4)]),
        ((50, "100.00"), [("01-02", "quantity", 4)]),
        ((24, "60.00"), [("01-02", "price", 12), ("01-02", "quantity", -48)]),
        ((48, "95.99"), [("01-02", "price", -0.01)]),
    ],
)
def test_reserved_hours_are_held_against_use_and_what_stood_idle(
    store: Store, reserved: Case, tmp_path: Path, second: tuple[int, str], told: list[Any]
) -> None:
    rows = [billed("2026-01-01", 48, "96.00", "p5"), billed("2026-01-02", *second, "p5")]
    found = held(store, reserved, tmp_path, rows, HOURS)
    assert (said(found), found.booked) == (told, 192 * USD)
    assert found.agrees is (not told)


def test_hours_that_only_one_side_has(store: Store, reserved: Case, tmp_path: Path) -> None:
    """Of the third the books know nothing: 48 hours at a list price of 2 USD are missing there, and 4 USD are price."""
    rows = [billed("2026-01-01", 48, "96.00", "p5"), billed("2026-01-03", 48, "100.00", "p5")]
    found = held(store, reserved, tmp_path, rows, HOURS)
    assert said(found) == [
        ("01-02", "not on the bill", -96), ("01-03", "price", 4), ("01-03", "not on the books", 96)
    ]  # fmt: skip
    assert sum(claim.amount for claim in found.claims) == 100 * USD


def test_hours_of_which_the_books_have_only_the_use(store: Store, tmp_path: Path) -> None:
    """Nobody closed the books with the plan: 47.5 of 48 hours are on the bill alone."""
    case = a_case()
    ingested(store, case, journal_of(tmp_path / "j", [call(1, "2026-01-01T05:30", (4 * M, 0), **ON)]))
    found = held(store, case, tmp_path, [billed("2026-01-01", 48, "96", "p5")], HOURS)
    assert said(found) == [("01-01", "quantity", 95)]


def test_hours_on_demand_are_rated_with_discounts(store: Store, tmp_path: Path) -> None:
    case = a_case(2, {"id": "off", "kind": "discount", "off": "10%"})
    found = held(store, case, tmp_path, [billed("2026-01-01", 10, "25", "p5")], HOURS)
    assert said(found) == [("01-01", "price", 7), ("01-01", "not on the books", 18)]


@pytest.mark.parametrize(("price", "terms"), [(TURNING, []), (4, [LATER_OFF])])
def test_hours_of_a_row_within_which_a_price_turns_have_the_price_of_each_day(
    price: object, terms: list[Data], store: Store, tmp_path: Path
) -> None:
    """48 hours at 2 USD and 48 at 3, or 48 at 4 and 48 at a quarter off: 240 and 336 USD, and none of it is price."""
    case, net = a_case(price, *terms), 336 if terms else 240
    rows = [row("p5", net, 96, when="2026-01-01T00:00:00Z,2026-01-03T00:00:00Z")]
    found = held(store, case, tmp_path, rows, HOURS)
    assert [(each.cause, each.amount) for each in found.differences] == [("not on the books", net * USD)]


# -- invoices ----------------------------------------------------------------------------------------------------------
def invoiced(store: Store, how: str, folder: Path, *rows: str, held_by: Purchase | None = TEN) -> Reconciled:
    case = year(invoiced=how, moment="invoice")
    if held_by is not None:
        close(Books(store, case), day("2026-01-02"), NOW, [held_by])
    return held(store, case, folder, list(rows), INVOICE, OTHER)


def months(net: str, start: str, end: str) -> str:
    return billed(start, "", net, "reserved").replace(
        f"{start}T00:00:00Z,{day(start).replace(day=day(start).day + 1):%Y-%m-%dT%H:%M:%SZ}",
        f"{start}T00:00:00Z,{end}T00:00:00Z",
    )


def test_invoices_are_held_against_ours_month_by_month(store: Store, tmp_path: Path) -> None:
    """A twelfth of 87,600 is 7,300 a month: January's comes on the third day, February's in two rows."""
    rows = [billed("2026-01-03", "", "7300.00", "reserved"), *[billed("2026-02-01", "", "3650.00", "reserved")] * 2]
    found = invoiced(store, "monthly", tmp_path, *rows)
    assert (found.agrees, found.differences, found.billed, found.booked) == (True, [], 14_600 * USD, 14_600 * USD)


def test_an_invoice_of_another_amount_is_a_price_and_one_that_is_not_due_is_none_of_ours(
    store: Store, tmp_path: Path
) -> None:
    """February is dearer, March is missing on a bill that goes on, and of 2027 nothing is reserved."""
    rows = [months("7300", "2026-01-01", "2026-02-01"), months("7400.00", "2026-02-01", "2026-03-01")]
    rows += [billed("2026-03-15", "", "8", "Storage"), months("1", "2027-01-01", "2027-02-01")]
    found = invoiced(store, "monthly", tmp_path, *rows)
    other = [each for each in found.differences if each.offer == "north-gpus" and not "2026-03-01" < each.day < "2027"]
    assert [(each.day, each.cause, each.amount // USD) for each in other] == [
        ("2026-02-01 to 2026-02-28", "price", 100),
        ("2026-03-01", "not on the bill", -7300),
        ("2027-01-01 to 2027-01-31", "not on the books", 1),
    ]


@pytest.mark.parametrize(("how", "net"), [("in-arrears", "7300.00"), ("monthly", "7300.00"), ("upfront", "87600.00")])
def test_a_month_s_invoice_is_that_of_its_month_whenever_it_is_sent(
    store: Store, tmp_path: Path, how: str, net: str
) -> None:
    """In arrears, January's is due on the first of February. All of the year is of the day on which it begins."""
    end = "2027-01-01" if how == "upfront" else "2026-02-01"
    found = invoiced(store, how, tmp_path, months(net, "2026-01-01", end))
    assert (found.agrees, found.differences) == (True, [])


def test_an_instalment_in_arrears_may_be_dated_by_the_day_on_which_it_is_sent(store: Store, tmp_path: Path) -> None:
    found = invoiced(store, "in-arrears", tmp_path, billed("2026-02-01", "", "7300.00", "reserved"))
    assert (found.agrees, found.differences) == (True, [])


@pytest.mark.parametrize("how", ["upfront", "monthly", "in-arrears"])
def test_the_books_own_export_agrees_with_them(store: Store, tmp_path: Path, how: str) -> None:
    """By invoices as they are billed, and by hours as they are effective: nothing differs, to the billionth."""
    case = year({"id": "off", "kind": "discount", "off": "12.34567%"}, invoiced=how, moment="invoice", measure="list")
    books = Books(store, case)
    close(books, day("2026-02-03"), NOW, [TEN])
    FocusExport(books, day("2026-01-01"), day("2026-02-03")).save(tmp_path / "focus.csv")
    rest: Data = {"where": {}, "skip": True}
    used: Data = {"where": {"ChargeCategory": "Usage"}, "offer": "north-gpus", "hours": True}
    bought: Data = {"where": {"ChargeCategory": "Purchase"}, "offer": "north-gpus", "invoice": True}
    for column, rule in (("BilledCost", bought), ("EffectiveCost", used)):
        columns = {"net": column, "quantity": "PricingQuantity"}
        mapping = read_mapping(mapped(tmp_path, rule, rest, columns=columns), case)
        found = reconcile(books, mapping, [tmp_path / "focus.csv"])
        assert found.differences == [], column
        assert (found.agrees, found.aside) == (True, []), column
        assert found.billed > 0, column


def test_an_invoice_of_what_the_books_do_not_hold_is_claimed(store: Store, tmp_path: Path) -> None:
    found = invoiced(store, "monthly", tmp_path, months("7300", "2026-01-01", "2026-02-01"), held_by=None)
    assert [(claim.cause, claim.amount) for claim in found.claims] == [("not on the books", 7300 * USD)]


def test_an_invoice_is_no_use(store: Store, tmp_path: Path) -> None:
    case = year(invoiced="monthly", moment="invoice")
    mapping = read_mapping(mapped(tmp_path, INVOICE), case)
    rows = [months("7300", "2026-01-01", "2026-02-01")]
    told = BillIngest(Books(store, case), mapping).run([bill(tmp_path / "b.csv", rows)], NOW)
    assert (told.skipped, told.added, told.whole, contents(store)["sums"]) == (1, 0, True, [])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (INVOICE, "`north-gpus` does not say when it is invoiced"),
        (INVOICE | {"hours": True}, "an `invoice` is of a reserved `offer`, and counts no use"),
        ({"sold": {"provider": "north"}, "invoice": True}, "an `invoice` is of a reserved `offer`, and counts no use"),
    ],
)
def test_what_is_no_invoice(tmp_path: Path, rule: Data, message: str) -> None:
    with pytest.raises(CaseError) as error:
        read_mapping(mapped(tmp_path, rule), a_case())
    assert message in str(error.value)
