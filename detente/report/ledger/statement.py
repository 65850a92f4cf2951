"""A statement, for people, for spreadsheets and for programs: every amount in the three is the same.

Owns: how it is told. Not here: what it is (``ledger.books.statement``).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from detente.contract.settled.standing import Standing
from detente.ledger.books.stands import ClauseStands
from detente.ledger.books.statement import Statement, StatementLine
from detente.report.csv import FORMULA
from detente.report.layout import Row, heading, say, table, title
from detente.report.ledger.standing import HEADS as STANDING_HEADS
from detente.report.ledger.standing import PLANNED, drawn_in, plain_clause, said_unpaid, standing_rows
from detente.report.numerals import count, exact
from detente.report.screen import Screen
from detente.values.money import of_nanos
from detente.values.period import elapsed, endless, named
from detente.values.quantity import plain
from detente.values.zone import zone_of_clock

PRICED = "Priced in another currency, at list price"
STATED_HEADS = ("offer", "as priced")
INVOICED = "Invoiced of what is reserved; it is owed as it is held"
INVOICE_HEADS = ("of", "units", "on")
OVER = "Use over its first or last midnight, which clauses count by its time"
SECTIONS = {"use": "Use at list price", "off": "Taken off", "clause": "Clauses", "rounding": "Rounding of invoices"}


def statement_view(console: Screen, found: Statement) -> None:
    """From what was owed before to what is after; then where clauses stand; then what is not in it."""
    clock = "" if found.end.tzinfo is UTC else f" ({clock_of(found)})"
    title(console, f"{title_of(found)}{clock}", None, None)
    for each in tables_of(found):
        table(console, each.name, each.heads, each.rows, right=each.right, most=len(each.rows))
    notes = list(notes_of(found))
    if notes:
        heading(console, "Not in it")
    for note in notes:
        say(console, note, indent=2)


class StatementTable(NamedTuple):
    """A table of a statement; ``right`` are its columns of numbers."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Row]
    right: tuple[int, ...]


def tables_of(found: Statement) -> Iterator[StatementTable]:
    """What is owed, line by line, and what stands beside it."""
    rows = [("opening", "owed before", "", amount_of(found.opening))]
    rows += [(SECTIONS[line.kind], what_of(line), line.adjusts, amount_of(line.amount)) for line in found.lines]
    rows += [("closing", "owed after", "", amount_of(found.closing))]
    yield StatementTable("Owed", ("", "of", "adjusts", found.currency), rows, (3,))
    yield StatementTable(PRICED, (*STATED_HEADS, found.currency), list(stated_rows(found)), (1, 2))
    yield StatementTable(INVOICED, (*INVOICE_HEADS, found.currency), list(invoice_rows(found)), (1, 3))
    yield StatementTable(OVER, over_heads(found), list(over_rows(found)), (4, 5))
    heads, standing = heads_of(found), standing_rows(found.clauses, found.currency, found.planned)
    yield StatementTable("Where its clauses stand", heads, standing, tuple(range(2, len(heads))))


def title_of(found: Statement) -> str:
    """Whose statement it is, and of when."""
    return f"Statement of {found.party}, {named(found.start, found.end)}"


def heads_of(found: Statement) -> tuple[str, ...]:
    """The columns of where clauses stand: with a plan, what that has drawn, too."""
    return (*STANDING_HEADS, PLANNED) if found.planned else STANDING_HEADS


def stated_rows(found: Statement) -> Iterator[list[str]]:
    """What is priced in another currency: the offer, and its use in that currency and in the statement's."""
    for each in found.stated:
        yield [each.offer, f"{amount_of(each.stated)} {each.currency}", amount_of(each.listed)]


def invoice_rows(found: Statement) -> Iterator[list[str]]:
    """What is invoiced of reservations: the offer, how many units, on which day, how much."""
    for each in found.invoices:
        yield [each.of.offer, f"{each.of.units:,}", _day(found, each.at), amount_of(each.net)]


def over_heads(found: Statement) -> tuple[str, ...]:
    """The columns of use over a midnight."""
    return ("of", "midnight", "booked", "lies", f"{found.currency} at list price", f"{found.currency} after discounts")


def over_rows(found: Statement) -> Iterator[list[str]]:
    """Use over a midnight: what of, which midnight, where it is booked and where the amount lies, and all of it.

    What clauses count in the time is what is booked in it and these.
    """
    for each in found.over:
        before = each.midnight == found.start
        outside = "before" if before else "after"
        booked, lies = ("in it", outside) if each.inside else (outside, "in it")
        yield [each.what, _day(found, each.midnight), booked, lies, amount_of(each.listed), amount_of(each.net)]
    if len(found.over) > 1:
        amounts = (sum(each.listed for each in found.over), sum(each.net for each in found.over))
        yield ["in all", "", "", "", *map(amount_of, amounts)]


def _day(found: Statement, at: datetime) -> str:
    """A moment's day, on its clock."""
    return f"{at.astimezone(zone_of_clock(found.end)):%Y-%m-%d}"


