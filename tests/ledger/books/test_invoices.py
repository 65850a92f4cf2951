"""Rounding of invoices, on the books: booked once, when a month is closed; sums by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.ledger.bills.focus_export import FocusExport
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.statement import statement
from detente.ledger.proof.audit import audit
from detente.ledger.store.store import Store
from tests.builders import D, day
from tests.ledger.served import NOW, accounts, both, call, ingested, journal_of, served_case
from tests.ledger.use.test_purchases import HELD
from tests.terms.test_moment import written

ROUNDED = "rounding/north/north-deal"
FEE = {"id": "fee", "kind": "payment", "amount": "0.004 USD", "on": "2026-01-10"}
M = 1_000_000
"""A thousandth of a dollar, in billionths."""


def rounded(**how: Any) -> Case:
    return served_case(FEE, signed={"rounding": {"per": "invoice"} | how})


def served(store: Store, case: Case, folder: Path) -> None:
    """January: 3.003 and 3.003 USD, and the fee: 6.010. February: 3.003."""
    used = [("2026-01-15", 1_001_000), ("2026-01-31T23:59:59", 1_001_000), ("2026-02-01", 1_001_000)]
    ingested(store, case, journal_of(folder, [call(n, at, (count, 0)) for n, (at, count) in enumerate(used)]))


@pytest.mark.parametrize(
    ("how", "january", "february"),
    [
        ({}, 0, -3 * M),  # 6.010 and 3.003
        ({"per": "line"}, 0, -3 * M),  # 6.006 and 0.004: 6.01 + 0.00
        ({"per": "line", "how": "up"}, 10 * M, 7 * M),
        ({"to": "0.05"}, -10 * M, -3 * M),
        ({"to": 1, "how": "up"}, 990 * M, 997 * M),
    ],
)
def test_each_month_is_rounded_when_it_is_closed(
    store: Store, tmp_path: Path, how: dict[str, Any], january: int, february: int
) -> None:
    case = rounded(**how)
    served(store, case, tmp_path / "j")
    books = Books(store, case)
    close(books, day("2026-02-15"), NOW)
    assert accounts(store).get(ROUNDED, 0) == january
    first = statement(books, "north", day("2026-01-01"), day("2026-02-01"))
    assert first.closing == 6_010 * M + january
    close(books, day("2026-03-01"), NOW)
    assert accounts(store).get(ROUNDED, 0) == january + february
    assert statement(books, "north", day("2026-01-01"), day("2026-02-01")).closing == first.closing
    before = accounts(store)
    close(books, day("2026-03-01"), NOW)
    close(books, day("2026-03-10"), NOW)
    assert accounts(store) == before
    assert audit(books).faults == ()


@both
def test_a_statement_and_an_export_have_it_as_a_line(store: Store, tmp_path: Path) -> None:
    case = rounded(to=1)
    served(store, case, tmp_path / "j")
    books = Books(store, case)
    close(books, day("2026-02-01"), NOW)
    found = statement(books, "north", day("2026-01-01"), day("2026-02-01"))
    assert [(line.kind, line.what, line.amount) for line in found.lines if line.kind == "rounding"] == [
        ("rounding", ("north-deal",), -10 * M)
    ]
    assert found.closing == 6_000 * M
    rows = list(FocusExport(books, day("2026-01-01"), day("2026-02-01")).rows())
    assert sum(D(row["BilledCost"]) for row in rows) == sum(D(row["EffectiveCost"]) for row in rows) == 6
    (row,) = [row for row in rows if row.get("x_Part") == "rounding"]
    assert (row["ChargeCategory"], row["BilledCost"], row["x_Agreement"]) == ("Adjustment", "-0.01", "north-deal")


def test_what_comes_late_is_of_the_first_invoice_that_is_open(store: Store, tmp_path: Path) -> None:
    case = rounded(to=1)
    served(store, case, tmp_path / "j")
    books = Books(store, case)
    close(books, day("2026-02-01"), NOW)
    ingested(store, case, journal_of(tmp_path / "late", [call(9, "2026-01-20", (500_000, 0))], worker=1))
    close(books, day("2026-03-01"), NOW)
    january = statement(books, "north", day("2026-01-01"), day("2026-02-01"))
    february = statement(books, "north", day("2026-02-01"), day("2026-03-01"))
    # 3.003 of its own, and 1.50 that came late: 4.503
    assert (january.closing, february.closing) == (6_000 * M, 11_000 * M)


def test_a_reservation_is_rounded_as_it_is_invoiced(store: Store) -> None:
    """Ten GPUs for a year, 87,600 USD in instalments of 7,300, each rounded up to 8,000; it is owed by the hour."""
    data = written(invoiced="monthly")
    data["agreements"][0] |= {"rounding": {"per": "invoice", "how": "up", "to": 1000}, "terms": []}
    books = Books(store, Case.of(data))
    close(books, day("2026-02-01"), day("2026-02-01"), [HELD])
    amounts = {"use/north/north-gpus": 7_440_000, ROUNDED: 700_000, "owed/north": -8_140_000}
    assert accounts(store) == {account: amount * M for account, amount in amounts.items()}
