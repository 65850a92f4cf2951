"""A clause in a currency whose rate changes, on the books: it stands in its own, and owes in the case's."""

from __future__ import annotations

from pathlib import Path

from detente.ledger.bills.focus_commitments import FocusCommitments
from detente.ledger.bills.focus_export import FocusExport
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.statement import statement
from detente.ledger.store.store import Store
from detente.values.period import stretch
from tests.builders import D, day, tokens
from tests.ledger.served import NOW, both, call, ingested, journal_of, served_case


@both
def test_the_books_hold_it_in_its_own_currency_and_owe_in_that_of_the_case(store: Store, tmp_path: Path) -> None:
    """0.30 EUR in January and in February, of 1 EUR by the end of February: 0.40 EUR are owed, at 1.20."""
    rate = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "1 EUR", "until": "2026-03-01"}
    euro = tokens("north", 3) | {"price": {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}}
    case = served_case(floor, offers=[euro, tokens("south", 2)], exchange=[{"rate": rate, "day": "use"}])
    records = [call(n, f"2026-0{n}-15", (100_000, 0)) for n in (1, 2)]
    ingested(store, case, journal_of(tmp_path / "j", records))
    books = Books(store, case)
    close(books, day("2026-03-01"), NOW)
    found = statement(books, "north", day("2026-01-01"), day("2026-03-01"))
    lines = {" ".join(line.what): line.amount for line in found.lines}
    assert lines == {"north-api": 690_000_000, "north-deal floor shortfall-fee": 480_000_000}
    ((stands,),) = ([each.standing for each in found.clauses],)
    assert stands is not None
    assert (stands.unit, stands.drawn, stands.short, stands.owed) == ("EUR", D("0.6"), D("0.4"), D("0.48"))
    (row,) = FocusCommitments(books, day("2026-03-01")).rows()  # in the currency of bills
    assert (row["ContractCommitmentCost"], row["x_Drawn"], row["x_Short"]) == ("1.2", "0.72", "0.48")
    rows = list(FocusExport(books, *stretch("2026")).rows())
    applied = [each["x_ContractApplied"] for each in rows if each["BilledCost"] == "0.33"]  # at the end's rate, too
    assert ['"ContractCommitmentAppliedCost": 0.36' in each for each in applied] == [True]


@both
def test_a_credit_on_the_books_is_applied_each_month_at_its_rate(store: Store, tmp_path: Path) -> None:
    """0.30 EUR are used in each month: 0.40 EUR of credit pay 0.30 at 1.10, and 0.10 at 1.20."""
    rate = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    credit = {"id": "credit", "kind": "credit", "amount": "0.40 EUR", "until": "2026-03-01"}
    euro = tokens("north", 3) | {"price": {"input": "3 EUR per Mtok", "output": "3 EUR per Mtok"}}
    case = served_case(credit, offers=[euro, tokens("south", 2)], exchange=[{"rate": rate, "day": "use"}])
    ingested(store, case, journal_of(tmp_path / "j", [call(n, f"2026-0{n}-15", (100_000, 0)) for n in (1, 2)]))
    books = Books(store, case)
    close(books, day("2026-02-01"), NOW)
    (running,) = [each.standing for each in statement(books, "north", day("2026-01-01"), day("2026-02-01")).clauses]
    assert running is not None
    assert (running.drawn, running.accruing, running.owed) == (D("0.3"), D("-0.33"), 0)
    close(books, day("2026-03-01"), NOW)
    found = statement(books, "north", day("2026-01-01"), day("2026-03-01"))
    lines = {" ".join(line.what): line.amount for line in found.lines}
    assert lines == {"north-api": 690_000_000, "north-deal credit credit": -450_000_000}
