"""Use that came without a label, taken back and given anew: the books are as if it had been right at once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.contract.metered.use import RatedUse, Use
from detente.ledger.books.books import Books
from detente.ledger.books.stands import BooksStand
from detente.ledger.books.stands import stands as where_they_stand
from detente.ledger.proof.audit import audit
from detente.ledger.store.store import Store
from detente.ledger.use.line import UseLine
from tests.builders import Data, day, work
from tests.laws.test_books import a_store
from tests.ledger.bills.bill_files import HOUR, INPUT, OTHER, bill, mapped, read, row
from tests.ledger.served import NOW, accounts, both, fresh, served_case, unknown

TEAM: Data = {
    "id": "floor", "kind": "minimum-commitment", "amount": "10 USD", "windows": {"every": "month"},
    "of": {"team": "sales", "region": ["dublin", "texas"]},
}  # fmt: skip
CASE = served_case(TEAM, workloads=[work(labels={"team": "sales"})])
STORED = OTHER | {"sold": {"provider": "north", "product": "storage", "region": "dublin"}}
LATER = "2026-01-15T13:00:00Z,2026-01-15T14:00:00Z"
LABELLED = {"labels": {"team": "sales"}}


def used(amount: str, start: str = "2026-01-15", days: int = 0, region: str = "dublin", **labels: str) -> UseLine:
    """Storage at North, of nobody who is known, at a moment or evenly over some days."""
    cost, at, sold = Decimal(amount), day(start), {"provider": "north", "product": "storage", "region": region}
    use = Use("use", labels, sold, at, at + timedelta(days), Decimal(0), Decimal(0), cost, Decimal(0))
    return UseLine.rated(RatedUse(use, cost, ()))


def standing(store: Store) -> BooksStand:
    return where_they_stand(Books(store, CASE), day("2026-04-01"), all_windows=True, headings=False)


def drawn(store: Store) -> list[Decimal]:
    """What the floor drew from January to April; none where it is unknown."""
    return [each.standing.drawn for each in standing(store).clauses if each.standing is not None]


@both
def test_use_that_is_given_anew_with_its_label_is_known(store: Store) -> None:
    """3 USD of sales in all: once they are taken back without a label, January has drawn 3, and nothing is unknown."""
    books, bare = Books(store, CASE), used("3")
    books.post([bare], NOW)
    assert "`floor`: 3 of spend in Jan 2026 lacks the label `team`" in standing(store).clauses[0].unknown
    books.post([bare.times(-1), used("3", team="sales")], NOW)
    assert drawn(store) == [3, 0, 0, 0]
    assert audit(books).faults == ()


OTHERS = [
    used("3", region="texas"), used("3", "2026-01-16"), used("3", days=3), used("2"), used("3", data="open"),
]  # fmt: skip


@both
def test_other_use_takes_nothing_back(store: Store) -> None:
    """As much at another place, day or over a time, less, or of another label that no clause asks for."""
    books = Books(store, CASE)
    books.post([used("3")], NOW)
    for other in OTHERS:
        books.post([other.times(-1)], NOW)
        says = "use in Jan 2026 that comes to 0" if other.net == used("3").net else "1"
        assert f"`floor`: {says} of spend in" in standing(store).clauses[0].unknown
        books.post([other], NOW)
    books.post([used("3").times(-1)], NOW)
    assert drawn(store) == [0, 0, 0, 0]
    assert audit(books).faults == ()


SAID = st.tuples(
    st.sampled_from(["1", "0.000000001", "7"]),
    st.sampled_from(["2026-01-15", "2026-01-31", "2026-02-20"]),
    st.sampled_from([0, 3, 45]),
    st.sampled_from(["dublin", "texas"]),
)


@settings(max_examples=8, deadline=None)
@given(said=st.lists(SAID, min_size=1, max_size=3), data=st.data())
def test_in_any_order_it_is_as_if_it_had_been_right_at_once(
    said: list[tuple[str, str, int, str]], data: st.DataObject
) -> None:
    bare, right = [used(*each) for each in said], [used(*each, team="sales") for each in said]
    order = data.draw(st.permutations([*bare, *(line.times(-1) for line in bare), *right]))
    cut = data.draw(st.integers(0, len(order)))
    with a_store() as store, a_store() as at_once:
        for some in (order[:cut], order[cut:]):
            Books(store, CASE).post(some, NOW)
        Books(at_once, CASE).post(right, NOW)
        assert standing(store) == standing(at_once)


def test_a_ledger_that_counted_by_labels_alone_counts_anew(tmp_path: Path) -> None:
    """As version 7 left it: 3 and -3 on one row, of which it did not say whether they are of one use."""
    with fresh(tmp_path) as store:
        Books(store, CASE).post([used("3"), used("2", team="sales")], NOW)
        with store.writing() as session:
            session.run("DELETE FROM totals WHERE lacks LIKE '%true%'")
            session.run("ALTER TABLE totals RENAME COLUMN lacks TO labels")
            session.run("""UPDATE totals SET labels = '["team"]' WHERE labels <> ''""")
            session.run("DROP INDEX lines_unknown")
            session.run("DROP INDEX lines_of_rows")
            session.run("DROP TABLE reads")
            session.run("DROP TABLE key_changes")
            session.run("DROP INDEX leases_lacking")
            session.run("ALTER TABLE leases DROP COLUMN lacks")
            session.run("UPDATE ledger_schema SET version = 7")
        store.prepare(make=False)
        Books(store, CASE).post([used("3").times(-1)], NOW)
        assert drawn(store) == [2, 0, 0, 0]
        assert audit(Books(store, CASE)).faults == ()


def test_rows_of_a_bill_are_corrected_by_rows(tmp_path: Path) -> None:
    """Storage of 3 USD, and 1,000 thousand tokens at 3 USD per Mtok: both without a team, then with it."""
    tokens = {key: value for key, value in INPUT.items() if key != "workload"}
    first = [row("Storage", "3"), row("m in", "2.5", "1000")]
    back = [row("Storage", "-3", category="Back"), row("m in", "-2.5", "-1000", category="Back")]
    rules = [
        rule | {"where": rule["where"] | {"ChargeCategory": category}} | more
        for category, more in (("Anew", LABELLED), ("*", {}))
        for rule in (STORED, tokens)
    ]
    anew = [line.replace("Usage", "Anew") for line in first]
    with fresh(tmp_path) as store:
        for n, some in enumerate((first, back + anew)):
            read(store, CASE, mapped(tmp_path, *rules), bill(tmp_path / f"{n}.csv", some))
        assert drawn(store) == [6, 0, 0, 0]


ROWS = st.lists(st.tuples(st.sampled_from(["3", "0", "2.5"]), st.sampled_from([HOUR, LATER])), min_size=1, max_size=4)


@settings(max_examples=8, deadline=None)
@given(said=ROWS, data=st.data())
def test_rows_without_a_quantity_are_taken_back_in_any_order(
    said: list[tuple[str, str]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is free has no correction and stays unknown; all else is unknown until as much money takes it back."""
    folder = tmp_path_factory.mktemp("bills")
    came = [row("m in", net, when=when, category=f"{n}") for n, (net, when) in enumerate(said)]
    back = [row("m in", f"-{net}", when=when, category=f"-{n}") for n, (net, when) in enumerate(said) if net != "0"]
    order = data.draw(st.permutations([*came, *back]))
    cut = data.draw(st.integers(0, len(order)))
    with a_store() as store:
        for some in (order[:cut], order[cut:]):
            read(store, CASE, mapped(folder, INPUT), bill(folder / "b.csv", some), batch=2)
        assert sum(unknown(store).values()) == standing(store).unknown == len(came) - len(back)


