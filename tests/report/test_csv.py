"""Tables as CSV: the same rows, exact numbers, and no cell that a spreadsheet would run."""

from __future__ import annotations

import base64
import csv
import io
from decimal import Decimal

from detente.report.csv import with_downloads, written
from detente.report.pages.plans_page import render
from detente.report.plans.bill import bill
from tests.report.frontier import frontier
from tests.report.made_plans import hostile
from tests.report.read_page import Page

START = "data:text/csv;charset=utf-8;base64,"


def tables(page: str) -> dict[str, list[list[str]]]:
    """By file name: the rows of each table that can be downloaded."""
    found = {}
    links = [(dict(a), i) for i, a in enumerate(_links(page))]
    for attributes, _ in links:
        text = base64.b64decode(attributes["href"].removeprefix(START)).decode()
        assert attributes["download"] not in found, "two tables of one name"
        found[attributes["download"]] = list(csv.reader(io.StringIO(text, newline="")))
    return found


def _links(page: str) -> list[list[tuple[str, str]]]:
    attributes = Page(page).attributes
    return [
        [("href", value), ("download", attributes[i - 1][2])]
        for i, (tag, name, value) in enumerate(attributes)
        if tag == "a" and name == "href" and value.startswith(START)
    ]


def test_every_table_can_be_taken_away() -> None:
    page = render([frontier("letter"), frontier("spirit")])
    found = tables(page)
    assert len(found) == Page(page).tags["table"]
    assert {"bridge.csv", "time.csv", "measures.csv", "plan-1-bill.csv", "plan-2-bill.csv"} <= set(found)
    for name, rows in found.items():
        assert rows, name
        assert all(any(row) for row in rows), name


def test_numbers_are_exact_and_can_be_added_up() -> None:
    plan = frontier("spirit")
    rows = tables(render([plan]))["plan-1-bill.csv"]
    assert rows[0] == ["For", "With", "Under the clause", "USD"]
    assert [Decimal(row[3]) for row in rows[1:]] == [line.amount for line in bill(plan)]
    years = tables(render([frontier("letter"), plan]))["time.csv"]
    assert years[0] == ["Cost in", "letter, USD", "spirit, USD"]
    assert abs(sum(Decimal(row[2]) for row in years[1:]) - plan.cost) < 1


def test_units_that_differ_stand_beside_their_numbers() -> None:
    table = (
        "<table><tr><th>Work</th><th>Cost</th></tr>"
        '<tr><td><span title="1,200 Mtok">1.2 k Mtok</span></td><td>−3.5 USD</td></tr>'
        '<tr><td><span title="5 GPU-hours">5 GPU-hours</span></td><td>1,000 USD</td></tr></table>'
    )
    assert written(table).splitlines() == ['Work,"Cost, USD"', "1200 Mtok,-3.5", "5 GPU-hours,1000"]


def test_nothing_is_a_formula() -> None:
    cells = ("=A1", "=cmd|'/c x'!A1", "-x", "@x")
    table = f"<table>{''.join(f'<tr><td>{cell}</td></tr>' for cell in cells)}</table>"
    assert written(table).splitlines() == [f"'{cell}" for cell in cells]
    page = render([hostile()])
    for rows in tables(page).values():
        for row in rows:
            assert not [cell for cell in row if cell[:1] in set("=+@") or (cell[:1] == "-" and not cell[1:2].isdigit())]


def test_a_page_without_tables_stays() -> None:
    assert with_downloads("<p>nothing</p>") == "<p>nothing</p>"
