"""How answers are laid out on a terminal: titles, sentences, tables, in at most 100 columns.

Owns: widths, wrapping, and that nothing from a file steers the terminal. Not here: what is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from detente.report.numerals import count

WIDTH = 100
MAX_ROWS = 12
MORE = "see --json or the report"

Row = Sequence[str | Text]


def title(console: Console, name: str, reading: str | None, scenario: str | None) -> None:
    """What is shown, and under which reading and scenario."""
    parts = [f"reading {reading}"] if reading else []
    parts += [f"scenario {scenario}"] if scenario else []
    text = Text(plain(name), style="bold")
    text.append(plain(f" ({', '.join(parts)})" if parts else ""))
    console.print(text, width=width(console), overflow="fold")


def heading(console: Console, text: str) -> None:
    """A line above a section."""
    console.print()
    console.print(Text(text, style="bold"))


def say(console: Console, text: str, indent: int = 0, style: str = "") -> None:
    """A sentence as it stands: nothing in it is markup."""
    words = Text(plain(text), style=style)
    for line in words.wrap(console, max(1, width(console) - indent)) or [words]:
        line.rstrip()
        console.print(Text(" " * indent) + line, overflow="fold")


def plain(text: str) -> str:
    """Without control characters: a plan comes from a file, and must not steer the terminal."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


def cut(console: Console, left: int, what: str = "") -> None:
    """How many rows were left out, and where they are."""
    if left > 0:
        more = count(left, f"more {what}") if what else f"{left} more"
        say(console, f"… and {more}: {MORE}", indent=2)


def table(
    console: Console,
    name: str,
    heads: Sequence[str],
    rows: Sequence[Row],
    right: Iterable[int] = (),
    most: int = MAX_ROWS,
    what: str = "",
) -> None:
    """Columns without lines, under a heading; nothing where there are no rows. Of many, the first ``most``."""
    if not rows:
        return
    heading(console, name)
    found = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, header_style="dim", show_header=any(heads))
    sides = set(right)
    for index, head in enumerate(heads):
        found.add_column(Text(head), justify="right" if index in sides else "left", overflow="fold")
    for row in rows[:most]:
        found.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    console.print(Padding(found, (0, 0, 0, 2), expand=False), width=width(console))
    cut(console, len(rows) - most, what)


def width(console: Console) -> int:
    """Columns that are used."""
    return min(WIDTH, console.width)