@both
def test_a_part_of_a_row_without_a_quantity_takes_nothing_back(store: Store, tmp_path: Path) -> None:
    """A correction of 1 of 3 USD, or of another hour: nobody knows what is left. Of all 3 it is one row less."""
    some = [("3", HOUR, 1), ("-1", HOUR, 1), ("-3", LATER, 1), ("-3", HOUR, -1), ("3", LATER, -1)]
    for n, (net, when, more) in enumerate(some):
        told = read(store, CASE, mapped(tmp_path, INPUT), bill(tmp_path / f"{n}.csv", [row("m in", net, when=when)]))
        assert told.unknown == more
    assert set(unknown(store).values()) == {1}
    assert audit(Books(store, CASE)).faults == ()


def test_tokens_whose_price_turns_on_a_label_are_taken_back_too(tmp_path: Path) -> None:
    """A tenth off for sales: of 1,000 thousand tokens without a team nobody knows the price, until as many go back.

    The correction comes first; a part of it, 400, takes nothing back. With the team, they are 3 USD less a tenth.
    """
    off: Data = {"id": "off", "kind": "discount", "off": "10%", "of": {"team": "sales"}}
    case = served_case(off, workloads=[work(labels={"team": "sales"})])
    bare = {key: value for key, value in INPUT.items() if key != "workload"}
    anew = bare | {"where": {"ServiceName": "m anew"}} | LABELLED
    some = [
        ("m in", "-2.5", "-1000", 1),
        ("m in", "1", "400", 1),
        ("m in", "2.5", "1000", -1),
        ("m in", "-1", "-400", -1),
    ]
    with fresh(tmp_path) as store:
        for n, (service, net, quantity, more) in enumerate([*some, ("m anew", "2.5", "1000", 0)]):
            told = read(
                store, case, mapped(tmp_path, bare, anew), bill(tmp_path / f"{n}.csv", [row(service, net, quantity)])
            )
            assert told.unknown == more
        assert unknown(store) == {}
        assert accounts(store)["owed/north"] == -2_700_000_000
        assert audit(Books(store, case)).faults == ()
