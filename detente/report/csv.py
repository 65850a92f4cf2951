"""Every table of a page as CSV, in a link beside it that needs no other file.

Owns: reading tables off the page and writing them, exact numbers in place of rounded ones. Not here: what stands in a
table (``templates``).
"""

from __future__ import annotations

import csv
import io
import re
from base64 import b64encode
from html.parser import HTMLParser

from markupsafe import Markup

PLACE = re.compile(r'<(?:section|article)[^>]* id="([\w-]+)"|<table\b.*?</table>', re.DOTALL)
NUMBER = re.compile(r"([-−+]?[\d,]+(?:\.\d+)?)(?: (\D.*))?")
FORMULA = re.compile(r"[-=+@]")
"""How a cell begins that a spreadsheet would take for a formula."""


def with_downloads(page: str) -> str:
    """The page with a link after each table: the same rows, each number as exact as the page knows it."""
    found: list[str] = []
    at, place, taken = 0, "table", dict[str, int]()
    for part in PLACE.finditer(page):
        if part[1]:
            place = part[1]
            continue
        taken[place] = taken.get(place, 0) + 1
        name = place if taken[place] == 1 else f"{place}-{taken[place]}"
        found += [page[at : part.end()], _link(part[0], f"{name}.csv")]
        at = part.end()
    return "".join([*found, page[at:]])


def _link(table: str, name: str) -> str:
    data = b64encode(written(table).encode()).decode()
    link = '\n<p class="csv"><a download="{}" href="data:text/csv;charset=utf-8;base64,{}">{}</a></p>'
    return str(Markup(link).format(name, data, f"Table as CSV: {name}"))


def written(table: str) -> str:
    """A table of HTML as CSV (RFC 4180).

    A unit that all numbers of a column share stands in its head, else beside each number.
    """
    rows = _Rows(table).rows
    width = max(map(len, rows), default=0)
    units = [_unit([row[index] for row in rows[1:] if index < len(row)]) for index in range(width)]
    lines = [[_cell(cell, units[index]) for index, cell in enumerate(row)] for row in rows]
    if lines:
        heads = zip(rows[0], units, strict=False)
        lines[0] = [_safe(f"{head}, {unit}" if unit and unit not in head else head) for head, unit in heads]
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue()


def _unit(cells: list[str]) -> str:
    """The one unit of a column's numbers; empty where there is none, or more than one."""
    found = {number[2] for cell in cells if (number := NUMBER.fullmatch(cell))}
    return (found.pop() or "") if len(found) == 1 else ""


def _cell(text: str, unit: str) -> str:
    """A number without thousands separators and without its column's unit; other text as it stands."""
    number = NUMBER.fullmatch(text)
    if not number:
        return _safe(text)
    amount = number[1].replace(",", "").replace("\N{MINUS SIGN}", "-").removeprefix("+")
    return amount if (number[2] or "") == unit else f"{amount} {number[2]}"


def _safe(cell: str) -> str:
    """Text stays text in a spreadsheet."""
    return f"'{cell}" if FORMULA.match(cell) else cell


class _Rows(HTMLParser):
    """The cells of a table, row by row; a number is what its tooltip says, where it has one."""

    def __init__(self, table: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self._exact = ""
        self._inside = 0
        self.feed(table)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self._cell = []
        elif self._cell is not None and tag == "span":
            if self._inside or found.get("title"):
                self._inside += 1
            if found.get("title") and self._inside == 1:
                self._cell.append(found["title"] or "")
        elif self._cell is not None and tag in ("dt", "p", "br"):
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td") and self._cell is not None:
            self.rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell, self._inside = None, 0
        elif tag == "span" and self._inside:
            self._inside -= 1
        elif tag in ("dd", "dt") and self._cell is not None:
            self._cell.append("; " if tag == "dd" else " ")

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._inside:
            self._cell.append(data)