def what_of(line: StatementLine) -> str:
    """What a line is of."""
    return " ".join(line.what)


def amount_of(amount: int) -> str:
    """Whole billionths, every digit."""
    return exact(of_nanos(amount))


def lead_of(found: Statement) -> str:
    """A statement in a sentence."""
    more = found.closing - found.opening
    said = f"{amount_of(found.closing)} {found.currency} are owed to {found.party} at the end"
    return f"{said}, {amount_of(more)} {found.currency} of it for {named(found.start, found.end)}."


def notes_of(found: Statement) -> Iterator[str]:
    """What is not in it, or not known."""
    if not found.settled:
        yield _open(found.closed, zone_of_clock(found.end))
    windows = (each.standing for each in found.clauses if each.standing and not endless(each.standing.end))
    zones = {zone_of_clock(each.end) for each in windows if elapsed(each.start, each.end) > timedelta(hours=1)}
    others = sorted(map(str, zones - {zone_of_clock(found.end)}))
    if others:
        days = f"agreements with {found.party} go by several clocks, and days here by that of {clock_of(found)}"
        yield f"{days}; use and fees of the last hours of windows by {', '.join(others)} may be on the next one"
    if found.accruing:
        yield f"accruing in windows that run: {amount_of(found.accruing)} {found.currency}"
    if found.unknown:
        yield f"{count(found.unknown, 'use')} of unknown amount or price"
    if found.unpaid:
        closed = ["was not on the books when they were closed"] if found.settled else []
        yield said_unpaid(found.unpaid, *closed)
    for clause in found.clauses:
        if clause.standing is None:
            yield f"`{clause.term}` is not known: {clause.unknown}"


def clock_of(found: Statement) -> str:
    """On whose clock its days begin."""
    return str(zone_of_clock(found.end))


def _open(closed: datetime | None, zone: tzinfo) -> str:
    """How far the books are closed, and what follows from it."""
    if closed is None:
        return "the books were never closed: what clauses come to is not booked yet (`detente close`)"
    upto = f"{closed.astimezone(zone):%Y-%m-%d}"
    return f"the books are closed up to {upto}: what clauses come to after that is not booked yet (`detente close`)"


def statements_csv(found: Sequence[Statement]) -> str:
    """A line each, exact: section, of, adjusts, amount, currency (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("party", "from", "until", "section", "of", "adjusts", "amount", "currency"))
    for each in found:
        writer.writerows(_csv_rows(each))
    return out.getvalue()


def _csv_rows(found: Statement) -> Iterator[tuple[str, ...]]:
    head = (found.party, f"{found.start:%Y-%m-%d}", f"{found.end:%Y-%m-%d}")
    lines = [("opening", "", "", found.opening)]
    lines += [(line.kind, what_of(line), line.adjusts, line.amount) for line in found.lines]
    for section, what, adjusts, amount in [*lines, ("closing", "", "", found.closing)]:
        safe = f"'{what}" if FORMULA.match(what) else what
        yield (*head, section, safe, adjusts, plain(of_nanos(amount)), found.currency)


def statements_json(found: Sequence[Statement]) -> str:
    """One document, every amount exact, as text."""
    return json.dumps({"statements": [_plain(each) for each in found]}, indent=1)


def _plain(found: Statement) -> dict[str, object]:
    lines = [
        {"section": line.kind, "of": list(line.what), "adjusts": line.adjusts or None, "amount": _text(line.amount)}
        for line in found.lines
    ]
    return {
        "party": found.party, "from": f"{found.start:%Y-%m-%d}", "until": f"{found.end:%Y-%m-%d}",
        "currency": found.currency, "opening": _text(found.opening), "lines": lines, "closing": _text(found.closing),
        "accruing": _text(found.accruing), "settled": found.settled, "unknown": found.unknown,
        "unpaid": list(found.unpaid),
        "closed": None if found.closed is None else _day(found, found.closed), "zone": clock_of(found),
        "stated": [
            {"offer": s.offer, "currency": s.currency, "stated": _text(s.stated), "listed": _text(s.listed)}
            for s in found.stated
        ],
        "invoices": [
            {"offer": i.of.offer, "units": i.of.units, "on": _day(found, i.at), "amount": _text(i.net)}
            for i in found.invoices
        ],
        "over-midnight": [
            {
                "of": o.what, "midnight": _day(found, o.midnight), "booked-inside": o.inside,
                "listed": _text(o.listed), "net": _text(o.net),
            }
            for o in found.over
        ],
        "clauses": [_clause(clause, found.planned) for clause in found.clauses],
    }  # fmt: skip


def _clause(clause: ClauseStands, planned: Sequence[Standing]) -> dict[str, object]:
    """Where a clause stands, and with a plan what that has drawn."""
    if not planned or clause.standing is None:
        return plain_clause(clause)
    drawn = drawn_in(planned, clause.standing)
    return plain_clause(clause) | {"planned": None if drawn is None else plain(drawn)}


def _text(amount: int) -> str:
    return plain(of_nanos(amount))
