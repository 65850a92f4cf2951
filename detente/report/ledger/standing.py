"""Where clauses stand, for people and for programs.

Owns: how it is told. Not here: what it is (``ledger.books.stands``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from detente.contract.settled.standing import Standing
from detente.ledger.books.closing import ClosedBooks
from detente.ledger.books.stands import BooksStand, ClauseStands
from detente.ledger.caps.budget_stands import BudgetStands
from detente.ledger.journals.lag import JournalLag
from detente.report.layout import Row, say, table, title
from detente.report.ledger.budgets import plain_budget
from detente.report.numerals import count, ticked
from detente.report.screen import Screen
from detente.values.money import shown
from detente.values.period import endless, named
from detente.values.quantity import Exact, plain

HEADS = ("clause", "window", "asks", "drawn", "remaining", "expected by its end", "owed then")
PLANNED = "planned by its end"


def standing_view(console: Screen, name: str, found: BooksStand, currency: str) -> None:
    """A line a clause and window; then what is not known."""
    title(console, f"{name}: where its clauses stand as of {found.as_of:%Y-%m-%d %H:%M}", None, None)
    rows = standing_rows(found.clauses, currency)
    if not rows:
        say(console, "no clause that counts anything has a window that runs")
    table(console, "Standing", HEADS, rows, right=(2, 3, 4, 5, 6), most=len(rows))
    for each in found.clauses:
        if each.standing is None:
            say(console, f"`{each.term}` is not known: {each.unknown}", style="bold")
        elif each.uncounted:
            say(console, f"`{each.term}`: {count(each.uncounted, 'use')} of unknown amount that it counts or may count")
    if found.unknown:
        say(console, f"in all, {count(found.unknown, 'use')} of unknown amount or price on the books")
    if found.unpaid:
        say(console, said_unpaid(found.unpaid))


def said_unpaid(offers: Sequence[str], lacking: str = "is not on the books yet") -> str:
    """Of which offers what was paid is not on the books, and what books it."""
    what = f"what was paid for {ticked(offers)} {lacking}"
    return (
        f"{what}: calls there count at the price of their day, and what stood idle not at all (`detente close --plan`)"
    )


def standing_rows(clauses: Sequence[ClauseStands], currency: str, planned: Sequence[Standing] = ()) -> list[Row]:
    """A row a clause and window, as ``HEADS`` says; without those of which nothing is known.

    With what a plan has of them, one column more: ``PLANNED``.
    """
    rows = [(each.standing, each.unit, _row(each, currency)) for each in clauses if each.standing is not None]
    if not planned:
        return [row for *_, row in rows]
    return [(*row, _planned(standing, planned, unit)) for standing, unit, row in rows]


def _planned(standing: Standing, planned: Sequence[Standing], unit: str) -> str:
    drawn = drawn_in(planned, standing)
    return "–" if drawn is None else shown(drawn, unit)


def drawn_in(planned: Iterable[Standing], standing: Standing) -> Exact | None:
    """What a plan has drawn at the end of the same window of the same clause; None where it does not see all of it."""
    same = (s.drawn for s in planned if _window(s) == _window(standing))
    return next(same, None)


def _window(standing: Standing) -> tuple[object, ...]:
    return standing.term, standing.role, standing.meter, standing.start, standing.end


def _row(each: ClauseStands, currency: str) -> Row:
    standing, heading, unit = each.standing, each.heading, each.unit
    assert standing is not None
    left = standing.remaining
    expected = owed = "–"
    if heading is not None:
        expected = f"{shown(heading.drawn, unit)} ({shown(heading.low)} to {shown(heading.high)})"
        owed = f"{shown(heading.owed, currency)}" + (
            f", at worst {shown(heading.worst)}" if heading.worst != heading.owed else ""
        )
    elif standing.ended:
        expected, owed = (
            "ended" + _over(standing.carried, unit, "carried on", "deferred"),
            shown(standing.owed, currency),
        )
    asked = "–" if standing.amount is None else shown(standing.amount, unit)
    asked += _over(standing.brought, unit, "carried in", "deferred to it")
    remaining = "–" if left is None else shown(left, unit)
    where = f"{each.term} ({standing.role})"
    return where, named(standing.start, standing.end), asked, shown(standing.drawn, unit), remaining, expected, owed


def _over(amount: Exact, unit: str, excess: str, shortfall: str) -> str:
    """What comes over from another window or goes on to it: an excess, or (below nothing) a shortfall."""
    return f"; {shown(abs(amount), unit)} {excess if amount > 0 else shortfall}" if amount else ""


def standing_json(
    name: str, found: BooksStand, currency: str, budgets: Sequence[BudgetStands], behind: Sequence[JournalLag]
) -> str:
    """The same as one document, with budgets and how far the books lag: every amount exact, as text."""
    head = {"case": name, "currency": currency, "as-of": found.as_of.isoformat(), "unknown": found.unknown}
    head["unpaid"] = list(found.unpaid)
    clauses = [plain_clause(each) for each in found.clauses]
    more = {"budgets": [plain_budget(each) for each in budgets], "journals": [_plain_lag(lag) for lag in behind]}
    return json.dumps({**head, "clauses": clauses, **more}, indent=1)


def _plain_lag(lag: JournalLag) -> dict[str, object]:
    since = None if lag.since is None else lag.since.isoformat()
    return {"journal": lag.journal, "records": lag.records, "exact": lag.exact, "since": since}


def plain_clause(each: ClauseStands) -> dict[str, object]:
    """A clause in one window, as values of JSON."""
    told: dict[str, object] = {"clause": each.term, "agreement": each.agreement, "since": f"{each.since:%Y-%m-%d}"}
    standing, heading = each.standing, each.heading
    if standing is None:
        return told | {"standing": None, "unknown": each.unknown}
    stated = {name: getattr(standing, name) for name in ("amount", "drawn", "reserved", "brought", "carried", "short")}
    stated |= {"remaining": standing.remaining, "owed": standing.owed, "accruing": standing.accruing}
    told["standing"] = {
        "role": standing.role, "meter": standing.meter, "unit": standing.unit, "window": standing.window,
        "start": standing.start.isoformat(), "end": None if endless(standing.end) else standing.end.isoformat(),
        "ended": standing.ended,
        **{name.replace("_", "-"): None if value is None else plain(value) for name, value in stated.items()},
    }  # fmt: skip
    names = ("drawn", "low", "high", "owed", "worst")
    told["heading"] = None if heading is None else {name: plain(getattr(heading, name)) for name in names}
    return told | {"uncounted": each.uncounted}


TOLD = ("clause/", "accrued/", "rounding/")
"""The accounts of which closing tells each entry."""


def closed_view(console: Screen, found: ClosedBooks, as_of: str, currency: str) -> None:
    """What was booked, and what could not be."""
    money = [e for e in found.entries if e.unit == currency and e.account.startswith(TOLD)]
    money.sort(key=lambda entry: (entry.account, entry.day))
    say(console, f"closed as of {as_of}: {len(found.entries):,} entries booked")
    rows = [(e.account, e.day, shown_nanos(e.amount, currency), e.adjusts) for e in money]
    table(console, "What clauses come to", ("account", "on", "amount", "adjusts"), rows, right=(2,), most=len(rows))
    for agreement, term in found.gone:
        say(console, f"`{agreement}` has no `{term}` any more: what was booked of it is taken back", style="bold")
    for term, why in found.unknown:
        say(console, f"`{term}` is not known, and nothing of it is booked: {why}", style="bold")
    if found.unmetered:
        say(console, f"in none of this: {count(found.unmetered, 'use')} of unknown amount or price")


def shown_nanos(amount: int, currency: str) -> str:
    """Whole billionths, for people."""
    from detente.values.money import of_nanos

    return shown(of_nanos(amount), currency)


def closed_json(found: ClosedBooks, as_of: str) -> str:
    """The same as one document."""
    entries = [entry._asdict() | {"amount": str(entry.amount)} for entry in found.entries]
    unknown = [{"clause": term, "why": why} for term, why in found.unknown]
    gone = [{"agreement": agreement, "clause": term} for agreement, term in found.gone]
    told = {"as-of": as_of, "batch": found.batch, "entries": entries, "unknown": unknown, "unmetered": found.unmetered}
    told["gone"] = gone
    return json.dumps(told, indent=1)
