"""Rows of bills in another currency: converted once, at the rate of their day; a bill at another rate is told as such.

The case is in USD. One EUR is 1.10 USD, and 1.20 from 16 January on. North sells tokens at 3 USD per Mtok.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.ledger.bills.bill_mapping import read_mapping
from detente.ledger.bills.reconciling import Reconciled, reconcile
from detente.ledger.books.books import Books
from tests.builders import Data, agreement, day, tokens
from tests.ledger.bills.bill_files import INPUT, NANOS, OTHER, bill, mapped, read, row
from tests.ledger.served import accounts, call, fresh, ingested, journal_of, served_case

RATES: Data = {"rate": {"2026-01-01": "1.10 USD per EUR", "2026-01-16": "1.20 USD per EUR"}, "day": "use"}
BEFORE, AFTER = "2026-01-15T00:00:00Z,2026-01-16T00:00:00Z", "2026-01-16T00:00:00Z,2026-01-17T00:00:00Z"


def in_euro(*some: tuple[str, object], quantity: object = "", service: str = "Storage") -> list[str]:
    return [row(service, net, quantity, when=when, currency="EUR") for when, net in some]


def owed(folder: Path, rows: list[str], **more: Any) -> tuple[dict[str, int], list[str]]:
    """What is owed for rows, in cents, and what is set aside."""
    with fresh(folder) as store:
        told = read(store, served_case(**more), mapped(folder, OTHER), bill(folder / "b.csv", rows))
        return {a: n * 100 // NANOS for a, n in accounts(store).items()}, [each.split("/")[-1] for each in told.aside]


def test_a_row_has_the_rate_of_its_day(tmp_path: Path) -> None:
    """10 EUR are 11 USD, and from the 16th on 12: 23.00 USD."""
    found, aside = owed(tmp_path, in_euro((BEFORE, 10), (AFTER, 10)), exchange=[RATES])
    assert (found["owed/north"], aside) == (-2300, [])


def test_by_invoice_it_has_that_of_the_day_after_its_month(tmp_path: Path) -> None:
    """On 1 February one EUR is 1.20: 24.00 USD."""
    found, _ = owed(tmp_path, in_euro((BEFORE, 10), (AFTER, 10)), exchange=[RATES | {"day": "invoice"}])
    assert found["owed/north"] == -2400


@pytest.mark.parametrize(
    ("more", "when", "said"),
    [
        ({}, BEFORE, "state its rate (`exchange:` of the case), give the bill in USD, or skip such rows by a rule"),
        (
            {"exchange": [RATES]},
            "2026-01-01T00:00:00Z,2026-02-01T00:00:00Z",
            "the rate of EUR is 1.10, and 1.20 from 2026-01-16 on: no one rate; give rows of a day each, or fix the"
            " rate where it is stated",
        ),
        (
            {"exchange": [RATES]},
            "2025-12-31T00:00:00Z,2026-01-01T00:00:00Z",
            "there is no rate of EUR for 2025-12-31; state one from that day on, or an earlier one",
        ),
    ],
)
def test_what_has_no_one_rate_is_set_aside(tmp_path: Path, more: Data, when: str, said: str) -> None:
    found, (aside,) = owed(tmp_path, in_euro((when, 10)), **more)
    between = ": " if more else "; "
    assert (found, aside) == ({}, f"b.csv:2:1: `EUR` is not the currency of the books, USD{between}{said}")


def reconciled(folder: Path, case: Case, rows: list[str]) -> Reconciled:
    """Ten million tokens on each of two days, beside a bill of them."""
    records = [call(n, f"2026-01-{n}T12:00", (10_000_000, 0)) for n in (15, 16)]
    with fresh(folder) as store:
        ingested(store, case, journal_of(folder / "journal", records), at=day("2027-01-01"))
        mapping = read_mapping(mapped(folder, INPUT), case)
        return reconcile(Books(store, case), mapping, [bill(folder / "bill.csv", rows)])


def test_a_bill_at_another_rate_than_that_of_its_day_is_a_matter_of_exchange(tmp_path: Path) -> None:
    """Priced at 3 EUR, 10 Mtok are 33 USD on the 15th, and 36 on the 16th: the bill has 36 twice."""
    offers = [
        tokens("north", 3) | {"price": {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}},
        tokens("south", 2),
    ]
    case = served_case(offers=offers, exchange=[RATES])
    found = reconciled(tmp_path, case, [row("m in", 36, 10_000, when=when) for when in (BEFORE, AFTER)])
    assert [(each.day, each.cause, each.amount) for each in found.differences] == [
        ("2026-01-15", "exchange", 3 * NANOS)
    ]
    assert (found.claims, found.agrees) == (found.differences, False)


def test_so_is_one_in_another_currency_of_what_is_priced_in_ours(tmp_path: Path) -> None:
    """30 USD are billed as 25 EUR, by 1.20: on the 15th those are 27.50 USD, and on the 16th 30."""
    case = served_case(exchange=[RATES])
    found = reconciled(tmp_path, case, in_euro((BEFORE, 25), (AFTER, 25), quantity=10_000, service="m in"))
    (one,) = found.differences
    assert (one.day, one.cause, one.amount) == ("2026-01-15", "exchange", -5 * NANOS // 2)


def test_another_price_is_none(tmp_path: Path) -> None:
    """3.10 for 3 USD per Mtok fits no rate: 31 less 30 USD each day."""
    case = served_case(exchange=[RATES])
    found = reconciled(tmp_path, case, [row("m in", 31, 10_000, when=when) for when in (BEFORE, AFTER)])
    assert {(each.cause, each.amount) for each in found.differences} == {("price", NANOS)}


def test_an_agreement_s_own_rate_counts_for_what_is_sold_under_it(tmp_path: Path) -> None:
    """At 1.25, fixed: 30 USD are 24 EUR, and the bill agrees."""
    deal = agreement(id="north-deal") | {"exchange": [{"rate": "1.25 USD per EUR"}]}
    case = served_case(
        exchange=[RATES], also=[deal], offers=[tokens("north", 3, under="north-deal"), tokens("south", 2)]
    )
    assert reconciled(tmp_path, case, in_euro((BEFORE, 24), (AFTER, 24), quantity=10_000, service="m in")).agrees
