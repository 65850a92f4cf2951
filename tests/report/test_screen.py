"""What people read: no text forges it."""

from __future__ import annotations

import io

import pytest
from rich.table import Table
from rich.text import Text

from detente.errors import printable
from detente.report.screen import Screen

FORGED = [
    ("\x1b[2K\x1b[1GYes", r"\x1b[2K\x1b[1GYes"),
    ("No\rYes", r"No\rYes"),
    ("a\x08\x08b", r"a\x08\x08b"),
    ("a\x9b1Gb", r"a\x9b1Gb"),
    ("per\u200bsonal", r"per\u200bsonal"),
    ("\u202eseY", r"\u202eseY"),
    ("\u2066x\u2069", r"\u2066x\u2069"),
    ("a\u3164b\u2800c", r"a\u3164b\u2800c"),
    ("\U000e0041", r"\U000e0041"),
    ("a\ufe0fb", r"a\ufe0fb"),
]


@pytest.mark.parametrize(("text", "shown"), FORGED)
def test_a_terminal_shows_text_and_obeys_none(text: str, shown: str) -> None:
    assert printable(text) == shown
    out = io.StringIO()
    screen = Screen(file=out, width=80)
    table = Table("head")
    table.add_row(text)
    for each in (Text(text, style="bold"), table):
        screen.print(each)
    screen.print(text, markup=False, style="red")
    found = out.getvalue()
    assert all(printable(line) == line for line in found.split("\n"))


def test_ordinary_text_stands_as_it_is() -> None:
    for text in ("plain", "Größe: 5 € → 文字, “quoted”", "\N{GRINNING FACE}", "naïve", "חוזה"):
        assert printable(text) == text
    assert printable("5\u00a0000\u202f€") == "5 000 €"
