"""What is reserved, on the books: counted when it is bought or invoiced, as the plan counted it; sums by hand.

Ten GPUs for 2026, reserved at 1 USD per GPU-hour: 87,600 USD, and quarters of 2,160, 2,184, 2,208 and 2,208 hours.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.contract.metered.use import Use
from detente.ledger.bills.focus_export import FocusExport, FocusRow
from detente.ledger.books.books import Books
from detente.ledger.books.closing import ClosedBooks, close
from detente.ledger.books.stands import ClauseStands, stands
from detente.ledger.books.statement import statement
from detente.ledger.proof.audit import audit
from detente.ledger.store.store import Store
from detente.ledger.use.line import UseLine
from detente.ledger.use.purchases import BookedPurchase, invoices, purchases
from detente.ledger.use.purchases import counted as told
from detente.report.ledger.statement import statements_json
from detente.report.pages.statement_page import render_statements
from detente.results.plan_rows import Purchase
from detente.values.micros import micros
from tests.builders import D, Data, day, solved
from tests.ledger.bills.test_focus_export import found_by_validator, validates
from tests.ledger.served import accounts, both
from tests.terms.test_moment import written, year

HELD = Purchase("north-gpus", "north", day("2026-01-01"), day("2027-01-01"), 10, D(8760), D(87_600), True)
END = day("2027-02-01")
NANOS = 10**9


def closing(store: Store, case: Case, on: str, *held: Purchase) -> ClosedBooks:
    return close(Books(store, case), day(on), END, held)


def floors(store: Store, case: Case, on: str) -> list[ClauseStands]:
    return [each for each in stands(Books(store, case), day(on), all_windows=True).clauses if each.term == "floor"]


def drawn(store: Store, case: Case, on: str) -> list[Decimal]:
    return [each.standing.drawn for each in floors(store, case, on) if each.standing is not None]


@pytest.mark.parametrize(
    ("moment", "invoiced"),
    [("use", None), ("purchase", None), ("invoice", "upfront"), ("invoice", "monthly"), ("invoice", "in-arrears")],
)
def test_a_plan_s_reservations_settle_on_the_books_as_in_its_bill(
    store: Store, moment: str, invoiced: str | None
) -> None:
    """Up to the end of the first quarter, that its hours can be booked in little time."""
    case = year(invoiced=invoiced, moment=moment)
    found = solved(case)
    closing(store, case, "2026-04-01", *found.purchases)
    assert drawn(store, case, "2026-04-01")[0] == found.commitments[0].drawn
    charged = sum(v for k, v in accounts(store).items() if k.startswith("clause/"))
    owed = (p.amount for p in found.postings if not p.in_spend and p.end <= day("2026-04-01"))
    assert charged == int(sum(owed, Decimal(0)) * NANOS)


@both
def test_it_is_the_same_in_any_store(store: Store) -> None:
    case = year(moment="invoice", invoiced="monthly")
    for on in ("2026-01-03", "2026-01-04"):
        closing(store, case, on, HELD)
        assert drawn(store, case, on) == [7_300]
    assert audit(Books(store, case)).faults == ()


def test_an_invoice_is_discounted_as_of_its_day(store: Store) -> None:
    off = {"id": "off", "kind": "discount", "off": "25%", "from": "2026-07-01"}
    case = year(off, moment="invoice", invoiced="monthly", measure="after-discounts")
    closing(store, case, "2026-01-02", HELD)
    assert drawn(store, case, "2026-12-31") == [21_900, 21_900, 16_425, 16_425]


def test_what_is_still_to_be_invoiced_counts_once_it_is(store: Store) -> None:
    case = year(moment="invoice", invoiced="monthly")
    closing(store, case, "2026-01-02", HELD)
    for on, counts in (("2026-01-02", [7_300]), ("2026-03-01", [14_600]), ("2026-03-02", [21_900])):
        assert drawn(store, case, on) == counts
    assert drawn(store, case, "2026-04-02") == [21_900, 7_300]


def used(case: Case, at: str) -> UseLine:
    facts, (workload,) = case.offer_facts["north-gpus"], case.workloads
    start, end = day(at), day(at).replace(hour=1)
    return UseLine.rated(_rated(case, Use("use", workload.facts, facts, start, end, D(1), D(1), D(1))))


def _rated(case: Case, line: Use) -> Any:
    from detente.contract.rated.rating import Rating

    return Rating(case.signed).rate(line)


def test_use_of_what_nobody_says_was_bought_is_unknown_and_not_zero(store: Store) -> None:
    case = year(moment="purchase")
    Books(store, case).post([used(case, "2026-01-05")], END)
    (first, *_) = floors(store, case, "2026-02-01")
    assert first.standing is None
    assert "counts what is reserved when it is bought, and that is not on the books" in first.unknown
    closing(store, case, "2026-01-06", HELD)
    assert drawn(store, case, "2026-01-06") == [87_600], "its use counts nothing more"


def test_another_plan_takes_back_what_is_no_longer_so(store: Store) -> None:
    case = year(moment="purchase")
    half = Purchase("north-gpus", "north", day("2026-01-01"), day("2027-01-01"), 5, D(8760), D(43_800), True)
    closing(store, case, "2026-01-06", HELD)
    batches = closing(store, case, "2026-01-06", HELD).batch
    assert batches == 0, "nothing more"
    closing(store, case, "2026-01-07", half)
    with store.reading() as session:
        assert [(each.units, each.cost) for each in purchases(session).elements()] == [(5, 43_800 * NANOS)]
        assert session.number("SELECT COUNT(*) FROM purchases") == 3
    assert drawn(store, case, "2026-01-07") == [43_800]
    closing(store, case, "2026-01-08")
    assert drawn(store, case, "2026-01-08") == [43_800], "without a plan, nobody says that it was not bought"
    assert audit(Books(store, case)).faults == ()


def test_a_closed_statement_does_not_know_what_was_told_later(store: Store) -> None:
    case = year(moment="purchase")
    month = day("2026-01-01"), day("2026-01-06")
    Books(store, case).post([used(case, "2026-01-05")], END)
    closing(store, case, "2026-01-06")
    before = statement(Books(store, case), "north", *month)
    closing(store, case, "2026-01-08", HELD)
    assert statement(Books(store, case), "north", *month) == before
    (clause,) = (c for c in before.clauses if c.term == "floor")
    assert clause.standing is None


def test_a_purchase_that_was_changed_is_found(store: Store) -> None:
    case = year(moment="purchase")
    closing(store, case, "2026-01-06", HELD)
    with store.writing() as session:
        assert purchases(session) == {BookedPurchase.of(HELD): 1}
        session.run("UPDATE purchases SET units = 9")
    assert "purchases, row 0: altered" in str(audit(Books(store, case)).faults[0])


# -- invoices ----------------------------------------------------------------------------------------------------------
def exported(store: Store, case: Case, until: str) -> list[FocusRow]:
    return list(FocusExport(Books(store, case), day("2026-01-01"), day(until)).rows())


def test_what_is_invoiced_is_billed_as_a_purchase_and_effective_as_it_is_held(store: Store) -> None:
    """Twelve instalments of 7,300 USD, three of them by 2 March; two days of ten GPUs at 1 USD an hour are 480."""
    case = year(invoiced="monthly")
    closing(store, case, "2026-01-03", HELD)
    found = exported(store, case, "2026-03-02")
    bought = [row for row in found if row["ChargeCategory"] == "Purchase"]
    assert [(r["ChargePeriodStart"][:10], r["BilledCost"], r["EffectiveCost"]) for r in bought] == [
        ("2026-01-01", "7300.0", "0.0"), ("2026-02-01", "7300.0", "0.0"), ("2026-03-01", "7300.0", "0.0")
    ]  # fmt: skip
    assert {(r["ChargeFrequency"], r["PricingQuantity"], r["PricingUnit"]) for r in bought} == {
        ("Recurring", "10.0", "GPUs")
    }
    held = [row for row in found if row["SkuId"] == "north-gpus" and row["ChargeCategory"] == "Usage"]
    assert {row["BilledCost"] for row in held} == {"0.0"}
    assert sum(Decimal(row["EffectiveCost"]) for row in held) == 480


@pytest.mark.parametrize(
    ("invoiced", "days", "frequency"),
    [("upfront", ["2026-01-01"], "One-Time"), ("in-arrears", ["2026-02-01", "2026-03-01"], "Recurring")],
)
def test_it_is_billed_when_the_offer_says(store: Store, invoiced: str, days: list[str], frequency: str) -> None:
    case = year(invoiced=invoiced)
    closing(store, case, "2026-01-02", HELD)
    bought = [row for row in exported(store, case, "2026-03-02") if row["ChargeCategory"] == "Purchase"]
    assert [row["ChargePeriodStart"][:10] for row in bought] == days
    assert sum(Decimal(row["BilledCost"]) for row in bought) == (87_600 if invoiced == "upfront" else 14_600)
    assert {row["ChargeFrequency"] for row in bought} == {frequency}


def test_the_parts_of_an_invoice_add_up_to_the_purchase(store: Store) -> None:
    """A cost that twelve does not divide: to the billionth, and discounted as of each day."""
    off = {"id": "off", "kind": "discount", "off": "25%", "from": "2026-07-01"}
    case, odd = year(off, invoiced="monthly", measure="list"), 87_600 * NANOS + 7
    (bought,) = {BookedPurchase("north-gpus", micros(HELD.start), micros(HELD.end), 10, odd)}
    found = invoices(case, [bought], day("2026-01-01"), day("2027-01-01"))
    assert (len(found), sum(each.listed for each in found)) == (12, odd)
    assert {each.net for each in found[:6]} <= {each.listed for each in found}
    assert all(4 * each.net - 3 * each.listed in range(-4, 5) for each in found[6:])


def test_instalments_in_another_currency_are_invoiced_at_the_rates_of_their_days() -> None:
    """1 USD a euro until June, and 2 after: six instalments of an 18th, and six of a ninth."""
    data = written(invoiced="monthly", moment="invoice")
    data["offers"][0]["price"] = "1 EUR per GPU-hour"
    data["exchange"] = [{"rate": {"2026-01-01": "1 USD per EUR", "2026-07-01": "2 USD per EUR"}, "day": "use"}]
    case = Case.of(data)
    assert solved(case).cost == 87_600 * D("1.5")
    bought = BookedPurchase("north-gpus", micros(HELD.start), micros(HELD.end), 10, 131_400 * NANOS)
    found = invoices(case, [bought], day("2026-01-01"), day("2027-01-01"))
    assert [each.listed // NANOS for each in found] == [7_300] * 6 + [14_600] * 6
    (counted,) = ([each.listed for each in told(case, [bought], ["invoice"], day("2026-08-01"))],)
    assert counted == [7_300] * 6 + [14_600]


def test_what_is_told_late_changes_no_file_of_a_closed_time_and_is_billed_in_the_next(store: Store) -> None:
    """January is billed by its use, 1 USD; then ten GPUs that were reserved are told, by instalments of 7,300."""
    case = year(invoiced="monthly")
    books = Books(store, case)
    books.post([used(case, "2026-01-15")], END)
    closing(store, case, "2026-02-01")
    january, february = ("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01")
    files = {month: list(FocusExport(books, *map(day, month)).rows()) for month in (january,)}
    assert [row["BilledCost"] for row in files[january]] == ["1.0"]
    closing(store, case, "2026-03-01", HELD)
    assert list(FocusExport(books, *map(day, january)).rows()) == files[january]
    found = list(FocusExport(books, *map(day, february)).rows())
    late = [row for row in found if row.get("ChargeClass") == "Correction" and row["BilledCost"] != "0.0"]
    assert [(row["ChargeCategory"], row["ChargePeriodStart"][:10], row["BilledCost"]) for row in late] == [
        ("Purchase", "2026-01-01", "7300.0"),
        ("Usage", "2026-01-15", "-1.0"),
    ]
    assert {row["x_Adjusts"] for row in late} == {"Jan 2026"}
    assert {row["BillingPeriodStart"][:10] for row in found} == {"2026-02-01"}
    whole = [*files[january], *found]
    assert sum(Decimal(row["BilledCost"]) for row in whole) == 2 * 7_300
    assert sum(Decimal(row["EffectiveCost"]) for row in whole) == 59 * 24 * 10  # all hours of both months, used or not
    (told,) = (each.invoices for each in [statement(books, "north", day("2026-02-01"), day("2026-03-01"))])
    assert [f"{each.at:%m-%d}" for each in told] == ["02-01", "01-01"]
    closing(store, case, "2026-04-01", replace(HELD, units=5, cost=D(43_800)))  # five of them were never there
    assert list(FocusExport(books, *map(day, february)).rows()) == found
    march = list(FocusExport(books, day("2026-03-01"), day("2026-04-01")).rows())
    bought = sorted(Decimal(row["BilledCost"]) for row in march if row["ChargeCategory"] == "Purchase")
    assert bought == [-7_300, -7_300, 3_650, 3_650, 3_650]


def test_where_nobody_says_when_it_is_invoiced_it_is_billed_as_it_is_held(store: Store) -> None:
    case = year()
    closing(store, case, "2026-01-03", HELD)
    found = exported(store, case, "2026-03-02")
    assert not [row for row in found if row["ChargeCategory"] == "Purchase"]
    assert sum(Decimal(row["BilledCost"]) for row in found if row["SkuId"] == "north-gpus") == 480


@validates
def test_the_official_validator_finds_no_fault_in_purchases_and_corrections(store: Store, tmp_path: Path) -> None:
    """Of January, once it is closed: what was reserved, more use, and with it less of what is short of 5 USD."""
    fee: Data = {"id": "fee", "kind": "payment", "amount": "1000 USD", "on": "2026-01-02"}
    small: Data = {"id": "small", "kind": "minimum-commitment", "amount": "5 USD", "windows": {"every": "month"}}
    case, file = year(fee, small, invoiced="monthly"), tmp_path / "focus.csv"
    books = Books(store, case)
    books.post([used(case, "2026-01-15")], END)
    closing(store, case, "2026-02-01")
    books.post([used(case, "2026-01-20")], END)
    closing(store, case, "2026-03-01", HELD)
    export = FocusExport(books, day("2026-01-01"), day("2026-03-02"))
    corrected = {(row["ChargeCategory"], row["ResourceType"]) for row in export.rows() if row.get("ChargeClass")}
    assert corrected == {("Purchase", "gpu"), ("Usage", "gpu"), ("Credit", "clause")}
    export.save(file)
    assert found_by_validator(file) == set()


def test_a_statement_says_what_is_invoiced_beside_what_is_owed(store: Store) -> None:
    """Two days of January are owed, 480 USD; the first of twelve instalments, 7,300 USD, is invoiced."""
    case = year(invoiced="monthly")
    closing(store, case, "2026-01-03", HELD)
    found = statement(Books(store, case), "north", day("2026-01-01"), day("2026-01-03"))
    assert [(each.at, each.net) for each in found.invoices] == [(day("2026-01-01"), 7_300 * NANOS)]
    assert found.closing == 480 * NANOS
    later = statement(Books(store, case), "north", day("2026-02-01"), day("2026-04-01"))
    assert [f"{each.at:%m-%d}" for each in later.invoices] == ["02-01", "03-01"]
    (said,) = json.loads(statements_json([found]))["statements"]
    assert said["invoices"] == [{"offer": "north-gpus", "units": 10, "on": "2026-01-01", "amount": "7300"}]
    page = render_statements([found], "test")
    assert re.search(r"north-gpus.*7,300", page, re.DOTALL)
    assert statement(Books(store, case), "south", day("2026-01-01"), day("2026-01-03")).invoices == ()
