"""The agenda of a case for people and their calendars: a table, a page, and a file that calendars read.

Owns: words, and the form of iCalendar (RFC 5545). Not here: which days there are (``case.agenda``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from detente.case.agenda import AgendaLine
from detente.errors import HIDDEN, printable
from detente.report.layout import Row, plain, say, table, title
from detente.report.numerals import count
from detente.report.screen import Screen

ROLES = {
    "start": "starts",
    "end": "ends",
    "window": "window",
    "milestone": "milestone",
    "payment": "payment",
    "notice": "notice",
    "renewal": "renewal",
    "right": "right",
    "duty": "due",
    "event": "event",
}
"""Each role in one word."""

MAX_OCTETS = 75
"""Of a line of iCalendar, without its end."""


@dataclass(frozen=True)
class CaseAgenda:
    """The lines of a case between two days, and what they are of."""

    case: str
    title: str
    reading: str | None
    scenario: str | None
    since: date
    until: date
    lines: Sequence[AgendaLine]

    def to_json(self) -> str:
        """One document."""
        head = {"case": self.case, "reading": self.reading, "scenario": self.scenario}
        days = {"from": str(self.since), "until": str(self.until)}
        return json.dumps({**head, **days, "days": [_plain(line) for line in self.lines]}, indent=1)


def _plain(line: AgendaLine) -> dict[str, str | None]:
    return {
        "on": str(line.on), "role": line.role, "what": line.what, "agreement": line.agreement, "clause": line.clause,
        "by": line.by, "done": str(line.done) if line.done else None,
    }  # fmt: skip


def state(line: AgendaLine) -> str:
    """Whether it was done, and in time."""
    if line.done is None:
        return ""
    late = (line.done - line.on).days
    return f"done on {line.done}" + (f", {count(late, 'day')} late" if late > 0 else "")


def told(line: AgendaLine) -> str:
    """What falls on the day, who acts, and whether it was done."""
    who = f" [{line.by}]" if line.by else ""
    return f"{line.what}{who}" + (f" – {state(line)}" if line.done else "")


def opening(found: CaseAgenda) -> str:
    """How many days, and how many of them ask for something."""
    last = found.until - timedelta(days=1)
    acts = sum(1 for line in found.lines if line.by and line.done is None)
    return f"{count(len(found.lines), 'line')} from {found.since} to {last}; {acts} ask somebody to act."


def agenda_view(found: CaseAgenda, console: Screen) -> None:
    """For a terminal: every line, in order."""
    title(console, found.title, found.reading, found.scenario)
    say(console, opening(found))
    rows: list[Row] = [(str(line.on), ROLES[line.role], told(line), line.clause or "") for line in found.lines]
    table(console, "Days", ("day", "", "what", "clause"), rows, most=len(rows))


def render_agenda(found: CaseAgenda) -> str:
    """The page."""
    from detente.report.pages.template import page

    years = [(year, [line for line in found.lines if line.on.year == year]) for year in _years(found.lines)]
    return page("agenda.html", found=found, lead=opening(found), years=years, roles=ROLES, state=state)


def _years(lines: Iterable[AgendaLine]) -> list[int]:
    return sorted({line.on.year for line in lines})


# -- iCalendar -----------------------------------------------------------------------------------------------------
def to_ics(found: CaseAgenda) -> str:
    """One all-day event a line. Deterministic: an event is stamped with its own day, since no clock is asked."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//detente//calendar//EN", "CALSCALE:GREGORIAN"]
    for line in found.lines:
        lines += _event(found.case, line)
    return "".join(_folded(line) for line in [*lines, "END:VCALENDAR"])


def _event(case: str, line: AgendaLine) -> list[str]:
    known = "|".join((case, str(line.on), line.role, line.agreement or "", line.clause or "", line.what))
    uid = hashlib.sha256(known.encode()).hexdigest()[:32]
    about = " of ".join(name for name in (line.clause, line.agreement) if name)
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}@detente",
        f"DTSTAMP:{line.on:%Y%m%d}T000000Z",
        f"DTSTART;VALUE=DATE:{line.on:%Y%m%d}",
        f"DTEND;VALUE=DATE:{line.on + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(told(line))}",
        *([f"DESCRIPTION:{_escaped(about)}"] if about else []),
        f"CATEGORIES:{ROLES[line.role].upper()}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    """A text as a value: nothing in it ends a line or begins a property."""
    found = HIDDEN.sub(lambda hidden: printable(hidden[0]), plain(text))
    for sign in ("\\", ";", ","):
        found = found.replace(sign, f"\\{sign}")
    return found


def _folded(line: str) -> str:
    """A line of at most 75 octets, and the rest of it on lines that begin with a blank; no character is cut."""
    parts, room = [""], MAX_OCTETS
    for sign in line:
        size = len(sign.encode())
        if size > room:
            parts.append(" ")
            room = MAX_OCTETS - 1
        parts[-1] += sign
        room -= size
    return "\r\n".join(parts) + "\r\n"
