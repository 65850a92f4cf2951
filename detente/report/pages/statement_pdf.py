"""Statements as a PDF: the same words, amounts and pictures as the page's, on paper, made without a browser.

Owns: what is handed to the typesetter, and how it is asked. Not here: words (``report.ledger.statement``), and how the
paper looks (``templates/statement.typ``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from detente.errors import HIDDEN, MissingExtraError, printable
from detente.ledger.books.statement import Statement
from detente.report.drawing.svg import WIDE, alone
from detente.report.ledger.statement import StatementTable, clock_of, lead_of, notes_of, tables_of, title_of
from detente.report.pages.statement_page import floors_of
from detente.report.pages.template import environment

FONT = '"Libertinus Serif"'
"""It comes with the typesetter, so that paper looks the same wherever it is made."""
UNBROKEN = re.compile(r"[^\s\u200b]{16}(?=[^\s\u200b])")
"""As much of a word as is kept on one line."""


def must_be_there() -> None:
    """Raise MissingExtraError where the typesetter is not installed."""
    try:
        import typst  # noqa: F401
    except ImportError:
        raise MissingExtraError("a statement as PDF", "pdf") from None


def statements_pdf(found: Sequence[Statement], name: str) -> bytes:
    """The document, each party on pages of its own: archivable (PDF/A-2), tagged for screen readers (PDF/UA-1).

    The same statements come to the same bytes. Raises MissingExtraError.
    """
    must_be_there()
    import typst

    style = _style()
    told = {
        "title": f"{name} – statement",
        "foot": "Every amount is exact, and each statement adds up. Payments are on no books here.",
        "statements": [_told(one, f"c{place % 7}", style) for place, one in enumerate(found)],
    }
    source, _, _ = environment().loader.get_source(environment(), "statement.typ")  # type: ignore[union-attr]
    made = typst.compile(
        source.encode(),
        format="pdf",
        sys_inputs={"told": json.dumps(told)},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=max((int(one.end.timestamp()) for one in found), default=0),
    )
    assert isinstance(made, bytes), "a document, and not pictures of its pages"
    return made


def _told(found: Statement, colour: str, style: str) -> Mapping[str, object]:
    note = "The dashed lines are what the plan draws." if found.planned else ""
    return {
        "title": _shown(title_of(found)),
        "lead": _shown(lead_of(found)),
        "days": f"Days begin on the clock of {clock_of(found)}.",
        "tables": [_table(each) for each in tables_of(found) if each.rows],
        "floors": [
            {
                "name": _shown(f"{floor.term} against its floor"),
                "alt": floor.name,
                "picture": alone(floor.drawn(WIDE), style),
                "note": note,
            }
            for floor in floors_of(found, colour)
        ],
        "notes": [_shown(note.replace("`", "")) for note in notes_of(found)],
    }


def _table(each: StatementTable) -> Mapping[str, object]:
    rows = [[_shown(str(cell)) for cell in row] for row in each.rows]
    return {"name": each.name, "heads": [*each.heads], "rows": rows, "right": [*each.right]}


def _shown(text: str) -> str:
    """With nothing that no reader sees; a long word may go on on the next line."""
    text = HIDDEN.sub(lambda hidden: printable(hidden[0]), text)
    return UNBROKEN.sub(lambda part: f"{part[0]}\u200b", text)


def _style() -> str:
    """What the classes of drawings are on paper."""
    templates = environment()
    whole = templates.get_template("style.css").render()
    (paper,) = re.findall(r"@media print\{\s*:root\{([^}]*)\}", whole)
    colours = dict(re.findall(r"--([\w-]+):([^;}]+)", paper)) | {"sans": FONT}
    rules = re.sub(r"var\(--([\w-]+)\)", lambda name: colours[name[1]], templates.get_template("drawing.css").render())
    return rules + ".tip{display:none}"
