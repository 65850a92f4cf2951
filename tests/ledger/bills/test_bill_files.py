"""Copies of an export among the files of one command: what counts once, and what is told."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from detente.ledger.bills.bill_files import apart, bills
from tests.ledger.bills.bill_files import HEAD, NANOS, OTHER, bill, mapped, read, row
from tests.ledger.served import accounts, fresh, served_case

OWN = f"{HEAD},identity/LineItemId"


def lines(*given: tuple[object, str]) -> list[str]:
    """Rows of so much money, each with the provider's own id of its line."""
    return [f"{row('Storage', net)},{id}" for net, id in given]


def test_files_that_hold_the_same_count_once(tmp_path: Path) -> None:
    """3 USD: in three files of one content, one of them packed, and in one that breaks off."""
    folder = tmp_path / "bills"
    folder.mkdir()
    text = bill(folder / "a.csv", [row("Storage", "1"), row("Storage", "2")]).read_bytes()
    (folder / "b.csv").write_bytes(text)
    (folder / "c.csv.gz").write_bytes(gzip.compress(text))
    (folder / "d.csv.gz").write_bytes(gzip.compress(text)[:-9])
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), folder)
        assert accounts(store)["use/north/storage"] == 3 * NANOS
    assert told.copies.files == [(folder / "b.csv", folder / "a.csv"), (folder / "c.csv.gz", folder / "a.csv")]
    assert (told.files, told.rows, len(told.broken)) == (2, 2, 1)
    assert apart(bills([folder / "a.csv"]))[0] == [folder / "a.csv"]


@pytest.mark.parametrize(
    ("other", "used", "copied"),
    [
        ([(2, "l2"), (1, "l1")], 3, 2),  # the same lines in another order
        ([(1, "l1"), (4, "l2")], 7, 1),  # one that says something else is another part of that line
        ([(1, "l3"), (2, "l4")], 6, 0),
        ([(1, ""), (2, "")], 6, 0),  # lines without an id are known by nothing but their values
    ],
)
def test_a_line_that_two_files_have_by_the_provider_s_id_counts_once(
    other: list[tuple[object, str]], used: int, copied: int, tmp_path: Path
) -> None:
    """USD, and rows: 1 and 2 USD are in the first file."""
    first = bill(tmp_path / "a.csv", lines((1, "l1"), (2, "l2")), OWN)
    second = bill(tmp_path / "b.csv", lines(*other), OWN)
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), first, second, batch=1)
        assert accounts(store)["use/north/storage"] == used * NANOS
        assert told.copies.rows == copied
        assert told.copies.first == ((f"{second}:2", f"{first}:{3 if other[0][0] == 2 else 2}") if copied else None)
        again = read(store, served_case(), mapped(tmp_path, OTHER), first, second)
        assert (again.added, accounts(store)["use/north/storage"]) == (0, used * NANOS)


def test_a_line_in_two_rows_of_one_file_counts_twice(tmp_path: Path) -> None:
    """AWS may give an id twice in one report."""
    with fresh(tmp_path) as store:
        told = read(
            store, served_case(), mapped(tmp_path, OTHER), bill(tmp_path / "a.csv", lines((1, "l"), (1, "l")), OWN)
        )
        assert (told.added, told.copies.rows, accounts(store)["use/north/storage"]) == (2, 0, 2 * NANOS)


@pytest.mark.parametrize(("second", "likely"), [([2, 1], 2), ([1, 3], 0), ([1], 1), ([1, 1], 2)])
def test_a_file_of_which_each_row_is_like_one_of_another_is_named(
    second: list[int], likely: int, tmp_path: Path
) -> None:
    """Without ids nobody can tell a copy that was written anew from a part of the export: all count."""
    first = bill(tmp_path / "a.csv", [row("Storage", 1), row("Storage", 2)])
    other = bill(tmp_path / "b.csv", [row("Storage", net) for net in second])
    with fresh(tmp_path) as store:
        told = read(store, served_case(), mapped(tmp_path, OTHER), first, other)
        assert told.copies.likely == ([(other, likely)] if likely else [])
        assert accounts(store)["use/north/storage"] == (3 + sum(second)) * NANOS
