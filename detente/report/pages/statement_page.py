"""Statements as one HTML page that needs nothing else: no script, no font, no address is fetched.

Owns: what stands on the page, and its pictures. Not here: words (``statement``), markup (``templates/statement.html``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from detente.contract.settled.standing import FLOOR
from detente.ledger.books.statement import Statement, StatementLine
from detente.report.drawing.burndown import burndown
from detente.report.drawing.svg import both
from detente.report.ledger.standing import drawn_in, standing_rows
from detente.report.ledger.statement import (
    INVOICED,
    OVER,
    SECTIONS,
    amount_of,
    clock_of,
    heads_of,
    invoice_rows,
    lead_of,
    notes_of,
    over_heads,
    over_rows,
    stated_rows,
    what_of,
)
from detente.report.pages.template import page
from detente.values.period import named


def render_statements(found: Sequence[Statement], name: str) -> str:
    """The page: each party, its lines, where its clauses stand, and its floors window by window."""
    when = named(found[0].start, found[0].end) if found else ""
    each = [_told(one, f"c{place % 7}") for place, one in enumerate(found)]
    return page("statement.html", title=name, when=when, statements=each, invoiced=INVOICED, over=OVER)


def _told(found: Statement, colour: str) -> Mapping[str, object]:
    return {
        "found": found,
        "lead": lead_of(found),
        "clock": clock_of(found),
        "opening": f"{amount_of(found.opening)} {found.currency}",
        "closing": f"{amount_of(found.closing)} {found.currency}",
        "lines": [_line(line) for line in found.lines],
        "stated": list(stated_rows(found)),
        "invoices": list(invoice_rows(found)),
        "over": list(over_rows(found)),
        "over_heads": over_heads(found),
        "heads": heads_of(found),
        "standing": standing_rows(found.clauses, found.currency, found.planned),
        "floors": list(_floors(found, colour)),
        "notes": list(notes_of(found)),
    }


def _line(line: StatementLine) -> Mapping[str, str]:
    what, amount = what_of(line), amount_of(line.amount)
    return {"section": SECTIONS[line.kind], "what": what, "adjusts": line.adjusts, "amount": amount}


def _floors(found: Statement, colour: str) -> Iterator[Mapping[str, str]]:
    for floor in floors_of(found, colour):
        yield {"term": floor.term, "picture": both(floor.drawn)}


class FloorPicture(NamedTuple):
    """A floor of money, and what draws it at a width."""

    term: str
    name: str
    drawn: Callable[[int], str]


def floors_of(found: Statement, colour: str) -> Iterator[FloorPicture]:
    """A picture for each floor of money: what drew it, window by window, up to the end."""
    standings = [c.standing for c in found.past if c.standing and c.standing.role == FLOOR]
    floors = [each for each in standings if each.money_in(found.currency)]
    for term in dict.fromkeys(standing.term for standing in floors):
        windows = sorted((s for s in floors if s.term == term), key=lambda standing: standing.start)
        currency = windows[0].money_in(found.currency) or found.currency
        name = f"{term}: what was drawn against its floor, window by window"
        planned = [drawn_in(found.planned, each) for each in windows]
        yield FloorPicture(term, name, partial(burndown, windows, colour, name, currency, planned=planned))
