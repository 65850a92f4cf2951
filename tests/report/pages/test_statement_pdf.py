"""Statements as PDF, read back by another's reader: what stands on the page is on paper, the same bytes each time."""

from __future__ import annotations

import sys
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from detente.errors import MissingExtraError
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.statement import Statement, StatementLine, statement
from detente.report.pages.statement_pdf import statements_pdf
from tests.ledger.books.test_clocks import FLOOR, NEW_YORK, case_in, put
from tests.ledger.served import NOW, fresh

LONG = "x" * 120


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Statement]:
    """January to April of two parties: 0.30 USD of North a month, and 0.70 that are short of its floor."""
    folder = tmp_path_factory.mktemp("books")
    case = case_in(NEW_YORK, FLOOR)
    with fresh(folder) as store:
        put(store, case, folder / "j", *(f"2026-0{month}-15" for month in range(1, 5)))
        books = Books(store, case)
        close(books, books.begins(date(2026, 5, 1)), NOW)
        return [statement(books, party, date(2026, 1, 1), date(2026, 5, 1)) for party in ("north", "south")]


def pages(found: list[Statement], name: str = "Case") -> list[str]:
    """The words of each page, spaces and places to break a word left out."""
    read = PdfReader(BytesIO(statements_pdf(found, name)), strict=True)
    return ["".join(page.extract_text().replace("\u200b", "").split()) for page in read.pages]


def test_each_party_has_its_pages_with_every_amount_and_a_picture_of_its_floor(found: list[Statement]) -> None:
    north, south = pages(found)
    for said in (
        "Statementofnorth,Jan2026–Apr2026",
        "4USDareowedtonorthattheend",
        "DaysbeginontheclockofAmerica/New_York.",
        "Useatlistpricenorth-api1.2",
        "Clausesnorth-dealfloorshortfall-fee2.8",
        "closingowedafter4",
        "floor(floor)Apr20261.00USD0.30USD0.70USDended0.70USD",
        "flooragainstitsfloor",
        "0.70short",
        "1/2",
    ):
        assert said in north
    assert "closingowedafter0" in south
    assert "May2026" not in north, "a window that begins at the end is not of that time"


def test_it_is_an_archivable_document_with_a_structure_and_the_same_bytes_again(found: list[Statement]) -> None:
    made = statements_pdf(found, "Case")
    read = PdfReader(BytesIO(made), strict=True)
    assert read.metadata is not None
    assert (read.metadata.title, read.metadata["/CreationDate"]) == ("Case – statement", "D:20260501040000Z")
    root: Any = read.root_object
    assert (root["/MarkInfo"]["/Marked"], str(root["/Lang"])) == (True, "en")
    told = root["/Metadata"].get_data()
    assert b"pdfaid:part>2<" in told
    assert b"pdfuaid:part>1<" in told
    assert statements_pdf(found, "Case") == made


def test_names_are_words_and_no_markup_and_long_tables_go_on(found: list[Statement]) -> None:
    """What would be code, a heading or math to the typesetter; a word of 120 letters; sixty lines."""
    north = found[0]
    names = ('#panic("x")', "= $x$ *b* _i_ <l> @r \\", LONG, "Ünïcode \u202e names")
    lines = [StatementLine("use", (name, str(n)), "Jan 2026", n) for n in range(15) for name in names]
    each = pages([Statement(**{f: getattr(north, f) for f in Statement.__slots__} | {"lines": tuple(lines)})], "*C*")
    assert len(each) == 2
    whole = "".join(each)
    for said in ('#panic("x")14', "=$x$*b*_i_<l>@r\\14", LONG, "Ünïcode", r"\u202e"):
        assert said in whole, said
    assert all("ofadjustsUSD" in page for page in each[:2]), "the heads of a table are on each of its pages"
    assert all("*C*–statement" in page for page in each[1:])


def test_without_the_typesetter_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, found: list[Statement]
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtraError, match=r"a statement as PDF .*detente\[pdf\]"):
        statements_pdf(found, "Case")


def test_nothing_owed_is_a_document_all_the_same() -> None:
    assert len(PdfReader(BytesIO(statements_pdf([], "Case"))).pages) == 1
